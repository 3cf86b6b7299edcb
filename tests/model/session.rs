//! A session: supervisor, process 1, and the rest.

use crate::state::{Caller, Protocol, State};
use crate::steps::{Next, Step};

impl State {
    /// The steps of a session.
    pub fn session(&self, protocol: Protocol, number: usize, next: &mut Vec<Next>) {
        let was = self.callers[number];
        let mut push = |step: Step, change: &dyn Fn(&mut Caller)| {
            let mut to = *self;
            change(&mut to.callers[number]);
            let is = to.callers[number];
            // The last who had the pin open closes it.
            if self.pin.is_some_and(|pin| was.holds(pin) && !is.holds(pin)) {
                to.mark = false;
            }
            if !(is.supervisor || is.init || is.rest) {
                to.callers[number] = Caller::default();
            }
            next.push((step, Ok(to)));
        };
        if was.rest {
            push(Step::RestEnds(number), &|caller| caller.rest = false);
        }
        if was.init {
            // It ends when its program did, or when the supervisor is gone; either may be so while others of it live.
            let ends_first = protocol == Protocol::InitLetsGoBeforeTheRestIsGone;
            if was.rest && !ends_first {
                push(Step::InitEndsTheRest(number), &|caller| caller.rest = false);
            }
            if !was.rest || ends_first {
                push(Step::InitLetsGo(number), &|caller| caller.init = false);
            }
        } else {
            // KERNEL: process 1 is reaped when the rest of its namespace is gone (zap_pid_ns_processes).
            if was.rest {
                push(Step::KernelEndsTheRest(number), &|caller| caller.rest = false);
            } else if was.supervisor {
                push(Step::SupervisorEnds(number), &|caller| caller.supervisor = false);
            }
        }
        let both = protocol == Protocol::SessionsAreKilledOnBothSides;
        if was.supervisor && (!was.killed || both) {
            push(Step::KillSupervisor(number), &|caller| (caller.supervisor, caller.killed) = (false, true));
        }
        if was.init && (!was.killed || both) {
            push(Step::KillInit(number), &|caller| (caller.init, caller.killed) = (false, true));
        }
    }
}
