//! The names of the calls, by what becomes of them. A name that no list has fails with ENOSYS, so a call which a
//! later kernel brings is closed until someone adds it here. `rules::BY_ARGUMENTS` has the calls that arguments decide.

/// The call is made. What containers usually get (Docker's default list), less what the lists below take back.
/// Calls that change ids stay open: without privileges they can change nothing, and programs do call them.
pub const ALLOWED: &[(&str, &str)] = &[
    ("open", "open openat openat2 creat close close_range dup dup2 dup3 flock lseek"),
    (
        "read",
        "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 readahead fadvise64 sendfile splice tee
         copy_file_range truncate ftruncate fallocate sync fsync fdatasync syncfs sync_file_range cachestat",
    ),
    (
        "names",
        "link linkat unlink unlinkat symlink symlinkat readlink readlinkat rename renameat renameat2 mkdir mkdirat rmdir
         mknod mknodat getdents getdents64 getcwd chdir fchdir umask",
    ),
    (
        "inodes",
        "stat fstat lstat newfstatat fstatat statx statfs fstatfs access faccessat faccessat2 chmod fchmod fchmodat fchmodat2
         chown fchown lchown fchownat utime utimes futimesat utimensat",
    ),
    (
        "attributes",
        "getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr llistxattr flistxattr
         listxattrat removexattr lremovexattr fremovexattr removexattrat",
    ),
    (
        "waiting",
        "poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2
         signalfd signalfd4 inotify_init inotify_init1 inotify_add_watch inotify_rm_watch",
    ),
    (
        "memory",
        "brk mmap munmap mremap mprotect msync madvise mincore mlock mlock2 munlock mlockall munlockall mseal
         memfd_create memfd_secret membarrier pkey_alloc pkey_free pkey_mprotect get_mempolicy map_shadow_stack",
    ),
    (
        "processes",
        "fork vfork execve execveat exit exit_group wait4 waitid getpid getppid gettid getpgrp getpgid setpgid getsid setsid
         pidfd_open pidfd_send_signal process_mrelease prctl arch_prctl set_tid_address set_thread_area get_thread_area
         restart_syscall rseq uretprobe uprobe",
    ),
    (
        "signals",
        "kill tkill tgkill pause sigaltstack rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend
         rt_sigtimedwait rt_sigqueueinfo rt_tgsigqueueinfo",
    ),
    ("locks", "futex futex_waitv futex_wait futex_wake futex_requeue set_robust_list get_robust_list"),
    (
        "scheduling",
        "sched_yield sched_getaffinity sched_getparam sched_getscheduler sched_getattr sched_get_priority_max
         sched_get_priority_min sched_rr_get_interval getpriority ioprio_get getcpu",
    ),
    ("limits", "getrlimit setrlimit getrusage times sysinfo uname"),
    (
        "ids",
        "getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid setresuid setresgid
         setfsuid setfsgid setgroups capget capset",
    ),
    (
        "time",
        "time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep alarm getitimer setitimer
         timer_create timer_delete timer_settime timer_gettime timer_getoverrun timerfd_create timerfd_settime timerfd_gettime",
    ),
    (
        "sockets",
        "bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt shutdown
         sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg",
    ),
    ("pipes", "pipe pipe2"),
    (
        "messages",
        "shmget shmat shmdt shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl
         mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr",
    ),
    ("confinement", "seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self"),
    ("chance", "getrandom"),
];

/// The call fails with EPERM: programs know it as a thing that only root may do, and go on without.
pub const FORBIDDEN: &[(&str, &str)] = &[
    ("mounts", "mount umount2 pivot_root chroot setns swapon swapoff quotactl quotactl_fd"),
    ("host", "reboot sethostname setdomainname syslog acct vhangup iopl ioperm lookup_dcookie"),
    ("clock", "settimeofday clock_settime adjtimex clock_adjtime"),
    ("modules", "init_module finit_module delete_module kexec_load kexec_file_load"),
    ("tracing", "bpf perf_event_open userfaultfd fanotify_init fanotify_mark"),
    ("handles", "open_by_handle_at name_to_handle_at"),
    ("others", "pidfd_getfd kcmp process_madvise"),
    ("memory", "move_pages migrate_pages mbind set_mempolicy set_mempolicy_home_node vmsplice modify_ldt"),
];

/// The call fails with ENOSYS, like any name not listed; these are here because someone looked and said no.
pub const UNKNOWN: &[(&str, &str)] = &[
    // Its flags are in memory, where a filter cannot look. C libraries fall back to clone for ENOSYS only.
    ("clone", "clone3"),
    ("mounts", "open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick mount_setattr statmount listmount"),
    ("rings", "io_uring_setup io_uring_enter io_uring_register"),
    // The contexts are counted for the whole machine (fs.aio-max-nr), whoever takes them.
    ("contexts", "io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents"),
    ("keys", "keyctl add_key request_key"),
    ("labels", "lsm_set_self_attr"),
    (
        "obsolete",
        "uselib ustat sysfs _sysctl nfsservctl remap_file_pages create_module query_module get_kernel_syms epoll_ctl_old
         epoll_wait_old",
    ),
];

/// Looking into another process: what becomes of it is the profile's.
pub const DEBUGGING: &str = "ptrace process_vm_readv process_vm_writev";

/// Known not to exist on x86_64. The syscalls crate calls newfstatat by its other name on aarch64.
pub const NOT_ON_X86_64: &str = "fstatat";

/// Known not to exist on aarch64, which came late and left out what newer calls can do.
pub const NOT_ON_AARCH64: &str = "
    open creat dup2 link unlink symlink readlink rename mkdir rmdir mknod getdents
    stat lstat newfstatat access chmod chown lchown utime utimes futimesat
    poll select epoll_create epoll_wait eventfd signalfd inotify_init
    fork vfork getpgrp arch_prctl set_thread_area get_thread_area uretprobe uprobe pause alarm time pipe
    iopl ioperm modify_ldt
    uselib ustat sysfs _sysctl create_module query_module get_kernel_syms epoll_ctl_old epoll_wait_old";
