//! Tokens → tree, by precedence climbing.

use std::ops::Range;

use smol_str::SmolStr;

use super::lexer::{Lexer, Token, TokenKind};
use super::{BinaryOperator, Expression, Literal, Node, SyntaxError, UnaryOperator};
use crate::rule::source::Passage;

/// How high a tree may be. What walks it recurses, and the stack is finite; no rule that a person
/// can read comes near.
const MAXIMUM_HEIGHT: usize = 100;

/// Words that CEL keeps for languages it is embedded in.
const RESERVED: [&str; 18] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "in",
];

/// Whether a text may be the name of a variable.
pub fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    let starts = bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    starts
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !["true", "false", "null"].contains(&text)
        && !RESERVED.contains(&text)
}

/// Reads a whole passage as one expression.
///
/// # Errors
/// The first place where the passage leaves the grammar.
pub fn parse(passage: &Passage<'_>) -> Result<Expression, SyntaxError> {
    let mut lexer = Lexer::new(passage);
    let mut parser = Parser {
        passage,
        next: lexer.next()?,
        lexer,
        depth: 0,
    };
    let term = parser.conditional()?;
    match &parser.next.kind {
        TokenKind::End => Ok(term.expression),
        _ => Err(parser.unexpected("an operator or the end of the expression")),
    }
}

/// A tree under construction.
struct Term {
    expression: Expression,
    /// Its bytes in the text, parentheses included.
    range: Range<usize>,
    /// The longest way from its root to a leaf.
    height: usize,
}

struct Parser<'a, 't> {
    passage: &'a Passage<'t>,
    lexer: Lexer<'a, 't>,
    /// The first token that is not taken.
    next: Token<'t>,
    /// How deep the parser has recursed.
    depth: usize,
}

/// Operators of one rank bind from the left; a higher rank binds tighter.
fn binary_operator(kind: &TokenKind<'_>) -> Option<(BinaryOperator, u8)> {
    let sign = match kind {
        TokenKind::Sign(sign) => *sign,
        TokenKind::Name("in") => "in",
        _ => return None,
    };
    Some(match sign {
        "||" => (BinaryOperator::Or, 1),
        "&&" => (BinaryOperator::And, 2),
        "==" => (BinaryOperator::Equal, 3),
        "!=" => (BinaryOperator::NotEqual, 3),
        "<" => (BinaryOperator::Less, 3),
        "<=" => (BinaryOperator::LessEqual, 3),
        ">" => (BinaryOperator::Greater, 3),
        ">=" => (BinaryOperator::GreaterEqual, 3),
        "in" => (BinaryOperator::In, 3),
        "+" => (BinaryOperator::Add, 4),
        "-" => (BinaryOperator::Subtract, 4),
        "*" => (BinaryOperator::Multiply, 5),
        "/" => (BinaryOperator::Divide, 5),
        "%" => (BinaryOperator::Remainder, 5),
        _ => return None,
    })
}

impl<'t> Parser<'_, 't> {
    fn conditional(&mut self) -> Result<Term, SyntaxError> {
        self.depth += 1;
        if self.depth > MAXIMUM_HEIGHT {
            return Err(self.too_deep(self.next.range.clone()));
        }
        let condition = self.binary(1)?;
        let term = if self.eat("?")? {
            // Each branch starts anew, so `a ? b : c ? d : e` nests to the right.
            let then = self.conditional()?;
            self.expect(":", "`:` and the other branch of `?`")?;
            let otherwise = self.conditional()?;
            let range = condition.range.start..otherwise.range.end;
            let height = condition.height.max(then.height).max(otherwise.height);
            let node = Node::Conditional {
                condition: Box::new(condition.expression),
                then: Box::new(then.expression),
                otherwise: Box::new(otherwise.expression),
            };
            self.term(node, range, height)?
        } else {
            condition
        };
        self.depth -= 1;
        Ok(term)
    }

    fn binary(&mut self, rank: u8) -> Result<Term, SyntaxError> {
        let mut left = self.unary()?;
        while let Some((operator, own)) =
            binary_operator(&self.next.kind).filter(|(_, own)| *own >= rank)
        {
            self.take()?;
            let right = self.binary(own + 1)?;
            let range = left.range.start..right.range.end;
            let height = left.height.max(right.height);
            let node = Node::Binary {
                operator,
                left: Box::new(left.expression),
                right: Box::new(right.expression),
            };
            left = self.term(node, range, height)?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Term, SyntaxError> {
        let start = self.next.range.start;
        let operator = match self.next.kind {
            TokenKind::Sign("!") => UnaryOperator::Not,
            TokenKind::Sign("-") => UnaryOperator::Negate,
            _ => return self.member(),
        };
        self.take()?;
        // The number next to a minus is one constant with it: -2⁶³ has no positive counterpart.
        if operator == UnaryOperator::Negate && self.next.kind == TokenKind::Integer(1 << 63) {
            let end = self.next.range.end;
            self.take()?;
            return self.term(Node::Literal(Literal::Integer(i64::MIN)), start..end, 0);
        }
        self.depth += 1;
        if self.depth > MAXIMUM_HEIGHT {
            return Err(self.too_deep(self.next.range.clone()));
        }
        let of = self.unary()?;
        self.depth -= 1;
        let range = start..of.range.end;
        let node = match (operator, &of.expression.node) {
            (UnaryOperator::Negate, Node::Literal(Literal::Integer(number))) => {
                Node::Literal(Literal::Integer(-number))
            }
            (UnaryOperator::Negate, Node::Literal(Literal::Float(number))) => {
                Node::Literal(Literal::Float(-number))
            }
            _ => Node::Unary {
                operator,
                of: Box::new(of.expression),
            },
        };
        self.term(node, range, of.height)
    }

    /// A primary and what is selected from it or called on it.
    fn member(&mut self) -> Result<Term, SyntaxError> {
        let mut of = self.primary()?;
        loop {
            if self.eat(".")? {
                let optional = self.eat("?")?;
                let (name, name_range) = self.field_name()?;
                let start = of.range.start;
                of = if self.is("(") {
                    if optional {
                        return Err(self.error(
                            name_range,
                            "a method is called with `.`, not `.?`",
                            None,
                        ));
                    }
                    let (arguments, end, height) = self.arguments()?;
                    let height = height.max(of.height);
                    let node = Node::Call {
                        receiver: Some(Box::new(of.expression)),
                        function: name,
                        function_span: self.passage.span(name_range.start, name_range.end),
                        arguments,
                    };
                    self.term(node, start..end, height)?
                } else {
                    let height = of.height;
                    let node = Node::Field {
                        of: Box::new(of.expression),
                        name,
                        optional,
                    };
                    self.term(node, start..name_range.end, height)?
                };
            } else if self.eat("[")? {
                let optional = self.eat("?")?;
                let index = self.conditional()?;
                let end = self.expect("]", "`]`")?.end;
                let height = of.height.max(index.height);
                let range = of.range.start..end;
                let node = Node::Index {
                    of: Box::new(of.expression),
                    index: Box::new(index.expression),
                    optional,
                };
                of = self.term(node, range, height)?;
            } else if self.is("{")
                && matches!(of.expression.node, Node::Name(_) | Node::Field { .. })
            {
                return Err(self.error(
                    of.range.start..self.next.range.end,
                    "there are no message literals",
                    Some("a map is written `{'key': value}`, without a type before it"),
                ));
            } else {
                return Ok(of);
            }
        }
    }

    fn primary(&mut self) -> Result<Term, SyntaxError> {
        let token = &self.next;
        let range = token.range.clone();
        let literal = match token.kind {
            TokenKind::Name(name) => return self.name(name, range),
            TokenKind::Sign("(") => {
                self.take()?;
                let inner = self.conditional()?;
                let end = self.expect(")", "`)`")?.end;
                return Ok(Term {
                    range: range.start..end,
                    ..inner
                });
            }
            TokenKind::Sign("[") => {
                self.take()?;
                let (elements, end, height) = self.list("]", true)?;
                return self.term(Node::List(elements), range.start..end, height);
            }
            TokenKind::Sign("{") => return self.map(range.start),
            TokenKind::Integer(number) => match i64::try_from(number) {
                Ok(number) => Literal::Integer(number),
                Err(_) => {
                    return Err(self.error(range, "the number does not fit 64 bits", None));
                }
            },
            TokenKind::Float(number) => Literal::Float(number),
            TokenKind::Text(ref text) => Literal::Text(text.clone()),
            TokenKind::Sign(_) | TokenKind::End => return Err(self.unexpected("a value")),
        };
        self.take()?;
        self.term(Node::Literal(literal), range, 0)
    }

    /// A name, a keyword's constant, or a call of a free function.
    fn name(&mut self, name: &str, range: Range<usize>) -> Result<Term, SyntaxError> {
        let literal = match name {
            "true" => Some(Literal::Bool(true)),
            "false" => Some(Literal::Bool(false)),
            "null" => Some(Literal::Null),
            _ => None,
        };
        if literal.is_none() && RESERVED.contains(&name) {
            return Err(self.error(
                range,
                format!("`{name}` is a reserved word"),
                Some("reserved words can be names of fields, but not of variables"),
            ));
        }
        self.take()?;
        if let Some(literal) = literal {
            return self.term(Node::Literal(literal), range, 0);
        }
        if !self.is("(") {
            return self.term(Node::Name(name.into()), range, 0);
        }
        let (arguments, end, height) = self.arguments()?;
        let node = Node::Call {
            receiver: None,
            function: name.into(),
            function_span: self.passage.span(range.start, range.end),
            arguments,
        };
        self.term(node, range.start..end, height)
    }

    fn field_name(&mut self) -> Result<(SmolStr, Range<usize>), SyntaxError> {
        let token = &self.next;
        let TokenKind::Name(name) = token.kind else {
            return Err(self.unexpected("the name of a field"));
        };
        let range = token.range.clone();
        self.take()?;
        Ok((name.into(), range))
    }

    /// Arguments in parentheses: their trees, the byte after `)`, the height of the highest.
    fn arguments(&mut self) -> Result<(Vec<Expression>, usize, usize), SyntaxError> {
        self.expect("(", "`(`")?;
        self.list(")", false)
    }

    /// Expressions up to `close`, its opening bracket already taken.
    fn list(
        &mut self,
        close: &'static str,
        trailing_comma: bool,
    ) -> Result<(Vec<Expression>, usize, usize), SyntaxError> {
        let mut elements = Vec::new();
        let mut height = 0;
        while !self.is(close) {
            let element = self.conditional()?;
            height = height.max(element.height);
            elements.push(element.expression);
            if !self.eat(",")? {
                break;
            }
            if !trailing_comma && self.is(close) {
                return Err(self.unexpected("another argument"));
            }
        }
        let wanted = match close {
            ")" => "`,` or `)`",
            _ => "`,` or `]`",
        };
        let end = self.expect(close, wanted)?.end;
        Ok((elements, end, height))
    }

    fn map(&mut self, start: usize) -> Result<Term, SyntaxError> {
        self.take()?;
        let mut entries = Vec::new();
        let mut height = 0;
        while !self.is("}") {
            let key = self.conditional()?;
            self.expect(":", "`:` and the value of the key")?;
            let value = self.conditional()?;
            height = height.max(key.height).max(value.height);
            entries.push((key.expression, value.expression));
            if !self.eat(",")? {
                break;
            }
        }
        let end = self.expect("}", "`,` or `}`")?.end;
        self.term(Node::Map(entries), start..end, height)
    }

    /// A node over subtrees of at most this height.
    fn term(&self, node: Node, range: Range<usize>, below: usize) -> Result<Term, SyntaxError> {
        let height = below + 1;
        if height > MAXIMUM_HEIGHT {
            return Err(self.too_deep(range));
        }
        let span = self.passage.span(range.start, range.end);
        Ok(Term {
            expression: Expression { node, span },
            range,
            height,
        })
    }

    /// The next token, which is left behind.
    fn take(&mut self) -> Result<Token<'t>, SyntaxError> {
        let after = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.next, after))
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.next.kind, TokenKind::Sign(found) if found == sign)
    }

    /// Leaves a sign behind, if it comes next.
    fn eat(&mut self, sign: &str) -> Result<bool, SyntaxError> {
        let found = self.is(sign);
        if found {
            self.take()?;
        }
        Ok(found)
    }

    /// Takes a sign; `wanted` says in a message what may stand here.
    fn expect(&mut self, sign: &str, wanted: &str) -> Result<Range<usize>, SyntaxError> {
        match self.is(sign) {
            true => Ok(self.take()?.range),
            false => Err(self.unexpected(wanted)),
        }
    }

    fn unexpected(&self, wanted: &str) -> SyntaxError {
        let token = &self.next;
        let text = self
            .passage
            .text
            .get(token.range.clone())
            .unwrap_or_default();
        let help = match text {
            "and" => Some("`and` is `&&`"),
            "or" => Some("`or` is `||`"),
            "not" => Some("`not` is `!`"),
            "is" => Some("`is` is `==`"),
            _ => None,
        };
        let found = match token.kind {
            TokenKind::End => "the end".to_owned(),
            _ => format!("`{text}`"),
        };
        self.error(
            token.range.clone(),
            format!("expected {wanted}, found {found}"),
            help,
        )
    }

    fn too_deep(&self, range: Range<usize>) -> SyntaxError {
        let message = format!("the expression is nested more than {MAXIMUM_HEIGHT} deep");
        self.error(range, message, Some("give parts of it names with `let`"))
    }

    fn error(
        &self,
        range: Range<usize>,
        message: impl Into<String>,
        help: Option<&str>,
    ) -> SyntaxError {
        SyntaxError {
            message: message.into(),
            span: self.passage.span(range.start, range.end),
            help: help.map(str::to_owned),
        }
    }
}
