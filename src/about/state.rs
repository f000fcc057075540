//! How an object is, in one word of its own status.

use crate::graph::{Graph, ObjectView, Subject};
use crate::parse::document::View;

/// A word, and whether it is as it should be.
pub(super) struct State {
    pub(super) word: String,
    pub(super) well: Option<bool>,
}

/// Fields that say how an object is, best first.
const FIELDS: [&[&str]; 9] = [
    &["status", "printableStatus"],
    &["status", "robustness"],
    &["status", "phase"],
    &["status", "currentState"],
    &["status", "state"],
    &["state"],
    &["progress"],
    &["health"],
    &["status", "ready"],
];

const WELL: [&str; 18] = [
    "Running",
    "Succeeded",
    "Bound",
    "Active",
    "Available",
    "Complete",
    "True",
    "healthy",
    "running",
    "attached",
    "detached",
    "deployed",
    "passed",
    "succeeded",
    "progressing",
    "Ready",
    "Provisioned",
    "true",
];

const ILL: [&str; 19] = [
    "Failed",
    "Pending",
    "Lost",
    "Unknown",
    "False",
    "degraded",
    "faulted",
    "unknown",
    "error",
    "failed",
    "stuck",
    "Deleting",
    "Provisioning",
    "Paused",
    "CrashLoopBackOff",
    "ErrorUnschedulable",
    "Stopping",
    "Terminating",
    "stopped",
];

pub(super) fn state(graph: &Graph, subject: &Subject) -> Option<State> {
    let Subject::Object(id) = subject else {
        return None;
    };
    let object = graph.object(*id);
    if object.metadata("deletionTimestamp").is_some() {
        return Some(State {
            word: "asked to go".to_owned(),
            well: Some(false),
        });
    }
    match graph.kind_display(object.kind()) {
        "Node" => ready(object),
        "Pod" => pod(object),
        "Job" => Some(job(object)),
        "doctor/Boot" => boot(object),
        _ => {
            let word = FIELDS
                .iter()
                .find_map(|path| object.text(path).filter(|text| !text.is_empty()));
            word.map(rated).or_else(|| ready(object))
        }
    }
}

fn rated(word: &str) -> State {
    let well = match word {
        word if WELL.contains(&word) => Some(true),
        word if ILL.contains(&word) => Some(false),
        _ => None,
    };
    State {
        word: word.to_owned(),
        well,
    }
}

fn ready(object: ObjectView<'_>) -> Option<State> {
    let status = object.condition_status("Ready")?;
    Some(State {
        word: format!("Ready={status}"),
        well: Some(status == "True"),
    })
}

/// A running pod that is not ready says so, and why its container waits.
fn pod(pod: ObjectView<'_>) -> Option<State> {
    let phase = pod.text(&["status", "phase"])?;
    let statuses = pod.field(&["status", "containerStatuses"]);
    let mut reasons = statuses.into_iter().flat_map(View::items).filter_map(|it| {
        let waiting = it.path(&["state", "waiting", "reason"])?;
        waiting.as_str()
    });
    if let Some(reason) = reasons.next() {
        return Some(State {
            word: reason.to_owned(),
            well: Some(false),
        });
    }
    if phase == "Running" && pod.condition_status("Ready") != Some("True") {
        return Some(State {
            word: "Running, not ready".to_owned(),
            well: Some(false),
        });
    }
    Some(rated(phase))
}

fn job(job: ObjectView<'_>) -> State {
    let is = |name: &str| job.condition_status(name) == Some("True");
    let (word, well) = match (is("Complete"), is("Failed")) {
        (true, _) => ("done", Some(true)),
        (_, true) => ("failed", Some(false)),
        _ => ("active", None),
    };
    State {
        word: word.to_owned(),
        well,
    }
}

fn boot(boot: ObjectView<'_>) -> Option<State> {
    let current = boot.get("current").and_then(View::as_bool) == Some(true);
    let clean = boot.get("clean").and_then(View::as_bool);
    let (word, well) = match (current, clean) {
        (true, _) => ("runs", Some(true)),
        (false, Some(true)) => ("ended in order", Some(true)),
        (false, Some(false)) => ("ended without a shutdown", Some(false)),
        (false, None) => return None,
    };
    Some(State {
        word: word.to_owned(),
        well,
    })
}
