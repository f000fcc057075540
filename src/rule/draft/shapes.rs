//! The maps of a rule file and their keys: a catalogue, from the whole to its parts.

use crate::rule::shape::{
    CONFIDENCE, Condition, Form, Key, RISK, SEVERITY, Shape, Wants, optional, required, words,
};
use crate::rule::{Category, LinkOrder, Outside, Status};
use crate::scan::Measure;

pub(super) const STATUSES: [(&str, Status); 3] = [
    ("stable", Status::Stable),
    ("experimental", Status::Experimental),
    ("deprecated", Status::Deprecated),
];

pub(super) const OUTSIDE: [(&str, Outside); 2] =
    [("skip", Outside::Skip), ("lower", Outside::Lower)];

pub(super) const ORDERS: [(&str, LinkOrder); 2] = [
    ("any", LinkOrder::Any),
    ("cause-first", LinkOrder::CauseFirst),
];

pub(super) const MEASURES: [(&str, Measure); 3] = [
    ("number", Measure::Number),
    ("duration", Measure::Duration),
    ("bytes", Measure::Bytes),
];

pub(in crate::rule) static RULE: Shape = Shape {
    name: "rule",
    what: "a rule",
    keys: &[
        required(
            "id",
            Wants::Slug,
            "Unique and stable name of the rule, equal to the file's name",
        ),
        required(
            "title",
            Wants::Template,
            "The finding in one line of at most 120 characters",
        ),
        required("severity", SEVERITY, "How bad it is, before any escalation"),
        optional(
            "escalate",
            Wants::List(&Wants::Map(&ESCALATION)),
            "What makes it worse: each true entry applies, the highest wins, none lowers",
        ),
        optional(
            "category",
            Wants::Word(|| Category::ALL.map(Category::name).to_vec()),
            "What the rule is about: the name of its folder, to be stated where the folder is no category",
        ),
        optional(
            "status",
            Wants::Word(|| words(&STATUSES)),
            "How mature the rule is; a deprecated one runs only where --only names it (default: stable)",
        ),
        optional(
            "description",
            Wants::Text,
            "What is behind the finding, in Markdown, for people who look the rule up",
        ),
        optional(
            "versions",
            Wants::Map(&VERSIONS),
            "The versions that the rule is about; any unless stated",
        ),
        optional(
            "requires",
            Wants::Map(&REQUIRES),
            "What the bundle must hold for the rule to be evaluated; taken from `match` unless stated",
        ),
        optional(
            "params",
            Wants::Names(&Wants::Scalar),
            "Constants, used as `params.name`, which --param can set: numbers, texts, durations, quantities",
        ),
        optional(
            "logs",
            Wants::Names(&Wants::Map(&LOG_MATCHER)),
            "Log lines that the rule looks for, used as `logs.name`",
        ),
        required(
            "match",
            Wants::Some(&Wants::OneOf(&BINDINGS)),
            "Where rows come from: each entry extends, multiplies or drops them, from top to bottom",
        ),
        optional(
            "unless",
            Wants::List(&Wants::OneOf(&EXCEPTIONS)),
            "What suppresses the finding, each with a reason that is shown",
        ),
        required(
            "finding",
            Wants::Map(&FINDING),
            "What each row that is left is reported as",
        ),
        optional(
            "remedy",
            Wants::List(&Wants::Map(&STEP)),
            "What to do, in order",
        ),
        optional(
            "references",
            Wants::List(&Wants::Either(&[
                Wants::Form(Form::Url),
                Wants::Map(&REFERENCE),
            ])),
            "Where the fault is described",
        ),
        optional(
            "aliases",
            Wants::List(&Wants::Slug),
            "Other names of the rule that --only, --skip and links accept",
        ),
        optional(
            "causes",
            Wants::List(&Wants::Map(&LINK)),
            "Rules whose findings this one explains",
        ),
        optional(
            "causedBy",
            Wants::List(&Wants::Map(&LINK)),
            "Rules whose findings explain this one",
        ),
    ],
    conditions: &[],
};

pub(super) static ESCALATION: Shape = Shape {
    name: "escalation",
    what: "an entry of `escalate`",
    keys: &[
        required("when", Wants::Expression, "The condition"),
        optional("to", SEVERITY, "The severity it raises to"),
        optional("confidence", CONFIDENCE, "The confidence it raises to"),
    ],
    conditions: &[Condition::Any(&["to", "confidence"])],
};

pub(super) static VERSIONS: Shape = Shape {
    name: "versions",
    what: "`versions`",
    keys: &[
        optional(
            "harvester",
            RANGE,
            "Versions of Harvester; while an upgrade runs, the one before or the one after",
        ),
        optional("kubernetes", RANGE, "Versions of Kubernetes"),
        optional("longhorn", RANGE, "Versions of Longhorn"),
        optional(
            "upgradeFrom",
            RANGE,
            "Versions of Harvester that the upgrade leaves",
        ),
        optional(
            "upgradeTo",
            RANGE,
            "Versions of Harvester that the upgrade leads to",
        ),
        optional(
            "outside",
            Wants::Word(|| words(&OUTSIDE)),
            "Outside of the ranges: skip the rule, or lower its confidence to `possible` (default: skip)",
        ),
    ],
    conditions: &[],
};

const RANGE: Wants = Wants::Form(Form::VersionRange);

pub(super) static REQUIRES: Shape = Shape {
    name: "requires",
    what: "`requires`",
    keys: &[
        optional(
            "kinds",
            Wants::List(&Wants::Form(Form::Kind)),
            "Kinds of objects that must have been collected",
        ),
        optional(
            "logs",
            Wants::List(&Wants::Form(Form::LogSource)),
            "Log sources that must have been collected",
        ),
    ],
    conditions: &[],
};

pub(super) static LOG_MATCHER: Shape = Shape {
    name: "logMatcher",
    what: "a log matcher",
    keys: &[
        required(
            "source",
            Wants::OneOrMany(&Wants::Form(Form::LogSource)),
            "The logs in which to look; `*` stands for what varies in names of pods",
        ),
        optional(
            "pattern",
            REGEX,
            "Regular expression of a line; named captures become fields",
        ),
        optional(
            "any",
            Wants::List(&REGEX),
            "Several regular expressions, any of which a line may match",
        ),
        optional("not", REGEX, "Regular expression of lines to leave out"),
        optional(
            "where",
            Wants::Expression,
            "Condition over captures, `line`, `time`, `uptime` and the names `node`, `namespace`, `pod`, `container`",
        ),
        optional(
            "group",
            Wants::List(&Wants::Name),
            "Captures and places that tell records apart: one record for each distinct tuple (default: [file])",
        ),
        optional(
            "count",
            Wants::Either(&[Wants::Number(1), Wants::Map(&COUNT)]),
            "How many hits make a record (default: 1)",
        ),
        optional(
            "since",
            DURATION,
            "Only lines that were younger than this when the bundle was collected",
        ),
        optional(
            "still",
            DURATION,
            "Only records whose last hit is at most this old: what they say still goes on. Gives `heldSince` and `heldFor`",
        ),
        optional(
            "steady",
            Wants::List(&Wants::Name),
            "Captures a change of which starts the time of `still` anew",
        ),
        optional(
            "clear",
            REGEX,
            "Regular expression of a line that takes back what the others say; gives `cleared`",
        ),
        optional(
            "measure",
            Wants::Texts(&Wants::Word(|| words(&MEASURES))),
            "Captures to be measured, and as what; each gives `.min`, `.max` and `.sum`",
        ),
        optional(
            "sample",
            Wants::Number(1),
            "How many first lines of a record are kept beside the last one (default: 3)",
        ),
    ],
    conditions: &[
        Condition::Either {
            keys: ["pattern", "any"],
            help: "put all patterns under `any`",
        },
        Condition::Needs {
            key: "steady",
            with: "still",
            code: "BD001",
            message: "`steady` means nothing without `still`",
            help: "`still: 2m` keeps records whose last hit is at most that old",
        },
    ],
};

const REGEX: Wants = Wants::Form(Form::Regex);
const DURATION: Wants = Wants::Form(Form::Duration);

pub(super) static COUNT: Shape = Shape {
    name: "count",
    what: "`count`",
    keys: &[
        required("min", Wants::Number(1), "How many hits"),
        required("within", DURATION, "In how long a window"),
    ],
    conditions: &[],
};

const IN: Key = required(
    "in",
    Wants::Text,
    "Where elements come from: a kind, one object (`Node harv-1`), a relation (`pod.node()`), a list or map, `logs.name`",
);
const WHERE: Key = optional(
    "where",
    Wants::Expression,
    "Condition on an element, which is `it`",
);
const REASON: Key = required(
    "reason",
    Wants::Template,
    "Why the finding is none, for people",
);

/// Entries of `match`; the first key of each says what it does.
pub(super) static BINDINGS: [&Shape; 6] = [
    &Shape {
        name: "each",
        what: BINDING,
        keys: &[
            required(
                "each",
                Wants::Either(&[Wants::Name, Wants::Two(&Wants::Name)]),
                "A row for each element; two names bind key and value of a map",
            ),
            IN,
            WHERE,
        ],
        conditions: &[],
    },
    &Shape {
        name: "optional",
        what: BINDING,
        keys: &[
            required(
                "optional",
                Wants::Name,
                "The first element, or absent where there is none",
            ),
            IN,
            WHERE,
        ],
        conditions: &[],
    },
    &Shape {
        name: "none",
        what: BINDING,
        keys: &[
            required(
                "none",
                Wants::Name,
                "Keeps the row where there is no such element",
            ),
            IN,
            WHERE,
        ],
        conditions: &[],
    },
    &Shape {
        name: "collect",
        what: BINDING,
        keys: &[
            required("collect", Wants::Name, "The list of all elements"),
            IN,
            WHERE,
            optional(
                "min",
                Wants::Number(0),
                "How many there must be for the row to be kept (default: 1)",
            ),
        ],
        conditions: &[],
    },
    &Shape {
        name: "let",
        what: BINDING,
        keys: &[
            required("let", Wants::Name, "Names a value"),
            required("value", Wants::Expression, "The value"),
        ],
        conditions: &[],
    },
    &Shape {
        name: "when",
        what: BINDING,
        keys: &[required(
            "when",
            Wants::Expression,
            "Keeps the row where this is true",
        )],
        conditions: &[],
    },
];

const BINDING: &str = "an entry of `match`";

/// Entries of `unless`, told apart likewise.
pub(super) static EXCEPTIONS: [&Shape; 3] = [
    &Shape {
        name: "unlessWhen",
        what: EXCEPTION,
        keys: &[
            required("when", Wants::Expression, "Suppresses where this is true"),
            REASON,
        ],
        conditions: &[],
    },
    &Shape {
        name: "unlessSome",
        what: EXCEPTION,
        keys: &[
            required(
                "some",
                Wants::Name,
                "Suppresses where there is such an element; `reason` may name it",
            ),
            IN,
            WHERE,
            REASON,
        ],
        conditions: &[],
    },
    &Shape {
        name: "unlessNone",
        what: EXCEPTION,
        keys: &[
            required(
                "none",
                Wants::Name,
                "Suppresses where there is no such element",
            ),
            IN,
            WHERE,
            REASON,
        ],
        conditions: &[],
    },
];

const EXCEPTION: &str = "an entry of `unless`";

pub(super) static FINDING: Shape = Shape {
    name: "finding",
    what: "`finding`",
    keys: &[
        required(
            "subject",
            Wants::Expression,
            "The object that it is about, or `cluster`",
        ),
        optional(
            "since",
            Wants::Expression,
            "When it began (default: the first time in its log lines)",
        ),
        optional(
            "history",
            Wants::Expression,
            "True where the fault is over: told as history, it explains nothing that began later (default: false)",
        ),
        optional(
            "momentary",
            Wants::Truth,
            "Whether it happened at one moment, as a reboot: what it led to then needs its own remedy (default: false)",
        ),
        optional(
            "key",
            Wants::List(&Wants::Expression),
            "What tells findings apart: rows of one key are one finding (default: the subject)",
        ),
        optional(
            "exports",
            Wants::Names(&Wants::Expression),
            "Objects or texts on which links to other rules join; `node`, `nodes`, `machine`, `pod`, `upgrade`, `volumes`, `vms`, `pdb` have fixed kinds",
        ),
        optional(
            "confidence",
            CONFIDENCE,
            "How sure the cause is (default: likely)",
        ),
        required(
            "message",
            Wants::Template,
            "What was seen and what follows from it",
        ),
        optional(
            "notes",
            Wants::List(&Wants::Map(&NOTE)),
            "Sentences to add, all that apply",
        ),
        optional(
            "evidence",
            Wants::List(&Wants::OneOf(&[&OBJECT_EVIDENCE, &LOG_EVIDENCE])),
            "Where to see it in the bundle (default: the subject)",
        ),
        optional(
            "limit",
            Wants::Number(1),
            "How many findings of the rule are kept; the rest are counted (default: 50)",
        ),
    ],
    conditions: &[],
};

pub(super) static NOTE: Shape = Shape {
    name: "note",
    what: "a note",
    keys: &[
        optional(
            "when",
            Wants::Expression,
            "Where it applies (default: always)",
        ),
        required("text", Wants::Template, "The sentence"),
    ],
    conditions: &[],
};

pub(super) static OBJECT_EVIDENCE: Shape = Shape {
    name: "objectEvidence",
    what: EVIDENCE,
    keys: &[
        required(
            "object",
            Wants::Expression,
            "An object, an element of one, or a list of them",
        ),
        optional(
            "fields",
            Wants::List(&Wants::Form(Form::FieldPath)),
            "The fields to show",
        ),
        LIMIT,
        optional("note", Wants::Template, "What there is to see"),
    ],
    conditions: &[],
};

pub(super) static LOG_EVIDENCE: Shape = Shape {
    name: "logEvidence",
    what: EVIDENCE,
    keys: &[
        required(
            "log",
            Wants::Expression,
            "A record of a log matcher, or a list of them",
        ),
        LIMIT,
    ],
    conditions: &[],
};

const EVIDENCE: &str = "an entry of `evidence`";
const LIMIT: Key = optional("limit", Wants::Number(1), "How many are shown");

pub(super) static STEP: Shape = Shape {
    name: "step",
    what: "a step of `remedy`",
    keys: &[
        required("text", Wants::Template, "What to do"),
        optional(
            "when",
            Wants::Expression,
            "Where it applies (default: always)",
        ),
        optional("command", Wants::Template, "The command that does it"),
        optional(
            "risk",
            RISK,
            "What it may cost (default: safe); to be stated with a command",
        ),
        optional("check", Wants::Template, "How to see that it worked"),
        optional(
            "forbidsMeanwhile",
            Wants::Template,
            "What must not be done until it has worked",
        ),
        optional("link", Wants::Form(Form::Url), "Where it is described"),
    ],
    conditions: &[Condition::Needs {
        key: "command",
        with: "risk",
        code: "BD060",
        message: "a command needs the key `risk`",
        help: "what may it cost: safe, disruptive or destructive?",
    }],
};

pub(super) static REFERENCE: Shape = Shape {
    name: "reference",
    what: "a reference",
    keys: &[
        required("url", Wants::Form(Form::Url), "Its address"),
        optional("title", Wants::Text, "Its title"),
    ],
    conditions: &[],
};

pub(super) static LINK: Shape = Shape {
    name: "link",
    what: "a link",
    keys: &[
        required(
            "rule",
            Wants::Form(Form::RuleOrCategory),
            "The other rule, or all of a category: `node/*`",
        ),
        optional(
            "same",
            Wants::List(&Wants::Name),
            "Exports of both findings that must denote the same object",
        ),
        optional(
            "order",
            Wants::Word(|| words(&ORDERS)),
            "Whether the cause must have begun first (default: any)",
        ),
        optional(
            "strength",
            CONFIDENCE,
            "How sure it is that one follows from the other (default: likely)",
        ),
    ],
    conditions: &[],
};
