//! Objects of the collection itself: the SupportBundle and the manager that reads everything else.

use serde_json::{Value, json};

use super::objects::Objects;
use super::pods::{Pod, PodDraft, container};
use super::world::World;

impl World {
    /// Objects of the support bundle itself, and the manager's pod.
    pub fn add_bundle_objects(&self, objects: &mut Objects) -> Vec<Pod> {
        let bundle = self.bundle_object();
        let created = self.ago("19s");
        let image = format!("rancher/support-bundle-kit:{}", self.services.collector);
        objects.add(json!({
            "apiVersion": "harvesterhci.io/v1beta1", "kind": "SupportBundle", "metadata": self.meta("SupportBundle", "harvester-system", &bundle, created).with("generation", json!(3)).done(),
            "spec": { "description": self.description(), "issueURL": "" }, "status": { "progress": 20, "state": "generating" },
        }));
        let Some(node) = self.alive().find(|node| node.is_control_plane()) else {
            return Vec::new();
        };
        let set = format!(
            "supportbundle-manager-{bundle}-{}",
            self.identity.suffix("bundle-manager", 10)
        );
        let labels = json!({ "app": "support-bundle-manager", "rancher/supportbundle": bundle });
        let excluded = "settings.harvesterhci.io,authconfigs.management.cattle.io,authtokens.management.cattle.io,samltokens.management.cattle.io,tokens.management.cattle.io,users.management.cattle.io";
        let mut environment = vec![
            (
                "SUPPORT_BUNDLE_TARGET_NAMESPACES",
                self.target_namespaces().join(","),
            ),
            ("SUPPORT_BUNDLE_NAME", bundle.clone()),
            ("SUPPORT_BUNDLE_DEBUG", "true".to_owned()),
            ("SUPPORT_BUNDLE_IMAGE", image.clone()),
            (
                "SUPPORT_BUNDLE_IMAGE_PULL_POLICY",
                "IfNotPresent".to_owned(),
            ),
            (
                "SUPPORT_BUNDLE_NODE_SELECTOR",
                "harvesterhci.io/managed=true".to_owned(),
            ),
            ("SUPPORT_BUNDLE_EXCLUDE_RESOURCES", excluded.to_owned()),
        ];
        if !self.services.is_old() {
            environment.extend([
                ("SUPPORT_BUNDLE_TAINT_TOLERATION", ":".to_owned()),
                ("SUPPORT_BUNDLE_EXTRA_COLLECTORS", "harvester".to_owned()),
                ("SUPPORT_BUNDLE_DESCRIPTION", self.description()),
                ("SUPPORT_BUNDLE_NODE_TIMEOUT", "30m".to_owned()),
            ]);
        }
        let environment: Vec<Value> = environment
            .into_iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        let mut manager = container("manager", &image);
        manager["env"] = json!(environment);
        let mut draft = PodDraft::new(
            "harvester-system",
            format!("{set}-{}", self.identity.suffix("bundle-pod", 5)),
            node,
            labels,
            self.owner("apps/v1", "ReplicaSet", "harvester-system", &set),
        );
        draft.created = Some(created);
        draft.started = self.ago("2s");
        let (object, pod) = self.pod(&draft, &[manager], "support-bundle-manager");
        objects.add(object);
        objects.add(json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": self.meta("ReplicaSet", "harvester-system", &set, created).owned_by(self.owner("apps/v1", "Deployment", "harvester-system", &format!("supportbundle-manager-{bundle}"))).done(),
            "spec": { "replicas": 1, "selector": { "matchLabels": { "rancher/supportbundle": bundle } } }, "status": { "availableReplicas": 1, "fullyLabeledReplicas": 1, "observedGeneration": 1, "readyReplicas": 1, "replicas": 1 },
        }));
        objects.add(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": self.meta("Deployment", "harvester-system", &format!("supportbundle-manager-{bundle}"), created).owned_by(self.owner("harvesterhci.io/v1beta1", "SupportBundle", "harvester-system", &bundle)).done(),
            "spec": { "replicas": 1, "selector": { "matchLabels": { "rancher/supportbundle": bundle } } }, "status": { "availableReplicas": 1, "observedGeneration": 1, "readyReplicas": 1, "replicas": 1, "updatedReplicas": 1 },
        }));
        vec![pod]
    }

    /// What the user wrote.
    pub fn description(&self) -> String {
        let written = &self.scenario.cluster.issue_description;
        if written.is_empty() {
            "Support bundle for the support team".to_owned()
        } else {
            written.clone()
        }
    }
}
