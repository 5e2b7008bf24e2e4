//! The filters of templates, besides tera's own.

use std::collections::HashMap;

use tera::{Error, Result, Tera, Value};

use super::sort::version_order;
use crate::names;

type Arguments = HashMap<String, Value>;

/// Columns that rustfmt lets a line have.
const MAX_WIDTH: u64 = 100;

pub(super) fn register(tera: &mut Tera) {
    spelling(tera, "ident", names::ident);
    spelling(tera, "constant", names::constant);
    spelling(tera, "pascal", names::pascal);
    spelling(tera, "kebab", names::kebab);
    spelling(tera, "rust_string", rust_string);
    spelling(tera, "toml_string", quoted);
    spelling(tera, "yaml_string", quoted);
    tera.register_filter("fit", fit);
    tera.register_filter("version_sort", version_sort);
}

fn spelling(tera: &mut Tera, name: &'static str, spell: fn(&str) -> String) {
    tera.register_filter(name, move |value: &Value, _: &Arguments| text(name, value).map(|text| spell(text).into()));
}

fn text<'a>(filter: &str, value: &'a Value) -> Result<&'a str> {
    value.as_str().ok_or_else(|| Error::msg(format!("`{filter}` wants a string, not `{value}`")))
}

/// A Rust string literal; what only looks special to TOML and YAML stays readable.
fn rust_string(text: &str) -> String {
    format!("{text:?}")
}

/// A double-quoted string with the escapes that JSON, TOML and YAML share.
fn quoted(text: &str) -> String {
    let mut output = String::with_capacity(text.len() + 2);
    output.push('"');
    for character in text.chars() {
        match character {
            '"' => output.push_str("\\\""),
            '\\' => output.push_str("\\\\"),
            '\n' => output.push_str("\\n"),
            '\t' => output.push_str("\\t"),
            '\r' => output.push_str("\\r"),
            control if control.is_control() => output.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => output.push(other),
        }
    }
    output.push('"');
    output
}

/// `fit(indent, long, width)`: the value where it ends within `width` columns (100 unless given) when it starts at
/// column `indent`, else `long`.
fn fit(value: &Value, arguments: &Arguments) -> Result<Value> {
    let short = text("fit", value)?;
    let long =
        arguments.get("long").ok_or_else(|| Error::msg("`fit` wants `long`: what to write when it does not fit"))?;
    let indent = columns(arguments, "indent")?;
    let indent = indent.ok_or_else(|| Error::msg("`fit` wants `indent`: the column it starts at"))?;
    let width = columns(arguments, "width")?.unwrap_or(MAX_WIDTH);
    let longest = short.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    let fits = u64::try_from(longest).is_ok_and(|longest| indent + longest <= width);
    Ok(if fits { value.clone() } else { long.clone() })
}

fn columns(arguments: &Arguments, name: &str) -> Result<Option<u64>> {
    let number = arguments.get(name).map(Value::as_u64);
    match number {
        Some(None) => Err(Error::msg(format!("`{name}` of `fit` is a number of columns"))),
        other => Ok(other.flatten()),
    }
}

/// Sorts texts, or tables by one of their fields (`attribute`), as rustfmt sorts `mod` and `use` lines.
fn version_sort(value: &Value, arguments: &Arguments) -> Result<Value> {
    let list = value.as_array().ok_or_else(|| Error::msg("`version_sort` wants a list"))?;
    let attribute = arguments.get("attribute").map(|it| text("version_sort", it)).transpose()?;
    let mut keyed = Vec::with_capacity(list.len());
    for entry in list {
        let key = match attribute {
            Some(name) => {
                entry.get(name).ok_or_else(|| Error::msg(format!("`version_sort`: an entry has no `{name}`")))?
            }
            None => entry,
        };
        keyed.push((text("version_sort", key)?, entry));
    }
    keyed.sort_by(|(left, _), (right, _)| version_order(left, right));
    Ok(keyed.into_iter().map(|(_, entry)| entry.clone()).collect())
}

#[cfg(test)]
mod tests {
    use tera::{Context, Tera};

    fn rendered(template: &str) -> String {
        let mut tera = Tera::default();
        super::register(&mut tera);
        let mut context = Context::new();
        context.insert("name", "payment-gateway");
        context.insert("text", "a \"b\" \\ \u{7} ü\n");
        context.insert("names", &["a10", "a9"]);
        context.insert("entries", &serde_json::json!([{ "ident": "b" }, { "ident": "a_b" }]));
        tera.render_str(template, &context).expect(template)
    }

    #[test]
    fn literals_are_quoted_for_their_language() {
        assert_eq!(rendered("{{ text | rust_string | safe }}"), r#""a \"b\" \\ \u{7} ü\n""#);
        assert_eq!(rendered("{{ text | toml_string | safe }}"), r#""a \"b\" \\ \u0007 ü\n""#);
    }

    #[test]
    fn fit_takes_the_long_form_where_the_short_one_passes_the_width() {
        assert_eq!(rendered("{{ 'x(1)' | fit(indent=96, long='long') }}"), "x(1)");
        assert_eq!(rendered("{{ 'x(1)' | fit(indent=97, long='long') }}"), "long");
        assert_eq!(rendered("{{ 'x(1)' | fit(indent=4, width=7, long='long') }}"), "long");
    }

    #[test]
    fn lists_are_sorted_as_rustfmt_sorts_modules() {
        assert_eq!(rendered("{{ names | version_sort | join(sep=' ') }}"), "a9 a10");
        assert_eq!(
            rendered("{% for it in entries | version_sort(attribute='ident') %}{{ it.ident }} {% endfor %}"),
            "a_b b "
        );
    }
}
