//! Expressions of the CEL dialect: the tree that the parser builds and the evaluator walks.
//!
//! Our own parser, because rules need a caret under the very token that is wrong: every node keeps
//! its bytes in the rule file, macros stay the calls that the author wrote, and nothing is
//! expanded before it is checked.

mod lexer;
mod parser;

pub use parser::{is_name, parse};

use smol_str::SmolStr;

use super::source::{Offsets, Passage, Span};

/// An expression and where the rule file states it.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// What it is.
    pub node: Node,
    /// Byte range in the rule file, parentheses around it left out.
    pub span: Span,
}

impl Expression {
    /// Reads a text that stands for itself, in no rule file: spans count from its first byte.
    ///
    /// # Errors
    /// The first place where the text leaves the grammar.
    pub fn parse(text: &str) -> Result<Expression, SyntaxError> {
        parse(&Passage::new(text, &Offsets::identical(0)))
    }
}

impl Expression {
    /// The names that it uses, those of macro variables among them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mut names = Vec::new();
        let mut open = vec![self];
        while let Some(expression) = open.pop() {
            match &expression.node {
                Node::Literal(_) => {}
                Node::Name(name) => names.push(name.as_str()),
                Node::Field { of, .. } | Node::Unary { of, .. } => open.push(of),
                Node::Index { of, index, .. } => open.extend([&**of, &**index]),
                Node::Call {
                    receiver,
                    arguments,
                    ..
                } => open.extend(receiver.as_deref().into_iter().chain(arguments)),
                Node::List(items) => open.extend(items),
                Node::Map(entries) => open.extend(entries.iter().flat_map(|(k, v)| [k, v])),
                Node::Binary { left, right, .. } => open.extend([&**left, &**right]),
                Node::Conditional {
                    condition,
                    then,
                    otherwise,
                } => open.extend([&**condition, &**then, &**otherwise]),
            }
        }
        names.into_iter()
    }
}

/// Where and why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// Where, in the rule file.
    pub span: Span,
    /// What to write instead.
    pub help: Option<String>,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// `'text'`, `5`, `1.5`, `true`, `null`.
    Literal(Literal),
    /// A binding, a macro's variable or a global.
    Name(SmolStr),
    /// `of.name`, or `of.?name` if `optional`.
    Field {
        /// What is selected from.
        of: Box<Expression>,
        /// Name of the field; its bytes are the last ones of the expression's span.
        name: SmolStr,
        /// Written with `.?`.
        optional: bool,
    },
    /// `of[index]`, or `of[?index]` if `optional`.
    Index {
        /// What is selected from.
        of: Box<Expression>,
        /// Key of a map or position in a list.
        index: Box<Expression>,
        /// Written with `[?`.
        optional: bool,
    },
    /// `function(arguments)` or `receiver.function(arguments)`; macros and relations are calls, too.
    /// A macro's variables are the leading arguments, each a [`Node::Name`].
    Call {
        /// What a method is called on.
        receiver: Option<Box<Expression>>,
        /// Name of the function, method, macro or relation.
        function: SmolStr,
        /// Where that name stands.
        function_span: Span,
        /// Arguments in order.
        arguments: Vec<Expression>,
    },
    /// `[a, b]`.
    List(Vec<Expression>),
    /// `{key: value}`.
    Map(Vec<(Expression, Expression)>),
    /// `!of` or `-of`.
    Unary {
        /// Which.
        operator: UnaryOperator,
        /// Its operand.
        of: Box<Expression>,
    },
    /// `left operator right`.
    Binary {
        /// Which.
        operator: BinaryOperator,
        /// Left operand.
        left: Box<Expression>,
        /// Right operand.
        right: Box<Expression>,
    },
    /// `condition ? then : otherwise`.
    Conditional {
        /// What decides.
        condition: Box<Expression>,
        /// The value if it is true.
        then: Box<Expression>,
        /// The value if it is not.
        otherwise: Box<Expression>,
    },
}

/// A constant of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A whole number that fits 64 bits.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A string, its escapes resolved.
    Text(SmolStr),
}

/// Operators with one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `!`
    Not,
    /// `-`
    Negate,
}

/// Operators with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `in`
    In,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

impl BinaryOperator {
    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            BinaryOperator::Or => "||",
            BinaryOperator::And => "&&",
            BinaryOperator::Equal => "==",
            BinaryOperator::NotEqual => "!=",
            BinaryOperator::Less => "<",
            BinaryOperator::LessEqual => "<=",
            BinaryOperator::Greater => ">",
            BinaryOperator::GreaterEqual => ">=",
            BinaryOperator::In => "in",
            BinaryOperator::Add => "+",
            BinaryOperator::Subtract => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide => "/",
            BinaryOperator::Remainder => "%",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree in one line, every operation in parentheses.
    fn show(expression: &Expression) -> String {
        let all = |list: &[Expression]| list.iter().map(show).collect::<Vec<_>>().join(", ");
        match &expression.node {
            Node::Literal(Literal::Text(text)) => format!("{text:?}"),
            Node::Literal(Literal::Null) => "null".to_owned(),
            Node::Literal(Literal::Bool(value)) => value.to_string(),
            Node::Literal(Literal::Integer(value)) => value.to_string(),
            Node::Literal(Literal::Float(value)) => format!("{value:?}"),
            Node::Name(name) => name.to_string(),
            Node::Field { of, name, optional } => {
                format!("{}.{}{name}", show(of), if *optional { "?" } else { "" })
            }
            Node::Index {
                of,
                index,
                optional,
            } => format!(
                "{}[{}{}]",
                show(of),
                if *optional { "?" } else { "" },
                show(index)
            ),
            Node::Call {
                receiver,
                function,
                arguments,
                ..
            } => match receiver {
                Some(receiver) => format!("{}.{function}({})", show(receiver), all(arguments)),
                None => format!("{function}({})", all(arguments)),
            },
            Node::List(list) => format!("[{}]", all(list)),
            Node::Map(entries) => {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| format!("{}: {}", show(key), show(value)))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
            Node::Unary { operator, of } => {
                format!(
                    "({}{})",
                    if *operator == UnaryOperator::Not {
                        "!"
                    } else {
                        "-"
                    },
                    show(of)
                )
            }
            Node::Binary {
                operator,
                left,
                right,
            } => format!("({} {} {})", show(left), operator.sign(), show(right)),
            Node::Conditional {
                condition,
                then,
                otherwise,
            } => format!(
                "({} ? {} : {})",
                show(condition),
                show(then),
                show(otherwise)
            ),
        }
    }

    #[test]
    fn precedence_and_forms() {
        let table = [
            ("a || b && c", "(a || (b && c))"),
            ("a && b || c", "((a && b) || c)"),
            ("(a || b) && c", "((a || b) && c)"),
            ("a == b && c < d", "((a == b) && (c < d))"),
            ("a + b * c - d", "((a + (b * c)) - d)"),
            ("a - b - c", "((a - b) - c)"),
            ("a / b % c", "((a / b) % c)"),
            ("a + 1 in b", "((a + 1) in b)"),
            ("a == b == c", "((a == b) == c)"),
            ("!a && -b < 2", "((!a) && ((-b) < 2))"),
            ("!!a", "(!(!a))"),
            ("-2", "-2"),
            ("- 2.5", "-2.5"),
            ("a-1", "(a - 1)"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
            ("a ? b ? c : d : e", "(a ? (b ? c : d) : e)"),
            ("a || b ? c : d || e", "((a || b) ? c : (d || e))"),
            ("a.b.c(d)[0].e", "a.b.c(d)[0].e"),
            ("-a.b", "(-a.b)"),
            ("a.?b.c[?'k'].orValue(1)", "a.?b.c[?\"k\"].orValue(1)"),
            ("[1, 2,]", "[1, 2]"),
            ("{'a': 1, b: [2]}", "{\"a\": 1, b: [2]}"),
            ("{}", "{}"),
            ("f()", "f()"),
            ("a.exists(x, x.b > 0x1F)", "a.exists(x, (x.b > 31))"),
            ("has(a.b)", "has(a.b)"),
            ("a.in.package", "a.in.package"),
            ("a // why\n && b", "(a && b)"),
            ("1e3 + .5 + 1.5E-2", "((1000.0 + 0.5) + 0.015)"),
            ("1.size()", "1.size()"),
            (r"'it\'s' + r'\d' + R'a\'", r#"(("it's" + "\\d") + "a\\")"#),
            (r#""\x41\u00e9\U0001F600\101\n\?""#, r#""Aé😀A\n?""#),
            ("'''a'b\nc''' + \"\"\"d\"\"\"", r#"("a'b\nc" + "d")"#),
            ("''", "\"\""),
            ("rb + br", "(rb + br)"),
            ("true && null == false", "(true && (null == false))"),
        ];
        for (text, tree) in table {
            match Expression::parse(text) {
                Ok(expression) => assert_eq!(show(&expression), tree, "{text}"),
                Err(error) => panic!("{text}: {error}"),
            }
        }
    }

    #[test]
    fn refusals_name_the_place() {
        let table = [
            ("", "expected a value, found the end", ""),
            ("a &&", "expected a value, found the end", ""),
            ("a = b", "`=` is no operator", "="),
            (
                "a and b",
                "expected an operator or the end of the expression, found `and`",
                "and",
            ),
            (
                "a b",
                "expected an operator or the end of the expression, found `b`",
                "b",
            ),
            (
                "a ? b",
                "expected `:` and the other branch of `?`, found the end",
                "",
            ),
            ("(a", "expected `)`, found the end", ""),
            ("f(a,)", "expected another argument, found `)`", ")"),
            ("f(a b)", "expected `,` or `)`, found `b`", "b"),
            ("a.", "expected the name of a field, found the end", ""),
            (
                "a.0",
                "expected an operator or the end of the expression, found `.0`",
                ".0",
            ),
            ("a.?b()", "a method is called with `.`, not `.?`", "b"),
            ("Foo{a: 1}", "there are no message literals", "Foo{"),
            ("x + 5u", "there are no unsigned numbers", "5u"),
            ("age(t) > 10m", "`10m` is no number", "10m"),
            ("b'x'", "there are no byte strings", "b'x'"),
            ("a + 'b", "the string is not closed: `'` is missing", "'"),
            ("'a\nb'", "the string is not closed on its line", "'"),
            (r"'\d+'", r"`\d` is no escape", r"\d"),
            (
                r"'\u12'",
                r"`\u` wants 4 digits that name a character",
                r"\u",
            ),
            (
                r"'\ud800'",
                r"`\u` wants 4 digits that name a character",
                r"\u",
            ),
            (r"'\09'", r"`\0` wants 3 digits that name a character", r"\"),
            ("let + 1", "`let` is a reserved word", "let"),
            (
                "9223372036854775808",
                "the number does not fit 64 bits",
                "9223372036854775808",
            ),
            (
                "99999999999999999999",
                "the number does not fit 64 bits",
                "99999999999999999999",
            ),
            ("0x", "the number has no digits", "0x"),
            ("a | b", "`|` is no operator", "|"),
            ("a.`b-c`", "names are not quoted", "`"),
            ("a; b", "`;` has no meaning here", ";"),
            (
                "{'a' 1}",
                "expected `:` and the value of the key, found `1`",
                "1",
            ),
        ];
        for (text, message, place) in table {
            match Expression::parse(text) {
                Ok(expression) => panic!("{text} was read as {}", show(&expression)),
                Err(error) => {
                    assert_eq!(error.message, message, "{text}");
                    assert_eq!(&text[error.span.start..error.span.end], place, "{text}");
                }
            }
        }
    }

    #[test]
    fn spans_cover_what_they_name() {
        let text = "!(a.b(c) + 1) && d['é'].e";
        let expression = Expression::parse(text).unwrap();
        let mut seen = Vec::new();
        fn walk(expression: &Expression, text: &str, seen: &mut Vec<String>) {
            seen.push(text[expression.span.start..expression.span.end].to_owned());
            match &expression.node {
                Node::Binary { left, right, .. } => {
                    walk(left, text, seen);
                    walk(right, text, seen);
                }
                Node::Unary { of, .. } | Node::Field { of, .. } => walk(of, text, seen),
                Node::Index { of, index, .. } => {
                    walk(of, text, seen);
                    walk(index, text, seen);
                }
                Node::Call {
                    receiver,
                    function_span,
                    arguments,
                    ..
                } => {
                    if let Some(receiver) = receiver {
                        walk(receiver, text, seen);
                    }
                    seen.push(text[function_span.start..function_span.end].to_owned());
                    arguments
                        .iter()
                        .for_each(|argument| walk(argument, text, seen));
                }
                _ => {}
            }
        }
        walk(&expression, text, &mut seen);
        let wanted = [
            text,
            "!(a.b(c) + 1)",
            "a.b(c) + 1",
            "a.b(c)",
            "a",
            "b",
            "c",
            "1",
            "d['é'].e",
            "d['é']",
            "d",
            "'é'",
        ];
        assert_eq!(seen, wanted);
    }

    #[test]
    fn depth_is_bounded() {
        let many = 100_000;
        for text in [
            "(".repeat(many),
            "[".repeat(many),
            "!".repeat(many),
            "-".repeat(many),
            "a[".repeat(many),
            "f(".repeat(many),
            "{".repeat(many),
            "a?".repeat(many),
            "a ? b : ".repeat(many) + "c",
            "a + ".repeat(many) + "b",
            "a".to_owned() + &".b".repeat(many),
            "a".to_owned() + &"[0]".repeat(many),
        ] {
            let error = Expression::parse(&text).unwrap_err();
            assert!(error.message.contains("nested"), "{}", error.message);
        }
        assert!(Expression::parse(&("a || ".repeat(90) + "b")).is_ok());
    }
}
