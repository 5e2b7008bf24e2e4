//! The JSON schemas of `--format json`, as they stand in `schemas/`; a test compares.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

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
        ("changes", written::<ChangeReport>()),
        ("list", written::<ListReport>()),
        ("describe", written::<DescribeReport>()),
        ("verify", written::<VerifyReport>()),
        ("document", written::<DocumentReport>()),
        ("pages", written::<PagesReport>()),
        ("error", written::<ErrorDocument<'static>>()),
    ];
    let text = |schema| serde_json::to_string_pretty(&schema).map(|text| text + "\n");
    schemas.into_iter().map(|(name, schema)| Ok((name, text(schema)?))).collect()
}

/// The schema of what is written, in which every field stands although reading could do without some.
fn written<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}
