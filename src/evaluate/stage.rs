//! Small bundles for the tests of this module.

use serde_json::{Value as Json, json};

use super::{Engine, Evaluation};
use crate::bundle::{Bundle, Files};
use crate::finding::Finding;
use crate::graph::Collected;
use crate::ignore::IgnoreList;
use crate::parse::document::Document;
use crate::parse::time::timestamp;
use crate::rule::RuleSet;

/// A bundle in the making.
#[derive(Default)]
pub(super) struct Stage {
    pub(super) objects: Vec<Json>,
    pub(super) logs: Vec<(String, String)>,
    pub(super) version: Option<&'static str>,
    /// Namespaces that were collected; all where it is empty.
    pub(super) namespaces: Vec<String>,
    /// A list of accepted findings.
    pub(super) ignore: Option<&'static str>,
    /// Resources whose list was lost or torn.
    pub(super) failed: Vec<&'static str>,
}

impl Stage {
    pub(super) fn of(objects: Vec<Json>) -> Stage {
        Stage {
            objects,
            ..Stage::default()
        }
    }

    pub(super) fn log(mut self, path: &str, text: &str) -> Stage {
        self.logs.push((path.to_owned(), text.to_owned()));
        self
    }

    /// The same, where only these namespaces were collected.
    pub(super) fn only(mut self, namespaces: &[&str]) -> Stage {
        self.namespaces = namespaces.iter().map(|&it| it.to_owned()).collect();
        self
    }

    pub(super) fn evaluate(&self, rule: &str) -> Evaluation {
        let text = format!("id: tested\ntitle: T\nseverity: warning\n{rule}");
        let rules = RuleSet::from_texts(&[("node/tested.yaml", &text)]);
        let rules = rules.unwrap_or_else(|errors| panic!("{:?}", errors.mistakes));
        let engine = Engine::new(&rules).unwrap_or_else(|errors| panic!("{:?}", errors.mistakes));
        let ignored = self
            .ignore
            .map(|text| IgnoreList::read("ignore.yaml", text, &rules));
        let engine = engine.ignoring(ignored.transpose().unwrap().unwrap_or_default());
        let manifests = self.objects.iter();
        let files = Files {
            name: "test".to_owned(),
            files: self
                .logs
                .iter()
                .map(|(path, text)| (path.clone(), text.clone().into_bytes()))
                .collect(),
            manifests: manifests
                .map(|object| ("objects.yaml".to_owned(), Document::from_json(object)))
                .collect(),
            collected: Collected {
                everything: self.namespaces.is_empty(),
                cluster: true,
                namespaces: self.namespaces.iter().cloned().collect(),
                failed: self.failed.iter().map(|&it| it.to_owned()).collect(),
            },
        };
        let now = timestamp("2024-05-01T12:00:00Z").unwrap();
        let mut bundle = Bundle::of_files(files, now, engine.scanner());
        bundle.info.harvester_version = self.version.map(str::to_owned);
        engine.traced(&["tested".to_owned()]).evaluate(&bundle)
    }

    pub(super) fn findings(&self, rule: &str) -> Vec<Finding> {
        let evaluation = self.evaluate(rule);
        assert_eq!(evaluation.not_evaluated, [], "{rule}");
        evaluation.findings
    }

    pub(super) fn messages(&self, rule: &str) -> Vec<String> {
        let findings = self.findings(rule).into_iter();
        findings.map(|finding| finding.message).collect()
    }
}

pub(super) fn pod(name: &str, node: &str, restarts: &[u64]) -> Json {
    let containers: Vec<Json> = (0..)
        .zip(restarts)
        .map(|(at, restarts)| json!({ "name": format!("c{at}"), "restartCount": restarts }))
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": "default", "uid": name },
        "spec": { "nodeName": node },
        "status": { "phase": "Running", "containerStatuses": containers },
    })
}

pub(super) fn node(name: &str) -> Json {
    json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "uid": name } })
}
