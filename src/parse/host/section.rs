//! Splits a supportconfig text file into its sections.
//!
//! A section begins with a ruler, `#==[ Command ]====…==#`, and mostly a line `# <command or file>`;
//! the rest, up to the next ruler, is what the command printed or the file held.

use memchr::memmem;

use crate::parse::host::bounded;

/// What a section says of itself in its ruler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SectionKind {
    /// Output of a command, its errors included.
    Command,
    /// A file without comments and blank lines.
    ConfigurationFile,
    /// The end of a log file, or all of it.
    LogFile,
    /// Check of an installed package.
    Verification,
    /// Output of a plugin. One per plugin prints the plugin's own script with `cat -n`: not a log.
    Plugin,
    /// The excerpt of SMART verdicts. Not to be relied on: with a single disk its line is blank, and
    /// SAS disks never appear.
    QuickStatusCheck,
    /// Anything else; the ruler's words are in [`Section::title`].
    Other,
}

/// Whether what a section names could be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Availability {
    /// It is there, though maybe empty.
    Present,
    /// The file did not exist.
    FileNotFound,
    /// The command did not exist.
    CommandNotFound,
    /// The package isn't installed.
    NotInstalled,
    /// The file wasn't text and was left out.
    Excluded,
    /// The command was given up after 120 s: what it had printed by then is there. A sign that the
    /// device or file system it looked at hangs.
    TimedOut,
}

/// One section of a supportconfig file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section<'a> {
    /// What the ruler says, as a kind.
    pub kind: SectionKind,
    /// What the ruler says.
    pub title: &'a str,
    /// Command line or path, without the remark that it wasn't there; empty if the section has none.
    pub subject: &'a str,
    /// Whether there is anything to read.
    pub availability: Availability,
    /// Line of the ruler, 1-based.
    pub first_line: u32,
    body: &'a str,
    body_line: u32,
}

impl<'a> Section<'a> {
    /// Lines after the subject, each with its number in the file. Trailing blanks and the carriage
    /// return of files that came by way of Windows are cut off, and so is what makes a line endless.
    pub fn lines(&self) -> impl Iterator<Item = (u32, &'a str)> + use<'a> {
        (self.body_line..=u32::MAX).zip(self.body.lines().map(|line| bounded(line).trim_end()))
    }

    /// The last line that isn't blank.
    pub fn last_line(&self) -> Option<&'a str> {
        let mut lines = self.body.rsplit('\n').map(|line| bounded(line).trim_end());
        lines.find(|line| !line.is_empty())
    }

    /// Line of the subject, or of the ruler if there is no subject.
    pub fn subject_line(&self) -> u32 {
        self.body_line.saturating_sub(1).max(self.first_line)
    }

    /// Name of the command without its directory: `smartctl`. Of a file it is the last component.
    pub fn program(&self) -> &'a str {
        let command = self.subject.split_whitespace().next().unwrap_or("");
        command.rsplit('/').next().unwrap_or(command)
    }

    /// Words after the command, up to a pipe.
    pub fn arguments(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.subject
            .split_whitespace()
            .skip(1)
            .take_while(|word| *word != "|")
    }

    /// Whether the command was given this very word.
    pub fn has_argument(&self, argument: &str) -> bool {
        self.arguments().any(|word| word == argument)
    }

    /// Whether the section shows a plugin's script instead of its output.
    pub fn is_script_listing(&self) -> bool {
        self.program() == "cat" && self.has_argument("-n")
    }
}

/// Sections of a text in their order. Text before the first ruler, the banner, belongs to none.
#[derive(Debug, Clone)]
pub struct Sections<'a> {
    rest: &'a str,
    line: u32,
}

impl<'a> Sections<'a> {
    /// Sections of a whole file.
    pub fn of(text: &'a str) -> Self {
        let start = find_ruler(text).unwrap_or(text.len());
        let (banner, rest) = text.split_at(start);
        Sections {
            rest,
            line: 1 + count_lines(banner),
        }
    }
}

impl<'a> Iterator for Sections<'a> {
    type Item = Section<'a>;

    fn next(&mut self) -> Option<Section<'a>> {
        let (ruler, after_ruler) = split_line(self.rest)?;
        let title = ruler_title(ruler)?;
        let first_line = self.line;

        let end = find_ruler(after_ruler).unwrap_or(after_ruler.len());
        let (content, rest) = after_ruler.split_at(end);
        self.line = first_line
            .saturating_add(1)
            .saturating_add(count_lines(content));
        self.rest = rest;

        let (subject, body, body_line) = match split_line(content) {
            Some((line, body)) if line.starts_with("# ") => (
                line.get(2..).unwrap_or("").trim(),
                body,
                first_line.saturating_add(2),
            ),
            _ => ("", content, first_line.saturating_add(1)),
        };
        let (subject, availability) = judge(subject, body);
        Some(Section {
            kind: kind_of(title),
            title,
            subject,
            availability,
            first_line,
            body,
            body_line,
        })
    }
}

fn kind_of(title: &str) -> SectionKind {
    match title {
        "Command" => SectionKind::Command,
        "Configuration File" => SectionKind::ConfigurationFile,
        "Log File" => SectionKind::LogFile,
        "Verification" => SectionKind::Verification,
        "Plugin" => SectionKind::Plugin,
        "Quick Status Check" => SectionKind::QuickStatusCheck,
        _ => SectionKind::Other,
    }
}

fn judge<'a>(subject: &'a str, body: &str) -> (&'a str, Availability) {
    if let Some(path) = subject.strip_suffix(" - File not found") {
        return (path, Availability::FileNotFound);
    }
    if subject.starts_with("RPM Not Installed") {
        return (subject, Availability::NotInstalled);
    }
    let first = body
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("");
    let availability = if first.starts_with("ERROR: Command not found") {
        Availability::CommandNotFound
    } else if body
        .lines()
        .take(2)
        .any(|line| line.starts_with("ERROR: Not a normal text file"))
    {
        Availability::Excluded
    } else if memmem::find(
        body.as_bytes(),
        b"# ERROR: Command did not complete within the timeout",
    )
    .is_some()
    {
        Availability::TimedOut
    } else {
        Availability::Present
    };
    (subject, availability)
}

/// Byte at which the first ruler's line begins.
fn find_ruler(text: &str) -> Option<usize> {
    let mark = memmem::Finder::new("#==[ ");
    let mut from = 0;
    while let Some(found) = text.as_bytes().get(from..).and_then(|rest| mark.find(rest)) {
        let at = from + found;
        let begins_line = at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n');
        if begins_line
            && let Some((line, _)) = text.get(at..).and_then(split_line)
            && ruler_title(line).is_some()
        {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn ruler_title(line: &str) -> Option<&str> {
    let inner = line.trim_end().strip_prefix("#==[ ")?.strip_suffix('#')?;
    let title = inner.trim_end_matches('=').strip_suffix(']')?;
    inner.ends_with('=').then(|| title.trim())
}

fn split_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    Some(match text.split_once('\n') {
        Some((line, rest)) => (line.trim_end_matches('\r'), rest),
        None => (text, ""),
    })
}

fn count_lines(text: &str) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', text.as_bytes()).count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
=====
  Support Utilities
=====

#==[ Command ]======================================#
# /usr/bin/uptime
 16:47:39  up 0 days 8:22

#==[ Configuration File ]===========================#
# /etc/missing - File not found

#==[ Quick Status Check ]===========================#

#==[ Command ]======================================#
# nosuch --flag
ERROR: Command not found or not executable

#==[ Command ]======================================#
# /usr/sbin/smartctl --all /dev/sdx

# ERROR: Command did not complete within the timeout period.
#==[ SCSI Detailed Info ]===========================#
#---------------------------------------------------#
#==[ Plugin ]=======================================#
# cat -n /usr/lib/supportconfig/plugins/harvester_plugin_rke2
     1\t#==[ not a ruler ]===#
#==[ Verification ]=================================#
# RPM Not Installed: chrony";

    #[test]
    fn sections_with_their_lines() {
        let sections: Vec<_> = Sections::of(FILE).collect();
        let shape: Vec<_> = sections
            .iter()
            .map(|s| (s.first_line, s.title, s.subject, s.availability))
            .collect();
        assert_eq!(
            shape,
            [
                (5, "Command", "/usr/bin/uptime", Availability::Present),
                (
                    9,
                    "Configuration File",
                    "/etc/missing",
                    Availability::FileNotFound
                ),
                (12, "Quick Status Check", "", Availability::Present),
                (
                    14,
                    "Command",
                    "nosuch --flag",
                    Availability::CommandNotFound
                ),
                (
                    18,
                    "Command",
                    "/usr/sbin/smartctl --all /dev/sdx",
                    Availability::TimedOut
                ),
                (22, "SCSI Detailed Info", "", Availability::Present),
                (
                    24,
                    "Plugin",
                    "cat -n /usr/lib/supportconfig/plugins/harvester_plugin_rke2",
                    Availability::Present
                ),
                (
                    27,
                    "Verification",
                    "RPM Not Installed: chrony",
                    Availability::NotInstalled
                ),
            ]
        );
        assert_eq!(
            sections[0].lines().next(),
            Some((7, " 16:47:39  up 0 days 8:22"))
        );
        assert_eq!(sections[0].program(), "uptime");
        assert_eq!(sections[4].arguments().last(), Some("/dev/sdx"));
        assert!(sections[6].is_script_listing());
        assert_eq!(sections[6].lines().count(), 1);
    }

    #[test]
    fn text_without_rulers_has_no_section() {
        for text in [
            "",
            "\n\n",
            "# RPM Not Installed: chrony\n",
            "#==[ Command",
            "#==[ ]#",
            " #==[ Command ]==#",
        ] {
            assert_eq!(Sections::of(text).count(), 0, "{text:?}");
        }
    }

    #[test]
    fn carriage_returns_do_not_matter() {
        let text = "#==[ Command ]===#\r\n# /bin/date\r\nFri May  9 16:47:39 UTC 2025\r\n";
        let section = Sections::of(text).next();
        assert_eq!(section.map(|s| s.subject), Some("/bin/date"));
        assert_eq!(
            section.and_then(|s| s.lines().next()),
            Some((3, "Fri May  9 16:47:39 UTC 2025"))
        );
    }
}
