//! Kubernetes quantities: `1536Mi`, `1.5Gi`, `100m`, `1e3`, `12E`.
/// The one number type of rules: whole where that is exact, else a double.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole number.
    Integer(i64),
    /// Any other.
    Float(f64),
}
