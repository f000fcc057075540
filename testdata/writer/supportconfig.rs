//! A host's supportconfig: an xz-packed tar of text files that are cut into sections.

use std::io::Write;

use jiff::{SignedDuration, Timestamp};
use lzma_rust2::{CheckType, XzOptions, XzWriter};

use super::objects::matches_pattern;
use super::scenario::{DiskUse, HostShape, SmartShape};
use super::world::{Node, World};

/// Attributes that `smartctl` lists, with flag, threshold and a healthy raw value.
const ATTRIBUTES: [(u16, &str, &str, u16, &str, u64); 10] = [
    (5, "Reallocated_Sector_Ct", "0x0033", 10, "Pre-fail", 0),
    (9, "Power_On_Hours", "0x0032", 0, "Old_age", 18_233),
    (12, "Power_Cycle_Count", "0x0032", 0, "Old_age", 41),
    (184, "End-to-End_Error", "0x0032", 0, "Old_age", 0),
    (187, "Reported_Uncorrect", "0x0032", 0, "Old_age", 0),
    (194, "Temperature_Celsius", "0x0022", 0, "Old_age", 29),
    (197, "Current_Pending_Sector", "0x0012", 0, "Old_age", 0),
    (198, "Offline_Uncorrectable", "0x0010", 0, "Old_age", 0),
    (199, "UDMA_CRC_Error_Count", "0x003e", 0, "Old_age", 0),
    (231, "SSD_Life_Left", "0x0013", 10, "Pre-fail", 94),
];

/// A file system of a host.
struct MountShape {
    device: String,
    kind: &'static str,
    path: String,
    kibibytes: u64,
    used_percent: u64,
}

impl World {
    /// Name of the archive below the node's directory.
    pub fn supportconfig_path(&self, node: &Node) -> String {
        let directory = if self.services.harvester == "1.3.2" {
            "logs"
        } else {
            "scc"
        };
        format!("{directory}/scc_supportconfig_{}.txz", node.name())
    }

    /// The packed archive.
    pub fn supportconfig(&self, node: &Node) -> Vec<u8> {
        let shape = self
            .scenario
            .overlay
            .hosts
            .get(node.name())
            .cloned()
            .unwrap_or_default();
        let time = self.collected() + SignedDuration::from_secs(95);
        let directory = format!("scc_supportconfig_{}", node.name());
        let mut options = XzOptions::with_preset(1);
        options.set_check_sum_type(CheckType::Crc64);
        let packer = XzWriter::new(Vec::new(), options).expect("constant options");
        let mut archive = tar::Builder::new(packer);
        for (name, text) in self.files(node, &shape, time) {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o660);
            header.set_mtime(u64::try_from(time.as_second()).unwrap_or(0));
            header.set_username("root").expect("a short name");
            header.set_groupname("root").expect("a short name");
            archive
                .append_data(&mut header, format!("{directory}/{name}"), text.as_bytes())
                .expect("writing to memory");
        }
        let mut packer = archive.into_inner().expect("writing to memory");
        packer.flush().expect("writing to memory");
        packer.finish().expect("writing to memory")
    }

    fn files(
        &self,
        node: &Node,
        shape: &HostShape,
        time: Timestamp,
    ) -> Vec<(&'static str, String)> {
        let name = node.name();
        let hostnamectl = format!(
            " Static hostname: {name}\n       Icon name: computer-server\n      Machine ID: {}\nOperating System: {}\n          Kernel: Linux {}\n    Architecture: x86-64\n",
            self.identity.hex(&format!("machine-id/{name}"), 32),
            node.os.os_image(),
            node.os.kernel
        );
        let failed: String = shape
            .failed_units
            .iter()
            .map(|unit| format!("● {unit} loaded failed failed {unit}\n"))
            .collect();
        let time_status = self.time_status(shape, time);
        let journal = format!(
            "{} {name} systemd[1]: Reached target Multi-User System.\n",
            self.clock
                .journal_iso(node.booted() + SignedDuration::from_secs(90))
        );
        let boots: String = node
            .boots
            .iter()
            .rev()
            .enumerate()
            .map(|(age, boot)| {
                format!(
                    "reboot   system boot  {} {}   {}\n",
                    node.os.kernel,
                    self.clock.local(*boot, "%a %b %e %H:%M:%S %Y"),
                    match (age, node.crashed) {
                        (0, _) => "still running",
                        (1, Some(_)) => "- crash",
                        _ => "- shutdown",
                    }
                )
            })
            .collect();
        vec![
            ("basic-environment.txt", format!(
                "{0}\n                     Support Utilities - Supportconfig\n                          Script Version: 3.2.8\n                          Script Date: 2024 06 05\n{0}\n\n{1}{2}{3}",
                "=".repeat(77), command("/bin/date", &self.clock.local(time, &format!("%a %b %e %H:%M:%S {} %Y", self.clock.zone_name))), command("/bin/uname -a", &format!("Linux {name} {} #1 SMP PREEMPT_DYNAMIC x86_64 x86_64 x86_64 GNU/Linux", node.os.kernel)),
                file("/etc/os-release", &self.os_release(node))
            )),
            ("basic-health-check.txt", self.health(node, shape, time)),
            ("boot.txt", format!(
                "{}{}{}{}", command("/usr/bin/last -wxF | grep -E \"reboot|shutdown|runlevel|system\"", &boots),
                file("/proc/cmdline", "BOOT_IMAGE=(loop0)/boot/vmlinuz console=tty1 root=LABEL=COS_ACTIVE cos-img/filename=/cOS/active.img panic=0 net.ifnames=1 rd.cos.oemtimeout=120 rd.cos.oemlabel=COS_OEM audit=1 audit_backlog_limit=8192 intel_iommu=on amd_iommu=on iommu=pt multipath=off"),
                command("/bin/ls -lR --time-style=long-iso /boot/", &format!("total 12\n-rw-r--r-- 1 root root 11822080 2024-11-21 08:12 vmlinuz-{}", node.os.kernel)), command("/usr/bin/journalctl --boot=0 --no-pager --output=short-iso", &journal)
            )),
            ("fs-diskio.txt", self.disk_sections(node, shape)),
            ("fs-iscsi.txt", file("/etc/iscsi/initiatorname.iscsi", &format!("InitiatorName=iqn.1996-04.de.suse:01:{}", self.identity.hex(&format!("iqn/{name}"), 12)))),
            ("fs-smartmon.txt", self.smart_sections(node, shape)),
            ("hardware.txt", format!("{}{}", command("/usr/bin/lscpu", "Architecture:        x86_64\nCPU(s):              32\nModel name:          Intel(R) Xeon(R) Silver 4215 CPU @ 2.50GHz"), command("/sbin/lspci -b", "00:17.0 SATA controller: Intel Corporation C620 Series Chipset Family SATA Controller [AHCI mode] (rev 09)\n5e:00.0 Ethernet controller: Intel Corporation Ethernet Controller X710 for 10GbE SFP+ (rev 02)"))),
            ("memory.txt", format!("{}{}", command("/usr/bin/vmstat 1 4", "procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----\n r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st\n 2  0      0 9011220 412 74689012   0    0    14   311    0    0  7  3 90  0  0"), file("/proc/meminfo", "MemTotal:       131911264 kB\nMemFree:         9011220 kB\nMemAvailable:   82291012 kB\nSwapTotal:             0 kB"))),
            ("messages.txt", command("/usr/bin/journalctl --no-pager --output=short-iso --lines 200000", &journal)),
            ("ntp.txt", "# RPM Not Installed: chrony\n\n".to_owned()),
            ("plugin-harvester_plugin_rke2.txt", "#==[ Plugin ]=======================================#\n# Output: /usr/lib/supportconfig/plugins/harvester_plugin_rke2\n\n#==[ Command ]======================================#\n# cat /run/cos/target/rke2.log\nno /run/cos/target/rke2.log available yet\n\n".to_owned()),
            ("rpm.txt", command("/bin/rpm -qa", "supportutils-3.2.8-150300.7.35.33.1\nsmartmontools-7.4-150600.1.1\nopen-iscsi-2.1.9-150500.46.3.1")),
            ("supportconfig.txt", command("/sbin/supportconfig", "supportconfig -c -m -i BOOT,DAEMONS,ETC,ISCSI,MEM,MOD,NTP,SMART,DISK,pharvester_plugin_rke2,pharvester_plugin_console")),
            ("summary.xml", format!("<?xml version=\"1.0\"?>\n<supportconfig><host>{name}</host><kernel>{}</kernel></supportconfig>\n", node.os.kernel)),
            ("systemd.txt", format!("{}{}{}", command("/usr/bin/hostnamectl", &hostnamectl), command("/usr/bin/systemctl --no-pager --failed", &format!("  UNIT LOAD ACTIVE SUB DESCRIPTION\n{failed}{} loaded units listed.", shape.failed_units.len())), command("/usr/bin/timedatectl --no-pager status", &time_status))),
        ]
    }

    fn time_status(&self, shape: &HostShape, time: Timestamp) -> String {
        let utc = jiff::tz::Offset::UTC.to_datetime(time);
        format!(
            "               Local time: {}\n           Universal time: {} UTC\n                 RTC time: {}\n                Time zone: {} ({}, {})\nSystem clock synchronized: {}\n              NTP service: active\n          RTC in local TZ: no",
            self.clock.header(time),
            utc.strftime("%a %Y-%m-%d %H:%M:%S"),
            utc.strftime("%a %Y-%m-%d %H:%M:%S"),
            if self.clock.zone_name == "UTC" {
                "UTC"
            } else {
                "America/New_York"
            },
            self.clock.zone_name,
            self.clock.offset_text().replace(':', ""),
            if shape.clock_unsynchronised {
                "no"
            } else {
                "yes"
            }
        )
    }

    fn mounts(&self, node: &Node, shape: &HostShape) -> Vec<MountShape> {
        let system = |part| format!("/dev/{}", node.shape.disks[0].partition(part));
        let mut mounts = vec![
            (
                "/dev/loop0".to_owned(),
                "ext2",
                "/".to_owned(),
                3_096_336,
                54,
            ),
            (
                system(3),
                "ext4",
                "/run/initramfs/cos-state".to_owned(),
                8_152_864,
                69,
            ),
            (system(2), "ext4", "/oem".to_owned(), 46_028, 2),
            (system(5), "ext4", "/usr/local".to_owned(), 153_707_984, 58),
        ];
        for disk in node.longhorn_disks(&self.identity) {
            let device = if disk.shape.purpose == DiskUse::System {
                system(6)
            } else {
                format!("/dev/{}", disk.shape.device)
            };
            mounts.push((device, "ext4", disk.path, disk.bytes >> 10, 28));
        }
        mounts.push((
            "tmpfs".to_owned(),
            "tmpfs",
            "/tmp".to_owned(),
            65_955_632,
            1,
        ));
        mounts
            .into_iter()
            .map(|(device, kind, path, kibibytes, used)| MountShape {
                used_percent: shape.used_percent.get(&path).copied().unwrap_or(used),
                device,
                kind,
                path,
                kibibytes,
            })
            .collect()
    }

    fn free_space(&self, node: &Node, shape: &HostShape) -> String {
        let mut text = format!(
            "{:<15} {:<9} {:>5} {:>5} {:>5} {:>4} Mounted on\n",
            "Filesystem", "Type", "Size", "Used", "Avail", "Use%"
        );
        for mount in self.mounts(node, shape) {
            let used = mount.kibibytes * mount.used_percent / 100;
            text.push_str(&format!(
                "{:<15} {:<9} {:>5} {:>5} {:>5} {:>3}% {}\n",
                mount.device,
                mount.kind,
                human(mount.kibibytes),
                human(used),
                human(mount.kibibytes - used),
                mount.used_percent,
                mount.path
            ));
        }
        text
    }

    fn health(&self, node: &Node, shape: &HostShape, time: Timestamp) -> String {
        let up = time.duration_since(node.booted());
        let mut inodes = format!(
            "{:<15} {:>9} {:>8} {:>9} {:>5} Mounted on\n",
            "Filesystem", "Inodes", "IUsed", "IFree", "IUse%"
        );
        for mount in self
            .mounts(node, shape)
            .iter()
            .filter(|mount| mount.kind == "ext4")
        {
            inodes.push_str(&format!(
                "{:<15} {:>9} {:>8} {:>9} {:>4}% {}\n",
                mount.device, 9_830_400, 312_044, 9_518_356, 4, mount.path
            ));
        }
        let stuck: String = shape
            .stuck_processes
            .iter()
            .enumerate()
            .map(|(index, process)| {
                format!(
                    "root      {:>5}     2  0.0  0.0        0      0 D    00:00:00 {process}\n",
                    4100 + index
                )
            })
            .collect();
        let days = up.as_hours() / 24;
        format!(
            "{}{}{}{}{}{}",
            command(
                "/usr/bin/uptime",
                &format!(
                    " {}  up {days} days, {:2}:{:02},  0 users,  load average: {}",
                    self.clock.local(time, "%H:%M:%S"),
                    up.as_hours() % 24,
                    up.as_mins() % 60,
                    if shape.stuck_processes.is_empty() {
                        "3.11, 2.87, 2.60"
                    } else {
                        "41.20, 38.74, 30.02"
                    }
                )
            ),
            command(
                "/usr/bin/free -k",
                "               total        used        free      shared  buff/cache   available\nMem:       131911264    48211032     9011220      120332    74689012    82291012\nSwap:              0           0           0"
            ),
            command("/bin/df -hT", &self.free_space(node, shape)),
            command("/bin/df -i", &inodes),
            "#==[ Summary ]======================================#\n# Kernel Status -- Not Tainted\n\n",
            format_args!(
                "#==[ Checking Health of Processes ]=================#\n# /bin/ps axwwo user,pid,ppid,%cpu,%mem,vsz,rss,stat,time,cmd\nUSER       PID  PPID %CPU %MEM      VSZ    RSS STAT     TIME CMD\nroot         1     0  0.1  0.0   174012  14032 Ss   00:02:11 /usr/lib/systemd/systemd --switched-root --system --deserialize 31\nroot      1191  2188  9.1  0.2  9171840 211220 Sl   03:11:01 kubelet --config-dir=/var/lib/rancher/rke2/agent/etc/kubelet.conf.d\n{stuck}\n"
            )
        )
    }

    fn disk_sections(&self, node: &Node, shape: &HostShape) -> String {
        let mut partitions = "major minor  #blocks  name\n\n".to_owned();
        // The columns are as wide as the longest name in them.
        let longest = (node.shape.disks.iter())
            .map(|disk| disk.partition(1).len())
            .max()
            .unwrap_or_default();
        let (wide, narrow) = (10.max(longest + 2), 6.max(longest));
        let mut blocks = format!(
            "{:<wide$} {:<narrow$} {:<7} {:<6} {:<16} {:<2} {:<2} {:<26} {:>7} MOUNTPOINT\n",
            "NAME", "KNAME", "MAJ:MIN", "FSTYPE", "LABEL", "RO", "RM", "MODEL", "SIZE"
        );
        let mut row = |name: &str,
                       kname: &str,
                       number: &str,
                       kind: &str,
                       label: &str,
                       read_only: u8,
                       model: &str,
                       size: &str,
                       mount: &str| {
            blocks.push_str(format!("{name:<wide$} {kname:<narrow$} {number:<7} {kind:<6} {label:<16} {read_only:<2} 0  {model:<26} {size:>7} {mount}").trim_end());
            blocks.push('\n');
        };
        row(
            "loop0",
            "loop0",
            "7:0",
            "ext2",
            "COS_ACTIVE",
            1,
            "",
            "3G",
            "/",
        );
        for (index, disk) in node.longhorn_disks(&self.identity).iter().enumerate() {
            let device = disk.shape.device.as_str();
            let minor = index * 16;
            partitions.push_str(&format!(
                "   8 {minor:>8} {:>10} {device}\n",
                disk.shape.gigabytes * 976_562
            ));
            let size = format!("{:.1}G", disk.shape.gigabytes * 1_000_000_000 / (1 << 30));
            if disk.shape.purpose == DiskUse::Data {
                row(
                    device,
                    device,
                    &format!("8:{minor}"),
                    "ext4",
                    "",
                    0,
                    &disk.shape.model,
                    &size,
                    &disk.path,
                );
                continue;
            }
            row(
                device,
                device,
                &format!("8:{minor}"),
                "",
                "",
                0,
                &disk.shape.model,
                &size,
                "",
            );
            let parts = [
                ("vfat", "COS_GRUB", "64M", ""),
                ("ext4", "COS_OEM", "50M", "/oem"),
                ("ext4", "COS_STATE", "8G", "/run/initramfs/cos-state"),
                ("ext4", "COS_RECOVERY", "8G", ""),
                ("ext4", "COS_PERSISTENT", "150G", "/usr/local"),
                ("ext4", "HARV_LH_DEFAULT", "280.9G", disk.path.as_str()),
            ];
            for (number, (kind, label, size, mount)) in parts.iter().enumerate() {
                let partition = disk.shape.partition(number + 1);
                let branch = if number + 1 == parts.len() {
                    "`-"
                } else {
                    "|-"
                };
                row(
                    &format!("{branch}{partition}"),
                    &partition,
                    &format!("8:{}", minor + number + 1),
                    kind,
                    label,
                    0,
                    "",
                    size,
                    mount,
                );
            }
        }
        for (index, (device, claim)) in shape.attached.iter().enumerate() {
            let volume = (self.volumes.iter())
                .find(|volume| format!("{}/{}", volume.namespace, volume.claim) == *claim);
            let Some(volume) = volume else { continue };
            let hash = self
                .identity
                .hex(&format!("globalmount/{}", volume.name), 64);
            row(
                device,
                device,
                &format!("8:{}", 80 + index * 16),
                "ext4",
                "",
                0,
                "VIRTUAL-DISK",
                &format!("{}G", volume.gibibytes),
                &format!(
                    "/var/lib/kubelet/plugins/kubernetes.io/csi/driver.longhorn.io/{hash}/globalmount"
                ),
            );
        }
        let mounted: String = self
            .mounts(node, shape)
            .iter()
            .map(|mount| {
                format!(
                    "{} on {} type {} ({},relatime)\n",
                    mount.device,
                    mount.path,
                    mount.kind,
                    if mount.path == "/"
                        || shape
                            .read_only
                            .iter()
                            .any(|pattern| matches_pattern(pattern, &mount.path))
                    {
                        "ro"
                    } else {
                        "rw"
                    }
                )
            })
            .collect();
        let iostat: String = node
            .shape
            .disks
            .iter()
            .map(|disk| {
                format!(
                    "{:<12} {:>7} {:>9} {:>7} {:>9} {:>7} {:>7} {:>6} {:>6}\n",
                    disk.device,
                    "3.11",
                    "101.20",
                    "82.91",
                    "2031.40",
                    "0.31",
                    "0.62",
                    "0.05",
                    "2.31"
                )
            })
            .collect();
        format!(
            "{}{}{}{}{}",
            file("/proc/partitions", &partitions),
            command("/bin/df -Th", &self.free_space(node, shape)),
            command(
                "/bin/lsblk -i -o NAME,KNAME,MAJ:MIN,FSTYPE,LABEL,RO,RM,MODEL,SIZE,MOUNTPOINT",
                &blocks
            ),
            command("/bin/mount", &mounted),
            command(
                "/usr/bin/iostat -x 1 4",
                &format!(
                    "{:<12} {:>7} {:>9} {:>7} {:>9} {:>7} {:>7} {:>6} {:>6}\n{iostat}",
                    "Device",
                    "r/s",
                    "rkB/s",
                    "w/s",
                    "wkB/s",
                    "r_await",
                    "w_await",
                    "aqu-sz",
                    "%util"
                )
            )
        )
    }

    fn smart_sections(&self, node: &Node, shape: &HostShape) -> String {
        let healthy = SmartShape::default();
        let verdict = |smart: &SmartShape| if smart.failed { "FAILED!" } else { "PASSED" };
        let disks = &node.shape.disks;
        let of = |device: &str| shape.smart.get(device).unwrap_or(&healthy);
        // With a single disk grep names no file, and what is cut out of its line is empty.
        let quick: String = match disks.as_slice() {
            [_] => "\n".to_owned(),
            _ => disks
                .iter()
                .map(|disk| {
                    format!(
                        "smartmon-{}:SMART overall-health self-assessment test result: {}\n",
                        disk.device,
                        verdict(of(&disk.device))
                    )
                })
                .collect(),
        };
        let mut text = format!(
            "#==[ Verification ]=================================#\n# rpm -V smartmontools-7.4-150600.1.1.x86_64\n# Verification Status: Passed\n\n#==[ Quick Status Check ]===========================#\n{quick}\n"
        );
        for disk in disks {
            let smart = of(&disk.device);
            let mut table = String::new();
            for (id, name, flag, threshold, kind, raw) in ATTRIBUTES {
                if disk.rotational && id == 231 {
                    continue;
                }
                let raw = smart.raw.get(&id).copied().unwrap_or(raw);
                let failing = smart.failing_now.contains(&id);
                let value = match (failing, id) {
                    (true, _) => 1,
                    (false, 231) => raw.min(100),
                    (false, 194) => 71,
                    _ => 100,
                };
                table.push_str(&format!("{id:>3} {name:<23} {flag}   {value:03}   {value:03}   {threshold:03}    {kind:<9} Always   {:<11} {raw}\n", if failing { "FAILING_NOW" } else { "    -" }));
            }
            let warning = if smart.failed {
                "\nDrive failure expected in less than 24 hours. SAVE ALL DATA."
            } else {
                ""
            };
            text.push_str(&command(
                &format!("/usr/sbin/smartctl --all /dev/{}", disk.device),
                &format!(
                    "smartctl 7.4 2023-08-01 r5530 [x86_64-linux-{}] (SUSE RPM)\nCopyright (C) 2002-23, Bruce Allen, Christian Franke, www.smartmontools.org\n\n=== START OF INFORMATION SECTION ===\nDevice Model:     {}\nSerial Number:    {}\nUser Capacity:    {} bytes [{} GB]\nRotation Rate:    {}\nSMART support is: Available - device has SMART capability.\nSMART support is: Enabled\n\n=== START OF READ SMART DATA SECTION ===\nSMART overall-health self-assessment test result: {}{warning}\n\nSMART Attributes Data Structure revision number: 16\nVendor Specific SMART Attributes with Thresholds:\nID# ATTRIBUTE_NAME          FLAG     VALUE WORST THRESH TYPE      UPDATED  WHEN_FAILED RAW_VALUE\n{table}",
                    node.os.kernel, disk.model, self.serial(node, &disk.device), grouped(disk.gigabytes * 1_000_000_000), disk.gigabytes, if disk.rotational { "7200 rpm" } else { "Solid State Device" }, verdict(smart)
                ),
            ));
        }
        text
    }
}

fn command(line: &str, output: &str) -> String {
    format!(
        "#==[ Command ]======================================#\n# {line}\n{}\n\n",
        output.trim_end_matches('\n')
    )
}

fn file(path: &str, content: &str) -> String {
    format!(
        "#==[ Configuration File ]===========================#\n# {path}\n{}\n\n",
        content.trim_end_matches('\n')
    )
}

/// Kibibytes as `df -h` prints them: rounded up to two digits.
fn human(kibibytes: u64) -> String {
    let mut value = kibibytes;
    let mut rest = 0;
    let mut unit = 0;
    while value >= 1024 && unit < 3 {
        rest = value % 1024;
        value /= 1024;
        unit += 1;
    }
    let letter = ['K', 'M', 'G', 'T'][unit];
    if value < 10 && unit > 0 {
        format!("{value}.{}{letter}", rest * 10 / 1024)
    } else {
        format!("{}{letter}", value + u64::from(rest > 0))
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
