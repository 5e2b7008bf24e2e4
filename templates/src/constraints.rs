//! Whether the values of a pack's options go together: each may fit its own range and still make no sense beside another.

use std::collections::BTreeMap;

use tera::Context;

use crate::engine::{TemplateError, Texts};
use crate::manifest::Manifest;
use crate::options::OptionValue;

/// The message of the first constraint that `options`, every option with its value, do not meet. `name` is the
/// instance's.
///
/// # Errors
/// When a constraint is no expression or its message no template.
pub fn broken(
    manifest: &Manifest,
    name: &str,
    options: &BTreeMap<String, OptionValue>,
) -> Result<Option<String>, TemplateError> {
    let mut context = Context::new();
    context.insert("name", name);
    context.insert("options", options);
    context.insert("defaults", &defaults(manifest));
    let mut texts = Texts::default();
    for constraint in &manifest.constraints {
        if !texts.holds(&constraint.holds, &context)? {
            return Ok(Some(texts.render(&constraint.message, &context)?.into_owned()));
        }
    }
    Ok(None)
}

/// Every option with its default, typed as a chosen value would be.
pub(crate) fn defaults(manifest: &Manifest) -> BTreeMap<String, OptionValue> {
    let typed = |(name, spec): (&String, &crate::options::OptionSpec)| {
        (name.clone(), spec.check(spec.default.clone()).unwrap_or_else(|_| spec.default.clone()))
    };
    manifest.options.iter().map(typed).collect()
}
