//! What the containers of a healthy cluster write, noise included: warnings and errors that mean nothing are as much a
//! part of a real log as anything else, and a diagnosis must not fall for them.

use jiff::{SignedDuration, Timestamp};

use super::clock::{access_log, go_log, klog, rfc3339, rfc3339_milli, utc};
use super::identity::Random;
use super::pods::Pod;
use super::world::World;

/// One line of a log, without the prefix that its file gives it.
#[derive(Debug, Clone)]
pub struct Line {
    /// When it was written.
    pub time: Timestamp,
    /// What was written.
    pub text: String,
}

/// What one kind of container writes: once at its start, and then again and again.
struct Habit {
    component: &'static str,
    container: &'static str,
    /// Mean seconds between two lines.
    every: u64,
    start: &'static [&'static str],
    /// Lines in turn by chance; tokens in braces are times and names.
    running: &'static [&'static str],
}

const NO_MASTER: &str = "W{klog}       1 client_config.go:618] Neither --kubeconfig nor --master was specified.  Using the inClusterConfig.  This might not work.";

const HABITS: [Habit; 27] = [
    Habit {
        component: "etcd",
        container: "etcd",
        every: 31,
        start: &[
            r#"{"level":"info","ts":"{milli}","caller":"etcdmain/etcd.go:73","msg":"Running: ","args":["etcd","--config-file=/var/lib/rancher/rke2/server/db/etcd/config"]}"#,
            r#"{"level":"info","ts":"{milli}","caller":"embed/etcd.go:127","msg":"configuring peer listeners","listen-peer-urls":["https://127.0.0.1:2380","https://{address}:2380"]}"#,
            r#"{"level":"info","ts":"{milli}","logger":"raft","caller":"etcdserver/zap_raft.go:77","msg":"{hex} became follower at term 7"}"#,
            r#"{"level":"info","ts":"{milli}","caller":"etcdserver/server.go:2140","msg":"published local member to cluster through raft","local-member-id":"{hex}","request-path":"/0/members/{hex}/attributes","publish-timeout":"15s"}"#,
        ],
        running: &[
            r#"{"level":"info","ts":"{milli}","caller":"mvcc/hash.go:137","msg":"storing new hash","hash":{n},"revision":{revision},"compact-revision":{revision}}"#,
            r#"{"level":"info","ts":"{milli}","caller":"mvcc/index.go:214","msg":"compact tree index","revision":{revision}}"#,
            r#"{"level":"info","ts":"{milli}","caller":"mvcc/kvstore_compaction.go:68","msg":"finished scheduled compaction","compact-revision":{revision},"took":"{small}.417512ms","hash":{n}}"#,
            r#"{"level":"info","ts":"{milli}","caller":"etcdserver/server.go:1401","msg":"triggering snapshot","local-member-id":"{hex}","local-member-applied-index":{revision},"local-member-snapshot-index":{revision},"local-member-snapshot-count":100000}"#,
            r#"{"level":"warn","ts":"{milli}","caller":"etcdserver/util.go:170","msg":"apply request took too long","took":"{small}7.120391ms","expected-duration":"100ms","prefix":"read-only range ","request":"key:\"/registry/longhorn.io/volumes/\" range_end:\"/registry/longhorn.io/volumes0\" ","response":"range_response_count:7 size:31882"}"#,
        ],
    },
    Habit {
        component: "kube-apiserver",
        container: "kube-apiserver",
        every: 40,
        start: &[
            "I{klog}       1 options.go:222] external host was not specified, using {address}",
            "I{klog}       1 server.go:148] Version: {kubernetes}",
        ],
        running: &[
            r#"I{klog}       1 trace.go:236] Trace[{n}]: "Update" accept:application/json, */*,audit-id:{hex},client:{address},protocol:HTTP/2.0,resource:leases,scope:resource,url:/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager,verb:PUT ({civil}) (total time: 6{small}ms):"#,
            "W{klog}       1 warnings.go:70] policy/v1beta1 PodSecurityPolicy is deprecated in v1.21+, unavailable in v1.25+",
            r#"I{klog}       1 controller.go:624] quota admission added evaluator for: replicas.longhorn.io"#,
            r#"E{klog}       1 timeout.go:142] post-timeout activity - time-elapsed: {small}.211µs, GET "/apis/longhorn.io/v1beta2/namespaces/longhorn-system/volumes" result: <nil>"#,
            "I{klog}       1 controller.go:126] OpenAPI AggregationController: action for item v1beta1.metrics.k8s.io: Rate Limited Requeue.",
        ],
    },
    Habit {
        component: "kube-controller-manager",
        container: "kube-controller-manager",
        every: 75,
        start: &[
            "I{klog}       1 serving.go:380] Generated self-signed cert in-memory",
            NO_MASTER,
        ],
        running: &[
            r#"I{klog}       1 replica_set.go:676] "Finished syncing" logger="replicaset-controller" kind="ReplicaSet" key="cattle-system/rancher-webhook" duration="5{small}.1µs""#,
            r#"I{klog}       1 job_controller.go:562] "enqueueing job" logger="job-controller" key="kube-system/helm-install-rke2-canal""#,
            r#"I{klog}       1 garbagecollector.go:549] "Processing item" logger="garbage-collector-controller" item="[v1/Pod, namespace: kube-system, name: helm-install-rke2-canal-x, uid: {hex}]" virtual=false"#,
        ],
    },
    Habit {
        component: "kube-scheduler",
        container: "kube-scheduler",
        every: 700,
        start: &["I{klog}       1 serving.go:380] Generated self-signed cert in-memory"],
        running: &[
            r#"I{klog}       1 schedule_one.go:314] "Successfully bound pod to node" pod="harvester-system/virt-launcher" node="{node}" evaluatedNodes=3 feasibleNodes=3"#,
        ],
    },
    Habit {
        component: "kube-proxy",
        container: "kube-proxy",
        every: 1500,
        start: &[r#"I{klog}       1 server_linux.go:69] "Using iptables proxy""#],
        running: &[
            r#"I{klog}       1 proxier.go:1508] "Reloading service iptables data" numServices=71 numEndpoints=9{small}"#,
        ],
    },
    Habit {
        component: "rke2-canal",
        container: "calico-node",
        every: 90,
        start: &["{dash} [INFO][9] startup/startup.go 432: Early log level set to info"],
        running: &[
            "{dash} [INFO][71] felix/summary.go 100: Summarising 11 dataplane reconciliation loops over 1m3.{small}s: avg=9ms longest=41ms ()",
            "{dash} [INFO][73] monitor-addresses/autodetection_methods.go 103: Using autodetected IPv4 address on interface mgmt-br: {address}/24",
        ],
    },
    Habit {
        component: "rke2-canal",
        container: "kube-flannel",
        every: 1800,
        start: &[
            "I{klog}       1 main.go:211] CLI flags config: {etcdEndpoints:http://127.0.0.1:4001,http://127.0.0.1:2379}",
        ],
        running: &["I{klog}       1 iptables.go:51] Starting flannel in iptables mode..."],
    },
    Habit {
        component: "rke2-coredns-rke2-coredns",
        container: "coredns",
        every: 900,
        start: &[
            ".:53",
            "[INFO] plugin/reload: Running configuration SHA512 = {hex}",
        ],
        running: &[
            r#"[WARNING] No files matching import glob pattern: /etc/coredns/custom/*.server"#,
        ],
    },
    Habit {
        component: "kube-vip",
        container: "kube-vip",
        every: 300,
        start: &[
            r#"time="{ts}" level=info msg="No interface is specified for VIP in config, auto-detecting default Interface""#,
            r#"time="{ts}" level=info msg="kube-vip will bind to interface [mgmt-br]""#,
            r#"time="{ts}" level=warning msg="already found existing address [10.30.7.5] on adapter [mgmt-br]""#,
        ],
        running: &[
            r#"time="{ts}" level=info msg="Node [{node}] provides local endpoint for service [harvester-system/ingress-expose]""#,
            r#"time="{ts}" level=info msg="(svcs) endpoint watcher started for [harvester-system/ingress-expose]""#,
        ],
    },
    Habit {
        component: "harvester",
        container: "apiserver",
        every: 50,
        start: &[
            "WARNING: proto: file \"rpc.proto\" is already registered",
            r#"time="{ts}" level=info msg="Starting controllers""#,
        ],
        running: &[
            r#"time="{ts}" level=warning msg="unable to find metrics for vmi default/web-01""#,
            r#"W{klog}       8 warnings.go:70] v1 ComponentStatus is deprecated in v1.19+"#,
            r#"time="{ts}" level=error msg="Unable to cancel request for *client.addQuery""#,
            r#"time="{ts}" level=info msg="Sync supportbundle harvester-system/{bundle}""#,
        ],
    },
    Habit {
        component: "harvester-webhook",
        container: "harvester-webhook",
        every: 1200,
        start: &[
            r#"time="{ts}" level=info msg="Sleeping for 15 seconds then applying webhook config""#,
            r#"time="{ts}" level=error msg="failed to list subresources.kubevirt.io/v1: the server is currently unable to handle the request""#,
        ],
        running: &[
            r#"time="{ts}" level=info msg="Active TLS secret harvester-system/harvester-webhook-tls (ver={n}) (count 3)""#,
        ],
    },
    Habit {
        component: "harvester-node-disk-manager",
        container: "harvester-node-disk-manager",
        every: 240,
        start: &[r#"time="{ts}" level=info msg="Node Disk Manager v0.7.6 is starting""#],
        running: &[
            r#"time="{ts}" level=info msg="Enqueue block device {hex} as added""#,
            r#"time="{ts}" level=error msg="failed to execute command: lsblk -dno pkname /dev/sdf, error: exit status 32""#,
        ],
    },
    Habit {
        component: "harvester-network-controller",
        container: "harvester-network",
        every: 480,
        start: &["I{klog}       1 main.go:112] Starting network controller with 2 threads."],
        running: &[
            "I{klog}       1 controller.go:118] couldn't get VLAN, reason: slave of harvester-br0 not found",
            "I{klog}       1 controller.go:143] ignore link not found error",
        ],
    },
    Habit {
        component: "virt-handler",
        container: "virt-handler",
        every: 60,
        start: &[
            r#"{"component":"virt-handler","level":"info","msg":"STARTING informer vmiInformer-targets","pos":"virtinformers.go:330","timestamp":"{micro}"}"#,
        ],
        running: &[
            r#"{"component":"virt-handler","level":"info","msg":"resyncing virt-launcher domains","pos":"cache.go:384","timestamp":"{micro}"}"#,
            r#"{"component":"virt-handler","level":"info","msg":"metrics collection done","pos":"collector.go:101","timestamp":"{micro}"}"#,
            r#"{"component":"virt-handler","kind":"","level":"info","msg":"VMI is in phase: Running | Domain status: Running, reason: Unknown","name":"web-01","namespace":"default","pos":"vm.go:1744","timestamp":"{micro}","uid":"{hex}"}"#,
        ],
    },
    Habit {
        component: "virt-controller",
        container: "virt-controller",
        every: 300,
        start: &[
            NO_MASTER,
            r#"{"component":"virt-controller","level":"info","msg":"STARTING controllers with following threads : node 3, vmi 10","pos":"application.go:420","timestamp":"{micro}"}"#,
        ],
        running: &[
            r#"{"component":"virt-controller","level":"error","msg":"failed to load the certificate in /etc/virt-controller/exportca: tls: private key does not match public key","pos":"cert-manager.go:203","timestamp":"{micro}"}"#,
            r#"{"component":"virt-controller","level":"info","msg":"reenqueuing VirtualMachineInstance default/web-01","pos":"vmi.go:301","timestamp":"{micro}"}"#,
        ],
    },
    Habit {
        component: "virt-api",
        container: "virt-api",
        every: 20,
        start: &[NO_MASTER],
        running: &[
            r#"{"component":"virt-api","level":"info","msg":"http: TLS handshake error from 10.52.0.1:{n}: EOF","pos":"server.go:3212","timestamp":"{micro}"}"#,
            r#"{"component":"virt-api","contentLength":"-","level":"info","method":"GET","pos":"filter.go:34","proto":"HTTP/2.0","remoteAddress":"10.52.0.1","statusCode":200,"timestamp":"{micro}","url":"/apis/subresources.kubevirt.io/v1/healthz","username":"-"}"#,
        ],
    },
    Habit {
        component: "virt-launcher",
        container: "compute",
        every: 900,
        start: &[
            r#"{"component":"virt-launcher","level":"info","msg":"Collected all requested hook sidecar sockets","pos":"manager.go:88","timestamp":"{micro}"}"#,
            r#"{"component":"virt-launcher","level":"info","msg":"Domain name event: Running","pos":"client.go:430","timestamp":"{micro}"}"#,
        ],
        running: &[
            r#"{"component":"virt-launcher","level":"info","msg":"Synced vmi","kind":"","name":"vm","namespace":"default","pos":"server.go:196","timestamp":"{micro}","uid":"{hex}"}"#,
            r#"{"component":"virt-launcher","level":"warning","msg":"failed to get guest agent info: Guest agent is not responding: QEMU guest agent is not connected","pos":"agent_poller.go:346","timestamp":"{micro}"}"#,
        ],
    },
    Habit {
        component: "longhorn-manager",
        container: "longhorn-manager",
        every: 25,
        start: &[
            r#"time="{ts}" level=info msg="Starting longhorn node controller" func="controller.(*NodeController).Run" file="node_controller.go:226" controller=longhorn-node node={node}"#,
        ],
        running: &[
            r#"10.52.0.57 - - [{access}] "GET /v1/volumes/{volume} HTTP/1.1" 200 6{n} "" "Go-http-client/1.1""#,
            r#"time="{ts}" level=warning msg="Failed to get the backup target: empty backup target URL" func="controller.(*BackupTargetController).reconcile" file="backup_target_controller.go:378" controller=longhorn-backup-target node={node}"#,
            r#"time="{ts}" level=warning msg="Error syncing Longhorn kubernetes pod" controller=longhorn-kubernetes-pod error="longhorn-kubernetes-pod-controller: failed to sync: Operation cannot be fulfilled on volumes.longhorn.io \"{volume}\": the object has been modified; please apply your changes to the latest version and try again" node={node}"#,
        ],
    },
    Habit {
        component: "longhorn-csi-plugin",
        container: "longhorn-csi-plugin",
        every: 60,
        start: &[
            r#"time="{ts}" level=info msg="CSI Driver: driver.longhorn.io version: v1.7.2, manager URL http://longhorn-backend:9500/v1" func=csi.Run file="manager.go:23""#,
        ],
        running: &[
            r#"time="{ts}" level=info msg="NodeGetVolumeStats: req: {\"volume_id\":\"{volume}\",\"volume_path\":\"/var/lib/kubelet/plugins/kubernetes.io/csi/volumeDevices/{volume}/dev\"}" func=csi.logGRPC file="server.go:132""#,
            r#"time="{ts}" level=info msg="NodeGetCapabilities: req: {}" func=csi.logGRPC file="server.go:132""#,
        ],
    },
    Habit {
        component: "longhorn-csi-plugin",
        container: "longhorn-liveness-probe",
        every: 3600,
        start: &[r#"I{klog}    2117 main.go:132] "Calling CSI driver to discover driver name""#],
        running: &[r#"I{klog}    2117 main.go:161] "Serving requests to /healthz""#],
    },
    Habit {
        component: "longhorn-csi-plugin",
        container: "node-driver-registrar",
        every: 3600,
        start: &[r#"I{klog}    1904 main.go:150] "Version" version="v2.12.0""#],
        running: &[r#"I{klog}    1904 node_register.go:53] "Starting Registration Server""#],
    },
    Habit {
        component: "instance-manager",
        container: "",
        every: 100,
        start: &[
            r#"[longhorn-instance-manager] time="{ts}" level=info msg="Instance Manager listening to 0.0.0.0:8500" func=cmd.start file="start.go:201""#,
        ],
        running: &[
            r#"[{volume}-e-0] time="{ts}" level=info msg="Get backend tcp://10.52.1.9:10000 revision counter 0" func="controller.(*Controller).Start" file="control.go:612""#,
            r#"[longhorn-instance-manager] time="{ts}" level=info msg="Getting snapshot clone status" serviceURL="10.52.0.9:10150" func="proxy.(*Proxy).SnapshotCloneStatus" file="snapshot.go:411""#,
        ],
    },
    Habit {
        component: "rancher",
        container: "rancher",
        every: 55,
        start: &["{go} [INFO] Rancher version {rancher} is starting"],
        running: &[
            "{go} [INFO] Downloading repo index from http://harvester-cluster-repo.cattle-system.svc/charts/index.yaml",
            "{go} [INFO] [CleanupOrphanedBindings] cleaning up orphaned bindings",
            "W{klog}      38 warnings.go:80] cluster.x-k8s.io/v1alpha3 MachineHealthCheck is deprecated; use cluster.x-k8s.io/v1beta1 MachineHealthCheck",
            "{go} [ERROR] Failed to handle tunnel request from remote address 10.52.0.0:4{small}079: response 400: cluster not found",
        ],
    },
    Habit {
        component: "system-upgrade-controller",
        container: "system-upgrade-controller",
        every: 1100,
        start: &[r#"time="{ts}" level=info msg="Applying CRD plans.upgrade.cattle.io""#],
        running: &[
            "W{klog}       1 reflector.go:462] pkg/mod/github.com/rancher/lasso@v0.0.0/pkg/cache: watch of *v1.Node ended with: too old resource version: {n} ({n})",
        ],
    },
    Habit {
        component: "capi-controller-manager",
        container: "manager",
        every: 260,
        start: &[r#"I{klog}       1 main.go:310] "starting manager" version="v1.7.3""#],
        running: &[
            r#"I{klog}       1 machine_controller_noderef.go:88] "Set Machine's NodeRef" controller="machine" Machine="fleet-local/{machine}" namespace="fleet-local" name="{machine}""#,
        ],
    },
    Habit {
        component: "fleet-agent",
        container: "fleet-agent",
        every: 180,
        start: &[r#"time="{ts}" level=info msg="Starting fleet agent""#],
        running: &[
            r#"{"level":"info","ts":"{ts}","logger":"bundledeployment.deploy-bundle","msg":"Bundle already deployed","name":"mcc-harvester","namespace":"cluster-fleet-local-local-1a3d67d0a899"}"#,
        ],
    },
    Habit {
        component: "prometheus-rancher-monitoring-prometheus",
        container: "prometheus",
        every: 1800,
        start: &[
            r#"ts={milli} caller=main.go:512 level=info msg="No time or size retention was set so using the default time retention" duration=15d"#,
        ],
        running: &[
            r#"ts={milli} caller=compact.go:519 level=info component=tsdb msg="write block" mint={n} maxt={n} ulid=01JM{hex} duration=1.{small}s"#,
            r#"ts={milli} caller=group.go:104 level=warn name=KubeletPodStartUpLatencyHigh msg="Evaluating rule failed" err="found duplicate series for the match group""#,
        ],
    },
];

/// What any other container writes.
const QUIET: Habit = Habit {
    component: "",
    container: "",
    every: 2400,
    start: &[r#"time="{ts}" level=info msg="Starting""#],
    running: &[r#"time="{ts}" level=info msg="Handling backend connection request""#],
};

impl World {
    /// Lines of a container's log, in order, up to the collection.
    pub fn pod_log(&self, pod: &Pod, container: &str) -> Vec<Line> {
        let mut lines = match pod.component.as_str() {
            "pre-drain" | "post-drain" | "apply-manifests" => return self.job_log(pod),
            "support-bundle-manager" => return self.manager_log(pod),
            _ => self.habitual_log(pod, container),
        };
        if let Some(upgrade) = &self.upgrade {
            match (pod.component.as_str(), container) {
                ("rancher", "rancher") if self.leads(pod) => {
                    lines.extend(self.planner_log(upgrade))
                }
                ("harvester", "apiserver") if self.leads(pod) => {
                    lines.extend(self.controller_log(upgrade))
                }
                _ => {}
            }
        }
        lines.retain(|line| line.time >= pod.started && line.time <= self.collected());
        lines.sort_by_key(|line| line.time);
        lines
    }

    /// The previous instance of a container: its last lines before it ended.
    pub fn previous_log(&self, pod: &Pod) -> Vec<Line> {
        let end = pod.started - SignedDuration::from_secs(33);
        ["starting kube-vip.io [v0.8.1]", "beginning services leadership, namespace [harvester-system], lock name [plndr-svcs-lock]", "Received kube-vip termination, signaling shutdown"]
            .iter()
            .enumerate()
            .map(|(index, text)| {
                let time = end - SignedDuration::from_secs(400 - 200 * i64::try_from(index).unwrap_or(0));
                Line { time, text: format!("time=\"{}\" level=info msg=\"{text}\"", rfc3339(time)) }
            })
            .collect()
    }

    /// Whether this is the replica that holds the leader's lease: the first one on the host that was up longest.
    pub fn leads(&self, pod: &Pod) -> bool {
        let first = self
            .nodes
            .iter()
            .filter(|node| {
                node.is_control_plane() && node.lost.is_none() && !self.in_transition(node.name())
            })
            .min_by_key(|node| (node.boots.len(), node.index));
        pod.reachable && first.is_some_and(|node| pod.node.as_deref() == Some(node.name()))
    }

    fn habitual_log(&self, pod: &Pod, container: &str) -> Vec<Line> {
        let habit = HABITS
            .iter()
            .find(|habit| {
                habit.component == pod.component
                    && (habit.container.is_empty() || habit.container == container)
            })
            .unwrap_or(&QUIET);
        let mut random = Random::new(
            &self.identity,
            &format!("log/{}/{}/{container}", pod.namespace, pod.name),
        );
        let end = pod.ended.unwrap_or(self.collected());
        let window = end - SignedDuration::from_mins(100);
        let mut lines = Vec::new();
        let mut time = pod.started;
        if pod.started >= window {
            for text in habit.start {
                time +=
                    SignedDuration::from_millis(40 + i64::try_from(random.below(900)).unwrap_or(0));
                lines.push(Line {
                    time,
                    text: self.fill(text, time, pod, &mut random),
                });
            }
        } else {
            // kubelet hands out the newest file only, so most logs begin in the middle of a life.
            time = window;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a mean time, far from any limit"
        )]
        let step = ((habit.every * 2000) as f64 / self.scenario.cluster.log_scale).max(2.0) as u64;
        loop {
            time += SignedDuration::from_nanos(
                i64::try_from(1 + random.below(step * 1_000_000)).unwrap_or(1),
            );
            if time > end {
                return lines;
            }
            let choice = usize::try_from(random.below(habit.running.len() as u64)).unwrap_or(0);
            lines.push(Line {
                time,
                text: self.fill(habit.running[choice], time, pod, &mut random),
            });
        }
    }

    /// Puts times and names in place of the tokens.
    fn fill(&self, template: &str, time: Timestamp, pod: &Pod, random: &mut Random) -> String {
        let mut text = String::with_capacity(template.len() + 40);
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            text.push_str(&rest[..open]);
            let close = rest[open..].find('}').map(|at| open + at);
            let token = close
                .map(|close| &rest[open + 1..close])
                .unwrap_or_default();
            let value = match token {
                "klog" => klog(time),
                "ts" => rfc3339(time),
                "milli" => rfc3339_milli(time),
                "micro" => utc(time, "%Y-%m-%dT%H:%M:%S.%6fZ"),
                "go" => go_log(time),
                "access" => access_log(time),
                "dash" => utc(time, "%Y-%m-%d %H:%M:%S.%3f"),
                "civil" => utc(time, "%d-%b-%Y %H:%M:%S.%3f"),
                "n" => (100_000 + random.below(800_000)).to_string(),
                "small" => (1 + random.below(9)).to_string(),
                "hex" => format!("{:016x}", random.below(u64::MAX >> 17)),
                "revision" => (39_000_000 + self.seconds_of_life(time)).to_string(),
                "node" => pod.node.clone().unwrap_or_default(),
                "address" => pod
                    .node
                    .as_deref()
                    .and_then(|node| self.node(node))
                    .map(|node| node.address.clone())
                    .unwrap_or_default(),
                "bundle" => self.bundle_object(),
                "kubernetes" => self.services.kubernetes.to_owned(),
                "rancher" => self.services.rancher.to_owned(),
                "machine" => self.nodes
                    [usize::try_from(random.below(self.nodes.len() as u64)).unwrap_or(0)]
                .machine
                .clone(),
                "volume" => match self.volumes.len() as u64 {
                    0 => "pvc-00000000-0000-4000-8000-000000000000".to_owned(),
                    count => self.volumes[usize::try_from(random.below(count)).unwrap_or(0)]
                        .name
                        .clone(),
                },
                _ => {
                    text.push('{');
                    rest = &rest[open + 1..];
                    continue;
                }
            };
            text.push_str(&value);
            rest = close.map(|close| &rest[close + 1..]).unwrap_or_default();
        }
        text.push_str(rest);
        text
    }

    fn seconds_of_life(&self, time: Timestamp) -> u64 {
        u64::try_from(
            time.duration_since(self.collected() - SignedDuration::from_hours(24 * 30))
                .as_secs(),
        )
        .unwrap_or(0)
    }

    fn manager_log(&self, pod: &Pod) -> Vec<Line> {
        let at = |millis: i64| pod.started + SignedDuration::from_millis(millis);
        let logrus = |time: Timestamp, text: &str| Line {
            time,
            text: format!("time=\"{}\" level=info msg=\"{text}\"", rfc3339(time)),
        };
        vec![
            Line {
                time: at(101),
                text: "+ exec tini -- /usr/bin/support-bundle-kit manager".to_owned(),
            },
            logrus(at(274), "running phase init"),
            logrus(at(291), "running phase cluster bundle"),
            logrus(at(303), "Generating cluster bundle..."),
        ]
    }
}
