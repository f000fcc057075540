//! What keeps a pod from running: the worst of its containers, else the scheduler's word.

use crate::graph::ObjectView;
use crate::parse::document::View;

use super::value::{Text, Value};

/// The pod's problem as a map of reason, message, container, image and since; absent where it has none.
pub(super) fn problem(pod: ObjectView<'_>) -> Value<'_> {
    // All containers of a ready pod run.
    if pod.condition_status("Ready") == Some("True") {
        return Value::Absent;
    }
    let statuses = ["initContainerStatuses", "containerStatuses"]
        .into_iter()
        .filter_map(|list| pod.field(&["status", list]))
        .flat_map(View::items);
    let worst = statuses
        .filter_map(container)
        .max_by_key(|problem| problem.weight);
    if let Some(worst) = worst {
        return map(worst.reason, worst.message, Some(worst.status), worst.since);
    }
    let scheduled = pod.condition("PodScheduled");
    match scheduled {
        Some(condition) if text(condition, "status") == Some("False") => map(
            text(condition, "reason"),
            text(condition, "message"),
            None,
            text(condition, "lastTransitionTime"),
        ),
        _ => Value::Absent,
    }
}

struct Problem<'g> {
    weight: u8,
    reason: Option<&'g str>,
    message: Option<&'g str>,
    since: Option<&'g str>,
    status: View<'g>,
}

/// A container that cannot start weighs more than one that failed, that more than one still being made.
fn container(status: View<'_>) -> Option<Problem<'_>> {
    let state = status.get("state")?;
    if let Some(waiting) = state.get("waiting") {
        let reason = text(waiting, "reason");
        let last = status.path(&["lastState", "terminated"]);
        let weight = match reason {
            None | Some("ContainerCreating" | "PodInitializing") => 1,
            _ => 3,
        };
        return Some(Problem {
            weight,
            reason,
            message: text(waiting, "message")
                .or_else(|| last.and_then(|last| text(last, "message"))),
            since: last.and_then(|last| text(last, "finishedAt")),
            status,
        });
    }
    let ended = state.get("terminated")?;
    let failed = ended.get("exitCode").and_then(View::as_i64) != Some(0);
    failed.then(|| Problem {
        weight: 2,
        reason: text(ended, "reason"),
        message: text(ended, "message"),
        since: text(ended, "finishedAt"),
        status,
    })
}

fn text<'g>(view: View<'g>, key: &str) -> Option<&'g str> {
    view.get(key)?.as_str()
}

fn map<'g>(
    reason: Option<&'g str>,
    message: Option<&'g str>,
    status: Option<View<'g>>,
    since: Option<&'g str>,
) -> Value<'g> {
    let field = |it: Option<&'g str>| it.map_or(Value::Absent, Value::borrowed);
    let of_container = |key| field(status.and_then(|status| text(status, key)));
    Value::map([
        (Text::Borrowed("reason"), field(reason)),
        (Text::Borrowed("message"), field(message)),
        (Text::Borrowed("container"), of_container("name")),
        (Text::Borrowed("image"), of_container("image")),
        (Text::Borrowed("since"), field(since)),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::graph::GraphBuilder;
    use crate::parse::document::Document;

    fn reason(ready: &str, statuses: &Json) -> Option<String> {
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p" }, "status": {
            "conditions": [
                { "type": "Ready", "status": ready },
                { "type": "PodScheduled", "status": "True" },
            ],
            "initContainerStatuses": [{ "name": "i", "state": { "terminated": { "exitCode": 0 } } }],
            "containerStatuses": statuses,
        } });
        let mut builder = GraphBuilder::default();
        builder.add("yamls/pods.yaml", Document::from_json(&pod));
        let graph = builder.finish();
        let pod = graph.all("", "Pod").next().expect("it is there");
        let reason = problem(pod).field(&graph, "reason");
        reason.as_str().map(str::to_owned)
    }

    #[test]
    fn the_worst_container_tells_and_a_ready_pod_has_no_problem() {
        let running = json!({ "name": "a", "state": { "running": {} } });
        let making =
            json!({ "name": "b", "state": { "waiting": { "reason": "ContainerCreating" } } });
        let failed =
            json!({ "name": "c", "state": { "terminated": { "exitCode": 1, "reason": "Error" } } });
        let crashing =
            json!({ "name": "d", "state": { "waiting": { "reason": "CrashLoopBackOff" } } });
        let told = |ready: &str, statuses: &[&Json]| reason(ready, &json!(statuses));
        assert_eq!(told("True", &[&running]), None);
        assert_eq!(told("False", &[&running]), None);
        assert_eq!(
            told("False", &[&running, &making]).as_deref(),
            Some("ContainerCreating")
        );
        assert_eq!(told("False", &[&failed, &making]).as_deref(), Some("Error"));
        assert_eq!(
            told("False", &[&crashing, &failed]).as_deref(),
            Some("CrashLoopBackOff")
        );
    }
}
