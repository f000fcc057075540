//! Schemas that are kept as files for others, and generated from what the program goes by.

use std::path::Path;

/// Fails if the file in `schemas/` is not this schema. `UPDATE_SCHEMAS=1 cargo test schema` writes
/// the files anew.
pub(crate) fn check(file: &str, schema: &impl serde::Serialize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("schemas")
        .join(file);
    let generated = serde_json::to_string_pretty(schema).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &generated).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == generated,
        "schemas/{file} is out of date: UPDATE_SCHEMAS=1 cargo test schema"
    );
}
