//! Lays a world out as the collector does, file by file, into an archive.

use std::collections::BTreeSet;
use std::io::{self, Write};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::clock::{Clock, rfc3339};
use super::emitter::to_yaml;
use super::host::{HostContent, JournalPart};
use super::info_zip::InfoZip;
use super::list::{Origin, document};
use super::logs::Line;
use super::objects::{ListKey, Objects, add_managed_fields};
use super::pods::Pod;
use super::scenario::Scenario;
use super::world::{Node, World};

/// Kinds that the collector of the 1.0 era wrote an empty list of, beside those that exist somewhere.
const EMPTY_KINDS: [(&str, &str); 12] = [
    ("v1", "PodTemplate"),
    ("v1", "LimitRange"),
    ("v1", "ResourceQuota"),
    ("v1", "ReplicationController"),
    ("apps/v1", "ControllerRevision"),
    ("autoscaling/v1", "HorizontalPodAutoscaler"),
    ("batch/v1", "CronJob"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("snapshot.storage.k8s.io/v1", "VolumeSnapshot"),
    ("kubevirt.io/v1", "VirtualMachineInstanceMigration"),
    ("harvesterhci.io/v1beta1", "VirtualMachineBackup"),
    ("cdi.kubevirt.io/v1beta1", "DataVolume"),
];

/// Size at which the collector cuts a unit's journal.
const JOURNAL_LIMIT: usize = 10 * 1024 * 1024;

/// A scenario's bundle as the bytes of a zip; an error says what in the scenario does not fit.
pub fn bundle(scenario: &Scenario) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    write(scenario, &mut bytes)?;
    Ok(bytes)
}

/// Writes a scenario's bundle to `out`, one file at a time; gives the name of the bundle without `.zip`.
pub fn write(scenario: &Scenario, out: impl Write) -> Result<String, String> {
    let world = World::new(scenario)?;
    let mut laid_out = LaidOut::new(&world)?;
    let top = world.bundle_directory();
    let mut archive = Archive {
        zip: InfoZip::new(out),
        top: top.clone(),
        directories: BTreeSet::new(),
    };
    world.write_all(&mut laid_out, &mut archive)?;
    laid_out.check_all_used()?;
    archive.zip.finish().map_err(|error| error.to_string())?;
    Ok(top)
}

/// Objects and pods of a world, and which of the scenario's log lines found their file.
pub struct LaidOut {
    /// The objects with all changes.
    pub objects: Objects,
    /// The pods.
    pub pods: Vec<Pod>,
    /// Files that the scenario adds lines to.
    targets: Vec<String>,
    /// Logs written so far.
    paths: Vec<String>,
}

impl LaidOut {
    /// Makes all objects and applies the scenario's changes.
    pub fn new(world: &World) -> Result<LaidOut, String> {
        let mut objects = Objects::default();
        world.add_core_objects(&mut objects);
        world.add_machine_objects(&mut objects);
        let mut pods = world.add_workloads(&mut objects);
        pods.extend(world.add_storage_objects(&mut objects));
        pods.extend(world.add_virtual_machines(&mut objects));
        pods.extend(world.add_upgrade_objects(&mut objects));
        pods.extend(world.add_bundle_objects(&mut objects));
        world.add_ordinary_events(&mut objects);
        world.add_pod_metrics(&mut objects, &pods);
        world.change_objects(&mut objects)?;
        objects.sort();
        pods.retain_mut(|pod| follow_object(pod, &objects));
        let targets = world.log_targets(&pods)?;
        Ok(LaidOut {
            objects,
            pods,
            targets,
            paths: Vec::new(),
        })
    }

    /// A scenario that adds lines to a log that is not in the bundle means something else.
    fn check_all_used(&self) -> Result<(), String> {
        match self
            .targets
            .iter()
            .find(|target| !self.paths.contains(target))
        {
            Some(target) => Err(format!("no log `{target}` to add a line to")),
            None => Ok(()),
        }
    }
}

/// Takes over what the scenario has changed in a pod's object: whether it is there, and on which host.
fn follow_object(pod: &mut Pod, objects: &Objects) -> bool {
    let Ok(found) = objects.find(&format!("Pod/{}/{}", pod.namespace, pod.name)) else {
        return false;
    };
    if found[0]["spec"].get("nodeName").is_none() {
        pod.node = None;
        pod.reachable = false;
    }
    true
}

/// An archive being filled: directories appear before what is in them.
struct Archive<W: Write> {
    zip: InfoZip<W>,
    top: String,
    directories: BTreeSet<String>,
}

impl<W: Write> Archive<W> {
    fn file(&mut self, path: &str, content: &[u8], time: Timestamp) -> Result<(), String> {
        self.try_file(path, content, time)
            .map_err(|error| format!("{path}: {error}"))
    }

    fn try_file(&mut self, path: &str, content: &[u8], time: Timestamp) -> io::Result<()> {
        let full = format!("{}/{path}", self.top);
        for (end, _) in full.match_indices('/') {
            let directory = &full[..=end];
            if !self.directories.contains(directory) {
                self.zip.directory(directory, time)?;
                self.directories.insert(directory.to_owned());
            }
        }
        self.zip.file(&full, content, time)
    }
}

impl World {
    fn add_pod_metrics(&self, objects: &mut Objects, pods: &[Pod]) {
        for pod in pods
            .iter()
            .filter(|pod| pod.reachable && pod.ended.is_none())
        {
            let containers: Vec<Value> = pod.containers.iter().map(|name| json!({ "name": name, "usage": { "cpu": format!("{}n", 900_000 + self.identity.below(&pod.name, 90_000_000)), "memory": format!("{}Ki", 21_000 + self.identity.below(&pod.name, 300_000)) } })).collect();
            objects.add(json!({
                "apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics", "metadata": { "name": pod.name, "namespace": pod.namespace, "creationTimestamp": rfc3339(self.collected()) },
                "containers": containers, "timestamp": rfc3339(self.ago("21s")), "window": "17.3s",
            }));
        }
    }

    fn write_all<W: Write>(
        &self,
        laid_out: &mut LaidOut,
        archive: &mut Archive<W>,
    ) -> Result<(), String> {
        let created = self.collected();
        for (path, text) in [
            (
                "bundleGenerationError.log",
                self.collector_errors(&laid_out.pods),
            ),
            ("metadata.yaml", self.metadata()),
        ] {
            if !self.is_missing(path)? {
                archive.file(
                    path,
                    text.as_bytes(),
                    created + SignedDuration::from_secs(58),
                )?;
            }
        }
        let alerts = !matches!(self.services.harvester, "1.0.1" | "1.3.2")
            && self.scenario.cluster.monitoring;
        if alerts && !self.is_missing("prometheus-alerts.json")? {
            archive.file(
                "prometheus-alerts.json",
                self.alerts().as_bytes(),
                created + SignedDuration::from_secs(300),
            )?;
        }
        self.write_objects(&laid_out.objects, archive)?;
        let namespaces = self.namespaces();
        for (index, namespace) in namespaces.iter().enumerate() {
            let time = created + SignedDuration::from_secs(40 + i64::try_from(index).unwrap_or(0));
            let pods: Vec<Pod> = laid_out
                .pods
                .iter()
                .filter(|pod| pod.namespace == *namespace && pod.reachable)
                .cloned()
                .collect();
            for pod in pods {
                for container in &pod.containers {
                    let path = format!("logs/{namespace}/{}/{container}.log", pod.name);
                    if self.is_missing(&path)? {
                        continue;
                    }
                    let mut lines = if self.is_silent(&path)? {
                        Vec::new()
                    } else {
                        self.pod_log(&pod, container)
                    };
                    lines.extend(self.added_lines(&path, &laid_out.targets)?);
                    lines.sort_by_key(|line| line.time);
                    let clock = self.clock_of(pod.node.as_deref().unwrap_or_default())?;
                    archive.file(&path, pod_log_text(&clock, &lines).as_bytes(), time)?;
                    laid_out.paths.push(path);
                }
                if pod.restarts > 0 && pod.component != "etcd" && !self.services.is_old() {
                    let path = format!("logs/{namespace}/{}/{}.log.1", pod.name, pod.containers[0]);
                    let clock = self.clock_of(pod.node.as_deref().unwrap_or_default())?;
                    let text = pod_log_text(&clock, &self.previous_log(&pod));
                    archive.file(&path, text.as_bytes(), time)?;
                }
            }
        }
        for node in self
            .nodes
            .iter()
            .filter(|node| node.lost.is_none() || node.shape.archived)
        {
            let path = format!("nodes/{}.zip", node.name());
            let (content, paths) = self.node_archive(node, &laid_out.targets)?;
            laid_out.paths.extend(paths);
            if !self.is_missing(&path)? {
                archive.file(&path, &content, created + SignedDuration::from_secs(150))?;
            }
        }
        Ok(())
    }

    fn write_objects<W: Write>(
        &self,
        objects: &Objects,
        archive: &mut Archive<W>,
    ) -> Result<(), String> {
        let namespaces = self.namespaces();
        let empty = Vec::new();
        let mut lists: Vec<(ListKey, &Vec<Value>)> = objects
            .lists()
            .map(|(key, items)| (key.clone(), items))
            .collect();
        if self.services.is_old() {
            let mut kinds: BTreeSet<(String, String)> = EMPTY_KINDS
                .iter()
                .map(|(version, kind)| ((*version).to_owned(), (*kind).to_owned()))
                .collect();
            kinds.extend(
                lists
                    .iter()
                    .filter(|(key, _)| !key.namespace.is_empty())
                    .map(|(key, _)| (key.api_version.clone(), key.kind.clone())),
            );
            for namespace in &namespaces {
                for (api_version, kind) in &kinds {
                    let key = ListKey {
                        namespace: namespace.clone(),
                        api_version: api_version.clone(),
                        kind: kind.clone(),
                    };
                    if !lists.iter().any(|(known, _)| *known == key) {
                        lists.push((key, &empty));
                    }
                }
            }
        }
        let order = |key: &ListKey| {
            namespaces
                .iter()
                .position(|namespace| *namespace == key.namespace)
                .map_or(0, |at| at + 1)
        };
        lists.sort_by(|(a, _), (b, _)| (order(a), a).cmp(&(order(b), b)));
        for (number, (key, items)) in lists.into_iter().enumerate() {
            let path = format!("yamls/{}", key.path());
            let collected = key.namespace.is_empty() || namespaces.contains(&key.namespace);
            if !collected || self.is_missing(&path)? {
                continue;
            }
            let mut items = items.clone();
            if key.origin() != Origin::Aggregated
                && !matches!(key.kind.as_str(), "Event" | "ComponentStatus")
            {
                items.iter_mut().for_each(add_managed_fields);
            }
            let second = order(&key) * 2 + number / 40;
            let revision = 40_000_000 + u64::try_from(number).unwrap_or(0) * 3;
            let time =
                self.collected() + SignedDuration::from_secs(i64::try_from(second).unwrap_or(0));
            let text = document(&key.api_version, &key.kind, &items, key.origin(), revision);
            archive.file(&path, text.as_bytes(), time)?;
        }
        Ok(())
    }

    fn metadata(&self) -> String {
        let passed = !self.services.is_old();
        let text = |text: String| if passed { text } else { String::new() };
        let fields = [
            ("bundlename", text(self.bundle_object())),
            ("bundleversion", "0.1.0".to_owned()),
            (
                "kubernetesversion",
                self.nodes[0].kubelet.kubernetes.to_owned(),
            ),
            ("projectnamespaceuuid", self.cluster_id()),
            ("bundlecreatedat", rfc3339(self.collected())),
            ("issueurl", String::new()),
            ("issuedescription", text(self.description())),
        ];
        fields
            .iter()
            .map(|(key, value)| to_yaml(&json!({ *key: value })))
            .collect()
    }

    fn alerts(&self) -> String {
        let alerts = json!([{
            "activeAt": "2024-10-23T18:01:40.000000123Z", "annotations": { "summary": "An alert that should always be firing to certify that Alertmanager is working properly." },
            "labels": { "alertname": "Watchdog", "severity": "none" }, "state": "firing", "value": "1e+00",
        }]);
        let mut bytes = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        serde::Serialize::serialize(
            &alerts,
            &mut serde_json::Serializer::with_formatter(&mut bytes, formatter),
        )
        .expect("writing to memory");
        String::from_utf8(bytes).expect("JSON is UTF-8")
    }

    fn collector_errors(&self, pods: &[Pod]) -> String {
        let mut text = String::new();
        let mut refuse = |url: String| {
            text.push_str(&format!("Failed to get {url}: the server does not allow this method on the requested resource\n"))
        };
        refuse("/apis/authentication.k8s.io/v1/tokenreviews".to_owned());
        if !self.services.is_old() {
            refuse("/apis/authentication.k8s.io/v1/selfsubjectreviews".to_owned());
        }
        for resource in [
            "subjectaccessreviews",
            "selfsubjectaccessreviews",
            "selfsubjectrulesreviews",
        ] {
            refuse(format!("/apis/authorization.k8s.io/v1/{resource}"));
        }
        for namespace in self.namespaces() {
            refuse(format!("/api/v1/namespaces/{namespace}/bindings"));
            refuse(format!(
                "/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews"
            ));
        }
        for namespace in self.namespaces() {
            for pod in pods.iter().filter(|pod| pod.namespace == namespace) {
                let mut complain = |container: &str, error: String| {
                    text.push_str(&format!("BUG: Support bundle: cannot get log for pod {} container {container}: {error}\n", pod.name))
                };
                match pod.node.as_deref().and_then(|node| self.node(node)) {
                    None => complain(
                        &pod.containers[0],
                        format!("pod {} does not have a host assigned", pod.name),
                    ),
                    Some(node) if node.lost.is_some() && !node.shape.answers => {
                        for container in &pod.containers {
                            complain(
                                container,
                                format!(
                                    "Get \"https://{0}:10250/containerLogs/{namespace}/{1}/{container}?timestamps=true\": dial tcp {0}:10250: connect: no route to host",
                                    node.address, pod.name
                                ),
                            );
                        }
                    }
                    Some(_)
                        if pod.restarts > 0
                            && pod.component == "etcd"
                            && !self.services.is_old() =>
                    {
                        complain(
                            "etcd",
                            format!(
                                "previous terminated container \"etcd\" in pod \"{}\" not found",
                                pod.name
                            ),
                        );
                    }
                    Some(_) => {}
                }
            }
        }
        for line in &self.scenario.overlay.collector_errors {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    fn node_archive(
        &self,
        node: &Node,
        targets: &[String],
    ) -> Result<(Vec<u8>, Vec<String>), String> {
        let clock = self.clock_of(node.name())?;
        if clock.off != self.clock.off {
            // All that the host writes has its own time.
            let mut world = World::new(&self.scenario)?;
            world.clock = clock;
            return world.node_archive(node, targets);
        }
        let mut archive = Archive {
            zip: InfoZip::new(Vec::new()),
            top: node.name().to_owned(),
            directories: BTreeSet::new(),
        };
        let mut paths = Vec::new();
        let time = self
            .clock
            .shown(self.collected() + SignedDuration::from_secs(96));
        let outer = |path: &str| format!("nodes/{}/{path}", node.name());
        for file in self.host_files(node) {
            let path = outer(&file.path);
            if self.is_missing(&path)? {
                continue;
            }
            let added = self.added_lines(&path, targets)?;
            let text = match file.content {
                HostContent::Text(text) => {
                    text + &added
                        .iter()
                        .map(|line| format!("{}\n", line.text))
                        .collect::<String>()
                }
                HostContent::Plain(mut lines) => {
                    lines.extend(added);
                    lines.sort_by_key(|line| line.time);
                    lines
                        .iter()
                        .map(|line| format!("{}\n", line.text))
                        .collect()
                }
                HostContent::Journal(parts) => self.journal(node, &path, parts, added)?,
            };
            archive.file(&file.path, text.as_bytes(), time)?;
            paths.push(path);
        }
        let supportconfig = self.supportconfig_path(node);
        let without = self.services.is_old()
            || self
                .scenario
                .overlay
                .hosts
                .get(node.name())
                .is_some_and(|host| host.without_supportconfig);
        if !without && !self.is_missing(&outer(&supportconfig))? {
            archive.file(&supportconfig, &self.supportconfig(node), time)?;
        }
        Ok((
            archive.zip.finish().map_err(|error| error.to_string())?,
            paths,
        ))
    }

    fn journal(
        &self,
        node: &Node,
        path: &str,
        mut parts: Vec<JournalPart>,
        added: Vec<Line>,
    ) -> Result<String, String> {
        let begin = node.boots.first().copied().unwrap_or(node.joined);
        let header = if self.services.is_old() {
            format!(
                "-- Logs begin at {}, end at {}. --\n",
                self.clock.header(begin),
                self.clock.header(self.collected())
            )
        } else {
            format!(
                "-- Journal begins at {}, ends at {}. --\n",
                self.clock.header(begin),
                self.clock.header(self.collected())
            )
        };
        if parts.is_empty() && !added.is_empty() {
            parts.push(JournalPart {
                boot: node.booted(),
                lines: Vec::new(),
            });
        }
        for line in added {
            let part = parts
                .iter_mut()
                .rev()
                .find(|part| part.boot <= line.time)
                .ok_or_else(|| format!("{path}: a line before the boot: {}", line.text))?;
            part.lines.push(line);
        }
        if parts.iter().all(|part| part.lines.is_empty()) {
            return Ok(header + "-- No entries --\n");
        }
        let precise = !matches!(self.services.harvester, "1.0.1" | "1.3.2");
        let mut text = header;
        for (index, part) in parts.iter_mut().enumerate() {
            part.lines.sort_by_key(|line| line.time);
            if index > 0 {
                let id = self
                    .identity
                    .hex(&format!("boot/{}/{}", node.name(), part.boot), 32);
                text.push_str(&if self.services.is_old() {
                    "-- Reboot --\n".to_owned()
                } else {
                    format!("-- Boot {id} --\n")
                });
            }
            for line in &part.lines {
                let date = if precise {
                    self.clock.journal_precise(line.time)
                } else {
                    self.clock.journal_short(line.time)
                };
                // The host has no name until its configuration is mounted.
                let host = if line.time < part.boot + SignedDuration::from_secs(5) {
                    "localhost"
                } else {
                    node.name()
                };
                text.push_str(&format!("{date} {host} {}\n", line.text));
            }
        }
        if !path.contains("/kernel.log") && text.len() > JOURNAL_LIMIT {
            let mut from = text.len() - JOURNAL_LIMIT;
            while !text.is_char_boundary(from) {
                from += 1;
            }
            text.drain(..from);
        }
        Ok(text)
    }
}

/// The log of a container as the collector gets it, each line with the time at which containerd had it.
fn pod_log_text(clock: &Clock, lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        let prefix = clock.pod_prefix(line.time);
        for part in line.text.split('\n') {
            text.push_str(&prefix);
            text.push(' ');
            text.push_str(part);
            text.push('\n');
        }
    }
    text
}
