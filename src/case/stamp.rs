//! Times in the logs of a case: a line that begins with `-25m ` was written so long before "now".
//!
//! The stamp is written in the form of the log's source, so that the line is read as those of a
//! bundle are, by the same code: kubelet's prefix for pod logs, the journal's date and host (unless
//! the line names the host itself) for those of a host, klog's for kubelet, logrus' for containerd.

use jiff::{SignedDuration, Timestamp, tz::Offset};

use crate::layout::{Layout, Source};
use crate::rule::duration;

/// The text of a log with its relative times written out.
pub(super) fn write(path: &str, text: &str, now: Timestamp) -> String {
    let source = Layout::bundle().source(path);
    let mut written = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match relative(line) {
            Some((ago, rest)) => {
                let time = now.checked_sub(ago).unwrap_or(now);
                written.push_str(&stamped(&source, time, rest));
            }
            None => written.push_str(line),
        }
    }
    written
}

/// The age at the start of a line, and what follows the blank after it.
fn relative(line: &str) -> Option<(SignedDuration, &str)> {
    let (age, rest) = line.strip_prefix('-')?.split_once(' ')?;
    let age = duration::parse(age).filter(|age| !age.is_negative())?;
    Some((age, rest))
}

fn stamped(source: &Source, time: Timestamp, rest: &str) -> String {
    let at = Offset::UTC.to_datetime(time);
    let nanoseconds = at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ");
    match source {
        Source::PodLog { .. } => format!("{nanoseconds} {rest}"),
        Source::NodeFile { node, path } => match path.as_str() {
            "logs/kubelet.log" => {
                // klog's severity stands before the date; a line may begin with its own.
                let (severity, rest) = match rest.as_bytes() {
                    [severity @ (b'I' | b'W' | b'E' | b'F'), b' ', ..] => {
                        (char::from(*severity), &rest[2..])
                    }
                    _ => ('I', rest),
                };
                let date = at.strftime("%m%d %H:%M:%S.%6f");
                format!("{severity}{date}    2417 {rest}")
            }
            "logs/containerd.log" | "logs/console.log" => {
                format!("time=\"{nanoseconds}\" {rest}")
            }
            path if path.starts_with("logs/") => {
                let date = at.strftime("%b %d %H:%M:%S.%6f");
                let has_host = rest.split(' ').next() == Some(node);
                let host = if has_host { "" } else { &format!("{node} ") };
                format!("{date} {host}{rest}")
            }
            _ => format!("{nanoseconds} {rest}"),
        },
        _ => format!("{nanoseconds} {rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::line::Log;

    #[test]
    fn each_source_reads_the_time_that_was_meant() {
        let now: Timestamp = "2024-05-01T12:00:00Z".parse().unwrap();
        let meant = "2024-05-01T11:34:59.75Z".parse().unwrap();
        let table = [
            (
                "logs/kube-system/etcd-n1/etcd.log",
                "hello",
                "2024-05-01T11:34:59.750000000Z hello\n",
            ),
            (
                "logs/kube-system/etcd-n1/etcd.log.1",
                "hello",
                "2024-05-01T11:34:59.750000000Z hello\n",
            ),
            (
                "nodes/n1/logs/kernel.log",
                "kernel: hello",
                "May 01 11:34:59.750000 n1 kernel: hello\n",
            ),
            (
                "nodes/n1/logs/kernel.log",
                "n1 kernel: hello",
                "May 01 11:34:59.750000 n1 kernel: hello\n",
            ),
            (
                "nodes/n1.zip/n1/logs/rke2-server.log",
                "rke2[1]: hello",
                "May 01 11:34:59.750000 n1 rke2[1]: hello\n",
            ),
            (
                "nodes/n1/logs/kubelet.log",
                "E pod.go:7] hello",
                "E0501 11:34:59.750000    2417 pod.go:7] hello\n",
            ),
            (
                "nodes/n1/logs/kubelet.log",
                "pod.go:7] hello",
                "I0501 11:34:59.750000    2417 pod.go:7] hello\n",
            ),
            (
                "nodes/n1/logs/containerd.log",
                "level=error msg=hello",
                "time=\"2024-05-01T11:34:59.750000000Z\" level=error msg=hello\n",
            ),
        ];
        for (path, rest, expected) in table {
            let text = write(path, &format!("-25m250ms {rest}\n"), now);
            assert_eq!(text, expected);
            let source = Layout::bundle().source(path);
            let log = Log::new(text.as_bytes(), &source, Some(now));
            assert_eq!(log.time(0, (0, None)), Some(meant), "{path}");
        }
    }

    #[test]
    fn other_lines_stay() {
        let now = Timestamp::UNIX_EPOCH;
        let text = "-x hello\n- hello\n-5mhello\n--5m x\n\nplain";
        assert_eq!(write("logs/a/b/c.log", text, now), text);
    }
}
