//! Checks of calls: functions, methods, macros and relations, what they take and what they give.

use std::rc::Rc;

use super::operator::truth;
use super::types::Type;
use super::{Scope, Variable};
use crate::graph::Kind;
use crate::graph::kind::{DERIVED_GROUP, KNOWN_KINDS, Resolution};
use crate::graph::relation::{RELATIONS, Relation};
use crate::rule::expression::{Expression, Literal, Node};
use crate::rule::function::Function;
use crate::rule::mistake::Mistakes;
use crate::rule::nearest::proposal;
use crate::rule::source::Span;

/// What a function asks of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Any,
    Text,
    Number,
    Time,
    List,
    /// Anything with a length.
    Sized,
    /// Text or a version.
    Version,
    /// Text, a number of seconds, or a duration.
    Duration,
    /// Text or a list.
    TextOrList,
    Object,
}

/// What a function gives.
#[derive(Clone, Copy)]
enum Gives {
    Any,
    Bool,
    Number,
    Text,
    Time,
    Duration,
    Version,
    Texts,
    /// What its receiver, or its first argument, is.
    Same,
    /// An element of its receiver.
    Element,
    /// What its receiver is, or its argument.
    Either,
    Condition,
    Problem,
}

/// What a function takes, the receiver of a method first, and what it gives.
fn signature(function: &Function) -> (&'static [Want], Gives) {
    use Want as W;
    match (function.name, function.method) {
        ("cond", _) => (&[W::Any, W::Text], Gives::Condition),
        ("has" | "absent" | "present" | "empty" | "hasValue", _) => (&[W::Any], Gives::Bool),
        ("raw" | "string", _) => (&[W::Any], Gives::Text),
        ("age", _) => (&[W::Time], Gives::Duration),
        ("ago", _) => (&[W::Time], Gives::Text),
        ("duration", _) => (&[W::Duration], Gives::Duration),
        ("timestamp", _) => (&[W::Time], Gives::Time),
        ("quantity", _) => (&[W::Any], Gives::Number),
        ("semver", _) => (&[W::Version], Gives::Version),
        ("inRange", _) => (&[W::Version, W::Text], Gives::Bool),
        ("int" | "double", _) => (&[W::Any], Gives::Number),
        ("b64text", _) => (&[W::Text], Gives::Text),
        ("json" | "yaml", _) => (&[W::Text], Gives::Any),
        ("size", _) => (&[W::Sized], Gives::Number),
        ("matches", _) => (&[W::Text, W::Text], Gives::Bool),
        ("find" | "extract", _) => (&[W::Text, W::Text], Gives::Text),
        ("ref", _) => (&[W::Object], Gives::Text),
        ("short", _) => (&[W::Any], Gives::Text),
        ("bytes", _) => (&[W::Number], Gives::Text),
        ("plural", _) => (&[W::Number, W::Text], Gives::Text),
        ("problem", _) => (&[W::Object], Gives::Problem),
        ("orValue", _) => (&[W::Any, W::Any], Gives::Either),
        ("contains", _) => (&[W::TextOrList, W::Any], Gives::Bool),
        ("startsWith" | "endsWith", _) => (&[W::Text, W::Text], Gives::Bool),
        ("split", _) => (&[W::Text, W::Text, W::Number], Gives::Texts),
        ("replace", _) => (&[W::Text, W::Text, W::Text, W::Number], Gives::Text),
        ("lowerAscii" | "upperAscii" | "trim", _) => (&[W::Text], Gives::Text),
        ("substring", _) => (&[W::Text, W::Number, W::Number], Gives::Text),
        ("charAt", _) => (&[W::Text, W::Number], Gives::Text),
        ("indexOf" | "lastIndexOf", _) => (&[W::Text, W::Text, W::Number], Gives::Number),
        ("reverse", _) => (&[W::TextOrList], Gives::Same),
        ("join", _) => (&[W::List, W::Text], Gives::Text),
        ("distinct" | "sort", _) => (&[W::List], Gives::Same),
        ("sum" | "min" | "max", _) => (&[W::List], Gives::Element),
        ("major" | "minor" | "patch", _) => (&[W::Version], Gives::Number),
        ("isGreaterThan" | "isLessThan", _) => (&[W::Any, W::Any], Gives::Bool),
        ("compareTo", _) => (&[W::Any, W::Any], Gives::Number),
        _ => (&[], Gives::Any),
    }
}

impl Want {
    fn accepts(self, given: &Type<'_>) -> bool {
        if matches!(given, Type::Any | Type::Null) {
            return true;
        }
        match self {
            Want::Any => true,
            Want::Text => given.is_text(),
            Want::Number => matches!(given, Type::Number),
            Want::Time => matches!(given, Type::Time | Type::Text),
            Want::List => matches!(given, Type::List(_)),
            Want::Sized => {
                given.is_text() || matches!(given, Type::List(_) | Type::Map(_) | Type::Record(..))
            }
            Want::Version => matches!(given, Type::Version | Type::Text),
            Want::Duration => matches!(given, Type::Text | Type::Number | Type::Duration),
            Want::TextOrList => given.is_text() || matches!(given, Type::List(_)),
            Want::Object => matches!(given, Type::Object(_)),
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Want::Any => "a value",
            Want::Text => "text",
            Want::Number => "a number",
            Want::Time => "a time",
            Want::List => "a list",
            Want::Sized => "a list, a map or text",
            Want::Version => "a version",
            Want::Duration => "a text such as '10m'",
            Want::TextOrList => "text or a list",
            Want::Object => "one object",
        }
    }
}

impl<'a> Scope<'a> {
    /// What a function or method gives; `given` is its receiver, if it has one, and its arguments.
    pub(super) fn result(
        &mut self,
        function: &Function,
        given: &[(&'a Expression, Type<'a>)],
        mistakes: &mut Mistakes,
    ) -> Type<'a> {
        if let Some(first) = kind_argument(function.name) {
            return self.of_kind_call(function.name, given, first, mistakes);
        }
        let (wants, gives) = signature(function);
        for (want, (expression, given)) in wants.iter().zip(given) {
            if !want.accepts(given) {
                refuse(function.name, *want, expression.span, given, mistakes);
            }
        }
        if matches!(gives, Gives::Problem)
            && let Some((expression, Type::Object(kind))) = given.first()
            && kind.name != "Pod"
        {
            mistakes.error(
                "BD012",
                expression.span,
                format!("`problem` is of a Pod, and this is a {}", kind.display()),
            );
        }
        let first = given.first().map(|(_, given)| given.clone());
        match gives {
            Gives::Any => Type::Any,
            Gives::Bool => Type::Bool,
            Gives::Number => Type::Number,
            Gives::Text => Type::Text,
            Gives::Time => Type::Time,
            Gives::Duration => Type::Duration,
            Gives::Version => Type::Version,
            Gives::Texts => Type::list(Type::Text),
            Gives::Same => first.unwrap_or(Type::Any),
            Gives::Element => match first {
                Some(Type::List(element)) => Rc::unwrap_or_clone(element),
                _ => Type::Any,
            },
            Gives::Either => {
                let other = given.get(1).map_or(Type::Any, |(_, given)| given.clone());
                first.unwrap_or(Type::Any).or(other)
            }
            Gives::Condition => condition(),
            Gives::Problem => Type::fields(
                "a pod's problem",
                vec![
                    ("reason", Type::Text),
                    ("message", Type::Text),
                    ("container", Type::Text),
                    ("image", Type::Text),
                    ("since", Type::Time),
                ],
            ),
        }
    }

    /// `object`, `all` and `collected`, whose first argument is a kind.
    fn of_kind_call(
        &mut self,
        name: &str,
        given: &[(&'a Expression, Type<'a>)],
        (lists, least): (bool, usize),
        mistakes: &mut Mistakes,
    ) -> Type<'a> {
        for (expression, given) in given.iter().skip(1) {
            if !Want::Text.accepts(given) {
                refuse(name, Want::Text, expression.span, given, mistakes);
            }
        }
        let kind = given
            .first()
            .and_then(|(expression, _)| self.literal_kind(expression, mistakes));
        if name == "all"
            && self.inside_macro
            && let Some((expression, _)) = given.first()
        {
            mistakes
                .warning(
                    "BD050",
                    expression.span,
                    "all objects of a kind are looked through for each element",
                )
                .help("bind them once above, with `collect`");
        }
        if name == "object"
            && let (Some(kind), [(expression, _), names @ ..]) = (&kind, given)
            && kind.group != DERIVED_GROUP
            && let Some(namespaced) = kind.namespaced()
            && namespaced != (names.len() > least)
        {
            let (kind, form) = (
                kind.display(),
                if namespaced {
                    "namespace, name"
                } else {
                    "name"
                },
            );
            let (lives, help) = (
                if namespaced {
                    "lives in a namespace"
                } else {
                    "lives in no namespace"
                },
                format!("`object('{kind}', {form})`"),
            );
            mistakes
                .error("BD012", expression.span, format!("a {kind} {lives}"))
                .help(help);
        }
        match (name, kind) {
            ("collected", _) => Type::Bool,
            (_, Some(kind)) if lists => Type::list(Type::Object(kind.into())),
            (_, Some(kind)) => Type::Object(kind.into()),
            _ => Type::Any,
        }
    }

    /// A kind that is written out as text.
    fn literal_kind(&self, expression: &Expression, mistakes: &mut Mistakes) -> Option<Kind> {
        let Node::Literal(Literal::Text(text)) = &expression.node else {
            mistakes
                .error("BD014", expression.span, "a kind must be written out here")
                .help("as 'Node' or 'longhorn.io/Volume'");
            return None;
        };
        let (group, name) = match text.rsplit_once('/') {
            Some((group, name)) => (Some(group), name),
            None => (None, text.as_str()),
        };
        self.kind(group, name, expression.span, mistakes)
    }

    /// The kind of a name, if tables are there to tell; what is wrong with it is said.
    pub(in crate::rule) fn kind(
        &self,
        group: Option<&str>,
        name: &str,
        span: Span,
        mistakes: &mut Mistakes,
    ) -> Option<Kind> {
        let schema = self.schema;
        let written = group.map_or(name.to_owned(), |group| format!("{group}/{name}"));
        match schema.resolve(group, name) {
            Resolution::Known(kind) => return Some(kind),
            Resolution::Ambiguous(kinds) => {
                let names: Vec<String> = kinds
                    .iter()
                    .map(|kind| format!("`{}`", kind.display()))
                    .collect();
                mistakes
                    .error(
                        "BD014",
                        span,
                        format!("several groups have a kind `{name}`"),
                    )
                    .help(format!("write one of {}", names.join(", ")));
            }
            Resolution::Unknown => {
                let known = KNOWN_KINDS
                    .iter()
                    .map(|known| Kind::new(known.group, known.name));
                let all: Vec<String> = known
                    .chain(schema.kinds())
                    .flat_map(|kind| [kind.display(), format!("{}/{}", kind.group, kind.name)])
                    .collect();
                let near = proposal(&written, all.iter().map(String::as_str))
                    .or_else(|| same_name(name, &all));
                mistakes
                    .error("BD014", span, format!("there is no kind `{written}`"))
                    .help(near.unwrap_or_else(|| {
                        "a kind of your own is described in a file of the pack's folder `kinds`"
                            .to_owned()
                    }));
            }
        }
        None
    }

    /// What a relation leads to.
    pub(super) fn relation(
        &mut self,
        name: &'a str,
        span: Span,
        receiver: (&'a Expression, Type<'a>),
        argument: Option<&'a Expression>,
        mistakes: &mut Mistakes,
    ) -> Type<'a> {
        let kind = match &receiver.1 {
            Type::Any | Type::Null => None,
            Type::Object(kind) => Some(kind),
            other => {
                let help = match other {
                    Type::List(_) => {
                        format!("of one: `list[0].{name}()`; of each: `list.map(x, x.{name}())`")
                    }
                    _ => "relations start from an object".to_owned(),
                };
                mistakes
                    .error(
                        "BD012",
                        span,
                        format!("{} has no relation `{name}`", other.describe()),
                    )
                    .help(help);
                return Type::Any;
            }
        };
        let of_name = RELATIONS.iter().filter(|relation| relation.name == name);
        let found: Vec<&Relation> = of_name
            .filter(|relation| kind.is_none_or(|kind| starts_from(relation, kind)))
            .collect();
        if let (Some(kind), []) = (kind, found.as_slice()) {
            let mut names: Vec<&str> = (RELATIONS.iter())
                .filter(|relation| starts_from(relation, kind))
                .map(|relation| relation.name)
                .collect();
            names.sort_unstable();
            names.dedup();
            let near = proposal(name, names.iter().copied());
            let has = format!("it has: {}", names.join(", "));
            mistakes
                .error(
                    "BD012",
                    span,
                    format!("a {} has no relation `{name}`", kind.display()),
                )
                .help(near.map_or(has.clone(), |near| format!("{near} ({has})")));
            return Type::Any;
        }
        let takes_kind = found.iter().any(|relation| relation.takes_kind);
        let wanted = match argument {
            Some(argument) if !takes_kind => {
                mistakes.error(
                    "BD010",
                    argument.span,
                    format!("`{name}` takes no argument"),
                );
                None
            }
            Some(argument) => self.literal_kind(argument, mistakes),
            None => None,
        };
        let schema = self.schema;
        let leads_to = |relation: &Relation| {
            let (group, name) = match relation.to.split_once('/') {
                Some((group, name)) => (Some(group), name),
                None => (None, relation.to),
            };
            let to = wanted.clone().or(match schema.resolve(group, name) {
                Resolution::Known(kind) => Some(kind),
                _ => None,
            });
            let to = to.map_or(Type::Any, |kind| Type::Object(kind.into()));
            if relation.many { Type::list(to) } else { to }
        };
        let mut types = found.into_iter().map(leads_to);
        let first = types.next().unwrap_or(Type::Any);
        types.fold(first, Type::or)
    }

    /// What a macro gives. Its variables are bound for its other arguments, and only there.
    pub(super) fn macro_call(
        &mut self,
        function: &Function,
        receiver: (&'a Expression, Type<'a>),
        arguments: &'a [Expression],
        mistakes: &mut Mistakes,
    ) -> Type<'a> {
        let name = function.name;
        let count = function.variables_of(arguments.len()).min(arguments.len());
        let (variables, rest) = arguments.split_at(count);
        let (key, element) = self.elements(name, count, &receiver, mistakes);
        let of_variables = match count {
            2 => vec![key, element.clone()],
            _ => vec![element.clone()],
        };
        let outside = self.visible.len();
        for (argument, of) in variables.iter().zip(of_variables) {
            match &argument.node {
                Node::Name(variable) => {
                    self.check_new(variable, argument.span, mistakes);
                    self.visible.push(Variable {
                        name: variable,
                        span: argument.span,
                        of,
                    });
                }
                _ => {
                    mistakes
                        .error(
                            "BD010",
                            argument.span,
                            format!("the variable of `{name}` must be a name"),
                        )
                        .help(format!("`list.{name}(x, …x…)`"));
                }
            }
        }
        let before = std::mem::replace(&mut self.inside_macro, true);
        let given: Vec<Type<'a>> = (rest.iter())
            .map(|argument| self.check(argument, mistakes))
            .collect();
        self.inside_macro = before;
        self.visible.truncate(outside);
        // All but the last are conditions in the forms that map; in the others the last is.
        let tests = matches!(name, "exists" | "exists_one" | "all" | "filter");
        for (index, (argument, given)) in rest.iter().zip(&given).enumerate() {
            if tests || index + 1 < rest.len() {
                truth(argument.span, given, mistakes);
            }
        }
        let body = given.into_iter().next_back().unwrap_or(Type::Any);
        match name {
            "exists" | "exists_one" | "all" => Type::Bool,
            "filter" => Type::list(element),
            "map" | "transformList" => Type::list(body),
            "flatMap" => match body {
                Type::List(element) => Type::List(element),
                other => Type::list(other),
            },
            "minBy" | "maxBy" => element,
            "groupBy" => Type::map(Type::list(element)),
            "transformMap" => Type::map(body),
            _ => Type::Any,
        }
    }

    /// What the variables of a macro stand for: the key or position, and the element.
    fn elements(
        &self,
        name: &str,
        variables: usize,
        (expression, given): &(&'a Expression, Type<'a>),
        mistakes: &mut Mistakes,
    ) -> (Type<'a>, Type<'a>) {
        match given {
            Type::Any | Type::Null => (Type::Any, Type::Any),
            Type::List(element) => (Type::Number, (**element).clone()),
            // With one variable a map gives its keys.
            Type::Map(_) | Type::Record(..) if variables == 1 => (Type::Any, Type::Text),
            Type::Map(value) => (Type::Text, (**value).clone()),
            Type::Record(..) => (Type::Text, Type::Any),
            other => {
                mistakes
                    .error(
                        "BD012",
                        expression.span,
                        format!(
                            "`{name}` goes through a list, and this is {}",
                            other.describe()
                        ),
                    )
                    .help("a list of one is written `[x]`");
                (Type::Any, Type::Any)
            }
        }
    }
}

/// Whether a function's first argument is a kind: whether it gives a list, and its least arguments
/// beside the kind.
fn kind_argument(function: &str) -> Option<(bool, usize)> {
    match function {
        "object" => Some((false, 1)),
        "all" => Some((true, 0)),
        "collected" => Some((false, 0)),
        _ => None,
    }
}

fn starts_from(relation: &Relation, kind: &Kind) -> bool {
    relation.from.is_empty()
        || (relation.from.iter()).any(|(group, name)| kind.group == *group && kind.name == *name)
}

/// The kind of another group that has the same name.
fn same_name(name: &str, kinds: &[String]) -> Option<String> {
    let other = kinds.iter().find(|kind| {
        let bare = kind
            .rsplit_once('/')
            .map_or(kind.as_str(), |(_, bare)| bare);
        bare.eq_ignore_ascii_case(name)
    })?;
    Some(format!("did you mean `{other}`?"))
}

fn refuse(name: &str, want: Want, span: Span, given: &Type<'_>, mistakes: &mut Mistakes) {
    let help = match (want, given) {
        (Want::Text | Want::Version, Type::Object(_)) => {
            Some("an object's name is `x.metadata.name`")
        }
        (Want::Text, Type::Number | Type::Bool) => Some("`string(x)` makes text of a value"),
        (Want::Number, _) if given.is_text() => {
            Some("`quantity(x)` or `int(x)` reads a text as a number")
        }
        (Want::Object, Type::List(_)) => Some("for each: `list.map(x, …)`; for one: `list[0]`"),
        (Want::List, Type::Object(_)) => Some("a list of one is written `[x]`"),
        (Want::Duration, Type::Duration) | (Want::Time, Type::Duration) => {
            Some("a duration is a length of time, no point in it")
        }
        _ => None,
    };
    mistakes
        .error(
            "BD012",
            span,
            format!(
                "`{name}` wants {}, and this is {}",
                want.describe(),
                given.describe()
            ),
        )
        .help_if(help);
}

/// A condition as `cond` gives it.
fn condition<'a>() -> Type<'a> {
    let status = Type::Choice("True | False | Unknown", "status".into());
    Type::fields(
        "a condition",
        vec![
            ("type", Type::Text),
            ("status", status),
            ("reason", Type::Text),
            ("message", Type::Text),
            ("since", Type::Time),
            ("lastTransitionTime", Type::Time),
            ("lastUpdateTime", Type::Time),
            ("lastProbeTime", Type::Time),
            ("lastHeartbeatTime", Type::Time),
            ("severity", Type::Text),
            ("observedGeneration", Type::Number),
        ],
    )
}
