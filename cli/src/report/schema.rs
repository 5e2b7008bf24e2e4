//! The JSON schemas of `--format json`, as they stand in `schemas/`; a test compares.

use schemars::schema_for;

use crate::verify::VerifyReport;

use super::changes::ChangeReport;
use super::describe::DescribeReport;
use super::list::ListReport;
use super::outcome::{DocumentReport, PagesReport};
use super::problem::ErrorDocument;

/// Name and text of every schema.
///
/// # Errors
/// Never in practice: schemas are plain JSON.
pub fn all() -> serde_json::Result<Vec<(&'static str, String)>> {
    let schemas = [
        ("changes", schema_for!(ChangeReport)),
        ("list", schema_for!(ListReport)),
        ("describe", schema_for!(DescribeReport)),
        ("verify", schema_for!(VerifyReport)),
        ("document", schema_for!(DocumentReport)),
        ("pages", schema_for!(PagesReport)),
        ("error", schema_for!(ErrorDocument<'static>)),
    ];
    let text = |schema| serde_json::to_string_pretty(&schema).map(|text| text + "\n");
    schemas.into_iter().map(|(name, schema)| Ok((name, text(schema)?))).collect()
}
