//! How expressions differ from CEL as others evaluate it, on purpose: the list that `rules dialect`
//! prints. Every example is held to what the evaluator gives.

/// A deliberate difference from CEL.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    /// A word for it: tests beside another evaluator name by it why a value differs.
    pub name: &'static str,
    /// What is different.
    pub text: &'static str,
    /// Expressions and what they give. `pod` is a Pod that runs and is not Ready, `ghost` a Node
    /// that does not exist, `gone` is absent.
    pub examples: &'static [(&'static str, &'static str)],
}

/// A name, and what it means.
pub type Meaning = (&'static str, &'static str);

/// The differences, those that matter most first.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "missing",
        text: "Missing data is never an error. A field that is not there, a field of null, and a \
               field of an object that does not exist (kind, name and namespace aside) are absent.",
        examples: &[
            ("pod.status.missing.deeper[0]", "absent"),
            ("pod.status.nothing", "null"),
            ("pod.status.nothing.deeper", "absent"),
            ("ghost.status.phase", "absent"),
            ("ghost.metadata.name", "'n9'"),
        ],
    },
    Difference {
        name: "absent",
        text: "Absent equals null and absent, and nothing else. `<`, `in`, `matches` and the like \
               are false of it, `!=` is always the negation of `==`, and arithmetic gives absent.",
        examples: &[
            ("gone == 'True'", "false"),
            ("gone != 'True'", "true"),
            ("gone == null", "true"),
            ("gone < 1", "false"),
            ("gone in ['x']", "false"),
            ("gone.matches('x')", "false"),
            ("gone + 1", "absent"),
        ],
    },
    Difference {
        name: "truth",
        text: "A condition holds if it is true, and not if it is anything else.",
        examples: &[
            ("!gone", "true"),
            ("gone || true", "true"),
            ("'text' ? 1 : 2", "2"),
        ],
    },
    Difference {
        name: "lists",
        text: "As a list, absent is empty, but `all` of it is absent: of what is unknown nothing \
               can be said. `min`, `max` and `sum` leave absent elements out.",
        examples: &[
            ("gone.size()", "0"),
            ("gone.exists(x, true)", "false"),
            ("gone.all(x, true)", "absent"),
            ("[].all(x, false)", "true"),
            ("gone.map(x, x)", "[]"),
            ("[3, gone, 1].max()", "3"),
        ],
    },
    Difference {
        name: "presence",
        text: "`has` asks at any depth, and null is not there. `empty` is true of what is absent, \
               null, '', [] or {}. `x.orValue(y)` is y where x is absent or null; `.?` and `[?]` \
               are accepted, and are the same as `.` and `[]`.",
        examples: &[
            ("has(pod.status.missing.deeper)", "false"),
            ("has(pod.status.nothing)", "false"),
            ("empty(gone)", "true"),
            ("empty('')", "true"),
            ("empty(0)", "false"),
            ("gone.orValue(5)", "5"),
            ("pod.?status.?missing.orValue('x')", "'x'"),
        ],
    },
    Difference {
        name: "numbers",
        text: "There is one type of numbers: whole where that is exact, else floating-point. A \
               whole number divided by another is cut to a whole one; what is divided by 0 is absent.",
        examples: &[
            ("1 == 1.0", "true"),
            ("2 + 1.5", "3.5"),
            ("7 / 2", "3"),
            ("7 / 2.0", "3.5"),
            ("9223372036854775807 + 1", "9.223372036854776e18"),
            ("1 / 0", "absent"),
            ("'1' == 1", "false"),
        ],
    },
    Difference {
        name: "failures",
        text: "Functions do not fail either. What cannot be read or is out of reach is absent, \
               `substring` gives what there is, and joined elements are written as in a message.",
        examples: &[
            ("int('x')", "absent"),
            ("duration('x')", "absent"),
            ("'hello'.charAt(9)", "absent"),
            ("'hello'.substring(3, 9)", "'lo'"),
            ("[].join(', ')", "absent"),
            ("['a', 1].join('-')", "'a-1'"),
        ],
    },
    Difference {
        name: "macros",
        text: "Macros take the key or index as well, as in Kubernetes. With one variable a map \
               gives its keys.",
        examples: &[
            ("{'a': 1}.exists(k, v, k == 'a' && v == 1)", "true"),
            ("{'a': 1}.transformList(k, v, k)", "['a']"),
            ("['x', 'y'].exists(i, v, i == 1 && v == 'y')", "true"),
            ("{'a': 1}.map(k, k)", "['a']"),
            ("[[1], [2, 3]].flatMap(x, x)", "[1, 2, 3]"),
            ("['bb', 'a'].minBy(x, x.size())", "'a'"),
        ],
    },
    Difference {
        name: "objects",
        text: "Objects are equal if they have the same kind, namespace and name, whether they \
               exist or not. `object` gives one that is named even if it does not exist.",
        examples: &[
            ("pod.node() == object('Node', 'n1')", "true"),
            ("object('Node', 'n9') == ghost", "true"),
            ("absent(ghost)", "true"),
            ("present(pod)", "true"),
        ],
    },
    Difference {
        name: "conditions",
        text: "`cond` gives the condition of a type, whether conditions are a list or a map by \
               type, and `since` is when it last changed.",
        examples: &[
            ("cond(pod, 'Ready').status", "'False'"),
            ("cond(pod, 'Ready').since", "2024-05-01T11:30:00Z"),
            ("cond(pod, 'NoSuchType').status != 'True'", "true"),
        ],
    },
    Difference {
        name: "times",
        text: "`now` is when the bundle was made, never the clock. Texts that are times compare \
               with times; `timestamp` reads every form that the cluster writes. Durations have \
               days.",
        examples: &[
            ("now", "2024-05-01T12:00:00Z"),
            ("age(pod.metadata.creationTimestamp)", "1h"),
            ("pod.metadata.creationTimestamp < now", "true"),
            (
                "timestamp('Wed May  1 11:00:00 UTC 2024')",
                "2024-05-01T11:00:00Z",
            ),
            ("duration('2d14h') > duration('60h')", "true"),
        ],
    },
    Difference {
        name: "quantities",
        text: "A quantity is a number. `isGreaterThan`, `isLessThan` and `compareTo` are there for \
               expressions that were written for Kubernetes.",
        examples: &[
            ("quantity('1Gi') > quantity('1000Mi')", "true"),
            ("quantity('100m')", "0.1"),
            ("quantity('1Gi').isGreaterThan(quantity('1G'))", "true"),
        ],
    },
    Difference {
        name: "versions",
        text: "Versions are read leniently, and compared as people count. A pre-release is in a \
               range where its release is.",
        examples: &[
            ("semver('v1.10.0+rke2r1') > semver('1.9')", "true"),
            ("semver('v1.27.13+rke2r1').minor()", "27"),
            ("inRange('v1.4.0-rc2', '>=1.4.0 <1.5.0')", "true"),
        ],
    },
    Difference {
        name: "patterns",
        text: "Regular expressions are written out, so that they are compiled once and checked \
               before a rule runs. `find` gives the first match, `extract` its first group.",
        examples: &[
            ("'node-12'.find(r'\\d+')", "'12'"),
            ("'node-12'.extract(r'-(\\d)')", "'1'"),
            ("'node'.extract(r'-(\\d)')", "absent"),
        ],
    },
    Difference {
        name: "grammar",
        text: "`has` takes an index as well, and one conditional may be a branch of another \
               without parentheses.",
        examples: &[
            ("has({'a': 1}['a'])", "true"),
            ("true ? false ? 1 : 2 : 3", "2"),
        ],
    },
    Difference {
        name: "null-text",
        text: "In manifests of a bundle the text \"null\" is null: some collectors wrote empty \
               texts so. `raw(x)` gives what stands there. Rules and cases are read as they are.",
        examples: &[],
    },
];

/// What CEL has and rules do not.
pub const LEFT_OUT: &[&str] = &["b'bytes'", "1u", "Message{field: 1}", "[?optional]"];

/// Names that every expression may use.
pub const GLOBALS: &[Meaning] = &[
    ("now", "when the bundle was made"),
    (
        "bundle",
        "`harvesterVersion`, `kubernetesVersion`, `createdAt`, `namespaces`: those that were collected",
    ),
    (
        "cluster",
        "the cluster as a whole, only as the `subject` of a finding",
    ),
    ("params", "`params.x`: a constant of the rule"),
    (
        "logs",
        "`logs.x`: the records of a log matcher, only after `in`",
    ),
    ("it", "the element, in the `where` of a binding"),
];

/// How values are written in a rule.
pub const LITERALS: &[Meaning] = &[
    (
        "duration",
        "`45s`, `1h4m`, `2d14h`, `250ms`; in an expression duration('10m')",
    ),
    (
        "quantity",
        "`512Mi`, `5G`; in an expression quantity('512Mi'), quantity('100m'). As a param `30m` is a duration",
    ),
    ("version", "semver('v1.4.1')"),
    (
        "range",
        "`>=1.2.0 <1.4.0`: =, <, <=, >, >= or nothing; blanks mean `and`",
    ),
    ("text", "'text', \"text\", r'text' without escapes"),
    (
        "template",
        "\"{{ expression }}\" in title, message and other texts; \\{{ stands for {{",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::check;

    #[test]
    fn the_names_are_those_that_are_checked() {
        let mut known = check::GLOBALS.to_vec();
        known.push("it");
        let mut listed: Vec<&str> = GLOBALS.iter().map(|(name, _)| *name).collect();
        known.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, known);
    }
}
