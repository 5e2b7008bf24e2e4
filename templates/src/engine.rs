//! The template engine that packs are written for: tera, strict, without escaping, clock or environment, with the
//! filters that generated Rust, TOML and YAML need. Pure.

mod filters;
mod sort;
mod tags;

use std::borrow::Cow;
use std::collections::HashMap;

use tera::{Context, Tera, Value};

use crate::library::Pack;

pub use sort::version_order;
pub use tags::tidy;

/// Why a template cannot be rendered. Displays the whole chain of causes, since tera puts the cause last.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(pub String);

impl From<tera::Error> for TemplateError {
    fn from(error: tera::Error) -> Self {
        let mut chain = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            chain = format!("{chain}: {cause}");
            source = cause.source();
        }
        Self(chain)
    }
}

/// A pack's templates, compiled.
pub struct Templates(Tera);

impl Templates {
    /// Compiles the templates of `pack` that `wanted` names, and with them the partial ones: those no `[[file]]`
    /// names, which others include or import.
    ///
    /// # Errors
    /// When one is no template.
    pub fn compile(pack: &Pack, wanted: &[&str]) -> Result<Self, TemplateError> {
        let partial = |path: &str| !pack.manifest.files.iter().any(|file| file.template == path);
        let mut tera = strict();
        let sources = pack
            .files()
            .filter(|(path, _)| is_template(path) && (wanted.contains(path) || partial(path)))
            .map(|(path, text)| (path, tidy(text)));
        tera.add_raw_templates(sources)?;
        Ok(Self(tera))
    }

    /// Renders the template `path`.
    ///
    /// # Errors
    /// When a variable is not defined, or a filter does not apply.
    pub fn render(&self, path: &str, context: &Context) -> Result<String, TemplateError> {
        Ok(self.0.render(path, context)?)
    }

    pub(crate) fn syntax(&self, path: &str) -> Option<&tera::Template> {
        self.0.get_template(path).ok()
    }

    /// Whether there is such a `filter`, `test` or `function`.
    pub(crate) fn has(&self, kind: &str, name: &str) -> bool {
        match kind {
            "filter" => ["safe", "default"].contains(&name) || self.0.get_filter(name).is_ok(),
            "test" => self.0.get_tester(name).is_ok(),
            _ => name == "super" || self.0.get_function(name).is_ok(),
        }
    }
}

/// Whether a file of a pack is rendered (and not copied as it stands).
pub fn is_template(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|extension| extension == "tera")
}

/// Renders the short texts and conditions of `pack.toml`.
pub struct Texts(Tera);

impl Default for Texts {
    fn default() -> Self {
        Self(strict())
    }
}

impl Texts {
    /// Renders `source`.
    ///
    /// # Errors
    /// When it is no template, or a variable is not defined.
    pub fn render<'a>(&mut self, source: &'a str, context: &Context) -> Result<Cow<'a, str>, TemplateError> {
        if !has_tag(source) {
            return Ok(Cow::Borrowed(source));
        }
        if let Some(plain) = interpolated(source, context) {
            return Ok(Cow::Owned(plain));
        }
        Ok(Cow::Owned(self.0.render_str(source, context)?))
    }

    /// Evaluates the expression of a `when`.
    ///
    /// # Errors
    /// When it is no expression, or a variable is not defined.
    pub fn holds(&mut self, expression: &str, context: &Context) -> Result<bool, TemplateError> {
        Ok(self.0.render_str(&condition(expression), context)? == HOLDS)
    }
}

/// The syntax of one template by itself.
pub(crate) fn parse(source: &str) -> Result<Vec<tera::ast::Node>, TemplateError> {
    Ok(tera::Template::new("text", None, &tidy(source))?.ast)
}

const HOLDS: &str = "yes";

pub(crate) fn condition(expression: &str) -> String {
    format!("{{% if {expression} %}}{HOLDS}{{% endif %}}")
}

pub(crate) fn has_tag(source: &str) -> bool {
    source.contains("{{") || source.contains("{%") || source.contains("{#")
}

/// The fast path for texts like `src/{{ ident }}.rs`: nothing but plain variables that hold a text.
fn interpolated(source: &str, context: &Context) -> Option<String> {
    let mut output = String::with_capacity(source.len() + 32);
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}")?;
        output.push_str(before);
        output.push_str(lookup(name.trim(), context)?);
        rest = after;
    }
    output.push_str(rest);
    let plain = !source.contains("{%") && !source.contains("{#");
    plain.then_some(output)
}

fn lookup<'a>(path: &str, context: &'a Context) -> Option<&'a str> {
    let mut parts = path.split('.');
    let mut value = context.get(parts.next()?)?;
    for part in parts {
        value = value.as_object()?.get(part)?;
    }
    value.as_str()
}

fn strict() -> Tera {
    let mut tera = Tera::default();
    tera.autoescape_on(Vec::new());
    filters::register(&mut tera);
    tera.register_function("get_env", no_environment);
    tera
}

fn no_environment(_: &HashMap<String, Value>) -> tera::Result<Value> {
    Err(tera::Error::msg("templates do not see the environment: a project is a pure function of its packs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        let value = serde_json::json!({ "name": "payments", "options": { "tls": true, "rate": 0.5 }, "port": 1 });
        Context::from_value(value).expect("an object")
    }

    #[test]
    fn a_text_without_tags_is_left_alone() {
        let rendered = Texts::default().render(r#"{"id":{"a":1}}"#, &context()).expect("text");
        assert_eq!(rendered, r#"{"id":{"a":1}}"#);
    }

    #[test]
    fn both_ways_of_rendering_a_text_agree() {
        for source in ["/{{ name }}/{id}", "{{name}}", "{{ name }}-{{ options.rate }}", "{{ name | ident }}{# no #}"] {
            let quick = Texts::default().render(source, &context()).expect("text").into_owned();
            let slow = strict().render_str(source, &context()).expect("text");
            assert_eq!(quick, slow, "{source}");
        }
    }

    #[test]
    fn an_undefined_variable_is_an_error_that_names_it() {
        let error = Texts::default().render("{{ nmae }}", &context()).expect_err("undefined");
        assert!(error.to_string().contains("nmae"), "{error}");
    }

    #[test]
    fn templates_see_no_environment() {
        let error = Texts::default().render("{{ get_env(name='HOME') }}", &context()).expect_err("refused");
        assert!(error.to_string().contains("environment"), "{error}");
    }

    #[test]
    fn conditions_compare_options() {
        let mut texts = Texts::default();
        assert_eq!(texts.holds("options.tls and name == 'payments'", &context()), Ok(true));
        assert_eq!(texts.holds("options.rate > 0.5", &context()), Ok(false));
        assert!(texts.holds("nothing == 'x'", &context()).is_err());
    }
}
