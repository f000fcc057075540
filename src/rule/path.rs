//! Paths of fields: `status.conditions[type=Ready].status`.

/// A path from an object to one of its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    /// As written.
    pub text: String,
    /// Its steps, never empty.
    pub steps: Vec<PathStep>,
}

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStep {
    /// `.name`, or `['a.b/c']` for names that hold a stop or a slash.
    Field(String),
    /// `[0]`.
    Index(usize),
    /// `[type=Ready]`: the elements of a list whose field has this value.
    Element {
        /// Name of the field.
        field: String,
        /// Its value as text.
        value: String,
    },
}
