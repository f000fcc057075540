//! What is wrong in rule files, said so that the author can mend it: code, place, reason, proposal.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::Rule;
use super::source::{RuleSource, Span};

/// So many mistakes of one file are found at once, give or take.
const MANY: usize = 200;

/// Whether a mistake keeps the rules from running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The rule could not do what it says: nothing is analysed.
    Error,
    /// The rule runs, but likely not as meant.
    Warning,
    /// The rule could be written better.
    Advice,
}

/// One mistake in one rule file.
#[derive(Debug, Clone)]
pub struct Mistake {
    /// `BD001` …
    pub code: &'static str,
    /// Whether it keeps the rules from running.
    pub level: Level,
    /// What is wrong, in one sentence without a final stop.
    pub message: String,
    /// Where, the first place being the main one; none if the file as a whole is meant.
    pub labels: Vec<(Span, String)>,
    /// What to write instead.
    pub help: Option<String>,
    /// The file.
    source: NamedSource<Arc<str>>,
}

impl Mistake {
    /// The same with words under its main place.
    pub fn label(&mut self, label: impl Into<String>) -> &mut Self {
        if let Some((_, text)) = self.labels.first_mut() {
            *text = label.into();
        }
        self
    }

    /// The same with one more place.
    pub fn also(&mut self, span: Span, label: impl Into<String>) -> &mut Self {
        self.labels.push((span, label.into()));
        self
    }

    /// The same with a proposal.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// The same with a proposal, if there is one.
    pub fn help_if(&mut self, help: Option<impl Into<String>>) -> &mut Self {
        self.help = help.map(Into::into);
        self
    }

    /// 1-based line of its main place; `None` if the file as a whole is meant.
    pub fn line(&self) -> Option<usize> {
        let (span, _) = self.labels.first()?;
        let before = self.source.inner().get(..span.start)?;
        Some(1 + before.bytes().filter(|byte| *byte == b'\n').count())
    }

    /// The file's name.
    pub fn file(&self) -> &str {
        self.source.name()
    }
}

/// Where no place says in which file it is, the message does.
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.labels.is_empty() {
            write!(f, "{}: ", self.file())?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

impl Diagnostic for Mistake {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.level {
            Level::Error => miette::Severity::Error,
            Level::Warning => miette::Severity::Warning,
            Level::Advice => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().enumerate().map(
            |(index, (span, text))| {
                let label = Some(text.clone()).filter(|text| !text.is_empty());
                let range = (span.start, span.end - span.start);
                match index {
                    0 => LabeledSpan::new_primary_with_span(label, range),
                    _ => LabeledSpan::new_with_span(label, range),
                }
            },
        )))
    }
}

/// Every mistake of every rule file, by file and place. As a diagnostic it shows them all.
#[derive(Debug, Clone, Default)]
pub struct RuleErrors {
    /// The mistakes.
    pub mistakes: Vec<Mistake>,
}

impl RuleErrors {
    /// Errors that show only when checked rules are made ready to run.
    pub fn of_rules<'r>(found: impl Iterator<Item = (&'r Rule, Span, String)>) -> RuleErrors {
        let mut errors = RuleErrors::default();
        for (rule, span, message) in found {
            let mut mistakes = Mistakes::new(&rule.source);
            mistakes.error("BD011", span, message);
            errors.mistakes.extend(mistakes.into_list());
        }
        errors.sort();
        errors
    }

    /// Whether one of them keeps the rules from running.
    pub fn prevent_running(&self) -> bool {
        self.mistakes
            .iter()
            .any(|mistake| mistake.level == Level::Error)
    }

    /// Puts them in the order in which they are shown.
    pub fn sort(&mut self) {
        self.mistakes.sort_by(|a, b| {
            let place = |mistake: &Mistake| mistake.labels.first().map(|(span, _)| *span);
            (a.file(), place(a), a.code, &a.message).cmp(&(b.file(), place(b), b.code, &b.message))
        });
    }
}

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |level| {
            let mistakes = self.mistakes.iter();
            mistakes.filter(|mistake| mistake.level == level).count()
        };
        let (errors, others) = (
            number(Level::Error),
            self.mistakes.len() - number(Level::Error),
        );
        let plural = |number: usize| if number == 1 { "" } else { "s" };
        match (errors, others) {
            (0, _) => write!(f, "{others} warning{} in rule files", plural(others)),
            (_, 0) => write!(f, "{errors} error{} in rule files", plural(errors)),
            _ => write!(
                f,
                "{errors} error{} and {others} warning{} in rule files",
                plural(errors),
                plural(others)
            ),
        }
    }
}

impl std::error::Error for RuleErrors {}

impl Diagnostic for RuleErrors {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.prevent_running() {
            true => miette::Severity::Error,
            false => miette::Severity::Warning,
        })
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let all = self
            .mistakes
            .iter()
            .map(|mistake| mistake as &dyn Diagnostic);
        Some(Box::new(all))
    }
}

/// Gathers the mistakes of one file.
pub(crate) struct Mistakes {
    source: NamedSource<Arc<str>>,
    list: Vec<Mistake>,
}

impl Mistakes {
    /// None yet, of this file.
    pub(crate) fn new(source: &RuleSource) -> Self {
        Mistakes {
            source: NamedSource::new(&source.name, source.text.as_str().into()),
            list: Vec::new(),
        }
    }

    /// An error at a place.
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Mistake {
        self.push(code, Level::Error, vec![(span, String::new())], message)
    }

    /// A warning at a place.
    pub(crate) fn warning(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Mistake {
        self.push(code, Level::Warning, vec![(span, String::new())], message)
    }

    /// Advice at a place.
    pub(crate) fn advice(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Mistake {
        self.push(code, Level::Advice, vec![(span, String::new())], message)
    }

    /// An error of the file as a whole.
    pub(crate) fn error_of_file(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
    ) -> &mut Mistake {
        self.push(code, Level::Error, Vec::new(), message)
    }

    /// All of them.
    pub(crate) fn into_list(self) -> Vec<Mistake> {
        self.list
    }

    /// Whether there are more than anybody mends in one go. What looks for more may stop.
    pub(crate) fn are_many(&self) -> bool {
        self.list.len() >= MANY
    }

    /// Whether there is an error among them.
    pub(crate) fn has_error(&self) -> bool {
        self.list
            .iter()
            .any(|mistake| mistake.level == Level::Error)
    }

    fn push(
        &mut self,
        code: &'static str,
        level: Level,
        labels: Vec<(Span, String)>,
        message: impl Into<String>,
    ) -> &mut Mistake {
        let index = self.list.len();
        self.list.push(Mistake {
            code,
            level,
            message: message.into(),
            labels,
            help: None,
            source: self.source.clone(),
        });
        &mut self.list[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_them_are_one_diagnostic() {
        let source = RuleSource {
            name: "b.yaml".to_owned(),
            text: "id: b".to_owned(),
        };
        let mut mistakes = Mistakes::new(&source);
        mistakes.warning("BD011", Span::new(4, 5), "second");
        mistakes
            .error("BD001", Span::new(0, 2), "first")
            .label("here")
            .help("mend it");
        mistakes.error_of_file("BD002", "of the file");
        let mut errors = RuleErrors {
            mistakes: mistakes.into_list(),
        };
        errors.sort();
        assert_eq!(errors.to_string(), "2 errors and 1 warning in rule files");
        assert!(errors.prevent_running());
        let related: Vec<String> = errors.related().unwrap().map(ToString::to_string).collect();
        assert_eq!(related, ["b.yaml: of the file", "first", "second"]);
        errors
            .mistakes
            .retain(|mistake| mistake.level != Level::Error);
        assert_eq!(errors.to_string(), "1 warning in rule files");
        assert!(!errors.prevent_running());
    }
}
