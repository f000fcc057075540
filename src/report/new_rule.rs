//! Says what a new rule consists of, and what to do next.

use std::io::{self, Write};
use std::path::Path;

/// What was written.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// Id of the rule.
    pub id: &'a str,
    /// Its file.
    pub rule: &'a Path,
    /// The file of its cases.
    pub cases: &'a Path,
    /// The directory to name to the other commands; none for the user's own, which they know.
    pub pack: Option<&'a Path>,
}

/// Names the files, and the commands that go on from there.
pub fn write(written: &Written<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Written {
        id,
        rule,
        cases,
        pack,
    } = written;
    let pack = pack.map(|pack| format!(" {}", pack.display()));
    let pack = pack.unwrap_or_default();
    let rules = match pack.as_str() {
        "" => String::new(),
        pack => format!(" --rules{pack}"),
    };
    writeln!(out, "wrote {}", rule.display())?;
    writeln!(out, "      {}", cases.display())?;
    writeln!(
        out,
        "It finds containers that keep crashing. Make it yours, then:"
    )?;
    writeln!(out, "  bundle-doctor rules check{pack}")?;
    writeln!(out, "  bundle-doctor rules test{pack} --only {id} --strict")?;
    writeln!(out, "  bundle-doctor analyze BUNDLE{rules} --only {id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_the_pack_that_they_would_not_know() {
        let mut written = Written {
            id: "x",
            rule: Path::new("rules/node/x.yaml"),
            cases: Path::new("rules/node/x.test.yaml"),
            pack: Some(Path::new("rules")),
        };
        let text = |written: &Written<'_>| {
            let mut out = Vec::new();
            write(written, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let named = text(&written);
        assert!(named.contains("rules test rules --only x --strict\n"));
        assert!(named.contains("analyze BUNDLE --rules rules --only x\n"));
        written.pack = None;
        let own = text(&written);
        assert!(own.contains("rules check\n") && own.contains("analyze BUNDLE --only x\n"));
    }
}
