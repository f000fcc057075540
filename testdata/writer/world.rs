//! Works out the shape of a scenario's cluster: addresses, machines, versions of each host, the upgrade's timeline,
//! volumes and where their replicas are. Everything that writes objects or logs reads it here, so that they agree.

use std::collections::BTreeMap;

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::clock::{Clock, parse_offset};
use super::identity::Identity;
use super::release::Release;
use super::scenario::{
    DiskShape, DiskUse, NodeShape, Role, Scenario, StepShape, UpgradeShape, UpgradeState,
};

/// A virtual address that all control-plane hosts share.
pub const VIRTUAL_ADDRESS: &str = "10.30.7.5";

/// A scenario's cluster, worked out.
#[derive(Debug)]
pub struct World {
    /// Where it comes from.
    pub scenario: Scenario,
    /// Its times.
    pub clock: Clock,
    /// Its names.
    pub identity: Identity,
    /// What the system services run: the target once the upgrade is past them.
    pub services: &'static Release,
    /// When the first host was installed.
    pub installed: Timestamp,
    /// The hosts, in the order they joined.
    pub nodes: Vec<Node>,
    /// The upgrade.
    pub upgrade: Option<Upgrade>,
    /// All Longhorn volumes.
    pub volumes: Vec<Volume>,
}

/// A host.
#[derive(Debug, Clone)]
pub struct Node {
    /// From 0, in the order they joined.
    pub index: usize,
    /// As the scenario has it.
    pub shape: NodeShape,
    /// Management address.
    pub address: String,
    /// Name of its Machine.
    pub machine: String,
    /// Label `rke.cattle.io/machine-id`.
    pub machine_id: String,
    /// What its kubelet runs.
    pub kubelet: &'static Release,
    /// What its operating system is.
    pub os: &'static Release,
    /// When it joined.
    pub joined: Timestamp,
    /// When the journal's boots began, the current one last.
    pub boots: Vec<Timestamp>,
    /// When the boot before the current one broke off, if it did.
    pub crashed: Option<Timestamp>,
    /// When it fell silent.
    pub lost: Option<Timestamp>,
}

impl Node {
    /// Name.
    pub fn name(&self) -> &str {
        &self.shape.name
    }

    /// An etcd member that runs the control plane.
    pub fn is_control_plane(&self) -> bool {
        self.shape.role == Role::ControlPlane
    }

    /// An etcd member.
    pub fn has_etcd(&self) -> bool {
        self.shape.role != Role::Worker
    }

    /// Runs machines and holds replicas.
    pub fn has_workloads(&self) -> bool {
        self.shape.role != Role::Witness
    }

    /// Start of the current boot.
    pub fn booted(&self) -> Timestamp {
        self.boots.last().copied().unwrap_or(self.joined)
    }

    /// When the boot at `index` ended; none for the current one.
    pub fn ended(&self, index: usize) -> Option<Timestamp> {
        let next = *self.boots.get(index + 1)?;
        Some(self.crashed.unwrap_or(next - SignedDuration::from_secs(74)))
    }

    /// What the host was doing at `time`: not yet lost, and its present boot had begun.
    pub fn is_up_at(&self, time: Timestamp) -> bool {
        time >= self.booted() && self.lost.is_none_or(|lost| time < lost)
    }

    /// Its data disks with the name Longhorn knows them by.
    pub fn longhorn_disks(&self, identity: &Identity) -> Vec<LonghornDisk> {
        self.shape
            .disks
            .iter()
            .map(|disk| {
                let key = format!("disk/{}/{}", self.name(), disk.device);
                let uuid = identity.uuid(&key);
                match disk.purpose {
                    DiskUse::System => LonghornDisk {
                        name: format!("default-disk-{}", identity.hex(&key, 16)),
                        path: "/var/lib/harvester/defaultdisk".to_owned(),
                        uuid,
                        bytes: disk.gigabytes * 600_000_000,
                        shape: disk.clone(),
                    },
                    DiskUse::Data => {
                        let name = identity.hex(&key, 32);
                        LonghornDisk {
                            path: format!("/var/lib/harvester/extra-disks/{name}"),
                            name,
                            uuid,
                            bytes: disk.gigabytes * 1_000_000_000,
                            shape: disk.clone(),
                        }
                    }
                }
            })
            .collect()
    }
}

/// A disk as Longhorn sees it.
#[derive(Debug, Clone)]
pub struct LonghornDisk {
    /// Key in the Longhorn node's `spec.disks`.
    pub name: String,
    /// Mount point.
    pub path: String,
    /// Longhorn's id.
    pub uuid: String,
    /// Size of the file system.
    pub bytes: u64,
    /// The physical disk.
    pub shape: DiskShape,
}

/// A Longhorn volume with its claim.
#[derive(Debug, Clone)]
pub struct Volume {
    /// Name of the volume and of the PersistentVolume.
    pub name: String,
    /// Namespace of the claim.
    pub namespace: String,
    /// Name of the claim.
    pub claim: String,
    /// Size.
    pub gibibytes: u64,
    /// Host it is attached to.
    pub node: Option<String>,
    /// Hosts of its replicas.
    pub replicas: Vec<String>,
    /// Whose it is.
    pub owner: VolumeOwner,
}

/// What a volume serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeOwner {
    /// A virtual machine.
    VirtualMachine(String),
    /// A pod of a StatefulSet, by its name.
    Pod(String),
}

impl Volume {
    /// Name of the replica on `node`.
    pub fn replica(&self, identity: &Identity, node: &str) -> String {
        format!(
            "{}-r-{}",
            self.name,
            identity.hex(&format!("replica/{}/{node}", self.name), 8)
        )
    }

    /// Name of the engine.
    pub fn engine(&self) -> String {
        format!("{}-e-0", self.name)
    }
}

/// The upgrade's timeline.
#[derive(Debug)]
pub struct Upgrade {
    /// As the scenario has it.
    pub shape: UpgradeShape,
    /// Before.
    pub from: &'static Release,
    /// After.
    pub to: &'static Release,
    /// When it was asked for.
    pub started: Timestamp,
    /// Where each host is.
    pub steps: BTreeMap<String, Step>,
}

impl Upgrade {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.shape.name
    }

    /// A moment of the phases before the hosts, in minutes after the start.
    pub fn after(&self, minutes: i64) -> Timestamp {
        self.started + SignedDuration::from_mins(minutes)
    }

    /// Whether the upgrade had come as far as `state`; a failed one fails while the hosts are prepared.
    pub fn reached(&self, state: UpgradeState) -> bool {
        match self.shape.state {
            UpgradeState::Failed => state == UpgradeState::PreparingNodes,
            now => now >= state,
        }
    }

    /// Whether the system services are done.
    pub fn services_done(&self) -> bool {
        self.reached(UpgradeState::UpgradingNodes)
    }
}

/// Minutes after the start at which the phases before the hosts end.
pub const LOG_READY: i64 = 3;
/// The image is there.
pub const IMAGE_READY: i64 = 11;
/// The repository answers.
pub const REPO_READY: i64 = 14;
/// All hosts have the images.
pub const NODES_PREPARED: i64 = 43;
/// The manifests job is through.
pub const SERVICES_UPGRADED: i64 = 82;

/// A host on its way through the upgrade.
#[derive(Debug, Clone)]
pub struct Step {
    /// As the scenario has it.
    pub shape: StepShape,
    /// When it came into its state.
    pub since: Timestamp,
    /// Pre-drain job.
    pub pre_drain: Option<Span>,
    /// The host runs the new kubelet.
    pub kubelet_updated: Option<Timestamp>,
    /// Post-drain job.
    pub post_drain: Option<Span>,
    /// It came back with the new system.
    pub rebooted: Option<Timestamp>,
}

/// A job's time.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Begin.
    pub start: Timestamp,
    /// Successful end.
    pub end: Option<Timestamp>,
}

impl Step {
    fn new(shape: &StepShape, clock: &Clock) -> Result<Step, String> {
        let since = clock.at(&shape.since)?;
        let ago = |minutes: i64| since - SignedDuration::from_mins(minutes);
        let done = |start, end| {
            Some(Span {
                start,
                end: Some(end),
            })
        };
        let open = |start| Some(Span { start, end: None });
        let (pre_drain, kubelet_updated, post_drain, rebooted) = match shape.state.as_str() {
            "Images preloading" | "Images preloaded" | "Failed" => (None, None, None, None),
            "Pre-draining" => (open(since), None, None, None),
            "Pre-drained" => (done(ago(7), since), None, None, None),
            "Post-draining" => (done(ago(20), ago(13)), Some(ago(4)), open(since), None),
            "Waiting Reboot" => (
                done(ago(35), ago(28)),
                Some(ago(19)),
                done(ago(15), since),
                None,
            ),
            "Succeeded" => (
                done(ago(44), ago(37)),
                Some(ago(28)),
                done(ago(24), ago(9)),
                Some(ago(6)),
            ),
            other => return Err(format!("no such state of a node in an upgrade: `{other}`")),
        };
        Ok(Step {
            shape: shape.clone(),
            since,
            pre_drain,
            kubelet_updated,
            post_drain,
            rebooted,
        })
    }
}

impl World {
    /// The clock of a host, which may be off.
    pub fn clock_of(&self, node: &str) -> Result<Clock, String> {
        let host = self.scenario.overlay.hosts.get(node);
        let off = host.and_then(|host| host.clock_offset.as_deref());
        Ok(Clock {
            off: off.map_or(Ok(SignedDuration::ZERO), parse_offset)?,
            ..self.clock.clone()
        })
    }

    /// Works out `scenario`; an error says what in it does not fit together.
    pub fn new(scenario: &Scenario) -> Result<World, String> {
        let shape = &scenario.cluster;
        let collected: Timestamp = shape
            .collected_at
            .parse()
            .map_err(|error| format!("collectedAt {}: {error}", shape.collected_at))?;
        let offset =
            Offset::from_seconds(shape.zone.minutes * 60).map_err(|error| error.to_string())?;
        let clock = Clock {
            collected,
            zone_name: shape.zone.name.clone(),
            offset,
            off: SignedDuration::ZERO,
        };
        let identity = Identity::new(&shape.name);
        let installed = clock.at(&shape.age)?;
        let from = Release::named(&shape.version)?;
        let upgrade = match &shape.upgrade {
            Some(upgrade) => Some(Upgrade {
                from,
                to: Release::named(&upgrade.to)?,
                started: clock.at(&upgrade.started)?,
                steps: upgrade
                    .nodes
                    .iter()
                    .map(|(name, step)| Ok((name.clone(), Step::new(step, &clock)?)))
                    .collect::<Result<_, String>>()?,
                shape: upgrade.clone(),
            }),
            None => None,
        };
        check_upgrade(scenario, upgrade.as_ref())?;
        let services = match &upgrade {
            Some(upgrade) if upgrade.services_done() => upgrade.to,
            _ => from,
        };
        let mut nodes = Vec::new();
        for (index, node) in shape.nodes.iter().enumerate() {
            nodes.push(new_node(
                index,
                node,
                from,
                upgrade.as_ref(),
                &clock,
                &identity,
                installed,
            )?);
        }
        let mut world = World {
            scenario: scenario.clone(),
            clock,
            identity,
            services,
            installed,
            nodes,
            upgrade,
            volumes: Vec::new(),
        };
        world.volumes = world.new_volumes()?;
        Ok(world)
    }

    /// The host called `name`.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name() == name)
    }

    /// Hosts that answer.
    pub fn alive(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.lost.is_none())
    }

    /// When the bundle was asked for, half a minute before its first list was read.
    pub fn collected(&self) -> Timestamp {
        self.clock.collected
    }

    /// A time by its offset from the collection.
    pub fn ago(&self, offset: &str) -> Timestamp {
        self.collected() - parse_offset(offset).expect("a constant offset")
    }

    /// The step of `node` in the upgrade.
    pub fn step(&self, node: &str) -> Option<&Step> {
        self.upgrade
            .as_ref()
            .and_then(|upgrade| upgrade.steps.get(node))
    }

    /// Whether `node` is being upgraded just now, so that it is cordoned.
    pub fn in_transition(&self, node: &str) -> bool {
        self.step(node).is_some_and(|step| {
            matches!(
                step.shape.state.as_str(),
                "Pre-draining" | "Pre-drained" | "Post-draining" | "Waiting Reboot"
            )
        })
    }

    /// Namespaces in the order of collection.
    pub fn namespaces(&self) -> Vec<String> {
        let mut names: Vec<String> = ["default", "kube-system", "cattle-system"]
            .map(str::to_owned)
            .to_vec();
        names.extend(self.target_namespaces());
        names
    }

    /// What Harvester tells the collector to collect beside its own three.
    pub fn target_namespaces(&self) -> Vec<String> {
        let listed: &[&str] = if self.services.is_old() {
            &[
                "cattle-dashboards",
                "cattle-fleet-clusters-system",
                "cattle-monitoring-system",
                "fleet-local",
                "harvester-system",
                "local",
                "longhorn-system",
            ]
        } else {
            &[
                "cattle-dashboards",
                "cattle-fleet-local-system",
                "cattle-fleet-system",
                "cattle-fleet-clusters-system",
                "cattle-monitoring-system",
                "fleet-local",
                "harvester-system",
                "local",
                "longhorn-system",
                "cattle-logging-system",
                "cattle-provisioning-capi-system",
            ]
        };
        let extra = self.scenario.cluster.extra_namespaces.iter().cloned();
        listed
            .iter()
            .map(|name| (*name).to_owned())
            .chain(extra)
            .collect()
    }

    /// Name of the bundle's top directory and, with `.zip`, of the bundle.
    pub fn bundle_directory(&self) -> String {
        let id = match &self.scenario.cluster.bundle_name {
            Some(word) => word.clone(),
            None => self.cluster_id(),
        };
        format!(
            "supportbundle_{id}_{}",
            super::clock::rfc3339(self.collected()).replace(':', "-")
        )
    }

    /// Uid of the namespace harvester-system.
    pub fn cluster_id(&self) -> String {
        self.uid("Namespace", "", "harvester-system")
    }

    /// Uid of an object.
    pub fn uid(&self, kind: &str, namespace: &str, name: &str) -> String {
        self.identity
            .uuid(&format!("uid/{kind}/{namespace}/{name}"))
    }

    /// Name of the SupportBundle.
    pub fn bundle_object(&self) -> String {
        format!("bundle-{}", self.identity.suffix("bundle", 5))
    }

    /// Name of the instance manager on `node`.
    pub fn instance_manager(&self, node: &str) -> String {
        format!(
            "instance-manager-{}",
            self.identity.hex(&format!("instance-manager/{node}"), 32)
        )
    }

    /// Name of the Longhorn engine image.
    pub fn engine_image(&self) -> String {
        format!("ei-{}", self.identity.hex("engine-image", 8))
    }

    fn new_volumes(&self) -> Result<Vec<Volume>, String> {
        let mut volumes = Vec::new();
        for machine in &self.scenario.cluster.virtual_machines {
            for (index, shape) in machine.volumes.iter().enumerate() {
                let claim = format!("{}-disk-{index}", machine.name);
                volumes.push(self.new_volume(
                    &machine.namespace,
                    claim,
                    shape.gibibytes,
                    machine.node.clone(),
                    &shape.replicas,
                    VolumeOwner::VirtualMachine(machine.name.clone()),
                )?);
            }
        }
        if self.scenario.cluster.monitoring && !self.services.is_old() {
            let node = self
                .alive()
                .find(|node| node.has_workloads() && !self.in_transition(node.name()));
            let pod = "prometheus-rancher-monitoring-prometheus-0".to_owned();
            let claim = format!("prometheus-rancher-monitoring-prometheus-db-{pod}");
            let chosen = self.scenario.cluster.prometheus.clone();
            let node = chosen.or_else(|| node.map(|node| node.name().to_owned()));
            volumes.push(self.new_volume(
                "cattle-monitoring-system",
                claim,
                50,
                node,
                &[],
                VolumeOwner::Pod(pod),
            )?);
        }
        Ok(volumes)
    }

    fn new_volume(
        &self,
        namespace: &str,
        claim: String,
        gibibytes: u64,
        node: Option<String>,
        replicas: &[String],
        owner: VolumeOwner,
    ) -> Result<Volume, String> {
        if let Some(name) = replicas
            .iter()
            .chain(&node)
            .find(|name| self.node(name).is_none())
        {
            return Err(format!("{namespace}/{claim}: no host {name}"));
        }
        let mut chosen = replicas.to_vec();
        if chosen.is_empty() {
            chosen.extend(node.clone());
            let others = self
                .nodes
                .iter()
                .filter(|other| other.has_workloads())
                .map(|other| other.name().to_owned());
            for other in others {
                if chosen.len() < 3 && !chosen.contains(&other) {
                    chosen.push(other);
                }
            }
        }
        let uid = self.uid("PersistentVolumeClaim", namespace, &claim);
        Ok(Volume {
            name: format!("pvc-{uid}"),
            namespace: namespace.to_owned(),
            claim,
            gibibytes,
            node,
            replicas: chosen,
            owner,
        })
    }
}

fn check_upgrade(scenario: &Scenario, upgrade: Option<&Upgrade>) -> Result<(), String> {
    let Some(upgrade) = upgrade else {
        return Ok(());
    };
    for (name, step) in &upgrade.steps {
        if !scenario.cluster.nodes.iter().any(|node| node.name == *name) {
            return Err(format!("upgrade: no host {name}"));
        }
        let drained = step.pre_drain.map(|span| span.start);
        if drained.is_some_and(|start| start < upgrade.after(SERVICES_UPGRADED)) {
            return Err(format!(
                "upgrade: {name} was drained before the system services were done"
            ));
        }
    }
    Ok(())
}

fn new_node(
    index: usize,
    shape: &NodeShape,
    from: &'static Release,
    upgrade: Option<&Upgrade>,
    clock: &Clock,
    identity: &Identity,
    installed: Timestamp,
) -> Result<Node, String> {
    let step = upgrade.and_then(|upgrade| upgrade.steps.get(&shape.name));
    let to = upgrade.map_or(from, |upgrade| upgrade.to);
    let joined = installed + SignedDuration::from_mins(35 * i64::try_from(index).unwrap_or(0));
    let long_ago =
        clock.collected - SignedDuration::from_hours(21 * 24) + SignedDuration::from_mins(17);
    let mut boots = match &shape.booted {
        Some(booted) if shape.crashed.is_some() => vec![long_ago, clock.at(booted)?],
        Some(booted) => vec![clock.at(booted)?],
        None => vec![long_ago],
    };
    boots[0] = boots[0].max(joined - SignedDuration::from_mins(9));
    let crashed = shape
        .crashed
        .as_deref()
        .map(|crashed| clock.at(crashed))
        .transpose()?;
    if crashed.is_some_and(|crashed| boots.len() < 2 || crashed <= boots[0] || crashed >= boots[1])
    {
        return Err(format!(
            "{}: a crash needs a boot behind it and one before it",
            shape.name
        ));
    }
    if let Some(rebooted) = step
        .and_then(|step| step.rebooted)
        .filter(|_| shape.booted.is_none())
    {
        boots.push(rebooted);
    }
    let key = format!("machine/{}", shape.name);
    Ok(Node {
        index,
        address: format!("10.30.{}.{}", 7 + index / 200, 11 + index % 200),
        machine: format!("custom-{}", identity.hex(&key, 12)),
        machine_id: identity.hex(&format!("{key}/id"), 63),
        kubelet: if step.is_some_and(|step| step.kubelet_updated.is_some()) {
            to
        } else {
            from
        },
        os: if step.is_some_and(|step| step.rebooted.is_some()) {
            to
        } else {
            from
        },
        joined,
        boots,
        crashed,
        lost: shape
            .lost
            .as_deref()
            .map(|lost| clock.at(lost))
            .transpose()?,
        shape: shape.clone(),
    })
}
