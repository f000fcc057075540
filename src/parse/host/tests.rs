//! Tests over whole files: recognition, merging, broken input, and the bundles outside.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::*;

/// Facts of the text of a supportconfig file; its problems are not the test's subject.
pub(super) fn facts_of(text: &str) -> HostFacts {
    read(
        HostFile::Supportconfig("test.txt".to_owned()),
        "test.txt",
        text,
    )
    .value
}

#[test]
fn files_by_their_path() {
    let settings = |path: &str| Some(HostFile::Settings(path.to_owned()));
    for (path, file) in [
        ("configs/etc/os-release", Some(HostFile::OsRelease)),
        ("configs/etc/hostname", Some(HostFile::Hostname)),
        (
            "configs/etc/harvester-release.yaml",
            Some(HostFile::HarvesterRelease),
        ),
        (
            "configs/etc/rancher/rke2/config.yaml.d/50-rancher.yaml",
            settings("configs/etc/rancher/rke2/config.yaml.d/50-rancher.yaml"),
        ),
        (
            "configs/etc/rancher/rancherd/config.yaml",
            settings("configs/etc/rancher/rancherd/config.yaml"),
        ),
        (
            "configs/oem/harvester.config",
            settings("configs/oem/harvester.config"),
        ),
        (
            "configs/etc/rancher/installer/env",
            Some(HostFile::Environment(
                "configs/etc/rancher/installer/env".to_owned(),
            )),
        ),
        ("configs/oem/90_custom.yaml", None),
        ("configs/oem/grubenv", None),
        ("configs/etc/rancher/agent/cattle-id", None),
        (
            "logs/kernel.log",
            Some(HostFile::KernelLog { boots_ago: 0 }),
        ),
        (
            "logs/kernel.log.2",
            Some(HostFile::KernelLog { boots_ago: 2 }),
        ),
        (
            "logs/rke2-server.log",
            Some(HostFile::UnitLog("rke2-server".to_owned())),
        ),
        (
            "logs/containerd-images.log",
            Some(HostFile::ContainerImages),
        ),
        ("logs/kubelet.log", None),
        ("logs/console.log", None),
        (
            "fs-smartmon.txt",
            Some(HostFile::Supportconfig("fs-smartmon.txt".to_owned())),
        ),
        (
            "boot.txt",
            Some(HostFile::Supportconfig("boot.txt".to_owned())),
        ),
        ("plugin-harvester_plugin_console.txt", None),
        ("rpm.txt", None),
        ("", None),
    ] {
        assert_eq!(recognise(path), file, "{path}");
    }
}

#[test]
fn merging_keeps_the_first_value_and_all_of_lists() {
    let text = "#==[ Command ]==#\n# uname -a\nLinux other 6.4.0 x\n#==[ Command ]==#\n# smartctl --all /dev/sda\n";
    let mut facts = read(HostFile::Hostname, "configs/etc/hostname", "node1\n").value;
    facts.merge(facts_of(text));
    facts.merge(facts_of(text));
    assert_eq!(
        facts.hostname.map(|fact| fact.value).as_deref(),
        Some("node1")
    );
    assert_eq!(
        facts.kernel.map(|fact| fact.value).as_deref(),
        Some("6.4.0")
    );
    assert_eq!(facts.smart.len(), 2);
}

#[test]
fn what_is_not_a_host_file_is_a_problem() {
    let supportconfig = || HostFile::Supportconfig("boot.txt".to_owned());
    for (file, text, kind) in [
        (supportconfig(), "", ProblemKind::Missing),
        (HostFile::ContainerImages, "\n", ProblemKind::Missing),
        (
            supportconfig(),
            "\u{0}\u{1}\u{fffd}PNG",
            ProblemKind::Syntax,
        ),
        (
            supportconfig(),
            "#==[ Command ]==#\n# df -hT\n\n# ERROR: Command did not complete within the timeout period.\n",
            ProblemKind::Truncated,
        ),
    ] {
        let parsed = read(file, "p", text);
        let kinds: Vec<_> = parsed.problems.iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, [kind], "{text:?}");
    }
    let hung = facts_of(
        "#==[ Command ]==#\n# df -hT\n\n# ERROR: Command did not complete within the timeout period.\n",
    );
    assert_eq!(
        hung.hung_commands
            .iter()
            .map(|fact| fact.value.as_str())
            .collect::<Vec<_>>(),
        ["df -hT"]
    );
    let skipped = read(supportconfig(), "p", "# RPM Not Installed: chrony\n");
    assert_eq!(skipped.problems, []);
}

#[test]
fn lists_have_an_end() {
    let mut text = String::from("#==[ Command ]==#\n# mount\n");
    for number in 0..=MOST_ROWS {
        text += &format!("a on /{number} type b (rw)\n");
    }
    let parsed = read(
        HostFile::Supportconfig("fs-diskio.txt".to_owned()),
        "p",
        &text,
    );
    assert_eq!(parsed.value.mounts.len(), MOST_ROWS);
    assert_eq!(
        parsed
            .problems
            .iter()
            .map(|problem| problem.kind)
            .collect::<Vec<_>>(),
        [ProblemKind::Limit]
    );
}

/// One text with all sections, cut and damaged in many ways: it may say anything, but not panic.
#[test]
fn damaged_text_never_panics() {
    let fixture = "\
#==[ Command ]==#
# /usr/sbin/smartctl --all /dev/nvme0n1
Vendor: A
Product: VIRTUAL-DISK
User Capacity: 480,103,981,056 bytes
SMART overall-health self-assessment test result: PASSED
ID# ATTRIBUTE_NAME          FLAG     VALUE WORST THRESH TYPE      UPDATED  WHEN_FAILED RAW_VALUE
  5 Reallocated_Sector_Ct   0x0033   001   001   036    Pre-fail  Always   FAILING_NOW 4092
read:          0        3         0         3       7429      81223.110          12
#==[ Command ]==#
# /bin/df -hT
Filesystem     Type      Size  Used Avail Use% Mounted on
/dev/a-very-long-name
               ext4      147G   81G   59G  58% /usr/local
#==[ Command ]==#
# /bin/df -i
Filesystem        Inodes   IUsed     IFree IUse% Mounted on
/dev/sda5        9830400  312044   9518356    4% /usr/local
#==[ Command ]==#
# /bin/lsblk -i -o NAME
NAME   KNAME MAJ:MIN FSTYPE LABEL           RO RM MODEL               SIZE MOUNTPOINT
sda    sda     8:0                           0  0 KINGSTON ÄÖ400S3  447.1G
|-sda5 sda5    8:5   ext4   COS_PERSISTENT   0  0                     150G /usr/local
#==[ Command ]==#
# findmnt
|-/a\\x20b   /dev/sda5[/sub]   ext4   ro,relatime
#==[ Configuration File ]==#
# /proc/mounts
/dev/longhorn/pvc-7 /var/lib/kubelet/plugins/kubernetes.io/csi/driver.longhorn.io/ab/globalmount ext4 rw 0 0
#==[ Command ]==#
# /usr/bin/lsscsi
[2:0:0:1]    disk    IET      VIRTUAL-DISK     0001  /dev/sdb
#==[ Command ]==#
# uptime
 16:47:39  up 58 days  8:22,  0 users,  load average: 3.11, 2.87, 2.60
#==[ Command ]==#
# free -k
               total        used        free      shared  buff/cache   available
Mem:       131911264    48211032     9011220      120332    74689012    82291012
#==[ Command ]==#
# last -wxF
reboot   system boot  5.14.21-default  Fri May  9 08:25:09 2025 - Sat May 10 08:25:09 2025 (1+00:00)
shutdown system down  5.14.21-default  Mon May  5 06:58:00 2025 - Mon May  5 07:00:00 2025  (00:02)
#==[ Command ]==#
# chronyc tracking
System time     : 0.000012345 seconds slow of NTP time
#==[ Command ]==#
# iscsiadm -m session -P 3
Target: iqn.2019-10.io.longhorn:pvc-1 (non-flash)
	Current Portal: 10.52.0.9:3260,1
		SID: 3
			Attached scsi disk sdb		State: running
tcp: [3] 10.52.0.9:3260,1 iqn.2019-10.io.longhorn:pvc-1 (non-flash)
#==[ Command ]==#
# ps axwwo
USER       PID  PPID %CPU %MEM      VSZ    RSS STAT     TIME CMD
root       812     2  0.0  0.0        0      0 D    00:00:00 [jbd2/sda5-8]
#==[ Command ]==#
# systemctl --failed
● iscsid.service    loaded failed failed Open-iSCSI
-- Logs begin at Sun 2022-03-06 22:45:10 UTC, end at Tue 2022-03-22 23:50:53 UTC. --
Mar 06 22:45:10 localhost kernel: Linux version 5.3.18-59.37-default (geeko@buildhost)
Mar 06 22:45:10 localhost kernel: Command line: BOOT_IMAGE=(loop0)/boot/vmlinuz panic=0
-- Boot 0123456789abcdef0123456789abcdef --
May 09 08:29:59 node1 systemd-journald[4]: File /a/system.journal corrupted or uncleanly shut down, renaming.
-- Reboot --
{\"cni\": [\"multus\"], \"server\": \"\"}
node-label:
  - a=b
REF TYPE DIGEST SIZE PLATFORMS LABELS
docker.io/rancher/harvester:v1.5.0 application/x sha256:ab67 272.1 MiB linux/amd64 -
";
    let mut random = Random(0x5eed);
    for round in 0..2_000 {
        let mut bytes = fixture.as_bytes().to_vec();
        for _ in 0..random.below(12) {
            let (at, other) = (random.below(bytes.len()), random.below(bytes.len()));
            match random.below(6) {
                0 => bytes[at] = u8::try_from(random.below(256)).unwrap_or(0),
                1 => bytes[at] = b'\n',
                2 => bytes[at] = b' ',
                3 => bytes.truncate(at.max(1)),
                4 => drop(bytes.drain(at.min(other)..at.max(other))),
                _ => {
                    let copy = bytes[at.min(other)..at.max(other)].to_vec();
                    let copy = &copy[..copy.len().min(400)];
                    bytes.splice(at..at, copy.iter().copied());
                }
            }
            if bytes.is_empty() {
                bytes.push(b'x');
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        let mut all = HostFacts::default();
        for file in [
            HostFile::Supportconfig("x".to_owned()),
            HostFile::KernelLog {
                boots_ago: u8::try_from(round % 3).unwrap_or(0),
            },
            HostFile::UnitLog("x".to_owned()),
            HostFile::ContainerImages,
            HostFile::Settings("x".to_owned()),
            HostFile::Environment("x".to_owned()),
            HostFile::OsRelease,
            HostFile::HarvesterRelease,
            HostFile::Hostname,
        ] {
            all.merge(read(file, "p", &text).value);
        }
        assert!(
            all.mount_points().len()
                <= all.mounts.len() + all.file_systems.len() + all.inodes.len()
        );
        all.disks();
    }
}

/// A multiplicative congruential generator: enough to damage text, the same way every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit.max(1)
    }
}

/// Every node of the bundles outside is read without a problem, and says what a host must say.
#[test]
fn nodes_of_outside_bundles() {
    let Some(directory) = std::env::var_os("BUNDLE_DOCTOR_BUNDLES") else {
        eprintln!("skipped: BUNDLE_DOCTOR_BUNDLES is not set");
        return;
    };
    let mut nodes = 0;
    for bundle in zips_below(Path::new(&directory)) {
        let outer = std::fs::File::open(&bundle).map(zip::ZipArchive::new);
        let mut outer = outer.unwrap().unwrap();
        for index in 0..outer.len() {
            let mut entry = outer.by_index(index).unwrap();
            let name = entry.name().unwrap().into_owned();
            if !name.contains("/nodes/") || !name.ends_with(".zip") {
                continue;
            }
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            check_node(&format!("{}!{name}", bundle.display()), bytes);
            nodes += 1;
        }
    }
    assert!(
        nodes > 0,
        "no node archive below {}",
        Path::new(&directory).display()
    );
}

fn check_node(name: &str, archive: Vec<u8>) {
    let mut facts = HostFacts::default();
    let mut has_supportconfig = false;
    for (path, bytes) in node_files(archive) {
        has_supportconfig |= path.ends_with("fs-diskio.txt");
        let Some(file) = recognise(&path) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let parsed = read(file, &path, &text);
        assert_eq!(parsed.problems, [], "{name} {path}");
        facts.merge(parsed.value);
    }
    let node = name
        .rsplit('/')
        .next()
        .and_then(|name| name.strip_suffix(".zip"));
    assert_eq!(
        facts.hostname.as_ref().map(|fact| fact.value.as_str()),
        node,
        "{name}"
    );
    assert!(facts.os.is_some() && facts.harvester.is_some(), "{name}");
    let current: Vec<_> = facts
        .boots
        .iter()
        .filter(|boot| boot.boots_ago == Some(0))
        .collect();
    assert_eq!(current.len(), 1, "{name}");
    assert!(
        current[0].kernel.is_some() && current[0].kernel_command_line.is_some(),
        "{name}"
    );
    assert!(
        current[0].first.is_some() && current[0].last.is_some(),
        "{name}"
    );
    assert!(!facts.settings.is_empty(), "{name}");
    assert!(
        facts
            .settings
            .iter()
            .all(|setting| !setting.key.contains("token")),
        "{name}"
    );
    if !has_supportconfig {
        return;
    }
    assert!(
        facts.uptime.is_some() && facts.load.is_some() && facts.initiator.is_some(),
        "{name}"
    );
    assert!(
        facts
            .memory
            .as_ref()
            .is_some_and(|memory| memory.total > 1 << 30),
        "{name}"
    );
    assert_eq!(
        facts.clock.synchronized.as_ref().map(|fact| fact.value),
        Some(true),
        "{name}"
    );
    assert!(
        facts.boot_records.iter().any(|record| record.still_running),
        "{name}"
    );
    assert!(!facts.images.is_empty(), "{name}");
    let disks = facts.disks();
    assert_eq!(
        disks
            .iter()
            .filter(|disk| disk.disk_use == DiskUse::System)
            .count(),
        1,
        "{name}"
    );
    assert!(
        disks
            .iter()
            .all(|disk| disk.model().is_some() && disk.size().is_some()),
        "{name}"
    );
    assert!(
        disks.iter().any(|disk| !disk.longhorn_paths.is_empty()),
        "{name}"
    );
    let points = facts.mount_points();
    assert!(
        points
            .iter()
            .any(|point| point.path == "/usr/local" && point.used_percent.is_some()),
        "{name}"
    );
}

/// Files of a node's archive and of the supportconfig in it, in path order.
fn node_files(archive: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let Some((_node, path)) = name.split_once('/') else {
            continue;
        };
        let path = path.to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if path.ends_with(".txz") {
            let mut tar = tar::Archive::new(lzma_rust2::XzReader::new(bytes.as_slice(), true));
            for member in tar.entries().unwrap() {
                let mut member = member.unwrap();
                let name = member
                    .path()
                    .unwrap()
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned());
                let mut bytes = Vec::new();
                member.read_to_end(&mut bytes).unwrap();
                files.extend(name.map(|name| (name, bytes)));
            }
        } else {
            files.push((path, bytes));
        }
    }
    files.sort();
    files
}

fn zips_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "zip") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
