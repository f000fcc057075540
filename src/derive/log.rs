//! `doctor/LogFile`: what each log covers, and its last lines.

use serde_json::json;

use crate::graph::Origin;

use super::{Derived, Seen, time};

pub(super) fn files(seen: &Seen<'_>) -> Vec<Derived> {
    seen.logs
        .iter()
        .map(|log| {
            let mut file = Derived::new("LogFile", &log.path);
            let last = log.tail.last();
            file.set("path", Some(log.path.as_str()))
                .set("nodeName", log.node.as_deref())
                .set("podNamespace", log.namespace.as_deref())
                .set("pod", log.pod.as_deref())
                .set("container", log.container.as_deref())
                .set("firstTime", log.first_time.map(time))
                .set("lastTime", log.last_time.map(time))
                .set("lines", Some(log.lines))
                .set(
                    "tail",
                    Some(
                        log.tail
                            .iter()
                            .map(|(_, text)| json!(text))
                            .collect::<Vec<_>>(),
                    ),
                )
                .seen(last.map(|(line, text)| Origin::Line {
                    path: log.path.clone(),
                    line: *line,
                    text: Some(text.clone()),
                }));
            file
        })
        .collect()
}
