//! The rules of a run: built in, added by the user, checked against each other.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;
use sha2::{Digest, Sha256};
use smol_str::SmolStr;

use super::draft;
use super::duration;
use super::files::{self, File};
use super::mistake::{Level, Mistake, Mistakes, RuleErrors};
use super::nearest::nearest;
use super::schema::{self, Schema};
use super::source::RuleSource;
use super::{Category, Link, LinkOrder, LinkTarget, Param, Rule, Status};
use crate::diagnosis;
use crate::finding::Confidence;

/// Rules that may run together, in order of their ids.
#[derive(Debug, Clone)]
pub struct RuleSet {
    /// Shared with what runs them.
    rules: Vec<Arc<Rule>>,
    warnings: RuleErrors,
}

/// Rules that belong together.
struct Pack {
    rules: Vec<File>,
    /// Fields of kinds that its rules use.
    tables: Vec<File>,
    /// Whether fields and types are checked.
    checked: bool,
}

impl RuleSet {
    /// The rules that come with the program.
    ///
    /// # Errors
    /// Every mistake of every file.
    pub fn builtin() -> Result<RuleSet, RuleErrors> {
        RuleSet::load(&[])
    }

    /// The built-in rules and those of these directories; a rule replaces one of the same id that
    /// came before it.
    ///
    /// # Errors
    /// Every mistake of every file, and directories that cannot be read.
    ///
    /// Fields and types of the built-in rules are taken as checked: a test does it.
    pub fn load(directories: &[PathBuf]) -> Result<RuleSet, RuleErrors> {
        RuleSet::of_packs(false, directories)
    }

    /// As [`RuleSet::load`], with every check of the built-in rules, too.
    ///
    /// # Errors
    /// Every mistake of every file, and directories that cannot be read.
    pub fn load_checked(directories: &[PathBuf]) -> Result<RuleSet, RuleErrors> {
        RuleSet::of_packs(true, directories)
    }

    fn of_packs(check_built_in: bool, directories: &[PathBuf]) -> Result<RuleSet, RuleErrors> {
        let mut packs = vec![Pack {
            rules: files::built_in(files::is_rule),
            tables: Vec::new(),
            checked: check_built_in,
        }];
        packs.extend(directories.iter().map(|directory| {
            let mut tables = files::below(directory, files::is_table);
            // A folder that cannot be read is told among the rules.
            tables.retain(|table| files::is_table(table.name.as_ref()));
            Pack {
                rules: files::below(directory, files::is_rule),
                tables,
                checked: true,
            }
        }));
        read(packs)
    }

    /// Rules from (file name, text), and nothing else.
    ///
    /// # Errors
    /// Every mistake of every text.
    pub fn from_texts(texts: &[(&str, &str)]) -> Result<RuleSet, RuleErrors> {
        let file = |(name, text): &(&str, &str)| File {
            name: (*name).to_owned(),
            text: Ok((*text).to_owned()),
            recording: None,
        };
        let pack = Pack {
            rules: texts.iter().map(file).collect(),
            tables: Vec::new(),
            checked: true,
        };
        read(vec![pack])
    }

    /// The rules, in order of their ids; deprecated ones among them until [`RuleSet::select`].
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// What is not wrong enough to keep the rules from running.
    pub fn warnings(&self) -> &RuleErrors {
        &self.warnings
    }

    /// The rule of this id or alias.
    pub fn get(&self, name: &str) -> Option<&Rule> {
        let alias = |rule: &&Arc<Rule>| rule.aliases.iter().any(|alias| alias == name);
        let by_id = self.rules.iter().find(|rule| rule.id == name);
        let found = by_id.or_else(|| self.rules.iter().find(alias));
        found.map(|rule| &**rule)
    }

    /// All links between the rules, from cause to effect, whichever side declares them. A name that
    /// is another's alias stands for that rule.
    pub fn links(&self) -> Vec<diagnosis::Link> {
        let declared = self.rules.iter().flat_map(|rule| {
            let forth = rule.causes.iter().map(move |link| (link, true, rule));
            forth.chain(rule.caused_by.iter().map(move |link| (link, false, rule)))
        });
        declared
            .map(|(link, is_cause, rule)| {
                let other = match &link.rule {
                    LinkTarget::Rule(name) => self.get(name).map_or(name, |rule| &rule.id).clone(),
                    LinkTarget::Category(category) => format!("{}/*", category.name()),
                };
                let (cause_rule, effect_rule) = if is_cause {
                    (rule.id.clone(), other)
                } else {
                    (other, rule.id.clone())
                };
                diagnosis::Link {
                    cause_rule,
                    effect_rule,
                    same: link
                        .same
                        .iter()
                        .map(|name| name.value.to_string())
                        .collect(),
                    order: match link.order {
                        LinkOrder::Any => diagnosis::Order::Any,
                        LinkOrder::CauseFirst => diagnosis::Order::CauseFirst,
                    },
                    strength: link.strength,
                    note: None,
                }
            })
            .collect()
    }

    /// `sha256:` of the rules' texts in order of their ids: equal for equal rules.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for rule in &self.rules {
            hash.update(rule.source.text.as_bytes());
            // Texts must not run into each other: "a" + "bc" is not "ab" + "c".
            hash.update([0]);
        }
        let hex: Vec<String> = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("sha256:{}", hex.concat())
    }

    /// Keeps the rules named by `only` (all if empty) and not by `skip`, each an id, an alias or a
    /// category. A deprecated rule is kept only where `only` names it itself.
    ///
    /// # Errors
    /// A name that no rule and no category has.
    pub fn select(self, only: &[String], skip: &[String]) -> Result<RuleSet, SelectError> {
        let mut set = self.filter(only, skip)?;
        set.rules
            .retain(|rule| rule.status != Status::Deprecated || is_named(rule, only));
        Ok(set)
    }

    /// The same, deprecated rules being rules like others: for who lists them.
    ///
    /// # Errors
    /// A name that no rule and no category has.
    pub fn filter(mut self, only: &[String], skip: &[String]) -> Result<RuleSet, SelectError> {
        if let Some(name) = only.iter().chain(skip).find(|name| !self.knows(name)) {
            return Err(self.unknown(name));
        }
        let fits = |rule: &Rule, names: &[String]| {
            is_named(rule, names) || names.iter().any(|name| rule.category.name() == name)
        };
        self.rules
            .retain(|rule| (only.is_empty() || fits(rule, only)) && !fits(rule, skip));
        Ok(self)
    }

    /// The rule of this id or alias, or what was meant.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, name: &str) -> Result<&Rule, SelectError> {
        self.get(name).ok_or_else(|| self.unknown(name))
    }

    /// Sets a constant of a rule, as `--param` states it: `RULE.NAME=VALUE`.
    ///
    /// # Errors
    /// The text has another form, the rule has no such constant, or the value is of another kind.
    pub fn set_param(&mut self, assignment: &str) -> Result<(), ParamError> {
        let form = || ParamError::Form(assignment.to_owned());
        let (path, value) = assignment.split_once('=').ok_or_else(form)?;
        let (name, param) = path.trim().rsplit_once('.').ok_or_else(form)?;
        let Some(id) = self.get(name).map(|rule| rule.id.clone()) else {
            return Err(self.unknown(name).into());
        };
        let rule = self
            .rules
            .iter_mut()
            .find(|rule| rule.id == id)
            .ok_or_else(form)?;
        let rule = Arc::make_mut(rule);
        let names: Vec<SmolStr> = rule.params.keys().cloned().collect();
        let Some(old) = rule.params.get_mut(param) else {
            let near = nearest(param, names.iter().map(SmolStr::as_str));
            return Err(ParamError::Unknown {
                rule: id,
                name: param.to_owned(),
                proposal: propose(near),
            });
        };
        let kind = |param: &Param| match param {
            Param::Number(_) => "a number",
            Param::Text(_) => "text",
            Param::Bool(_) => "true or false",
            Param::Duration(_) => "a duration (`45s`, `2d14h`)",
            Param::Quantity(_) => "a quantity (`512Mi`)",
        };
        let value = value.trim();
        let new = match (&*old, draft::param(value, true)) {
            (Param::Text(_), _) => Param::Text(value.to_owned()),
            // Zero needs no unit, and a quantity may be written out.
            (Param::Duration(_), Param::Number(_)) if duration::parse(value).is_some() => {
                Param::Duration(duration::parse(value).unwrap_or_default())
            }
            (Param::Quantity(_), Param::Number(number)) => Param::Quantity(number),
            (_, new) => new,
        };
        if kind(old) != kind(&new) {
            return Err(ParamError::Value {
                path: path.trim().to_owned(),
                wanted: kind(old),
                value: value.to_owned(),
            });
        }
        *old = new;
        Ok(())
    }

    fn knows(&self, name: &str) -> bool {
        self.get(name).is_some() || Category::parse(name).is_some()
    }

    fn unknown(&self, name: &str) -> SelectError {
        let rules = self.rules.iter();
        let names = rules
            .flat_map(|rule| std::iter::once(&rule.id).chain(&rule.aliases))
            .map(String::as_str);
        let near = nearest(name, names.chain(Category::ALL.map(Category::name)));
        SelectError {
            name: name.to_owned(),
            proposal: propose(near),
        }
    }
}

/// Whether one of these is the rule's id or an alias of it.
fn is_named(rule: &Rule, names: &[String]) -> bool {
    names
        .iter()
        .any(|name| rule.id == *name || rule.aliases.contains(name))
}

/// A name that no rule and no category has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no rule or category `{name}`{proposal}")]
pub struct SelectError {
    /// The name.
    pub name: String,
    /// What was meant, as the end of a sentence; may be empty.
    pub proposal: String,
}

/// Why a constant of a rule cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// It is not of the form `RULE.NAME=VALUE`.
    #[error("`{0}` is not of the form RULE.NAME=VALUE")]
    Form(String),
    /// There is no such rule.
    #[error(transparent)]
    Rule(#[from] SelectError),
    /// The rule has no such constant.
    #[error("the rule `{rule}` has no parameter `{name}`{proposal}")]
    Unknown {
        /// Id of the rule.
        rule: String,
        /// The name.
        name: String,
        /// What was meant, as the end of a sentence; may be empty.
        proposal: String,
    },
    /// The value is of another kind than the rule's own.
    #[error("`{path}` must be {wanted}, not `{value}`")]
    Value {
        /// `RULE.NAME`.
        path: String,
        /// What it must be.
        wanted: &'static str,
        /// What was given.
        value: String,
    },
}

fn propose(near: Option<&str>) -> String {
    near.map(|near| format!(", did you mean `{near}`?"))
        .unwrap_or_default()
}

/// The tables of kinds that come with the program and those of packs; mistakes in them are noted.
fn tables(packs: &mut [Pack], mistakes: &mut Vec<Mistake>) -> Cow<'static, Schema> {
    let mut schema = Cow::Borrowed(schema::built_in());
    for File { name, text, .. } in packs.iter_mut().flat_map(|pack| pack.tables.drain(..)) {
        let found = match &text {
            Ok(text) => schema.to_mut().add(text),
            Err(reason) => vec![reason.clone()],
        };
        let source = RuleSource::new(name, text.unwrap_or_default());
        let mut file = Mistakes::new(&source);
        for mistake in found {
            file.error_of_file("BD001", mistake);
        }
        mistakes.extend(file.into_list());
    }
    schema
}

/// Reads a file: the id that its name promises, its rule if there is one, and its mistakes.
fn read_file(file: File, schema: Option<&Schema>) -> (String, Option<Rule>, Vec<Mistake>) {
    let File {
        name,
        text,
        recording,
    } = file;
    let (text, unreadable) = match text {
        Ok(text) => (text, None),
        Err(reason) => (String::new(), Some(reason)),
    };
    let source = RuleSource::new(name, text);
    let stem = draft::stem(&source.name);
    if let Some(reason) = unreadable {
        let mut file = Mistakes::new(&source);
        file.error_of_file("BD001", reason);
        return (stem, None, file.into_list());
    }
    let (rule, found) = draft::read(source, recording, schema);
    (stem, rule, found)
}

/// Reads packs of files, a later one replacing what an earlier one has.
fn read(mut packs: Vec<Pack>) -> Result<RuleSet, RuleErrors> {
    let mut mistakes: Vec<Mistake> = Vec::new();
    // Not even the tables of the program are read where nothing is to be checked.
    let checked = packs.iter().any(|pack| pack.checked);
    let schema = checked.then(|| tables(&mut packs, &mut mistakes));
    let mut rules: BTreeMap<String, Rule> = BTreeMap::new();
    // Ids of rules with mistakes, by their files: a link to one of them is not to be blamed.
    let mut unread: BTreeSet<String> = BTreeSet::new();
    for pack in packs {
        let mut own: BTreeMap<String, Rule> = BTreeMap::new();
        let schema = schema.as_deref().filter(|_| pack.checked);
        let read = |file| read_file(file, schema);
        let files: Vec<(String, Option<Rule>, Vec<Mistake>)> =
            pack.rules.into_par_iter().map(read).collect();
        for (stem, rule, found) in files {
            mistakes.extend(found);
            let Some(rule) = rule else {
                unread.insert(stem);
                continue;
            };
            if let Some(first) = own.get(&rule.id) {
                let mut file = Mistakes::new(&rule.source);
                file.error_of_file("BD002", format!("the rule `{}` is here twice", rule.id))
                    .help(format!("the other one is {}", first.source.name));
                mistakes.extend(file.into_list());
            }
            own.insert(rule.id.clone(), rule);
        }
        rules.extend(own);
    }
    let set = RuleSet {
        rules: rules.into_values().map(Arc::new).collect(),
        warnings: RuleErrors::default(),
    };
    // Many rules may name the same rule that is not there.
    let mut meant = BTreeMap::new();
    set.rules
        .iter()
        .for_each(|rule| check_links(rule, &set, &unread, &mut meant, &mut mistakes));
    check_circles(&set, &mut mistakes);
    let mut errors = RuleErrors { mistakes };
    errors.sort();
    match errors
        .mistakes
        .iter()
        .any(|mistake| mistake.level == Level::Error)
    {
        true => Err(errors),
        false => Ok(RuleSet {
            warnings: errors,
            ..set
        }),
    }
}

/// Checks the links of a rule against the rules that they name. A mistake is a warning only: what
/// is wrong may be in the other file, and the rule is right without the link.
fn check_links<'r>(
    rule: &'r Rule,
    set: &'r RuleSet,
    unread: &BTreeSet<String>,
    meant: &mut BTreeMap<&'r str, Option<&'r str>>,
    mistakes: &mut Vec<Mistake>,
) {
    let mut file = Mistakes::new(&rule.source);
    for Link {
        rule: target,
        same,
        span,
        ..
    } in rule.causes.iter().chain(&rule.caused_by)
    {
        let LinkTarget::Rule(name) = target else {
            continue;
        };
        if unread.contains(name) {
            continue;
        }
        let Some(other) = set.get(name) else {
            let ids = set.rules.iter().map(|rule| rule.id.as_str());
            let near = *meant.entry(name).or_insert_with(|| nearest(name, ids));
            file.warning("BD002", *span, format!("there is no rule `{name}`"))
                .label("this link does nothing")
                .help_if(near.map(|near| format!("did you mean `{near}`?")));
            continue;
        };
        if other.id == rule.id {
            file.warning("BD002", *span, "a rule does not cause itself")
                .label("this link does nothing");
        }
        for export in same
            .iter()
            .filter(|export| !other.finding.exports.contains_key(&export.value))
        {
            let exports = other.finding.exports.keys().map(SmolStr::as_str);
            let near = nearest(&export.value, exports);
            file.warning(
                "BD002",
                export.span,
                format!("the rule `{}` does not export `{}`", other.id, export.value),
            )
            .label("this link does nothing")
            .help_if(near.map(|near| format!("did you mean `{near}`?")));
        }
    }
    mistakes.extend(file.into_list());
}

/// Warns of rules each of which certainly causes the next, and the last the first: there would be no
/// root among them.
fn check_circles(set: &RuleSet, mistakes: &mut Vec<Mistake>) {
    let mut effects: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let links = set.links();
    let certain = |link: &&diagnosis::Link| link.strength == Confidence::Certain;
    for link in links.iter().filter(certain) {
        let effects = effects.entry(&link.cause_rule).or_default();
        effects.insert(&link.effect_rule);
    }
    for rule in &set.rules {
        // The way back to the rule, if there is one; each circle is told once, at its first rule.
        let mut ways = vec![vec![rule.id.as_str()]];
        let mut seen = BTreeSet::new();
        while let Some(way) = ways.pop() {
            let last = way.last().copied().unwrap_or_default();
            for &next in effects.get(last).into_iter().flatten() {
                if next == rule.id && way.len() > 1 && way.iter().all(|id| *id >= rule.id.as_str())
                {
                    let mut file = Mistakes::new(&rule.source);
                    let links = rule.causes.iter().chain(&rule.caused_by);
                    let place = links.map(|link| link.span).next();
                    let message = format!(
                        "{} -> {next} is a circle of certain causes",
                        way.join(" -> ")
                    );
                    file.warning("BD002", place.unwrap_or_default(), message)
                        .help("weaken one of these links with `strength: likely`");
                    mistakes.extend(file.into_list());
                    ways.clear();
                    break;
                }
                if seen.insert(next) {
                    let mut longer = way.clone();
                    longer.push(next);
                    ways.push(longer);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn rule(id: &str, more: &str) -> String {
        let rest = "title: T\nseverity: info\nmatch: [{ each: n, in: Node }]\nfinding: { subject: n, message: M }\n";
        format!("id: {id}\n{rest}{more}")
    }

    fn ids(set: &RuleSet) -> Vec<&str> {
        set.rules().iter().map(|rule| rule.id.as_str()).collect()
    }

    #[test]
    fn built_in_rules_load() {
        let set = match RuleSet::builtin() {
            Ok(set) => set,
            Err(errors) => panic!("{:#?}", errors.mistakes),
        };
        assert!(set.get("mixed-kubernetes-versions").is_some());
        // A link to a rule that is still to be written is no mistake of the rule that states it.
        for warning in &set.warnings().mistakes {
            assert!(
                warning.code == "BD002" && warning.message.starts_with("there is no rule"),
                "{warning:?}"
            );
        }
    }

    #[test]
    fn packs_override() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("node");
        fs::create_dir(&folder).unwrap();
        let write = |name: &str, text: &[u8]| fs::write(folder.join(name), text).unwrap();
        write(
            "mine.yaml",
            format!("\u{feff}{}", rule("mine", "")).as_bytes(),
        );
        write("mine.test.yaml", b"rule: mine");
        write("notes.txt", b"\xff");
        let pack = directory.path().to_owned();
        let set = RuleSet::load(std::slice::from_ref(&pack)).unwrap();
        assert_eq!(
            set.get("mine").map(|rule| rule.category),
            Some(Category::Node)
        );
        let replaced = rule("disk-io-error", "category: storage")
            .replace("severity: info", "severity: critical");
        fs::create_dir(pack.join("storage")).unwrap();
        fs::write(pack.join("storage/disk-io-error.yaml"), replaced).unwrap();
        let set = RuleSet::load(std::slice::from_ref(&pack)).unwrap();
        assert_eq!(
            set.get("disk-io-error").map(|rule| rule.severity),
            Some(crate::finding::Severity::Critical)
        );
        write("bad.yaml", b"id: \xff");
        fs::write(pack.join("storage/mine.yaml"), rule("mine", "")).unwrap();
        let errors = RuleSet::load(&[pack.clone(), pack.join("nowhere")]).unwrap_err();
        let messages: Vec<&str> = errors
            .mistakes
            .iter()
            .filter(|mistake| mistake.level == Level::Error)
            .map(|mistake| mistake.message.as_str())
            .collect();
        assert_eq!(
            messages,
            [
                "the file is not UTF-8",
                "there is no such directory",
                "the rule `mine` is here twice"
            ]
        );
    }

    #[test]
    fn selection() {
        let texts = [
            ("node/a.yaml", rule("a", "aliases: [first]")),
            ("node/b.yaml", rule("b", "")),
            ("vm/c.yaml", rule("c", "status: deprecated")),
            ("vm/d.yaml", rule("d", "")),
        ];
        let texts: Vec<(&str, &str)> = texts
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let set = RuleSet::from_texts(&texts).unwrap();
        let table: [(&[&str], &[&str], &[&str]); 8] = [
            (&[], &[], &["a", "b", "d"]),
            (&["first"], &[], &["a"]),
            (&["node"], &["b"], &["a"]),
            (&["vm"], &[], &["d"]),
            (&["c", "node"], &[], &["a", "b", "c"]),
            (&[], &["node"], &["d"]),
            (&[], &["first", "vm"], &["b"]),
            (&["b"], &["node"], &[]),
        ];
        for (only, skip, wanted) in table {
            let names = |names: &[&str]| -> Vec<String> {
                names.iter().map(|name| (*name).to_owned()).collect()
            };
            let selected = set.clone().select(&names(only), &names(skip)).unwrap();
            assert_eq!(ids(&selected), wanted, "{only:?} {skip:?}");
        }
        let error = set.clone().select(&["nodes".to_owned()], &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no rule or category `nodes`, did you mean `node`?"
        );
        assert_ne!(set.digest(), set.clone().select(&[], &[]).unwrap().digest());
        let mut backwards = texts.clone();
        backwards.reverse();
        assert_eq!(
            RuleSet::from_texts(&backwards).unwrap().digest(),
            set.digest()
        );
    }

    #[test]
    fn params_are_set() {
        let more = "params: { wait: 5m, least: 3, size: 1Gi, on: true, word: x }";
        let text = rule("a", more);
        let mut set = RuleSet::from_texts(&[("node/a.yaml", &text)]).unwrap();
        for (assignment, wanted) in [
            ("a.wait=2d", None),
            ("a.wait=0", None),
            ("a.size=5", None),
            ("a.on=false", None),
            ("a.word= 5", None),
            (
                "a.least=many",
                Some("`a.least` must be a number, not `many`"),
            ),
            (
                "a.wait=5",
                Some("`a.wait` must be a duration (`45s`, `2d14h`), not `5`"),
            ),
            (
                "a.wiat=5m",
                Some("the rule `a` has no parameter `wiat`, did you mean `wait`?"),
            ),
            ("b.wait=5m", Some("there is no rule or category `b`")),
            ("wait", Some("`wait` is not of the form RULE.NAME=VALUE")),
        ] {
            let error = set
                .set_param(assignment)
                .err()
                .map(|error| error.to_string());
            assert_eq!(error.as_deref(), wanted, "{assignment}");
        }
        assert_eq!(set.rules()[0].params["word"], Param::Text("5".to_owned()));
    }

    #[test]
    fn circles_of_certain_links_are_told_once() {
        let link =
            |to: &str, strength: &str| format!("causes: [{{ rule: {to}, strength: {strength} }}]");
        let texts = [
            ("vm/a.yaml", rule("a", &link("b", "certain"))),
            ("vm/b.yaml", rule("b", &link("c", "certain"))),
            ("vm/c.yaml", rule("c", &link("a", "certain"))),
            ("vm/d.yaml", rule("d", &link("e", "certain"))),
            ("vm/e.yaml", rule("e", &link("d", "likely"))),
        ];
        let texts: Vec<(&str, &str)> = texts
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let set = RuleSet::from_texts(&texts).unwrap();
        let messages: Vec<&str> = set
            .warnings()
            .mistakes
            .iter()
            .map(|mistake| mistake.message.as_str())
            .collect();
        assert_eq!(messages, ["a -> b -> c -> a is a circle of certain causes"]);
    }

    #[test]
    fn links_are_checked_between_files() {
        let exports = "finding: { subject: n, message: M, exports: { node: n } }";
        let one = rule(
            "one",
            "causes: [{ rule: two, same: [node] }, { rule: three, same: [node] }, { rule: thre }]",
        )
        .replace("finding: { subject: n, message: M }", exports);
        let texts = [
            ("vm/one.yaml", one),
            ("vm/two.yaml", rule("two", "")),
            (
                "vm/three.yaml",
                rule("three", "").replace("finding: { subject: n, message: M }", exports),
            ),
        ];
        let texts: Vec<(&str, &str)> = texts
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let set = RuleSet::from_texts(&texts).unwrap();
        let messages: Vec<&str> = set
            .warnings()
            .mistakes
            .iter()
            .map(|mistake| mistake.message.as_str())
            .collect();
        assert_eq!(
            messages,
            [
                "the rule `two` does not export `node`",
                "there is no rule `thre`"
            ]
        );
    }
}
