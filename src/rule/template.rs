//! Texts with `{{ CEL }}` in them.
use super::expression::Expression;
use super::source::Span;

/// A text with values to fill in.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Text and values, in order.
    pub parts: Vec<Part>,
    /// Where the template stands.
    pub span: Span,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text as it is.
    Text(String),
    /// A value to fill in.
    Value(Expression),
}
