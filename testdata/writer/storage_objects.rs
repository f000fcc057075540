//! Longhorn's objects and what hangs on them: instance managers with their pods and budgets, volumes, claims, disks.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::clock::rfc3339;
use super::objects::{Objects, wrangler_condition};
use super::pods::{Pod, PodDraft, container};
use super::scenario::{DiskUse, UpgradeState};
use super::world::{Node, Volume, VolumeOwner, World};

const GIB: u64 = 1 << 30;

impl World {
    /// Adds them and gives the pods among them.
    pub fn add_storage_objects(&self, objects: &mut Objects) -> Vec<Pod> {
        let mut pods = Vec::new();
        for node in self.nodes.iter().filter(|node| node.has_workloads()) {
            self.add_longhorn_node(objects, node);
            self.add_block_devices(objects, node);
            pods.extend(self.add_instance_managers(objects, node));
        }
        for volume in &self.volumes {
            self.add_volume(objects, volume);
        }
        self.add_longhorn_settings(objects);
        pods
    }

    /// Conditions of a Longhorn object: a list, before v1beta2 a map by type.
    fn longhorn_conditions(&self, conditions: &[(&str, &str, Timestamp, &str, String)]) -> Value {
        let each = conditions.iter().map(|(kind, status, since, reason, message)| {
            json!({ "lastProbeTime": "", "lastTransitionTime": rfc3339(*since), "message": message, "reason": reason, "status": status, "type": kind })
        });
        if self.services.is_old() {
            each.map(|condition| {
                (
                    condition["type"].as_str().unwrap_or_default().to_owned(),
                    condition,
                )
            })
            .collect::<Map<_, _>>()
            .into()
        } else {
            each.collect()
        }
    }

    /// Time from which Longhorn's objects of a host have been as they are: shortly after the boot, or after its loss.
    fn longhorn_since(&self, node: &Node) -> Timestamp {
        node.lost
            .map_or(node.booted() + SignedDuration::from_secs(140), |lost| {
                lost + SignedDuration::from_secs(61)
            })
    }

    fn add_longhorn_node(&self, objects: &mut Objects, node: &Node) {
        let name = node.name();
        let since = self.longhorn_since(node);
        let booted = node.booted() + SignedDuration::from_secs(140);
        let mut disks = Map::new();
        let mut statuses = Map::new();
        for disk in node.longhorn_disks(&self.identity) {
            let reserved = if disk.shape.purpose == DiskUse::System {
                disk.bytes * 3 / 10
            } else {
                0
            };
            disks.insert(disk.name.clone(), json!({ "allowScheduling": true, "diskType": "filesystem", "diskDriver": "", "evictionRequested": false, "path": disk.path, "storageReserved": reserved, "tags": [] }));
            let scheduled: Map<String, Value> = self
                .volumes
                .iter()
                .filter(|volume| {
                    volume.replicas.iter().any(|other| other == name)
                        && disk.shape.device == self.replica_disk(node).0
                })
                .map(|volume| {
                    (
                        volume.replica(&self.identity, name),
                        json!(volume.gibibytes * GIB),
                    )
                })
                .collect();
            let total: u64 = scheduled.values().filter_map(Value::as_u64).sum();
            let what = format!("Disk {}({}) on node {name}", disk.name, disk.path);
            let conditions = if node.lost.is_some() {
                self.longhorn_conditions(&[
                    (
                        "Ready",
                        "False",
                        since,
                        "NodeNotReady",
                        format!(
                            "Disk {} ({}) on node {name} is not ready since the node is not ready",
                            disk.name, disk.path
                        ),
                    ),
                    (
                        "Schedulable",
                        "False",
                        since,
                        "DiskNotReady",
                        format!(
                            "Disk {} ({}) on the node {name} is not ready",
                            disk.name, disk.path
                        ),
                    ),
                ])
            } else {
                self.longhorn_conditions(&[
                    ("Ready", "True", since, "", format!("{what} is ready")),
                    (
                        "Schedulable",
                        "True",
                        since,
                        "",
                        format!("{what} is schedulable"),
                    ),
                ])
            };
            statuses.insert(disk.name.clone(), json!({
                "conditions": conditions, "diskName": disk.name, "diskPath": disk.path, "diskType": "filesystem", "diskDriver": "", "diskUUID": disk.uuid, "filesystemType": "ext2/ext3", "instanceManagerName": "",
                "scheduledReplica": scheduled, "storageAvailable": disk.bytes * 71 / 100, "storageMaximum": disk.bytes, "storageScheduled": total,
            }));
        }
        let ready = match node.lost {
            Some(lost) => (
                "Ready",
                "False",
                lost + SignedDuration::from_secs(41),
                "KubernetesNodeNotReady",
                format!("Kubernetes node {name} not ready: NodeStatusUnknown"),
            ),
            None => ("Ready", "True", since, "", format!("Node {name} is ready")),
        };
        let cordoned = self.in_transition(name);
        let schedulable = match (node.lost.is_some(), cordoned) {
            (_, true) => (
                "Schedulable",
                "False",
                since,
                "KubernetesNodeCordoned",
                format!("Node {name} is cordoned"),
            ),
            (_, false) => ("Schedulable", "True", booted, "", String::new()),
        };
        let mut conditions = vec![
            ready,
            schedulable,
            ("MountPropagation", "True", booted, "", String::new()),
        ];
        if !self.services.is_old() {
            conditions.extend([
                (
                    "KernelModulesLoaded",
                    "True",
                    booted,
                    "",
                    format!("Kernel modules [dm_crypt] are loaded on node {name}"),
                ),
                (
                    "RequiredPackages",
                    "True",
                    booted,
                    "",
                    format!(
                        "All required packages [open-iscsi e2fsprogs] are installed on node {name}"
                    ),
                ),
                ("NFSClientInstalled", "True", booted, "", String::new()),
                ("Multipathd", "True", booted, "", String::new()),
            ]);
        }
        objects.add(json!({
            "apiVersion": self.services.longhorn_api(), "kind": "Node",
            "metadata": self.meta("longhorn.Node", "longhorn-system", name, node.joined + SignedDuration::from_mins(3)).with("finalizers", json!(["longhorn.io", "wrangler.cattle.io/harvester-ndm-node-handler"])).with("generation", json!(1)).done(),
            "spec": { "allowScheduling": true, "disks": disks, "evictionRequested": false, "instanceManagerCPURequest": 0, "name": name, "tags": [] },
            "status": { "autoEvicting": false, "conditions": self.longhorn_conditions(&conditions), "diskStatus": statuses, "region": "", "snapshotCheckStatus": {}, "zone": "" },
        }));
    }

    /// Device and name of the Longhorn disk that takes the replicas of a host: its data disk if it has one.
    fn replica_disk(&self, node: &Node) -> (String, super::world::LonghornDisk) {
        let disks = node.longhorn_disks(&self.identity);
        let chosen = disks
            .iter()
            .find(|disk| disk.shape.purpose == DiskUse::Data)
            .or(disks.first())
            .cloned()
            .expect("a host has a disk");
        (chosen.shape.device.clone(), chosen)
    }

    fn add_block_devices(&self, objects: &mut Objects, node: &Node) {
        for disk in node
            .longhorn_disks(&self.identity)
            .iter()
            .filter(|disk| disk.shape.purpose == DiskUse::Data)
        {
            let path = format!("/dev/{}", disk.shape.device);
            objects.add(json!({
                "apiVersion": "harvesterhci.io/v1beta1", "kind": "BlockDevice",
                "metadata": self.meta("BlockDevice", "longhorn-system", &disk.name, node.joined + SignedDuration::from_mins(4)).labels(json!({ "kubernetes.io/hostname": node.name(), "ndm.harvesterhci.io/device-type": "disk" }))
                    .with("finalizers", json!(["wrangler.cattle.io/harvester-block-device-handler"])).done(),
                "spec": { "devPath": path, "fileSystem": { "forceFormatted": true, "mountPoint": "", "provisioned": true, "repaired": false }, "nodeName": node.name(), "provision": true, "tags": [] },
                "status": {
                    "conditions": (["Mounted", "DiskAddedToNode", "AddedToNode"].map(|kind| wrangler_condition(kind, "True", node.joined + SignedDuration::from_mins(150), "", ""))),
                    "deviceStatus": {
                        "capacity": { "physicalBlockSizeBytes": 4096, "sizeBytes": disk.shape.gigabytes * 1_000_000_000 },
                        "details": {
                            "busPath": "pci-0000:00:17.0-ata-2", "deviceType": "disk", "driveType": if disk.shape.rotational { "HDD" } else { "SSD" }, "model": disk.shape.model.replace(' ', "_"),
                            "serialNumber": self.serial(node, &disk.shape.device), "storageController": "SCSI", "uuid": disk.uuid, "vendor": "ATA", "wwn": format!("0x{}", self.identity.hex(&disk.name, 16)),
                        },
                        "devPath": path, "fileSystem": { "LastFormattedAt": rfc3339(node.joined + SignedDuration::from_mins(149)), "mountPoint": disk.path, "type": "ext4" }, "parentDevice": "", "partitioned": false,
                    },
                    "provisionPhase": "Provisioned", "state": if node.lost.is_some() { "Inactive" } else { "Active" }, "tags": [],
                },
            }));
        }
    }

    /// Serial number of a physical disk.
    pub fn serial(&self, node: &Node, device: &str) -> String {
        self.identity
            .hex(&format!("serial/{}/{device}", node.name()), 14)
            .to_uppercase()
    }

    fn add_instance_managers(&self, objects: &mut Objects, node: &Node) -> Vec<Pod> {
        let old = self.services.is_old();
        let kinds: &[(&str, &str)] = if old {
            &[("e", "engine"), ("r", "replica")]
        } else {
            &[("", "aio")]
        };
        let mut pods = Vec::new();
        for (letter, kind) in kinds {
            let name = if old {
                format!(
                    "instance-manager-{letter}-{}",
                    self.identity
                        .hex(&format!("im/{letter}/{}", node.name()), 8)
                )
            } else {
                self.instance_manager(node.name())
            };
            let created = node.booted() + SignedDuration::from_secs(150);
            let image = format!(
                "longhornio/longhorn-instance-manager:v{}",
                self.services.longhorn
            );
            let mut labels = json!({
                "longhorn.io/component": "instance-manager", "longhorn.io/instance-manager-image": format!("imi-{}", self.identity.hex("imi", 8)), "longhorn.io/instance-manager-type": kind,
                "longhorn.io/managed-by": "longhorn-manager", "longhorn.io/node": node.name(),
            });
            if !old {
                labels["longhorn.io/data-engine"] = json!("v1");
            }
            let instance = |name: String, kind: &str, port: u64| {
                (
                    name.clone(),
                    json!({ "spec": { "dataEngine": "v1", "name": name }, "status": { "endpoint": "", "errorMsg": "", "listen": "", "portEnd": port + 9, "portStart": port, "resourceVersion": 0, "state": "running", "type": kind } }),
                )
            };
            let engines: Map<String, Value> = self
                .volumes
                .iter()
                .enumerate()
                .filter(|(_, volume)| volume.node.as_deref() == Some(node.name()))
                .map(|(index, volume)| instance(volume.engine(), "engine", 10_150 + index as u64))
                .collect();
            let replicas: Map<String, Value> = self
                .volumes
                .iter()
                .enumerate()
                .filter(|(_, volume)| {
                    volume.node.is_some()
                        && volume.replicas.iter().any(|other| other == node.name())
                })
                .map(|(index, volume)| {
                    instance(
                        volume.replica(&self.identity, node.name()),
                        "replica",
                        10_000 + 15 * index as u64,
                    )
                })
                .collect();
            let mut draft = PodDraft::new(
                "longhorn-system",
                name.clone(),
                node,
                labels.clone(),
                json!({
                    "apiVersion": self.services.longhorn_api(), "kind": "InstanceManager", "name": name, "uid": self.uid("InstanceManager", "longhorn-system", &name), "blockOwnerDeletion": true, "controller": true,
                }),
            );
            draft.started = created;
            draft.restart_policy = "Never";
            let container_name = match *kind {
                "engine" => "engine-manager",
                "replica" => "replica-manager",
                _ => "instance-manager",
            };
            let (object, pod) = self.pod(
                &draft,
                &[container(container_name, &image)],
                "instance-manager",
            );
            let address = self.pod_address(node, &name);
            objects.add(object);
            pods.push(pod);
            let mut status = json!({ "apiMinVersion": 1, "apiVersion": 4, "currentState": if node.lost.is_some() { "unknown" } else { "running" }, "ip": address, "ownerID": self.longhorn_owner(node) });
            if old {
                status["instances"] = json!(if *kind == "engine" {
                    &engines
                } else {
                    &replicas
                });
            } else {
                status["instanceEngines"] = json!(engines);
                status["instanceReplicas"] = json!(replicas);
                status["proxyApiMinVersion"] = json!(1);
                status["proxyApiVersion"] = json!(5);
            }
            objects.add(json!({
                "apiVersion": self.services.longhorn_api(), "kind": "InstanceManager",
                "metadata": self.meta("InstanceManager", "longhorn-system", &name, created).labels(labels.clone()).with("generation", json!(1)).with("finalizers", json!(["longhorn.io"]))
                    .with("ownerReferences", json!([{ "apiVersion": self.services.longhorn_api(), "kind": "Node", "name": node.name(), "uid": self.uid("longhorn.Node", "longhorn-system", node.name()), "blockOwnerDeletion": true }])).done(),
                "spec": { "dataEngine": "v1", "image": image, "nodeID": node.name(), "type": kind }, "status": status,
            }));
            // While a drain is under way Longhorn takes the budget away once nothing runs there.
            let drained = self.step(node.name()).is_some_and(|step| {
                matches!(
                    step.shape.state.as_str(),
                    "Pre-drained" | "Post-draining" | "Waiting Reboot"
                )
            });
            if !drained {
                objects.add(self.disruption_budget(
                    "longhorn-system",
                    &name,
                    labels,
                    created,
                    node.lost.is_none(),
                    None,
                ));
            }
        }
        pods
    }

    /// A budget that lets no pod go.
    pub fn disruption_budget(
        &self,
        namespace: &str,
        name: &str,
        labels: Value,
        created: Timestamp,
        healthy: bool,
        owner: Option<Value>,
    ) -> Value {
        let mut meta = self
            .meta("PodDisruptionBudget", namespace, name, created)
            .with("generation", json!(1));
        if let Some(owner) = owner {
            meta = meta.owned_by(owner);
        }
        let api_version = if self.services.is_old() {
            "policy/v1beta1"
        } else {
            "policy/v1"
        };
        json!({
            "apiVersion": api_version, "kind": "PodDisruptionBudget", "metadata": meta.done(), "spec": { "minAvailable": 1, "selector": { "matchLabels": labels } },
            "status": {
                "conditions": [{ "lastTransitionTime": rfc3339(created), "message": "", "observedGeneration": 1, "reason": "InsufficientPods", "status": "False", "type": "DisruptionAllowed" }],
                "currentHealthy": u8::from(healthy), "desiredHealthy": 1, "disruptionsAllowed": 0, "expectedPods": 1, "observedGeneration": 1,
            },
        })
    }

    /// Which host's Longhorn manager looks after the objects of `node`.
    fn longhorn_owner(&self, node: &Node) -> String {
        if node.lost.is_none() {
            node.name().to_owned()
        } else {
            self.alive()
                .find(|node| node.has_workloads())
                .unwrap_or(node)
                .name()
                .to_owned()
        }
    }

    fn add_volume(&self, objects: &mut Objects, volume: &Volume) {
        let name = volume.name.as_str();
        let created = self.installed + SignedDuration::from_hours(70);
        let size = (volume.gibibytes * GIB).to_string();
        let image = format!("longhornio/longhorn-engine:v{}", self.services.longhorn);
        let attached = volume.node.as_deref();
        let lost_replicas: Vec<&String> = volume
            .replicas
            .iter()
            .filter(|node| self.node(node).is_some_and(|node| node.lost.is_some()))
            .collect();
        let healthy = volume.replicas.len() - lost_replicas.len();
        // Longhorn keeps three copies; where there are fewer hosts, the missing ones are not scheduled.
        let wanted = volume.replicas.len();
        // Of a volume on a host that does not answer nobody knows anything.
        let stranded = attached
            .and_then(|node| self.node(node))
            .is_some_and(|node| node.lost.is_some());
        let robustness = match (attached, healthy) {
            (None, _) => "unknown",
            _ if stranded => "unknown",
            (Some(_), 0) => "faulted",
            (Some(_), healthy) if healthy < wanted => "degraded",
            _ => "healthy",
        };
        let since = volume
            .replicas
            .iter()
            .filter_map(|node| self.node(node))
            .map(|node| self.longhorn_since(node))
            .max()
            .unwrap_or(created);
        let pod = match &volume.owner {
            VolumeOwner::Pod(pod) => pod.clone(),
            VolumeOwner::VirtualMachine(machine) => self.launcher_pod(&volume.namespace, machine),
        };
        let workloads = if attached.is_some() {
            json!([{ "podName": pod, "podStatus": "Running", "workloadName": volume.claim, "workloadType": "VirtualMachineInstance" }])
        } else {
            Value::Null
        };
        let meta = |kind: &str, object: &str| {
            self.meta(kind, "longhorn-system", object, created)
                .with("finalizers", json!(["longhorn.io"]))
                .with("generation", json!(7))
        };
        let owner = self.owner(
            self.services.longhorn_api(),
            "Volume",
            "longhorn-system",
            name,
        );
        objects.add(json!({
            "apiVersion": self.services.longhorn_api(), "kind": "Volume",
            "metadata": meta("Volume", name).labels(json!({ "longhornvolume": name, "recurring-job-group.longhorn.io/default": "enabled" })).done(),
            "spec": {
                "Standby": false, "accessMode": "rwx", "backingImage": "", "dataEngine": "v1", "dataLocality": "disabled", "encrypted": false, "fromBackup": "", "frontend": "blockdev", "image": image,
                "lastAttachedBy": "", "migratable": true, "migrationNodeID": "", "nodeID": attached.unwrap_or_default(), "numberOfReplicas": wanted, "replicaAutoBalance": "ignored", "revisionCounterDisabled": true,
                "size": size, "staleReplicaTimeout": 30,
            },
            "status": {
                "actualSize": volume.gibibytes * GIB / 3 + self.identity.below(name, GIB), "cloneStatus": { "snapshot": "", "sourceVolume": "", "state": "" },
                "conditions": self.longhorn_conditions(&[
                    ("WaitForBackingImage", "False", created, "", String::new()), ("TooManySnapshots", "False", created, "", String::new()),
                    ("Scheduled", "True", created, "", String::new()), ("Restore", "False", created, "", String::new()),
                ]),
                "currentImage": image, "currentMigrationNodeID": "", "currentNodeID": attached.unwrap_or_default(), "expansionRequired": false, "frontendDisabled": false, "isStandby": false,
                "kubernetesStatus": { "lastPVCRefAt": "", "lastPodRefAt": "", "namespace": volume.namespace, "pvName": name, "pvStatus": "Bound", "pvcName": volume.claim, "workloadsStatus": workloads },
                "lastBackup": "", "lastBackupAt": "", "lastDegradedAt": if robustness == "degraded" { rfc3339(since) } else { String::new() }, "ownerID": attached.unwrap_or_default(), "remountRequestedAt": "", "restoreInitiated": false,
                "restoreRequired": false, "robustness": robustness, "shareEndpoint": "", "shareState": "", "state": if attached.is_some() { "attached" } else { "detached" },
            },
        }));
        let running = attached.is_some();
        let addresses: Map<String, Value> = volume
            .replicas
            .iter()
            .enumerate()
            .filter_map(|(index, host)| {
                let node = self.node(host)?;
                Some((
                    volume.replica(&self.identity, host),
                    json!(format!(
                        "{}:{}",
                        self.pod_address(node, &self.instance_manager(host)),
                        10_000 + 15 * index
                    )),
                ))
            })
            .collect();
        let modes: Map<String, Value> = volume
            .replicas
            .iter()
            .filter(|_| running)
            .map(|host| {
                let lost = lost_replicas.contains(&host);
                (
                    volume.replica(&self.identity, host),
                    json!(if lost { "ERR" } else { "RW" }),
                )
            })
            .collect();
        let engine = volume.engine();
        let address = attached
            .and_then(|node| self.node(node))
            .map(|node| self.pod_address(node, &self.instance_manager(node.name())))
            .unwrap_or_default();
        objects.add(json!({
            "apiVersion": self.services.longhorn_api(), "kind": "Engine",
            "metadata": meta("Engine", &engine).labels(json!({ "longhornnode": attached.unwrap_or_default(), "longhornvolume": name })).owned_by(owner.clone()).done(),
            "spec": {
                "active": true, "backupVolume": "", "desireState": if running { "running" } else { "stopped" }, "disableFrontend": false, "frontend": "blockdev", "image": image, "logRequested": false,
                "nodeID": attached.unwrap_or_default(), "replicaAddressMap": addresses, "upgradedReplicaAddressMap": {}, "volumeName": name, "volumeSize": size,
            },
            "status": {
                "conditions": self.longhorn_conditions(&[("InstanceCreation", "True", created, "", String::new())]), "currentImage": if running { image.as_str() } else { "" },
                "currentReplicaAddressMap": if running { json!(addresses) } else { json!({}) }, "currentSize": size, "currentState": match (stranded, running) { (true, _) => "unknown", (false, true) => "running", (false, false) => "stopped" },
                "endpoint": if running { format!("/dev/longhorn/{name}") } else { String::new() }, "instanceManagerName": attached.map(|node| self.instance_manager(node)).unwrap_or_default(), "ip": address,
                "isExpanding": false, "lastRestoredBackup": "", "logFetched": false, "ownerID": attached.unwrap_or_default(), "replicaModeMap": modes, "started": running, "storageIP": address,
            },
        }));
        for (index, host) in volume.replicas.iter().enumerate() {
            let Some(node) = self.node(host) else {
                continue;
            };
            let replica = volume.replica(&self.identity, host);
            let (_, disk) = self.replica_disk(node);
            let failed = if node.lost.is_some() && running {
                rfc3339(self.longhorn_since(node))
            } else {
                String::new()
            };
            let state = if !running || node.lost.is_some() {
                "stopped"
            } else {
                "running"
            };
            let address = self.pod_address(node, &self.instance_manager(host));
            objects.add(json!({
                "apiVersion": self.services.longhorn_api(), "kind": "Replica",
                "metadata": meta("Replica", &replica).labels(json!({ "longhorndiskuuid": disk.uuid, "longhornnode": host, "longhornvolume": name })).owned_by(owner.clone()).done(),
                "spec": {
                    "active": true, "backingImage": "", "dataDirectoryName": format!("{name}-{}", self.identity.hex(&replica, 8)), "desireState": state, "diskID": disk.uuid, "diskPath": disk.path, "engineName": engine,
                    "evictionRequested": false, "failedAt": failed, "hardNodeAffinity": "", "healthyAt": rfc3339(created + SignedDuration::from_secs(29)), "image": image, "lastFailedAt": failed,
                    "lastHealthyAt": rfc3339(created + SignedDuration::from_secs(29)), "logRequested": false, "nodeID": host, "rebuildRetryCount": 0, "revisionCounterDisabled": true, "salvageRequested": false,
                    "unmapMarkDiskChainRemovedEnabled": false, "volumeName": name, "volumeSize": size,
                },
                "status": {
                    "conditions": self.longhorn_conditions(&[]), "currentImage": if state == "running" { image.as_str() } else { "" }, "currentState": state, "evictionRequested": false,
                    "instanceManagerName": if state == "running" { self.instance_manager(host) } else { String::new() }, "ip": if state == "running" { address.as_str() } else { "" }, "logFetched": false, "ownerID": self.longhorn_owner(node),
                    "port": if state == "running" { 10_000 + 15 * index } else { 0 }, "salvageExecuted": false, "started": state == "running", "storageIP": if state == "running" { address.as_str() } else { "" },
                },
            }));
        }
        self.add_claim(objects, volume, created);
    }

    fn add_claim(&self, objects: &mut Objects, volume: &Volume, created: Timestamp) {
        let name = volume.name.as_str();
        let block = matches!(volume.owner, VolumeOwner::VirtualMachine(_));
        let access = if block {
            "ReadWriteMany"
        } else {
            "ReadWriteOnce"
        };
        let mode = if block { "Block" } else { "Filesystem" };
        let storage = format!("{}Gi", volume.gibibytes);
        objects.add(json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": self.meta("PersistentVolume", "", name, created).annotations(json!({ "pv.kubernetes.io/provisioned-by": "driver.longhorn.io", "volume.kubernetes.io/provisioner-deletion-secret-name": "", "volume.kubernetes.io/provisioner-deletion-secret-namespace": "" }))
                .with("finalizers", json!(["kubernetes.io/pv-protection", "external-attacher/driver-longhorn-io"])).done(),
            "spec": {
                "accessModes": [access], "capacity": { "storage": storage }, "claimRef": { "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": volume.claim, "namespace": volume.namespace, "uid": name.trim_start_matches("pvc-") },
                "csi": { "driver": "driver.longhorn.io", "fsType": "ext4", "volumeAttributes": { "fromBackup": "", "migratable": "true", "numberOfReplicas": "3", "staleReplicaTimeout": "30" }, "volumeHandle": name },
                "persistentVolumeReclaimPolicy": "Delete", "storageClassName": "harvester-longhorn", "volumeMode": mode,
            },
            "status": { "phase": "Bound" },
        }));
        if self.namespaces().contains(&volume.namespace) {
            objects.add(json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": self.meta("PersistentVolumeClaim", &volume.namespace, &volume.claim, created).annotations(json!({ "pv.kubernetes.io/bind-completed": "yes", "volume.kubernetes.io/storage-provisioner": "driver.longhorn.io" }))
                    .with("finalizers", json!(["kubernetes.io/pvc-protection"])).done(),
                "spec": { "accessModes": [access], "resources": { "requests": { "storage": storage } }, "storageClassName": "harvester-longhorn", "volumeMode": mode, "volumeName": name },
                "status": { "accessModes": [access], "capacity": { "storage": storage }, "phase": "Bound" },
            }));
        }
        let Some(node) = &volume.node else { return };
        let attachment = format!(
            "csi-{}",
            self.identity.hex(&format!("attachment/{name}"), 64)
        );
        let attached = self
            .node(node)
            .map_or(created, |node| node.booted() + SignedDuration::from_mins(6))
            .max(created);
        objects.add(json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment",
            "metadata": self.meta("VolumeAttachment", "", &attachment, attached).annotations(json!({ "csi.alpha.kubernetes.io/node-id": node })).with("finalizers", json!(["external-attacher/driver-longhorn-io"])).done(),
            "spec": { "attacher": "driver.longhorn.io", "nodeName": node, "source": { "persistentVolumeName": name } }, "status": { "attached": true },
        }));
        if !self.services.is_old() {
            objects.add(json!({
                "apiVersion": self.services.longhorn_api(), "kind": "VolumeAttachment", "metadata": self.meta("longhorn.VolumeAttachment", "longhorn-system", name, created).labels(json!({ "longhornvolume": name })).done(),
                "spec": { "attachmentTickets": { attachment.clone(): { "generation": 0, "id": attachment, "nodeID": node, "parameters": { "disableFrontend": "false", "lastAttachedBy": "" }, "type": "csi-attacher" } }, "volume": name },
                "status": { "attachmentTicketStatuses": { attachment.clone(): {
                    "conditions": [{ "lastProbeTime": "", "lastTransitionTime": rfc3339(attached), "message": "", "reason": "", "status": "True", "type": "Satisfied" }], "generation": 0, "id": attachment, "satisfied": true,
                } } },
            }));
        }
    }

    fn add_longhorn_settings(&self, objects: &mut Objects) {
        let rolling = self
            .upgrade
            .as_ref()
            .is_some_and(|upgrade| upgrade.shape.state == UpgradeState::UpgradingNodes);
        let settings = [
            ("auto-salvage", "true"),
            ("backup-target", ""),
            ("concurrent-replica-rebuild-per-node-limit", "5"),
            ("default-replica-count", "3"),
            ("detach-manually-attached-volumes-when-cordoned", "true"),
            ("guaranteed-instance-manager-cpu", "12"),
            ("node-down-pod-deletion-policy", "do-nothing"),
            ("node-drain-policy", "allow-if-replica-is-stopped"),
            ("priority-class", "system-cluster-critical"),
            (
                "replica-replenishment-wait-interval",
                if rolling { "1800" } else { "600" },
            ),
            ("replica-soft-anti-affinity", "false"),
            ("storage-minimal-available-percentage", "25"),
            ("storage-network", ""),
            ("storage-over-provisioning-percentage", "200"),
            ("taint-toleration", ""),
        ];
        for (name, value) in settings {
            let mut setting = json!({
                "apiVersion": self.services.longhorn_api(), "kind": "Setting", "metadata": self.meta("longhorn.Setting", "longhorn-system", name, self.installed).with("generation", json!(1)).done(), "value": value,
            });
            if !self.services.is_old() {
                setting["status"] = json!({ "applied": true });
            }
            objects.add(setting);
        }
        let image = self.engine_image();
        let deployed: Map<String, Value> = self
            .nodes
            .iter()
            .filter(|node| node.has_workloads())
            .map(|node| (node.name().to_owned(), json!(node.lost.is_none())))
            .collect();
        let text = format!(
            "Engine image {image} (longhornio/longhorn-engine:v{}) is fully deployed on all ready nodes",
            self.services.longhorn
        );
        objects.add(json!({
            "apiVersion": self.services.longhorn_api(), "kind": "EngineImage", "metadata": self.meta("EngineImage", "longhorn-system", &image, self.installed).labels(json!({ "longhorn.io/component": "engine-image", "longhorn.io/engine-image": image })).done(),
            "spec": { "image": format!("longhornio/longhorn-engine:v{}", self.services.longhorn) },
            "status": {
                "buildDate": "2024-09-05T11:12:44+00:00", "cliAPIMinVersion": 3, "cliAPIVersion": 10, "conditions": self.longhorn_conditions(&[("ready", "True", self.installed, "", text)]), "controllerAPIMinVersion": 3, "controllerAPIVersion": 6,
                "noRefSince": "", "nodeDeploymentMap": deployed, "refCount": 2 * self.volumes.len(), "state": "deployed", "version": format!("v{}", self.services.longhorn),
            },
        }));
    }
}
