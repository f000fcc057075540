//! Reads the files a node left in a bundle: configuration, release files, journals, and the text
//! sections of its supportconfig. Text in, typed facts out, each with the line it came from.
//!
//! Reading never fails: what a text doesn't say is absent from the facts, what breaks its own
//! grammar is a [`Problem`]. Nothing here knows the cluster; the graph joins a device to a volume.

mod block_device;
mod boot_history;
mod clock;
mod disk_use;
mod file_system;
mod image;
mod iscsi;
mod journal;
mod memory;
mod process;
mod quantity;
mod release;
mod scsi_log;
mod section;
mod service;
mod setting;
mod smart;
mod smart_reader;

pub use block_device::{BlockDevice, ScsiDevice};
pub use boot_history::{BootRecord, BootRecordKind};
pub use clock::Clock;
pub use disk_use::{
    CsiMount, DiskUse, HostDisk, LONGHORN_TARGET, MountPoint, csi_mount, is_longhorn_data_path,
    is_longhorn_model, longhorn_node,
};
pub use file_system::{FileSystemUsage, InodeUsage, MountEntry};
pub use image::ContainerImage;
pub use iscsi::IscsiSession;
pub use journal::{Boot, JournalSpan, stamp};
pub use memory::Memory;
pub use process::{Load, Process, Taint};
pub use release::{HarvesterRelease, OsRelease};
pub use section::{Availability, Section, SectionKind, Sections};
pub use service::FailedUnit;
pub use setting::Setting;
pub use smart::{ErrorCounter, SmartAttribute, SmartHealth, SmartReport, SmartSupport};

use crate::span::{Location, Parsed, Problem, ProblemKind};

/// The most rows kept of one list of facts. A real node stays far below (the longest list, mounts,
/// has a few hundred); a hostile file would otherwise turn each short line into a few hundred bytes.
const MOST_ROWS: usize = 20_000;

/// Which file of a node a text is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostFile {
    /// `configs/etc/os-release`.
    OsRelease,
    /// `configs/etc/harvester-release.yaml`.
    HarvesterRelease,
    /// `configs/etc/hostname`.
    Hostname,
    /// A configuration of RKE2, rancherd, the Rancher agent or the installer, by its path below the
    /// node: `configs/etc/rancher/rke2/config.yaml.d/50-rancher.yaml`, `configs/oem/harvester.config`.
    Settings(String),
    /// `configs/etc/rancher/installer/env`: shell assignments.
    Environment(String),
    /// `logs/kernel.log`, `.1`, `.2`: the kernel's messages of one boot, 0 being the current one.
    KernelLog {
        /// How many boots ago.
        boots_ago: u8,
    },
    /// The journal of one unit over all boots: `logs/rke2-server.log` is unit `rke2-server`.
    UnitLog(String),
    /// `logs/containerd-images.log`.
    ContainerImages,
    /// A text file of the supportconfig, by its name: `fs-smartmon.txt`.
    Supportconfig(String),
}

/// Says which host file a path names, or `None` if its text holds no facts that are read here.
///
/// The path is relative to the node's directory; a file of the supportconfig is given by its bare
/// name, as it lies in a directory of its own inside another archive.
pub fn recognise(path_below_node: &str) -> Option<HostFile> {
    let file_name = path_below_node
        .rsplit('/')
        .next()
        .unwrap_or(path_below_node);
    if let Some(path) = path_below_node.strip_prefix("configs/") {
        return recognise_configuration(path_below_node, path, file_name);
    }
    if let Some(name) = path_below_node.strip_prefix("logs/")
        && let Some(file) = recognise_log(name)
    {
        return Some(file);
    }
    SUPPORTCONFIG_FILES
        .contains(&file_name)
        .then(|| HostFile::Supportconfig(file_name.to_owned()))
}

/// Files of a supportconfig that hold a section read here. The console and RKE2 plugins' are logs,
/// `hardware.txt`, `rpm.txt` and `modules.txt` describe what no rule asks for.
const SUPPORTCONFIG_FILES: [&str; 14] = [
    "basic-environment.txt",
    "basic-health-check.txt",
    "boot.txt",
    "env.txt",
    "etc.txt",
    "fs-diskio.txt",
    "fs-iscsi.txt",
    "fs-smartmon.txt",
    "memory.txt",
    "nvme.txt",
    "ntp.txt",
    "proc.txt",
    "systemd.txt",
    "systemd-status.txt",
];

/// Units whose journal the collector saves over all boots.
const UNITS: [&str; 8] = [
    "rke2-server",
    "rke2-agent",
    "rancherd",
    "rancher-system-agent",
    "iscsid",
    "wicked",
    "NetworkManager",
    "iscsi",
];

fn recognise_configuration(whole: &str, path: &str, file_name: &str) -> Option<HostFile> {
    match path {
        "etc/os-release" => return Some(HostFile::OsRelease),
        "etc/harvester-release.yaml" => return Some(HostFile::HarvesterRelease),
        "etc/hostname" => return Some(HostFile::Hostname),
        "etc/rancher/installer/env" => return Some(HostFile::Environment(whole.to_owned())),
        _ => {}
    }
    let structured = [".yaml", ".yml", ".config"]
        .iter()
        .any(|end| file_name.ends_with(end));
    let holds_settings = path == "oem/harvester.config"
        || path.starts_with("etc/rancher/rke2/")
        || path == "etc/rancher/rancherd/config.yaml"
        || path == "etc/rancher/agent/config.yaml";
    (structured && holds_settings).then(|| HostFile::Settings(whole.to_owned()))
}

fn recognise_log(name: &str) -> Option<HostFile> {
    match name {
        "kernel.log" => Some(HostFile::KernelLog { boots_ago: 0 }),
        "kernel.log.1" => Some(HostFile::KernelLog { boots_ago: 1 }),
        "kernel.log.2" => Some(HostFile::KernelLog { boots_ago: 2 }),
        "containerd-images.log" => Some(HostFile::ContainerImages),
        _ => {
            let unit = name.strip_suffix(".log")?;
            UNITS
                .contains(&unit)
                .then(|| HostFile::UnitLog(unit.to_owned()))
        }
    }
}

/// A value with the place it was read at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact<T> {
    /// What was read.
    pub value: T,
    /// Where.
    pub seen: Location,
}

/// What the host files of one node say. A list holds what was said, in the order of files and
/// lines; the same thing said by two files is there twice, each with its place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostFacts {
    /// Name the host gives itself.
    pub hostname: Option<Fact<String>>,
    /// Operating system's release file.
    pub os: Option<OsRelease>,
    /// Versions the installed Harvester image was built from.
    pub harvester: Option<HarvesterRelease>,
    /// Version of the running kernel.
    pub kernel: Option<Fact<String>>,
    /// Command line the running kernel was booted with.
    pub kernel_command_line: Option<Fact<String>>,
    /// Why the kernel calls itself tainted, or that it doesn't.
    pub taint: Option<Taint>,
    /// Time since boot in seconds.
    pub uptime: Option<Fact<u64>>,
    /// Load averages.
    pub load: Option<Load>,
    /// Main memory and swap.
    pub memory: Option<Memory>,
    /// Clock, zone and synchronisation.
    pub clock: Clock,
    /// iSCSI name of the host as initiator; two hosts with one name disturb each other.
    pub initiator: Option<Fact<String>>,
    /// Processes in uninterruptible sleep (state D): they wait for a disk or a network file system.
    pub stuck_processes: Vec<Process>,
    /// The ten processes with the most resident memory, largest first.
    pub largest_processes: Vec<Process>,
    /// What SMART says of each disk.
    pub smart: Vec<SmartReport>,
    /// Space of mounted file systems, from `df`.
    pub file_systems: Vec<FileSystemUsage>,
    /// Inodes of mounted file systems, from `df -i`.
    pub inodes: Vec<InodeUsage>,
    /// Mount table, from `mount`, `findmnt` or `/proc/mounts`.
    pub mounts: Vec<MountEntry>,
    /// Disks, partitions and what lies on them, from `lsblk`.
    pub block_devices: Vec<BlockDevice>,
    /// SCSI devices, from `lsscsi`.
    pub scsi_devices: Vec<ScsiDevice>,
    /// Running iSCSI sessions.
    pub iscsi_sessions: Vec<IscsiSession>,
    /// Starts and shutdowns from `last`, newest first.
    pub boot_records: Vec<BootRecord>,
    /// Boots seen in the kernel's and units' journals.
    pub boots: Vec<Boot>,
    /// What span the journals say they cover.
    pub journals: Vec<JournalSpan>,
    /// Commands that supportconfig gave up on after 120 s; the device or file system they looked at
    /// hung.
    pub hung_commands: Vec<Fact<String>>,
    /// Units that systemd calls failed.
    pub failed_units: Vec<FailedUnit>,
    /// Images in containerd's store.
    pub images: Vec<ContainerImage>,
    /// Top-level settings of RKE2, rancherd, the Rancher agent and the installer, without secrets.
    pub settings: Vec<Setting>,
}

/// Reads the facts of one host file. `display_path` is put into every place and problem.
pub fn read(file: HostFile, display_path: &str, text: &str) -> Parsed<HostFacts> {
    let mut reader = Reader::new(display_path);
    if text.trim().is_empty() {
        reader.problem(None, ProblemKind::Missing, "the file is empty");
        return reader.finish();
    }
    match file {
        HostFile::OsRelease => release::read_os_release(&mut reader, numbered(text)),
        HostFile::HarvesterRelease => release::read_harvester_release(&mut reader, text),
        HostFile::Hostname => release::read_hostname(&mut reader, text),
        HostFile::Settings(path) => setting::read_settings(&mut reader, &path, text),
        HostFile::Environment(path) => setting::read_environment(&mut reader, &path, text),
        HostFile::KernelLog { boots_ago } => {
            journal::read_kernel_log(&mut reader, boots_ago, text);
            // Names of devices last as long as the boot.
            if boots_ago == 0 {
                scsi_log::read(&mut reader, text);
            }
        }
        HostFile::UnitLog(unit) => journal::read_unit_log(&mut reader, &unit, text),
        HostFile::ContainerImages => image::read_images(&mut reader, text),
        HostFile::Supportconfig(_) => read_supportconfig(&mut reader, text),
    }
    reader.finish()
}

impl HostFacts {
    /// Adds the facts of another file of the same node. Of a single value the first one read stays,
    /// so files have to come in path order for the same result every time.
    pub fn merge(&mut self, other: HostFacts) {
        fn keep_first<T>(mine: &mut Option<T>, other: Option<T>) {
            if mine.is_none() {
                *mine = other;
            }
        }
        // Taken apart field by field: a fact added to the struct and forgotten here doesn't compile.
        let HostFacts {
            hostname,
            os,
            harvester,
            kernel,
            kernel_command_line,
            taint,
            uptime,
            load,
            memory,
            clock,
            initiator,
            stuck_processes,
            largest_processes,
            smart,
            file_systems,
            inodes,
            mounts,
            block_devices,
            scsi_devices,
            iscsi_sessions,
            boot_records,
            boots,
            journals,
            hung_commands,
            failed_units,
            images,
            settings,
        } = other;
        keep_first(&mut self.hostname, hostname);
        keep_first(&mut self.os, os);
        keep_first(&mut self.harvester, harvester);
        keep_first(&mut self.kernel, kernel);
        keep_first(&mut self.kernel_command_line, kernel_command_line);
        keep_first(&mut self.taint, taint);
        keep_first(&mut self.uptime, uptime);
        keep_first(&mut self.load, load);
        keep_first(&mut self.memory, memory);
        keep_first(&mut self.clock.zone, clock.zone);
        keep_first(&mut self.clock.read_at, clock.read_at);
        keep_first(&mut self.clock.synchronized, clock.synchronized);
        keep_first(&mut self.clock.service, clock.service);
        keep_first(&mut self.clock.offset, clock.offset);
        keep_first(&mut self.clock.leap_status, clock.leap_status);
        keep_first(&mut self.initiator, initiator);
        self.stuck_processes.extend(stuck_processes);
        self.largest_processes.extend(largest_processes);
        self.smart.extend(smart);
        self.file_systems.extend(file_systems);
        self.inodes.extend(inodes);
        self.mounts.extend(mounts);
        self.block_devices.extend(block_devices);
        self.scsi_devices.extend(scsi_devices);
        self.iscsi_sessions.extend(iscsi_sessions);
        self.boot_records.extend(boot_records);
        self.boots.extend(boots);
        self.journals.extend(journals);
        self.hung_commands.extend(hung_commands);
        self.failed_units.extend(failed_units);
        self.images.extend(images);
        self.settings.extend(settings);
    }
}

/// The one file being read: its path, what was found so far, and what was wrong.
struct Reader<'a> {
    path: &'a str,
    facts: HostFacts,
    problems: Vec<Problem>,
    overflowed: bool,
}

impl<'a> Reader<'a> {
    fn new(path: &'a str) -> Self {
        Reader {
            path,
            facts: HostFacts::default(),
            problems: Vec::new(),
            overflowed: false,
        }
    }

    fn finish(mut self) -> Parsed<HostFacts> {
        if self.overflowed {
            let reason = format!("more than {MOST_ROWS} facts of one kind; the rest is left out");
            self.problem(None, ProblemKind::Limit, reason);
        }
        Parsed {
            value: self.facts,
            problems: self.problems,
        }
    }

    fn at(&self, line: u32) -> Location {
        Location {
            path: self.path.to_owned(),
            line: Some(line),
        }
    }

    fn fact<T>(&self, value: T, line: u32) -> Fact<T> {
        Fact {
            value,
            seen: self.at(line),
        }
    }

    /// Adds to a list of facts, up to [`MOST_ROWS`].
    fn keep<T>(&mut self, list: fn(&mut HostFacts) -> &mut Vec<T>, item: T) {
        let list = list(&mut self.facts);
        if list.len() < MOST_ROWS {
            list.push(item);
        } else {
            self.overflowed = true;
        }
    }

    fn problem(&mut self, line: Option<u32>, kind: ProblemKind, reason: impl Into<String>) {
        let problem = Problem::new(self.path, kind, reason);
        self.problems.push(match line {
            Some(line) => problem.at_line(line),
            None => problem,
        });
    }
}

/// Lines with their numbers.
fn numbered(text: &str) -> impl Iterator<Item = (u32, &str)> {
    (1..=u32::MAX).zip(text.lines().map(bounded))
}

/// The start of a line, up to 64 KiB. The longest rows of a host, commands of Java and QEMU in `ps`,
/// take some 10 KiB; a row of words costs several times its length while it is taken apart.
fn bounded(line: &str) -> &str {
    line.get(..line.floor_char_boundary(64 << 10))
        .unwrap_or(line)
}

/// Takes blanks and a pair of quotes off a value.
fn unquote(value: &str) -> &str {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = value
            .strip_prefix(quote)
            .and_then(|value| value.strip_suffix(quote))
        {
            return inner;
        }
    }
    value
}

/// Reads each section by the command or file that it names. Which sections lie in which file has
/// changed between versions of supportconfig, and what a command prints has not.
fn read_supportconfig(reader: &mut Reader, text: &str) {
    let mut sections = 0;
    for section in Sections::of(text) {
        sections += 1;
        match section.availability {
            Availability::Present | Availability::CommandNotFound => {}
            Availability::TimedOut => {
                let line = section.subject_line();
                let reason = format!("`{}` did not finish and was given up on", section.subject);
                reader.problem(Some(line), ProblemKind::Truncated, reason);
                let hung = reader.fact(section.subject.to_owned(), line);
                reader.keep(|facts| &mut facts.hung_commands, hung);
            }
            _ => continue,
        }
        match section.kind {
            SectionKind::Command | SectionKind::Other => read_command(reader, &section),
            SectionKind::ConfigurationFile => read_file(reader, &section),
            _ => {}
        }
    }
    // A package that isn't installed leaves a file with just that remark.
    if sections == 0 && !text.contains("RPM Not Installed") {
        reader.problem(
            None,
            ProblemKind::Syntax,
            "no section of a supportconfig in it",
        );
    }
}

fn read_command(reader: &mut Reader, section: &Section) {
    match section.program() {
        "smartctl" => smart_reader::read_smart(reader, section),
        "df" if section.has_argument("-i") => file_system::read_inodes(reader, section),
        "df" => file_system::read_usage(reader, section),
        "mount" | "findmnt" => file_system::read_mounts(reader, section),
        "lsblk" => block_device::read_lsblk(reader, section),
        "lsscsi" if section.arguments().next().is_none() => {
            block_device::read_lsscsi(reader, section)
        }
        "uptime" => process::read_uptime(reader, section),
        "uname" => process::read_uname(reader, section),
        "ps" => process::read_processes(reader, section),
        "free" if !section.has_argument("-h") => memory::read_free(reader, section),
        "date" if section.arguments().next().is_none() => clock::read_date(reader, section),
        "timedatectl" => clock::read_timedatectl(reader, section),
        "chronyc" if section.has_argument("tracking") => clock::read_tracking(reader, section),
        "journalctl" => journal::read_section(reader, section),
        "last" => boot_history::read_last(reader, section),
        "systemctl" if section.has_argument("--failed") => service::read_failed(reader, section),
        "iscsiadm" if section.has_argument("session") => iscsi::read_sessions(reader, section),
        _ => {}
    }
}

fn read_file(reader: &mut Reader, section: &Section) {
    match section.subject {
        "/proc/meminfo" => memory::read_meminfo(reader, section),
        "/proc/cmdline" => process::read_command_line(reader, section),
        "/proc/mounts" => file_system::read_mounts(reader, section),
        "/proc/sys/kernel/tainted" => process::read_taint(reader, section),
        "/etc/iscsi/initiatorname.iscsi" => iscsi::read_initiator(reader, section),
        "/etc/os-release" => release::read_os_release(reader, section.lines()),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
