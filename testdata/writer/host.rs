//! A host's own archive: configuration, journals, the logs of kubelet and containerd, the console.

use jiff::{SignedDuration, Timestamp};

use super::clock::{rfc3339, utc};
use super::identity::Random;
use super::logs::Line;
use super::scenario::Role;
use super::world::{Node, World};

/// A file of a node's archive.
#[derive(Debug, Clone)]
pub struct HostFile {
    /// Path below the node's directory.
    pub path: String,
    /// Content.
    pub content: HostContent,
}

/// How a file's lines are put on paper.
#[derive(Debug, Clone)]
pub enum HostContent {
    /// Any text.
    Text(String),
    /// A journal of one boot or of a unit: header, host, date.
    Journal(Vec<JournalPart>),
    /// Lines as they are.
    Plain(Vec<Line>),
}

/// A boot's lines in a journal, each with its host and identifier.
#[derive(Debug, Clone)]
pub struct JournalPart {
    /// Start of the boot, which names its separator.
    pub boot: Timestamp,
    /// `kernel: …`, `rke2[123]: …`; early ones under another host name.
    pub lines: Vec<Line>,
}

/// First line that the collector's formatting leaves in each YAML file.
const REFORMATTED: &str = "# Note: this file is re-formatted by support-bundle-kit collector.\n";

impl World {
    /// Files of a host's archive but its supportconfig.
    pub fn host_files(&self, node: &Node) -> Vec<HostFile> {
        let mut files = self.configuration(node);
        let old = self.services.is_old();
        let mut add = |path: &str, content: HostContent| {
            files.push(HostFile {
                path: path.to_owned(),
                content,
            })
        };
        let boots = &node.boots;
        for (age, boot) in boots.iter().rev().enumerate().take(if old { 1 } else { 3 }) {
            let end = node
                .ended(boots.len() - 1 - age)
                .unwrap_or(self.collected());
            let name = if age == 0 {
                "logs/kernel.log".to_owned()
            } else {
                format!("logs/kernel.log.{age}")
            };
            add(
                &name,
                HostContent::Journal(vec![JournalPart {
                    boot: *boot,
                    lines: self.kernel_lines(node, *boot, end),
                }]),
            );
        }
        let server = node.has_etcd();
        let unit = |lines: fn(&World, &Node, Timestamp, Timestamp, bool) -> Vec<Line>| {
            let parts = boots
                .iter()
                .enumerate()
                .map(|(index, boot)| {
                    let ended = node.ended(index);
                    JournalPart {
                        boot: *boot,
                        lines: lines(
                            self,
                            node,
                            *boot,
                            ended.unwrap_or(self.collected()),
                            ended.is_some() && node.crashed.is_none(),
                        ),
                    }
                })
                .collect();
            HostContent::Journal(parts)
        };
        let nothing = || HostContent::Journal(Vec::new());
        add(
            "logs/rke2-server.log",
            if server {
                unit(World::rke2_lines)
            } else {
                nothing()
            },
        );
        add(
            "logs/rke2-agent.log",
            if server {
                nothing()
            } else {
                unit(World::rke2_lines)
            },
        );
        add("logs/rancherd.log", nothing());
        add("logs/rancher-system-agent.log", unit(World::agent_lines));
        add("logs/iscsid.log", unit(World::iscsid_lines));
        add("logs/wicked.log", nothing());
        add("logs/console.log", HostContent::Text(self.console(node)));
        if !old {
            add(
                "logs/kubelet.log",
                HostContent::Plain(self.kubelet_lines(node)),
            );
            add(
                "logs/containerd.log",
                HostContent::Plain(self.containerd_lines(node)),
            );
            add(
                "logs/containerd-images.log",
                HostContent::Text(self.image_table(node)),
            );
        }
        files
    }

    fn configuration(&self, node: &Node) -> Vec<HostFile> {
        let name = node.name();
        let release: String = node
            .os
            .release_fields()
            .iter()
            .map(|(key, value)| format!("{key}: {value}\n"))
            .collect();
        let label = format!(
            "rke.cattle.io/machine={}",
            self.uid("Machine", "fleet-local", &node.machine)
        );
        let first = node.index == 0;
        let mode = if first { "create" } else { "join" };
        let server = if first {
            String::new()
        } else {
            format!("https://{}:443", super::world::VIRTUAL_ADDRESS)
        };
        let role = match node.shape.role {
            Role::ControlPlane => "default",
            Role::Worker => "worker",
            Role::Witness => "witness",
        };
        let mac = self.identity.hex(&format!("nic/{name}"), 4);
        let texts = [
            ("configs/etc/hostname", format!("{name}\n")),
            ("configs/etc/os-release", self.os_release(node)),
            ("configs/etc/harvester-release.yaml", release),
            (
                "configs/etc/rancher/agent/cattle-id",
                node.machine_id[..54].to_owned(),
            ),
            (
                "configs/etc/rancher/agent/config.yaml",
                format!(
                    "{REFORMATTED}workDirectory: /var/lib/rancher/agent/work\nlocalPlanDirectory: /var/lib/rancher/agent/plans\nremoteEnabled: true\n"
                ),
            ),
            (
                "configs/etc/rancher/rancherd/config.yaml",
                format!(
                    "{REFORMATTED}role: {}\ntoken: '***'\nkubernetesVersion: {}\n",
                    if first { "cluster-init" } else { "agent" },
                    node.os.kubernetes
                ),
            ),
            (
                "configs/etc/rancher/rke2/config.yaml.d/50-rancher.yaml",
                format!(
                    "{REFORMATTED}{{\"agent-token\": \"***\", \"cni\": [\"multus\", \"canal\"], \"node-label\": [\"{label}\"], \"protect-kernel-defaults\": false, \"server\": \"{server}\", \"token\": \"***\"}}\n"
                ),
            ),
            (
                "configs/etc/rancher/rke2/config.yaml.d/90-harvester-agent.yaml",
                REFORMATTED.to_owned(),
            ),
            (
                "configs/etc/rancher/rke2/config.yaml.d/90-harvester-server.yaml",
                format!(
                    "{REFORMATTED}cni: multus,canal\ncluster-cidr: 10.52.0.0/16\nservice-cidr: 10.53.0.0/16\ncluster-dns: 10.53.0.10\ntls-san:\n  - {}\n",
                    super::world::VIRTUAL_ADDRESS
                ),
            ),
            (
                "configs/oem/harvester.config",
                format!(
                    "{REFORMATTED}schemeversion: 1\nserverurl: \"{server}\"\ntoken: '***'\nos:\n  sshauthorizedkeys:\n    - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} ops@example\n  hostname: {name}\n  modules:\n    - kvm\n    - vhost_net\n  ntpservers:\n    - 0.suse.pool.ntp.org\n  password: '***'\ninstall:\n  automatic: true\n  mode: {mode}\n  role: {role}\n  device: /dev/{}\n  managementinterface:\n    interfaces:\n      - name: ens1f0\n        hwaddr: 0c:c4:7a:11:{}:{}\n    method: static\n    ip: {}\n    subnetmask: 255.255.255.0\n    gateway: 10.30.7.1\n  vip: {}\n  vipmode: static\n",
                    self.identity.hex(&format!("ssh/{name}"), 40),
                    node.shape.disks[0].device,
                    &mac[..2],
                    &mac[2..],
                    node.address,
                    super::world::VIRTUAL_ADDRESS
                ),
            ),
            (
                "configs/oem/90_custom.yaml",
                format!(
                    "{REFORMATTED}name: Harvester Configuration\nstages:\n  initramfs:\n    - commands:\n        - modprobe kvm\n        - modprobe vhost_net\n      hostname: {name}\n      files:\n        - path: /etc/sysconfig/network/ifcfg-mgmt-br\n          permissions: 384\n          content: |\n            STARTMODE='onboot'\n            BOOTPROTO='static'\n            IPADDR='{}'\n",
                    node.address
                ),
            ),
            (
                "configs/oem/grubenv",
                format!(
                    "# GRUB Environment Block\nstate_label=COS_STATE\n{}",
                    "#".repeat(980)
                ),
            ),
        ];
        texts
            .into_iter()
            .map(|(path, text)| HostFile {
                path: path.to_owned(),
                content: HostContent::Text(text),
            })
            .collect()
    }

    /// `/etc/os-release`.
    pub fn os_release(&self, node: &Node) -> String {
        let release = node.os;
        format!(
            "NAME=\"SLE Micro\"\nVERSION=\"{0}\"\nID=\"{1}\"\nID_LIKE=\"suse\"\nVERSION_ID=\"{0}\"\nPRETTY_NAME=\"{2}\"\nANSI_COLOR=\"0;32\"\nGRUB_ENTRY_NAME=\"{2}\"\n",
            release.os_version,
            release.os_id,
            release.os_image()
        )
    }

    fn kernel_lines(&self, node: &Node, boot: Timestamp, end: Timestamp) -> Vec<Line> {
        let kernel = if node.boots.last() == Some(&boot) {
            node.os.kernel
        } else {
            self.upgrade
                .as_ref()
                .map_or(node.os, |upgrade| upgrade.from)
                .kernel
        };
        let mut texts = vec![
            format!("kernel: Linux version {kernel} (geeko@buildhost) (gcc (SUSE Linux) 7.5.0, GNU ld (GNU Binutils; SUSE Linux Enterprise 15) 2.41.0) #1 SMP PREEMPT_DYNAMIC"),
            "kernel: Command line: BOOT_IMAGE=(loop0)/boot/vmlinuz console=tty1 root=LABEL=COS_ACTIVE cos-img/filename=/cOS/active.img panic=0 net.ifnames=1 rd.cos.oemtimeout=120 rd.cos.oemlabel=COS_OEM audit=1 audit_backlog_limit=8192 intel_iommu=on amd_iommu=on iommu=pt multipath=off".to_owned(),
            "kernel: BIOS-provided physical RAM map:".to_owned(),
            "kernel: Memory: 131911264K/134213632K available (16393K kernel code, 4316K rwdata, 11652K rodata, 2896K init, 17676K bss, 2302368K reserved, 0K cma-reserved)".to_owned(),
            "kernel: pcieport 0000:00:1c.0: AER: enabled with IRQ 122".to_owned(),
            "kernel: ahci 0000:00:17.0: AHCI 0001.0301 32 slots 8 ports 6 Gbps 0xff impl SATA mode".to_owned(),
        ];
        for (index, disk) in node.shape.disks.iter().enumerate() {
            let (port, device, model) = (index + 1, &disk.device, &disk.model);
            texts.push(format!(
                "kernel: ata{port}: SATA link up 6.0 Gbps (SStatus 133 SControl 300)"
            ));
            texts.push(format!(
                "kernel: ata{port}.00: ATA-11: {model}, XCV10132, max UDMA/133"
            ));
            texts.push(format!(
                "kernel: ata{port}.00: supports DRM functions and may not be fully accessible"
            ));
            texts.push(format!("kernel: scsi {index}:0:0:0: Direct-Access     ATA      {model:.16} 0132 PQ: 0 ANSI: 5"));
            texts.push(format!(
                "kernel: sd {index}:0:0:0: [{device}] {} 512-byte logical blocks: ({} GB/{} GiB)",
                disk.gigabytes * 1_953_125,
                disk.gigabytes,
                (disk.gigabytes * 1_000_000_000) >> 30
            ));
            texts.push(format!(
                "kernel: sd {index}:0:0:0: [{device}] Attached SCSI disk"
            ));
        }
        for port in node.shape.disks.len() + 1..=5 {
            texts.push(format!(
                "kernel: ata{port}: SATA link down (SStatus 0 SControl 300)"
            ));
        }
        let system = |part| node.shape.disks[0].partition(part);
        // What a crash left open is repaired by the boot behind it.
        if node.crashed.is_some() && node.boots.last() == Some(&boot) {
            texts.push(format!(
                "kernel: EXT4-fs ({}): INFO: recovery required on readonly filesystem",
                system(5)
            ));
            texts.push(format!(
                "kernel: EXT4-fs ({}): recovery complete",
                system(5)
            ));
            texts.push(format!("systemd-journald[812]: File /var/log/journal/{}/system.journal corrupted or uncleanly shut down, renaming and replacing.", self.identity.hex(&format!("machine-id/{}", node.name()), 32)));
        }
        texts.extend([
            "kernel: random: crng init done".to_owned(),
            "kernel: EXT4-fs (loop0): mounted filesystem without journal. Quota mode: none.".to_owned(),
            format!("kernel: EXT4-fs ({}): mounted filesystem with ordered data mode. Quota mode: none.", system(2)),
            format!("kernel: EXT4-fs ({}): mounted filesystem with ordered data mode. Quota mode: none.", system(5)),
            "kernel: i40e 0000:5e:00.0 ens1f0: NIC Link is Up, 10 Gbps Full Duplex, Flow Control: None".to_owned(),
            "kernel: mgmt-bo: (slave ens1f0): Enslaving as an active interface with an up link".to_owned(),
            "kernel: mgmt-br: port 1(mgmt-bo) entered forwarding state".to_owned(),
        ]);
        let mut random = Random::new(&self.identity, &format!("kernel/{}/{boot}", node.name()));
        let mut time = boot;
        let mut lines = Vec::new();
        for text in texts {
            time +=
                SignedDuration::from_micros(i64::try_from(90 + random.below(700_000)).unwrap_or(0));
            lines.push(Line { time, text });
        }
        let running = [
            "kernel: IPv6: ADDRCONF(NETDEV_CHANGE): cali{hex}: link becomes ready",
            "kernel: scsi host8: iSCSI Initiator over TCP/IP",
            "kernel: scsi 8:0:0:1: Direct-Access     IET      VIRTUAL-DISK     0001 PQ: 0 ANSI: 5",
            "kernel: sd 8:0:0:1: [sd{letter}] Attached SCSI disk",
            "kernel: device cali{hex} entered promiscuous mode",
            "kernel: kauditd_printk_skb: 14 callbacks suppressed",
            "kernel: IPVS: rr: TCP 10.53.0.1:443 - no destination available",
        ];
        let step = self.host_step(3_600);
        loop {
            time += SignedDuration::from_micros(i64::try_from(1 + random.below(step)).unwrap_or(1));
            if time > end {
                // The kernel hardly ever is silent for long: a crash is soon behind its last word.
                if node.crashed == Some(end) {
                    lines.push(Line {
                        time: end - SignedDuration::from_secs(7),
                        text: running[5].to_owned(),
                    });
                }
                return lines;
            }
            let text = running[usize::try_from(random.below(running.len() as u64)).unwrap_or(0)];
            let letter = char::from(b'f' + u8::try_from(random.below(8)).unwrap_or(0));
            lines.push(Line {
                time,
                text: text
                    .replace("{hex}", &format!("{:011x}", random.below(1 << 44)))
                    .replace("{letter}", &letter.to_string()),
            });
        }
    }

    /// Twice the mean time between two lines of a host's log, in microseconds.
    fn host_step(&self, mean_seconds: u32) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a mean time, far from any limit"
        )]
        let step = (f64::from(mean_seconds) * 2_000_000.0 / self.scenario.cluster.log_scale)
            .max(20.0) as u64;
        step
    }

    fn unit_noise(
        &self,
        node: &Node,
        key: &str,
        boot: Timestamp,
        end: Timestamp,
        every: u32,
        texts: &[&str],
    ) -> Vec<Line> {
        let mut random = Random::new(&self.identity, &format!("{key}/{}/{boot}", node.name()));
        let mut lines = Vec::new();
        // A unit's log is cut at ten megabytes, so of a long boot only the last part is left.
        let mut time =
            (boot + SignedDuration::from_secs(95)).max(end - SignedDuration::from_hours(30));
        let step = self.host_step(every);
        loop {
            time += SignedDuration::from_micros(i64::try_from(1 + random.below(step)).unwrap_or(1));
            if time > end {
                return lines;
            }
            let text = texts[usize::try_from(random.below(texts.len() as u64)).unwrap_or(0)];
            let text = text
                .replace("{ts}", &rfc3339(time))
                .replace("{milli}", &utc(time, "%Y-%m-%dT%H:%M:%S.%3fZ"))
                .replace("{address}", &node.address)
                .replace("{machine}", &node.machine);
            lines.push(Line { time, text });
        }
    }

    fn rke2_lines(&self, node: &Node, boot: Timestamp, end: Timestamp, stopped: bool) -> Vec<Line> {
        let role = if node.has_etcd() { "server" } else { "agent" };
        let at = |seconds: i64| boot + SignedDuration::from_secs(seconds);
        let version = if node.boots.last() == Some(&boot) {
            node.os
        } else {
            self.upgrade
                .as_ref()
                .map_or(node.os, |upgrade| upgrade.from)
        }
        .kubernetes;
        let line = |time: Timestamp, text: String| Line { time, text };
        let mut lines = vec![
            line(
                at(28),
                format!("systemd[1]: Starting Rancher Kubernetes Engine v2 ({role})..."),
            ),
            line(
                at(30),
                format!(
                    "rke2[3660]: time=\"{}\" level=warning msg=\"not running in CIS mode\"",
                    rfc3339(at(30))
                ),
            ),
            line(
                at(31),
                format!(
                    "rke2[3660]: time=\"{}\" level=info msg=\"Starting rke2 {version} (f1f5b1c0f9a4)\"",
                    rfc3339(at(31))
                ),
            ),
            line(
                at(81),
                format!("systemd[1]: Started Rancher Kubernetes Engine v2 ({role})."),
            ),
        ];
        let noise: &[&str] = if node.has_etcd() {
            &[
                r#"rke2[3660]: {"level":"warn","ts":"{milli}","logger":"etcd-client","caller":"v3@v3.5.16-k3s1/retry_interceptor.go:63","msg":"retrying of unary invoker failed","target":"etcd-endpoints://0xc000e10960/127.0.0.1:2399","attempt":0,"error":"rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial tcp 127.0.0.1:2399: connect: connection refused\""}"#,
                r#"rke2[3660]: time="{ts}" level=info msg="Reconciling etcd snapshot data in rke2-etcd-snapshots ConfigMap""#,
                r#"rke2[3660]: time="{ts}" level=info msg="Cluster reset file not present; nothing to delete""#,
            ]
        } else {
            &[
                r#"rke2[3660]: time="{ts}" level=info msg="Connecting to proxy" url="wss://10.30.7.11:9345/v1-rke2/connect""#,
            ]
        };
        lines.extend(self.unit_noise(node, "rke2", boot, end, 900, noise));
        if stopped {
            lines.push(line(
                end,
                format!("systemd[1]: rke2-{role}.service: Deactivated successfully."),
            ));
            lines.push(line(
                end + SignedDuration::from_millis(9),
                format!("systemd[1]: Stopped Rancher Kubernetes Engine v2 ({role})."),
            ));
        }
        lines
    }

    fn agent_lines(
        &self,
        node: &Node,
        boot: Timestamp,
        end: Timestamp,
        stopped: bool,
    ) -> Vec<Line> {
        let at = |seconds: i64| boot + SignedDuration::from_secs(seconds);
        let mut lines = vec![
            Line {
                time: at(29),
                text: "systemd[1]: Started Rancher System Agent.".to_owned(),
            },
            Line {
                time: at(30),
                text: format!(
                    "rancher-system-agent[2654]: time=\"{}\" level=info msg=\"Rancher System Agent version v0.3.10 (41c07d0) is starting\"",
                    rfc3339(at(30))
                ),
            },
        ];
        lines.extend(self.unit_noise(node, "agent", boot, end, 600, &[
            r#"rancher-system-agent[2654]: time="{ts}" level=debug msg="Probe succeeded""#,
            r#"rancher-system-agent[2654]: time="{ts}" level=debug msg="[K8s] Enqueueing after 5.000000 seconds""#,
            r#"rancher-system-agent[2654]: time="{ts}" level=debug msg="[K8s] Processing secret {machine}-machine-plan in namespace fleet-local at generation 0""#,
        ]));
        if stopped {
            lines.push(Line {
                time: end,
                text: "systemd[1]: Stopped Rancher System Agent.".to_owned(),
            });
        }
        lines
    }

    fn iscsid_lines(
        &self,
        node: &Node,
        boot: Timestamp,
        _end: Timestamp,
        _stopped: bool,
    ) -> Vec<Line> {
        let at = |seconds: i64| boot + SignedDuration::from_secs(seconds);
        let mut lines = vec![
            Line {
                time: at(17),
                text: "systemd[1]: Stopping Open-iSCSI...".to_owned(),
            },
            Line {
                time: at(17),
                text: "iscsid[272]: iscsid shutting down.".to_owned(),
            },
            Line {
                time: at(18),
                text: "systemd[1]: iscsid.service: Succeeded.".to_owned(),
            },
            Line {
                time: at(33),
                text: "systemd[1]: Started Open-iSCSI.".to_owned(),
            },
        ];
        for (index, volume) in self
            .volumes
            .iter()
            .filter(|volume| volume.node.as_deref() == Some(node.name()))
            .enumerate()
        {
            let number = i64::try_from(index).unwrap_or(0);
            lines.push(Line { time: at(390 + number), text: format!("iscsid[2781]: iscsid: Connection{}:0 to [target: iqn.2019-10.io.longhorn:{}, portal: {},3260] through [iface: default] is operational now", number + 1, volume.name, self.pod_address(node, &self.instance_manager(node.name()))) });
        }
        lines
    }

    fn kubelet_lines(&self, node: &Node) -> Vec<Line> {
        let boot = node.booted();
        let mut random = Random::new(&self.identity, &format!("kubelet/{}", node.name()));
        let mut lines = Vec::new();
        let mut say = |time: Timestamp, letter: char, text: String| {
            lines.push(Line {
                time,
                text: format!("{letter}{}    1191 {text}", self.clock.klog_local(time)),
            })
        };
        if boot > self.ago("3h") {
            say(
                boot + SignedDuration::from_secs(61),
                'I',
                format!(
                    "server.go:486] \"Kubelet version\" kubeletVersion=\"{}\"",
                    node.kubelet.kubernetes
                ),
            );
            say(boot + SignedDuration::from_secs(63), 'E', "kubelet.go:2361] \"Skipping pod synchronization\" err=\"[container runtime status check may not have completed yet, PLEG is not healthy: pleg has yet to be successful]\"".to_owned());
        }
        let texts = [
            (
                'I',
                "prober.go:107] \"Probe failed\" probeType=\"Readiness\" pod=\"kube-system/rke2-metrics-server\" podUID=\"6a8f\" containerName=\"metrics-server\" probeResult=\"failure\" output=\"HTTP probe failed with statuscode: 500\"",
            ),
            (
                'I',
                "reconciler_common.go:245] \"operationExecutor.VerifyControllerAttachedVolume started for volume \\\"kube-api-access\\\" (UniqueName: \\\"kubernetes.io/projected/0e\\\") pod \\\"virt-launcher\\\"\"",
            ),
            (
                'W',
                "logging.go:59] [core] [Channel #61 SubChannel #62]grpc: addrConn.createTransport failed to connect to {Addr: \"/var/lib/kubelet/plugins/driver.longhorn.io/csi.sock\"}. Err: connection error: desc = \"transport: Error while dialing: dial unix: connect: connection refused\"",
            ),
            (
                'I',
                "kubelet_getters.go:187] \"Pod status updated\" pod=\"kube-system/kube-proxy\" status=\"Running\"",
            ),
            (
                'E',
                "dns.go:153] \"Nameserver limits exceeded\" err=\"Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.30.7.1\"",
            ),
        ];
        let mut time = (boot + SignedDuration::from_secs(70)).max(self.ago("3h"));
        let step = self.host_step(100);
        loop {
            time += SignedDuration::from_micros(i64::try_from(1 + random.below(step)).unwrap_or(1));
            if time > self.collected() {
                return lines;
            }
            let (letter, text) =
                texts[usize::try_from(random.below(texts.len() as u64)).unwrap_or(0)];
            lines.push(Line {
                time,
                text: format!("{letter}{}    1191 {text}", self.clock.klog_local(time)),
            });
        }
    }

    fn containerd_lines(&self, node: &Node) -> Vec<Line> {
        let mut random = Random::new(&self.identity, &format!("containerd/{}", node.name()));
        let mut lines = Vec::new();
        let mut time = (node.booted() + SignedDuration::from_secs(45)).max(self.ago("3h"));
        let step = self.host_step(240);
        loop {
            time += SignedDuration::from_micros(i64::try_from(1 + random.below(step)).unwrap_or(1));
            if time > self.collected() {
                return lines;
            }
            let id = self
                .identity
                .hex(&format!("sandbox/{}", random.below(1 << 30)), 64);
            let message = match random.below(3) {
                0 => format!(
                    "level=info msg=\"StopPodSandbox for \\\"{id}\\\" returns successfully\""
                ),
                1 => format!(
                    "level=info msg=\"RemoveContainer for \\\"{id}\\\" returns successfully\""
                ),
                _ => format!(
                    "level=warning msg=\"cleaning up after shim disconnected\" id={id} namespace=k8s.io"
                ),
            };
            lines.push(Line {
                time,
                text: format!("time=\"{}\" {message}", utc(time, "%Y-%m-%dT%H:%M:%S.%9fZ")),
            });
        }
    }

    fn console(&self, node: &Node) -> String {
        let at = |seconds: i64| rfc3339(node.boots[0] + SignedDuration::from_secs(seconds));
        format!(
            "time=\"{}\" level=info msg=\"state: {{installed:true firstHost:{}}}\"\ntime=\"{}\" level=error msg=\"exit status 1%!(EXTRA string=)\"\ntime=\"{}\" level=error msg=\"exit status 1The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?\\n\"\n",
            at(47),
            node.index == 0,
            at(48),
            at(79)
        )
    }

    fn image_table(&self, node: &Node) -> String {
        let mut text = "REF TYPE DIGEST SIZE PLATFORMS LABELS \n".to_owned();
        for (name, bytes) in self.host_images(node) {
            let digest = self.identity.hex(&format!("digest/{name}"), 64);
            text.push_str(&format!("{name} application/vnd.docker.distribution.manifest.v2+json sha256:{digest} {:.1} MiB linux/amd64 io.cri-containerd.image=managed \n", bytes / 1_048_576));
        }
        text
    }
}
