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

impl FieldPath {
    /// Reads a path.
    ///
    /// # Errors
    /// The byte at which it stops to be one.
    pub fn parse(text: &str) -> Result<FieldPath, usize> {
        let mut steps = Vec::new();
        let mut at = 0;
        while at < text.len() || steps.is_empty() {
            let rest = text.get(at..).ok_or(at)?;
            let (step, length) = match rest.strip_prefix('[') {
                Some(inside) => {
                    let (step, length) = bracket(inside).ok_or(at)?;
                    (step, length + 1)
                }
                None => {
                    let stop = usize::from(!steps.is_empty());
                    let name = if stop == 0 {
                        rest
                    } else {
                        rest.strip_prefix('.').ok_or(at)?
                    };
                    let length = name
                        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
                        .unwrap_or(name.len());
                    let name = name
                        .get(..length)
                        .filter(|name| !name.is_empty())
                        .ok_or(at + stop)?;
                    (PathStep::Field(name.to_owned()), length + stop)
                }
            };
            steps.push(step);
            at += length;
        }
        Ok(FieldPath {
            text: text.to_owned(),
            steps,
        })
    }
}

/// The step inside brackets and its bytes, the closing bracket included.
fn bracket(inside: &str) -> Option<(PathStep, usize)> {
    if let Some(quote) = inside
        .chars()
        .next()
        .filter(|first| matches!(first, '\'' | '"'))
    {
        let name = inside.get(1..)?;
        let end = name.find(quote)?;
        let closed = name.get(end + 1..)?.starts_with(']');
        return (closed && end > 0).then(|| {
            (
                PathStep::Field(name.get(..end).unwrap_or_default().to_owned()),
                end + 3,
            )
        });
    }
    let end = inside.find(']')?;
    let content = inside.get(..end)?;
    let step = match content.split_once('=') {
        Some(("", _)) => return None,
        Some((field, value)) => PathStep::Element {
            field: field.to_owned(),
            value: value.to_owned(),
        },
        None => PathStep::Index(content.parse().ok()?),
    };
    Some((step, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let field = |name: &str| PathStep::Field(name.to_owned());
        let ready = PathStep::Element {
            field: "type".to_owned(),
            value: "Ready".to_owned(),
        };
        let table = [
            ("status", Ok(vec![field("status")])),
            (
                "status.conditions[type=Ready].status",
                Ok(vec![
                    field("status"),
                    field("conditions"),
                    ready,
                    field("status"),
                ]),
            ),
            (
                "metadata.labels['a.b/c-d']",
                Ok(vec![field("metadata"), field("labels"), field("a.b/c-d")]),
            ),
            (
                "a[0][1].b",
                Ok(vec![
                    field("a"),
                    PathStep::Index(0),
                    PathStep::Index(1),
                    field("b"),
                ]),
            ),
            ("", Err(0)),
            ("a..b", Err(2)),
            ("a.", Err(2)),
            ("a b", Err(1)),
            ("a[x]", Err(1)),
            ("a[", Err(1)),
            ("a['']", Err(1)),
            ("a.é", Err(2)),
        ];
        for (text, wanted) in table {
            assert_eq!(
                FieldPath::parse(text).map(|path| path.steps),
                wanted,
                "{text}"
            );
        }
    }
}
