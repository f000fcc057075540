//! What an upgrade writes: its jobs, Rancher's planner and Harvester's upgrade controllers.

use jiff::{SignedDuration, Timestamp};

use super::clock::{go_log, rfc3339};
use super::identity::Random;
use super::logs::Line;
use super::pods::Pod;
use super::scenario::UpgradeState;
use super::world::{NODES_PREPARED, SERVICES_UPGRADED, Upgrade, World};

impl World {
    /// Rancher's planner on the hosts that are through and on the one that is at work.
    pub fn planner_log(&self, upgrade: &Upgrade) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut say = |time: Timestamp, message: &str| {
            lines.push(Line {
                time,
                text: format!(
                    "{} [INFO] [planner] rkecluster fleet-local/local: waiting: {message}",
                    go_log(time)
                ),
            });
        };
        for (name, step) in &upgrade.steps {
            let Some(node) = self.node(name) else {
                continue;
            };
            let tier = if node.index == 0 {
                "bootstrap"
            } else if node.has_etcd() {
                "etcd"
            } else {
                "worker"
            };
            let machine = &node.machine;
            if let Some(span) = step.pre_drain {
                say(
                    span.start - SignedDuration::from_secs(5),
                    &format!("draining {tier} node(s) {machine}"),
                );
            }
            if let Some(updated) = step.kubelet_updated {
                say(
                    updated - SignedDuration::from_mins(3),
                    &format!(
                        "configuring {tier} node(s) {machine}: waiting for plan to be applied"
                    ),
                );
                say(
                    updated - SignedDuration::from_mins(1),
                    &format!(
                        "configuring {tier} node(s) {machine}: waiting for probes: etcd, kube-apiserver, kubelet"
                    ),
                );
                say(
                    updated,
                    &format!("configuring {tier} node(s) {machine}: waiting for kubelet to update"),
                );
            }
            if let Some(span) = step.post_drain {
                say(
                    span.start,
                    &format!(
                        "uncordoning {tier} node(s) {machine}: waiting for uncordon to finish"
                    ),
                );
            }
        }
        lines
    }

    /// Harvester's upgrade controllers.
    pub fn controller_log(&self, upgrade: &Upgrade) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut say = |time: Timestamp, message: String| {
            lines.push(Line {
                time,
                text: format!("time=\"{}\" level=info msg=\"{message}\"", rfc3339(time)),
            })
        };
        if upgrade.services_done() {
            say(
                upgrade.after(SERVICES_UPGRADED) + SignedDuration::from_secs(6),
                format!(
                    "Start upgrading Kubernetes runtime to {}",
                    upgrade.to.kubernetes
                ),
            );
        }
        for (name, step) in &upgrade.steps {
            if let Some(span) = step.pre_drain {
                say(span.start, format!("Creating pre-drain job on {name}"));
            }
            if let Some(span) = step.post_drain {
                say(span.start, format!("Creating post-drain job on {name}"));
            }
            if let Some(rebooted) = step.rebooted {
                say(
                    rebooted + SignedDuration::from_mins(3),
                    format!(
                        "Adding post-hook done annotation on {}",
                        self.node(name)
                            .map(|node| node.machine.clone())
                            .unwrap_or_default()
                    ),
                );
            }
        }
        lines
    }

    /// A job's own log.
    pub fn job_log(&self, pod: &Pod) -> Vec<Line> {
        let Some(upgrade) = &self.upgrade else {
            return Vec::new();
        };
        let node = pod.node.clone().unwrap_or_default();
        let end = pod.ended.unwrap_or(self.collected());
        let texts: Vec<(i64, String)> = match pod.component.as_str() {
            "apply-manifests" => self.manifests_texts(upgrade),
            "pre-drain" => self.pre_drain_texts(&node),
            _ => self.post_drain_texts(upgrade, &node),
        };
        let mut random = Random::new(&self.identity, &format!("job-log/{}", pod.name));
        let mut lines: Vec<Line> = texts
            .into_iter()
            .map(|(seconds, text)| Line {
                time: pod.started
                    + SignedDuration::from_nanos(
                        seconds * 1_000_000_000
                            + i64::try_from(random.below(900_000_000)).unwrap_or(0),
                    ),
                text,
            })
            .collect();
        lines.retain(|line| line.time <= end);
        lines
    }

    fn pre_drain_texts(&self, node: &str) -> Vec<(i64, String)> {
        let mut texts = vec![
            (0, "+ recover_rancher_system_agent".to_owned()),
            (1, "+ chroot /host /bin/bash -c 'if systemctl is-active rancher-system-agent.service ; then systemctl restart rancher-system-agent.service; fi'".to_owned()),
            (4, "+ wait_longhorn_engines".to_owned()),
        ];
        for (index, volume) in self.volumes.iter().take(6).enumerate() {
            texts.push((
                5 + i64::try_from(index).unwrap_or(0),
                format!("Checking volume {}...", volume.name),
            ));
        }
        texts.push((
            14,
            format!("+ upgrade-helper vm-live-migrate-detector --shutdown {node}"),
        ));
        texts.push((
            16,
            format!(
                "+ kubectl taint node {node} --overwrite kubevirt.io/drain=draining:NoSchedule"
            ),
        ));
        texts.push((17, format!("node/{node} modified")));
        // A job that is through has seen its machines leave one after the other; one at work waits for those still there.
        let still_there = self
            .scenario
            .cluster
            .virtual_machines
            .iter()
            .filter(|machine| machine.node.as_deref() == Some(node))
            .count();
        let running = self
            .step(node)
            .and_then(|step| step.pre_drain)
            .is_some_and(|span| span.end.is_none());
        let (rounds, last) = if running {
            (8640, still_there)
        } else {
            (24, 1)
        };
        for round in 0..rounds {
            let count = if round < 12 && !running { 2 } else { last };
            if count > 0 {
                texts.push((
                    22 + 10 * round,
                    format!("Waiting for VM live-migration or shutdown...(count: {count})"),
                ));
            }
        }
        if !running || still_there == 0 {
            texts.extend([
                (264, "+ '[' 0 -eq 0 ']'".to_owned()),
                (266, "Waiting for evacuation PDB gone...".to_owned()),
            ]);
        }
        if !running {
            texts.push((298, "+ exit 0".to_owned()));
        }
        texts
    }

    fn post_drain_texts(&self, upgrade: &Upgrade, node: &str) -> Vec<(i64, String)> {
        let mut texts = vec![
            (0, "+ wait_repo".to_owned()),
            (
                3,
                format!(
                    "+ curl -sSfL http://upgrade-repo-{}.harvester-system/harvester-iso/harvester-release.yaml -o /tmp/tmp.x0Gq3",
                    upgrade.name()
                ),
            ),
            (5, "+ wait_rke2_upgrade".to_owned()),
            (
                6,
                format!("+ REPO_RKE2_VERSION_WITHOUT_RC={}", upgrade.to.kubernetes),
            ),
            (7, format!("++ kubectl get node {node} -o yaml")),
            (8, format!("+ kubectl taint node {node} kubevirt.io/drain-")),
            (11, "+ upgrade_os".to_owned()),
        ];
        for (seconds, text) in [
            (36, "Starting elemental version 2.1.0 on commit 1bf8f8a"),
            (37, "Running in upgrade mode"),
            (
                56,
                "Creating image /run/initramfs/cos-state/cOS/transition.img from rootDir",
            ),
            (405, "Upgrade completed"),
        ] {
            let time = self
                .step(node)
                .and_then(|step| step.post_drain)
                .map(|span| span.start + SignedDuration::from_secs(seconds))
                .unwrap_or(self.collected());
            texts.push((seconds, format!("INFO[{}] {text}", rfc3339(time))));
        }
        texts.extend([
            (
                432,
                "+ chroot /host systemctl enable upgrade-reboot --now".to_owned(),
            ),
            (440, "+ exit 0".to_owned()),
        ]);
        texts
    }

    fn manifests_texts(&self, upgrade: &Upgrade) -> Vec<(i64, String)> {
        let mut texts = vec![
            (0, "Wait for upgrade repo HTTP endpoint ready...".to_owned()),
            (1, format!("Current version: v{}", upgrade.from.harvester)),
            (
                2,
                format!("Minimum upgradable version: v{}", upgrade.to.from),
            ),
            (3, "Current version is supported.".to_owned()),
        ];
        for (index, chart) in [
            "harvester",
            "harvester-crd",
            "rancher-monitoring-crd",
            "rancher-logging-crd",
        ]
        .iter()
        .enumerate()
        {
            texts.push((
                5 + i64::try_from(index).unwrap_or(0),
                format!("managedchart.management.cattle.io/{chart} patched"),
            ));
        }
        for round in 0..5 {
            texts.push((
                12 + 5 * round,
                format!(
                    "Waiting for plan {}-skip-restart-rancher-system-agent to complete...",
                    upgrade.name()
                ),
            ));
        }
        texts.push((70, "Waiting for CAPI cluster fleet-local/local to be provisioned (current phase: Provisioning, current generation: 3)...".to_owned()));
        texts.push((
            76,
            "CAPI cluster fleet-local/local is provisioned (current generation: 4).".to_owned(),
        ));
        texts.push((
            101,
            "Release \"rancher\" has been upgraded. Happy Helming!".to_owned(),
        ));
        texts.push((
            103,
            format!(
                "Wait for Rancher to be upgraded to {}...",
                upgrade.to.rancher
            ),
        ));
        texts.push((
            560,
            "deployment \"fleet-controller\" successfully rolled out".to_owned(),
        ));
        texts.push((
            620,
            "Waiting for harvester-cluster-repo deployment ready...".to_owned(),
        ));
        texts.push((
            740,
            "Waiting for ManagedChart fleet-local/harvester from generation 3".to_owned(),
        ));
        for round in 0..12 {
            let to = upgrade.to.harvester;
            texts.push((745 + 10 * round, format!("Current version: {to}, Current ready clusters: 0/1, Current state: {}, Current generation: 4", if round < 3 { "OutOfSync" } else { "NotReady" })));
            texts.push((746 + 10 * round, "Sleep for 5 seconds to retry".to_owned()));
        }
        texts.push((
            1100,
            format!(
                "KubeVirt current version: {0}, target version: {0}",
                upgrade.to.kubevirt
            ),
        ));
        texts.push((
            1140,
            format!(
                "Waiting for longhorn-manager to be upgraded ({}/{})...",
                self.nodes.len() - 1,
                self.nodes.len()
            ),
        ));
        texts.push((1190, format!("instance-manager (aio)(v1) (image=longhornio/longhorn-instance-manager:v{}) count is not 1 on node {}, will retry...", upgrade.to.longhorn, self.nodes[0].name())));
        let rest = (SERVICES_UPGRADED - NODES_PREPARED) * 60;
        texts.push((
            1900,
            "current status is AddonDeploying, continue wait: 1".to_owned(),
        ));
        if upgrade.shape.state > UpgradeState::UpgradingSystemServices {
            texts.push((rest - 4, "wait for fleet bundles...".to_owned()));
        }
        texts
    }
}
