//! The journal of systemd, asked through its own program.

use super::log::{Line, escaped_whole};
use crate::doctor::trampoline;
use jail::error::Error;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

const JOURNALCTL: &str = "/usr/bin/journalctl";

/// The youngest lines that are wanted, in their order; `None` if no journal runs here.
pub fn lines(most: usize, is_wanted: &impl Fn(&Line) -> bool) -> Result<Option<Vec<Line>>, Error> {
    if !Path::new("/run/systemd/journal/socket").exists() || !Path::new(JOURNALCTL).exists() {
        return Ok(None);
    }
    let failed = |error| Error::failed("ask", JOURNALCTL, error);
    let mut asked = Command::new(JOURNALCTL);
    asked.args(["--quiet", "--no-pager", "--reverse", "--output=json", "--identifier=trampoline", "--identifier=reaper"]);
    asked.env_clear().env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut asked = asked.spawn().map_err(failed)?;
    let mut kept = Vec::new();
    let ours = trampoline().map(|path| path.display().to_string());
    for text in asked.stdout.take().into_iter().flat_map(|out| BufReader::new(out).split(b'\n')) {
        kept.extend(read(&text.map_err(failed)?, ours.as_deref()).filter(is_wanted));
        if kept.len() >= most {
            // What is older is not wanted; it ends by our closing its output, or by this.
            asked.kill().map_err(failed)?;
            break;
        }
    }
    asked.wait().map_err(failed)?;
    kept.reverse();
    Ok(Some(kept))
}

/// Reads one object of the journal's. What neither root nor our own program sent is somebody's forgery.
fn read(text: &[u8], ours: Option<&str>) -> Option<Line> {
    let object: Value = serde_json::from_slice(text).ok()?;
    let field = |name: &str| object.get(name).and_then(Value::as_str);
    if field("_UID") != Some("0") && (field("_EXE") != ours || ours.is_none()) {
        return None;
    }
    let message = match object.get("MESSAGE")? {
        Value::String(text) => escaped_whole(text.as_bytes()),
        // What is no UTF-8 comes as an array of bytes.
        Value::Array(bytes) => {
            let bytes: Option<Vec<u8>> = bytes.iter().map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
            escaped_whole(&bytes?)
        }
        _ => return None,
    };
    let micros: u64 = field("__REALTIME_TIMESTAMP")?.parse().ok()?;
    let time = std::time::UNIX_EPOCH.checked_add(std::time::Duration::from_micros(micros))?;
    Some(Line {
        time: humantime::format_rfc3339_seconds(time).to_string(),
        program: escaped_whole(field("SYSLOG_IDENTIFIER")?.as_bytes()),
        pid: field("_PID").or(field("SYSLOG_PID")).and_then(|pid| pid.parse().ok()),
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(uid: &str, exe: &str, message: &str) -> Vec<u8> {
        format!(
            "{{\"_UID\":\"{uid}\",\"_EXE\":\"{exe}\",\"__REALTIME_TIMESTAMP\":\"1000000\",\"SYSLOG_IDENTIFIER\":\"trampoline\",\"_PID\":\"7\",\"MESSAGE\":{message}}}"
        )
        .into_bytes()
    }

    #[test]
    fn only_what_root_or_our_own_program_sent_is_believed() {
        let ours = Some("/usr/local/bin/trampoline");
        assert!(read(&object("0", "/x", "\"m\""), ours).is_some());
        assert!(read(&object("33", "/usr/local/bin/trampoline", "\"m\""), ours).is_some());
        assert!(read(&object("33", "/home/x/trampoline", "\"m\""), ours).is_none());
        assert!(read(&object("33", "/x", "\"m\""), None).is_none());
    }

    #[test]
    fn a_message_of_any_bytes_is_made_fit_to_be_shown() {
        let said = |message| read(&object("0", "/x", message), None).map(|line| (line.time, line.message));
        assert_eq!(said("[104,105,27,255]"), Some(("1970-01-01T00:00:01Z".into(), "hi\\x1b\\xff".into())));
        assert_eq!(said("\"a\\u001b[2J\"").map(|said| said.1), Some("a\\x1b[2J".into()));
        for bad in ["5", "[300]", "null"] {
            assert_eq!(said(bad), None);
        }
        assert_eq!(read(b"{", None), None);
    }
}
