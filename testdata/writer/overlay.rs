//! What a scenario changes: placeholders, merges into objects, events, lines of logs, files left out.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::clock::{go_log, klog, parse_offset, rfc3339, rfc3339_milli};
use super::logs::Line;
use super::objects::{Objects, matches_pattern, name_of};
use super::pods::Pod;
use super::scenario::LogLines;
use super::world::World;

impl World {
    /// Applies the scenario's changes to the objects.
    pub fn change_objects(&self, objects: &mut Objects) -> Result<(), String> {
        let overlay = &self.scenario.overlay;
        for object in &overlay.add {
            objects.add(self.completed(self.expand_value(object)?)?);
        }
        for patch in &overlay.patch {
            let fields = self.expand_value(&patch.merge)?;
            objects.change(&self.expand(&patch.object)?, |object| {
                merge(object, &fields)
            })?;
        }
        for reference in &overlay.remove {
            objects.remove(&self.expand(reference)?)?;
            if let Some(node) = reference.strip_prefix("Node/") {
                objects.drop_pods_of(node);
            }
        }
        for event in &overlay.events {
            let found = objects
                .find(&self.expand(&event.object)?)?
                .into_iter()
                .next()
                .cloned()
                .unwrap_or_default();
            let namespace = found["metadata"]["namespace"]
                .as_str()
                .unwrap_or("default")
                .to_owned();
            let mut regarding = json!({ "apiVersion": found["apiVersion"], "kind": found["kind"], "name": name_of(&found), "uid": found["metadata"]["uid"] });
            if found["kind"] == "Node" && found["apiVersion"] == "v1" {
                regarding["uid"] = json!(name_of(&found));
            }
            if let Some(namespace) = found["metadata"].get("namespace") {
                regarding["namespace"] = namespace.clone();
            }
            let first = self.clock.at(&event.first)?;
            let last = event
                .last
                .as_deref()
                .map_or(Ok(first), |last| self.clock.at(last))?;
            self.add_event(
                objects,
                &regarding,
                &namespace,
                &event.kind,
                &event.reason,
                &self.expand(&event.message)?,
                &event.source,
                (first, last, event.count),
            );
        }
        Ok(())
    }

    /// Gives an object that a scenario adds the metadata that it does not write out.
    fn completed(&self, mut object: Value) -> Result<Value, String> {
        let kind = object["kind"]
            .as_str()
            .ok_or("an added object needs a kind")?
            .to_owned();
        if object["apiVersion"].as_str().is_none() {
            return Err(format!("an added {kind} needs an apiVersion"));
        }
        let name = name_of(&object).to_owned();
        let namespace = object["metadata"]["namespace"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let standard = self.meta(&kind, &namespace, &name, self.installed).done();
        for (field, value) in standard.as_object().into_iter().flatten() {
            if object["metadata"].get(field).is_none() {
                object["metadata"][field] = value.clone();
            }
        }
        Ok(object)
    }

    /// The files that the scenario adds lines to, in the order of its entries.
    pub fn log_targets(&self, pods: &[Pod]) -> Result<Vec<String>, String> {
        self.scenario
            .overlay
            .logs
            .iter()
            .map(|added| self.log_target(added, pods))
            .collect()
    }

    fn log_target(&self, added: &LogLines, pods: &[Pod]) -> Result<String, String> {
        let pattern = self.expand(&added.file)?;
        if pattern.starts_with("nodes/") {
            return Ok(pattern);
        }
        let mut fitting: Vec<(&Pod, String)> = Vec::new();
        for pod in pods
            .iter()
            .filter(|pod| pod.reachable && (added.node.is_none() || pod.node == added.node))
        {
            let paths = pod
                .containers
                .iter()
                .map(|container| format!("logs/{}/{}/{container}.log", pod.namespace, pod.name));
            fitting.extend(
                paths
                    .filter(|path| matches_pattern(&pattern, path))
                    .map(|path| (pod, path)),
            );
        }
        let leader = fitting
            .iter()
            .position(|(pod, _)| self.leads(pod))
            .unwrap_or(0);
        let chosen = fitting.into_iter().nth(leader);
        chosen
            .map(|(_, path)| path)
            .ok_or_else(|| format!("no log `{pattern}` to add a line to"))
    }

    /// Lines that the scenario adds to the file at `path`, in order.
    pub fn added_lines(&self, path: &str, targets: &[String]) -> Result<Vec<Line>, String> {
        let mut lines = Vec::new();
        for (added, _) in self
            .scenario
            .overlay
            .logs
            .iter()
            .zip(targets)
            .filter(|(_, target)| *target == path)
        {
            let first = self.clock.at(&added.at)?;
            let every = parse_offset(&added.every)?;
            let text = self.expand(&added.line)?;
            for number in 0..added.repeat {
                let time =
                    first + every * i32::try_from(number).map_err(|error| error.to_string())?;
                if time > self.collected() {
                    return Err(format!("{path}: a line after the collection: {text}"));
                }
                lines.push(Line {
                    time,
                    text: stamp(&text, time, number, self),
                });
            }
        }
        lines.sort_by_key(|line| line.time);
        Ok(lines)
    }

    /// Whether the scenario leaves the file at `path` out.
    pub fn is_missing(&self, path: &str) -> Result<bool, String> {
        self.any_matches(&self.scenario.overlay.missing, path)
    }

    /// Whether the scenario wants none of the ordinary lines of the log at `path`.
    pub fn is_silent(&self, path: &str) -> Result<bool, String> {
        self.any_matches(&self.scenario.overlay.silence, path)
    }

    fn any_matches(&self, patterns: &[String], path: &str) -> Result<bool, String> {
        for pattern in patterns {
            if matches_pattern(&self.expand(pattern)?, path) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts names in place of `${…}`: `${machine:harv-1}`, `${ip:harv-1}`, `${im:harv-1}` (instance manager), `${im-ip:harv-1}` (its address),
    /// `${volume:default/web-01-disk-0}`, `${replica:default/web-01-disk-0@harv-1}`, `${engine:default/…}`,
    /// `${uid:Pod/default/x}`, `${disk:harv-1/sdb}`, `${launcher:default/web-01}`, `${upgrade}`, `${time:-25m}`,
    /// `${micro:-25m}`, `${probes:etcd=true,kubelet=false}` (base64). Others are left for the lines of logs.
    pub fn expand(&self, text: &str) -> Result<String, String> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find("${") {
            expanded.push_str(&rest[..open]);
            let close = rest[open..]
                .find('}')
                .map(|at| open + at)
                .ok_or_else(|| format!("an open placeholder in `{text}`"))?;
            let token = &rest[open + 2..close];
            match token.split_once(':').unwrap_or((token, "")) {
                ("klog" | "rfc3339" | "milli" | "go" | "n", "") => {
                    expanded.push_str(&rest[open..=close])
                }
                (kind, argument) => expanded.push_str(&self.placeholder(kind, argument)?),
            }
            rest = &rest[close + 1..];
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    fn placeholder(&self, kind: &str, argument: &str) -> Result<String, String> {
        let node = |name: &str| self.node(name).ok_or_else(|| format!("no host {name}"));
        let volume = |claim: &str| {
            let found = claim.split_once('/').and_then(|(namespace, claim)| {
                self.volumes
                    .iter()
                    .find(|volume| volume.namespace == namespace && volume.claim == claim)
            });
            found.ok_or_else(|| format!("no volume {claim}"))
        };
        match kind {
            "machine" => Ok(node(argument)?.machine.clone()),
            "ip" => Ok(node(argument)?.address.clone()),
            "im-ip" => {
                let node = node(argument)?;
                Ok(self.pod_address(node, &self.instance_manager(node.name())))
            }
            "im" => Ok(self.instance_manager(node(argument)?.name())),
            "volume" => Ok(volume(argument)?.name.clone()),
            "engine" => Ok(volume(argument)?.engine()),
            "replica" => {
                let (claim, host) = argument
                    .split_once('@')
                    .ok_or_else(|| format!("no host in `{argument}`"))?;
                Ok(volume(claim)?.replica(&self.identity, node(host)?.name()))
            }
            "launcher" => {
                let (namespace, machine) = argument
                    .split_once('/')
                    .ok_or_else(|| format!("no namespace in `{argument}`"))?;
                Ok(self.launcher_pod(namespace, machine))
            }
            "disk" => {
                let (host, device) = argument
                    .split_once('/')
                    .ok_or_else(|| format!("no device in `{argument}`"))?;
                let disks = node(host)?.longhorn_disks(&self.identity);
                disks
                    .into_iter()
                    .find(|disk| disk.shape.device == device)
                    .map(|disk| disk.name)
                    .ok_or_else(|| format!("no disk {argument}"))
            }
            "uid" => match argument.split('/').collect::<Vec<_>>().as_slice() {
                [kind, name] => Ok(self.uid(kind, "", name)),
                [kind, namespace, name] => Ok(self.uid(kind, namespace, name)),
                _ => Err(format!("not an object: `{argument}`")),
            },
            "upgrade" => self
                .upgrade
                .as_ref()
                .map(|upgrade| upgrade.name().to_owned())
                .ok_or_else(|| "no upgrade".to_owned()),
            "time" => Ok(rfc3339(self.clock.at(argument)?)),
            "micro" => Ok(super::clock::rfc3339_micro(self.clock.at(argument)?)),
            "probes" => Ok(probe_statuses(argument)),
            _ => Err(format!("no placeholder ${{{kind}}}")),
        }
    }

    fn expand_value(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => Value::String(self.expand(text)?),
            Value::Array(items) => items
                .iter()
                .map(|item| self.expand_value(item))
                .collect::<Result<_, _>>()?,
            Value::Object(fields) => {
                let mut expanded = serde_json::Map::new();
                for (key, value) in fields {
                    expanded.insert(self.expand(key)?, self.expand_value(value)?);
                }
                Value::Object(expanded)
            }
            other => other.clone(),
        })
    }
}

/// `probe-statuses` of a machine's plan.
fn probe_statuses(list: &str) -> String {
    use base64::Engine as _;
    let probe = |healthy: bool| {
        if healthy {
            json!({ "healthy": true, "successCount": 1 })
        } else {
            json!({ "healthy": false, "failureCount": 4021 })
        }
    };
    let probes: serde_json::Map<String, Value> = list
        .split(',')
        .filter_map(|entry| entry.split_once('='))
        .map(|(name, healthy)| (name.to_owned(), probe(healthy == "true")))
        .collect();
    base64::engine::general_purpose::STANDARD.encode(Value::Object(probes).to_string())
}

fn stamp(text: &str, time: Timestamp, number: u64, world: &World) -> String {
    let stamp = if world.clock.offset.seconds() == 0 {
        klog(time)
    } else {
        world.clock.klog_local(time)
    };
    text.replace("${klog}", &stamp)
        .replace("${rfc3339}", &rfc3339(time))
        .replace("${milli}", &rfc3339_milli(time))
        .replace("${go}", &go_log(time))
        .replace("${n}", &number.to_string())
}

/// Merges `fields` into `target`: maps member by member, lists of objects by their `type` or `name`, all else replaced.
pub fn merge(target: &mut Value, fields: &Value) {
    match (target, fields) {
        (Value::Object(target), Value::Object(fields)) => {
            for (key, value) in fields {
                if value.is_null() {
                    target.remove(key);
                } else {
                    merge(target.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (Value::Array(target), Value::Array(items)) => match merge_key(target, items) {
            Some(key) => {
                for item in items {
                    match target.iter_mut().find(|known| known[key] == item[key]) {
                        Some(known) => merge(known, item),
                        None => target.push(item.clone()),
                    }
                }
            }
            None => items.clone_into(target),
        },
        (target, fields) => fields.clone_into(target),
    }
}

fn merge_key(target: &[Value], items: &[Value]) -> Option<&'static str> {
    ["type", "name"].into_iter().find(|key| {
        !target.is_empty()
            && target
                .iter()
                .chain(items)
                .all(|item| item.get(key).is_some())
    })
}
