//! Virtual machines: their objects, launcher pods and budgets; KubeVirt itself and the add-ons.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::clock::rfc3339;
use super::objects::{Objects, wrangler_condition};
use super::pods::{Pod, PodDraft, container};
use super::scenario::VirtualMachineShape;
use super::world::World;

impl World {
    /// Name of the launcher pod of a machine.
    pub fn launcher_pod(&self, namespace: &str, machine: &str) -> String {
        format!(
            "virt-launcher-{machine}-{}",
            self.identity
                .suffix(&format!("launcher/{namespace}/{machine}"), 5)
        )
    }

    /// Adds the virtual machines of the collected namespaces, and gives their pods.
    pub fn add_virtual_machines(&self, objects: &mut Objects) -> Vec<Pod> {
        let mut pods = Vec::new();
        for machine in &self.scenario.cluster.virtual_machines {
            if self.namespaces().contains(&machine.namespace) {
                pods.extend(self.add_virtual_machine(objects, machine));
            }
        }
        self.add_kubevirt(objects);
        pods
    }

    fn add_virtual_machine(
        &self,
        objects: &mut Objects,
        machine: &VirtualMachineShape,
    ) -> Option<Pod> {
        let (namespace, name) = (machine.namespace.as_str(), machine.name.as_str());
        let created = self.installed + SignedDuration::from_hours(70);
        let mac = self.identity.hex(&format!("mac/{namespace}/{name}"), 6);
        let mac = format!("52:54:00:{}:{}:{}", &mac[..2], &mac[2..4], &mac[4..6]);
        let memory = format!("{}Gi", machine.memory);
        let claims: Vec<String> = (0..machine.volumes.len())
            .map(|index| format!("{name}-disk-{index}"))
            .collect();
        let mut disks: Vec<Value> = claims.iter().enumerate().map(|(index, _)| json!({ "bootOrder": index + 1, "disk": { "bus": "virtio" }, "name": format!("disk-{index}") })).collect();
        let mut volumes: Vec<Value> = claims.iter().enumerate().map(|(index, claim)| json!({ "name": format!("disk-{index}"), "persistentVolumeClaim": { "claimName": claim } })).collect();
        // Secrets themselves are not collected; that they are meant shows here.
        let seed = format!("{name}-cloudinit");
        volumes.push(json!({ "name": "cloudinitdisk", "cloudInitNoCloud": { "secretRef": { "name": seed }, "networkDataSecretRef": { "name": seed } } }));
        disks.push(json!({ "disk": { "bus": "virtio" }, "name": "cloudinitdisk" }));
        let spec = json!({
            "domain": {
                "cpu": { "cores": 2, "sockets": 1, "threads": 1 }, "devices": { "disks": disks, "inputs": [{ "bus": "usb", "name": "tablet", "type": "tablet" }], "interfaces": [{ "bridge": {}, "macAddress": mac, "model": "virtio", "name": "default" }] },
                "features": { "acpi": { "enabled": true } }, "machine": { "type": "q35" }, "memory": { "guest": memory }, "resources": { "limits": { "cpu": "2", "memory": memory }, "requests": { "cpu": "125m", "memory": memory } },
            },
            "evictionStrategy": "LiveMigrateIfPossible", "hostname": name, "networks": [{ "multus": { "networkName": "default/vlan120" }, "name": "default" }], "terminationGracePeriodSeconds": 120, "volumes": volumes,
        });
        let running = machine.node.as_deref().and_then(|node| self.node(node));
        let ready = running.is_some_and(|node| node.lost.is_none());
        let started: Timestamp = running
            .map_or(created, |node| node.booted() + SignedDuration::from_mins(7))
            .max(created);
        let changed = running
            .and_then(|node| node.lost)
            .map_or(started + SignedDuration::from_secs(30), |lost| {
                lost + SignedDuration::from_secs(41)
            });
        let status = match running {
            Some(_) => json!({
                "conditions": [{ "lastProbeTime": null, "lastTransitionTime": rfc3339(changed), "status": if ready { "True" } else { "False" }, "type": "Ready" }, { "lastProbeTime": null, "lastTransitionTime": null, "status": "True", "type": "LiveMigratable" }],
                "created": true, "desiredGeneration": 1, "observedGeneration": 1, "printableStatus": "Running", "ready": ready, "runStrategy": "RerunOnFailure",
            }),
            None => {
                json!({ "desiredGeneration": 1, "observedGeneration": 1, "printableStatus": "Stopped", "runStrategy": "Halted" })
            }
        };
        objects.add(json!({
            "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
            "metadata": self.meta("VirtualMachine", namespace, name, created).annotations(json!({ "harvesterhci.io/vmRunStrategy": "RerunOnFailure", "network.harvesterhci.io/ips": "[]" })).labels(json!({ "harvesterhci.io/creator": "harvester", "harvesterhci.io/os": "linux" }))
                .with("finalizers", json!(["kubevirt.io/virtualMachineControllerFinalize", "wrangler.cattle.io/VMController.CleanupPVCAndSnapshot"])).with("generation", json!(4)).done(),
            "spec": { "runStrategy": if running.is_some() { "RerunOnFailure" } else { "Halted" }, "template": { "metadata": { "creationTimestamp": null, "labels": { "harvesterhci.io/vmName": name } }, "spec": spec } },
            "status": status,
        }));
        let node = running?;
        let uid = self.uid("VirtualMachineInstance", namespace, name);
        let pod_name = self.launcher_pod(namespace, name);
        objects.add(json!({
            "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance",
            "metadata": self.meta("VirtualMachineInstance", namespace, name, started).annotations(json!({ "kubevirt.io/latest-observed-api-version": "v1", "kubevirt.io/vm-generation": "1" })).labels(json!({ "harvesterhci.io/vmName": name, "kubevirt.io/nodeName": node.name() }))
                .with("finalizers", json!(["kubevirt.io/foregroundDeleteVirtualMachine", "wrangler.cattle.io/VMIController.UnsetOwnerOfPVCs"])).with("generation", json!(9)).owned_by(self.owner("kubevirt.io/v1", "VirtualMachine", namespace, name)).done(),
            "spec": spec,
            "status": {
                "activePods": { self.uid("Pod", namespace, &pod_name): node.name() },
                "conditions": [{ "lastProbeTime": null, "lastTransitionTime": rfc3339(changed), "status": if ready { "True" } else { "False" }, "type": "Ready" }, { "lastProbeTime": null, "lastTransitionTime": null, "status": "True", "type": "LiveMigratable" }],
                "guestOSInfo": {}, "interfaces": [{ "interfaceName": "enp1s0", "ipAddress": format!("10.30.9.{}", 20 + self.identity.below(name, 200)), "mac": mac, "name": "default" }],
                "launcherContainerImageVersion": format!("{}/virt-launcher:{}", self.services.kubevirt_path, self.services.kubevirt), "migrationMethod": "LiveMigration", "nodeName": node.name(), "phase": "Running",
                "phaseTransitionTimestamps": [{ "phase": "Pending", "phaseTransitionTimestamp": rfc3339(started) }, { "phase": "Running", "phaseTransitionTimestamp": rfc3339(started + SignedDuration::from_secs(22)) }],
                "qosClass": "Burstable", "runtimeUser": 107, "virtualMachineRevisionName": format!("revision-start-vm-{}-1", self.uid("VirtualMachine", namespace, name)),
                "volumeStatus": claims.iter().enumerate().map(|(index, claim)| json!({ "name": format!("disk-{index}"), "persistentVolumeClaimInfo": { "accessModes": ["ReadWriteMany"], "claimName": claim, "volumeMode": "Block" }, "target": format!("vd{}", char::from(b'a' + u8::try_from(index).unwrap_or(0))) })).collect::<Vec<_>>(),
            },
        }));
        let owner = self.owner("kubevirt.io/v1", "VirtualMachineInstance", namespace, name);
        let labels = json!({ "harvesterhci.io/vmName": name, "kubevirt.io": "virt-launcher", "kubevirt.io/created-by": uid, "vm.kubevirt.io/name": name });
        let mut draft = PodDraft::new(namespace, pod_name, node, labels, owner.clone());
        draft.started = started + SignedDuration::from_secs(14);
        draft.restart_policy = "Never";
        draft.priority = 0;
        draft.annotations =
            json!({ "kubevirt.io/domain": name, "kubevirt.io/migrationTransportUnix": "true" });
        draft.claim = claims.first().cloned();
        draft.deleted = node.lost.map(|lost| lost + SignedDuration::from_secs(341));
        let (object, pod) = self.pod(
            &draft,
            &[container(
                "compute",
                &format!(
                    "{}/virt-launcher:{}",
                    self.services.kubevirt_path, self.services.kubevirt
                ),
            )],
            "virt-launcher",
        );
        objects.add(object);
        let budget = format!(
            "kubevirt-disruption-budget-{}",
            self.identity
                .suffix(&format!("budget/{namespace}/{name}"), 5)
        );
        objects.add(self.disruption_budget(
            namespace,
            &budget,
            json!({ "kubevirt.io/created-by": uid }),
            started + SignedDuration::from_secs(9),
            ready,
            Some(owner),
        ));
        Some(pod)
    }

    fn add_kubevirt(&self, objects: &mut Objects) {
        let version = self.services.kubevirt;
        let settled = self
            .upgrade
            .as_ref()
            .filter(|upgrade| upgrade.services_done())
            .map_or(self.installed + SignedDuration::from_mins(19), |upgrade| {
                upgrade.after(71)
            });
        objects.add(json!({
            "apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "metadata": self.meta("KubeVirt", "harvester-system", "kubevirt", self.installed).with("finalizers", json!(["foregroundDeleteKubeVirt"])).done(),
            "spec": { "configuration": { "developerConfiguration": { "featureGates": ["LiveMigration", "HotplugVolumes", "HostDevices"] } }, "workloadUpdateStrategy": { "workloadUpdateMethods": ["LiveMigrate"] } },
            "status": {
                "conditions": ([("Available", "True"), ("Progressing", "False"), ("Degraded", "False")].map(|(kind, status)| json!({
                    "lastProbeTime": rfc3339(settled), "lastTransitionTime": rfc3339(settled), "message": "All components are ready.", "reason": "AllComponentsReady", "status": status, "type": kind,
                }))),
                "observedKubeVirtVersion": version, "operatorVersion": version, "phase": "Deployed", "targetKubeVirtVersion": version,
            },
        }));
        for (namespace, name, enabled) in [
            ("harvester-system", "harvester-seeder", false),
            ("harvester-system", "vm-import-controller", false),
            ("harvester-system", "pcidevices-controller", false),
            (
                "cattle-monitoring-system",
                "rancher-monitoring",
                self.scenario.cluster.monitoring,
            ),
            ("cattle-logging-system", "rancher-logging", false),
        ] {
            if !self.namespaces().iter().any(|known| known == namespace) {
                continue;
            }
            let conditions = if enabled {
                json!([wrangler_condition("Completed", "True", settled, "", "")])
            } else {
                json!([])
            };
            objects.add(json!({
                "apiVersion": "harvesterhci.io/v1beta1", "kind": "Addon", "metadata": self.meta("Addon", namespace, name, self.installed).done(),
                "spec": { "chart": name, "enabled": enabled, "repo": "http://harvester-cluster-repo.cattle-system.svc/charts", "valuesContent": "", "version": self.services.harvester },
                "status": { "conditions": conditions, "status": if enabled { "AddonDeploySuccessful" } else { "" } },
            }));
        }
    }
}
