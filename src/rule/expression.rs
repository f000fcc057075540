//! Expressions of the CEL dialect: the tree that the parser builds and the evaluator walks.
//!
//! Our own parser, because rules need a caret under the very token that is wrong: every node keeps
//! its bytes in the rule file, macros stay the calls that the author wrote, and nothing is
//! expanded before it is checked.

use super::source::Span;

/// An expression and where the rule file states it.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// What it is.
    pub node: Node,
    /// Byte range in the rule file, parentheses around it left out.
    pub span: Span,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// `'text'`, `5`, `1.5`, `true`, `null`.
    Literal(Literal),
    /// A binding, a macro's variable or a global.
    Name(String),
    /// `of.name`, or `of.?name` if `optional`.
    Field {
        /// What is selected from.
        of: Box<Expression>,
        /// Name of the field; its bytes are the last ones of the expression's span.
        name: String,
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
        function: String,
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
    Text(String),
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
