//! The maps of a case file and their keys: a catalogue, from the whole to its parts.

use crate::rule::shape::{
    CONFIDENCE, Condition, Form, RISK, SEVERITY, Shape, Wants, optional, required,
};

pub(super) static FILE: Shape = Shape {
    name: "file",
    what: "a case file",
    keys: &[
        required("rule", Wants::Text, "The rule that is tested"),
        required(
            "now",
            Wants::Form(Form::Moment),
            "When the bundles of all cases were collected",
        ),
        optional(
            "defaults",
            Wants::Map(&DEFAULTS),
            "What the bundles of all cases say of themselves",
        ),
        optional("objects", OBJECTS, "Objects that all cases start with"),
        optional(
            "logs",
            LOGS,
            "Logs that all cases start with, by their path in a bundle; `-25m ` at the start of a line is written as the log's own time stamp",
        ),
        required("cases", Wants::List(&Wants::Map(&CASE)), "The cases"),
    ],
    conditions: &[],
};

const OBJECTS: Wants = Wants::Either(&[
    Wants::Scalar,
    Wants::Map(&TEXT_FILE),
    Wants::Object,
    Wants::List(&Wants::Object),
]);

const LOGS: Wants = Wants::Texts(&Wants::Either(&[
    Wants::Scalar,
    Wants::Map(&TEXT_FILE),
    Wants::Null,
]));

pub(super) static TEXT_FILE: Shape = Shape {
    name: "textFile",
    what: "a text from a file",
    keys: &[required(
        "file",
        Wants::Text,
        "Path of the file, from the folder of the case file",
    )],
    conditions: &[],
};

pub(super) static DEFAULTS: Shape = Shape {
    name: "defaults",
    what: "`defaults`",
    keys: &[optional(
        "bundle",
        Wants::Map(&BUNDLE),
        "What the bundle says of itself",
    )],
    conditions: &[],
};

pub(super) static BUNDLE: Shape = Shape {
    name: "bundle",
    what: "`defaults.bundle`",
    keys: &[
        optional("harvesterVersion", Wants::Text, "Version of Harvester"),
        optional("kubernetesVersion", Wants::Text, "Version of Kubernetes"),
        optional(
            "namespaces",
            TEXTS,
            "The namespaces that were collected (default: all)",
        ),
        optional(
            "cluster",
            Wants::Truth,
            "Whether objects of cluster scope were collected (default: true)",
        ),
    ],
    conditions: &[],
};

const TEXTS: Wants = Wants::OneOrMany(&Wants::Text);

pub(super) static CASE: Shape = Shape {
    name: "case",
    what: "a case",
    keys: &[
        required(
            "name",
            Wants::Text,
            "What the case shows, unique in the file",
        ),
        optional(
            "from",
            Wants::Text,
            "Name of a case above to start from, with all that it holds",
        ),
        optional("add", OBJECTS, "Objects to add"),
        optional(
            "patch",
            Wants::Texts(&Wants::Object),
            "Fields to change, by `Kind/namespace/name`; null takes a field away",
        ),
        optional(
            "remove",
            Wants::List(&Wants::Text),
            "Objects to take away, by `Kind/namespace/name`",
        ),
        optional(
            "logs",
            LOGS,
            "Logs to add or replace, by their path in a bundle; null takes one away",
        ),
        optional(
            "bundle",
            Wants::Text,
            "A whole bundle instead of objects and logs",
        ),
        optional(
            "with",
            Wants::List(&Wants::Text),
            "Other rules to run beside the tested one",
        ),
        optional(
            "expect",
            Wants::Either(&[
                Wants::List(&Wants::Map(&EXPECTATION)),
                Wants::Map(&FINDINGS),
            ]),
            "The findings that there must be, and no others; `[]` for none",
        ),
        optional(
            "chains",
            Wants::List(&TEXTS),
            "Lists of rules, each of which must explain the next",
        ),
        optional(
            "suppressed",
            Wants::List(&PARTS),
            "Parts of the reasons for which findings must be suppressed",
        ),
        optional(
            "notEvaluated",
            Wants::Text,
            "Part of the reason for which the rule must not be evaluated",
        ),
    ],
    conditions: &[
        // Where the rule must keep out, there is nothing to find.
        Condition::Any(&["expect", "suppressed", "notEvaluated"]),
        Condition::Excludes {
            key: "bundle",
            others: &["add", "patch", "remove", "logs"],
            why: "cannot change a whole bundle",
        },
    ],
};

pub(super) static FINDINGS: Shape = Shape {
    name: "findings",
    what: "`expect` with a count",
    keys: &[required(
        "count",
        Wants::Number(0),
        "How many findings there must be",
    )],
    conditions: &[],
};

const PARTS: Wants = Wants::Either(&[Wants::Text, Wants::Map(&PART)]);

pub(super) static PART: Shape = Shape {
    name: "part",
    what: "a text",
    keys: &[required("contains", TEXTS, "Texts that must be in it")],
    conditions: &[],
};

const STEP: Wants = Wants::Either(&[Wants::Text, Wants::Map(&STEP_PARTS)]);

pub(super) static STEP_PARTS: Shape = Shape {
    name: "step",
    what: "a step of a remedy",
    keys: &[
        optional("text", PARTS, "Parts of what to do"),
        optional("command", PARTS, "Parts of its command"),
        optional("risk", RISK, "What it may cost"),
        optional("check", PARTS, "Parts of how to see that it worked"),
        optional(
            "forbidsMeanwhile",
            PARTS,
            "Parts of what must not be done until it has worked",
        ),
    ],
    conditions: &[],
};

pub(super) static EXPECTATION: Shape = Shape {
    name: "expectation",
    what: "an expectation",
    keys: &[
        optional(
            "rule",
            Wants::Text,
            "The rule that finds it (default: the tested one)",
        ),
        optional(
            "subject",
            Wants::Text,
            "The object that it is about: `Kind/namespace/name`",
        ),
        optional("severity", SEVERITY, "Its severity"),
        optional("confidence", CONFIDENCE, "Its confidence"),
        optional("title", PARTS, "Parts of its title"),
        optional("message", PARTS, "Parts of its message"),
        optional(
            "notes",
            Wants::List(&PARTS),
            "Parts of its notes, one after the other; `[]` for none",
        ),
        optional(
            "exports",
            Wants::Names(&Wants::Either(&[TEXTS, Wants::Null])),
            "What its exports denote; null for no such export",
        ),
        optional(
            "evidence",
            TEXTS,
            "Places that must be among its evidence: `Kind/namespace/name#field`, or a path",
        ),
        optional("root", Wants::Truth, "Whether nothing else explains it"),
        optional("since", Wants::Form(Form::Moment), "When it began"),
        optional("history", Wants::Truth, "Whether it is over"),
        optional(
            "remedy",
            Wants::List(&STEP),
            "The steps of its remedy, one after the other, and no others; a text is part of a step's text or command",
        ),
    ],
    conditions: &[],
};
