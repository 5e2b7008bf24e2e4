//! Lists of features as text: adding and taking out elements, in whatever way the list is laid out.

use std::collections::BTreeSet;
use std::ops::Range;

use toml_edit::{Array, Document, Value};

use super::Splices;

/// The features of an array written as `text`, with those of `wanted` that were missing.
pub(super) fn with(text: &str, wanted: &BTreeSet<String>) -> String {
    edit(text, |array, offset, splices| {
        let present: Vec<&str> = array.iter().filter_map(|value| value.as_str()).collect();
        let sorted = present.is_sorted();
        let gap = gap(text);
        let mut separated = BTreeSet::new();
        for feature in wanted.iter().filter(|feature| !present.contains(&feature.as_str())) {
            let after = array
                .iter()
                .filter(|value| !sorted || value.as_str().is_some_and(|other| other < feature.as_str()))
                .last();
            let spot = match (after, array.get(0)) {
                (Some(value), _) if ends_line(text, value, offset) => value.span().map(|span| {
                    // Below the line of the one before, and so below what its owner has written beside it.
                    let rest = text.get(span.end - offset..).unwrap_or_default();
                    if !rest.trim_start().starts_with(',') && separated.insert(span.end) {
                        splices.replace(span.end..span.end, ",");
                    }
                    let end = span.end + rest.find('\n').unwrap_or(rest.len());
                    (end, format!("{gap}\"{feature}\","))
                }),
                (Some(value), _) => value.span().map(|span| (span.end, format!(",{gap}\"{feature}\""))),
                (None, Some(first)) => first.span().map(|span| (span.start, format!("\"{feature}\",{gap}"))),
                (None, None) => Some((
                    offset + 1,
                    if splices.is_empty() { format!("\"{feature}\"") } else { format!(", \"{feature}\"") },
                )),
            };
            if let Some((offset, text)) = spot {
                splices.replace(offset..offset, text);
            }
        }
    })
}

/// The features of an array written as `text`, without those of `unwanted`.
pub(super) fn without(text: &str, unwanted: &BTreeSet<String>) -> String {
    edit(text, |array, offset, splices| {
        let values: Vec<_> = array.iter().filter_map(|value| Some((value.as_str()?, value.span()?))).collect();
        let kept = |(name, _): &(&str, Range<usize>)| !unwanted.contains(*name);
        let Some(last_kept) = values.iter().rposition(kept) else {
            if !values.is_empty() {
                splices.replace(offset..offset + text.len(), "[]");
            }
            return;
        };
        for (value, next) in values.iter().zip(values.iter().skip(1)).take(last_kept).filter(|(value, _)| !kept(value))
        {
            splices.replace(value.1.start..next.1.start, "");
        }
        // Those at the end go with what separates them from the last that stays.
        if let (Some(stays), Some(last)) = (values.get(last_kept), values.last()) {
            splices.replace(stays.1.end..last.1.end, "");
        }
    })
}

/// Parses `text` as an array and splices it; a text that is no array of strings stays as it is.
fn edit(text: &str, change: impl FnOnce(&Array, usize, &mut Splices)) -> String {
    const KEY: &str = "x = ";
    let line = format!("{KEY}{text}");
    let mut splices = Splices::default();
    if let Ok(document) = Document::parse(line.as_str())
        && let Some(array) = document.get("x").and_then(|item| item.as_array())
    {
        change(array, KEY.len(), &mut splices);
    }
    let edited = splices.apply(&line);
    edited.and_then(|line| line.get(KEY.len()..).map(str::to_owned)).unwrap_or_else(|| text.to_owned())
}

/// Whether nothing but a comma and a comment stands between an element and the end of its line.
fn ends_line(text: &str, value: &Value, offset: usize) -> bool {
    let rest = value.span().and_then(|span| text.get(span.end.checked_sub(offset)?..));
    let line = rest.and_then(|rest| rest.split_once('\n')).map(|(line, _)| line.trim_start());
    let beside = line.map(|line| line.strip_prefix(',').unwrap_or(line).trim());
    beside.is_some_and(|beside| beside.is_empty() || beside.starts_with('#'))
}

/// What stands between two elements.
fn gap(text: &str) -> String {
    let Some(newline) = text.find('\n') else { return " ".to_owned() };
    let indent: String = text
        .get(newline + 1..)
        .unwrap_or_default()
        .chars()
        .take_while(|it| it.is_whitespace() && *it != '\n')
        .collect();
    format!("\n{indent}")
}

/// A fresh array.
pub(super) fn list(features: &BTreeSet<String>) -> String {
    let quoted: Vec<String> = features.iter().map(|feature| format!("\"{feature}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn features_are_added_in_the_layout_that_is_there() {
        assert_eq!(with("[]", &set(&["b", "a"])), r#"["a", "b"]"#);
        assert_eq!(with(r#"["a", "c"]"#, &set(&["b"])), r#"["a", "b", "c"]"#);
        assert_eq!(with(r#"["b"]"#, &set(&["a", "c"])), r#"["a", "b", "c"]"#);
        assert_eq!(with(r#"["z", "c"]"#, &set(&["d"])), r#"["z", "c", "d"]"#);
        assert_eq!(with("[\n    \"a\",\n]", &set(&["b"])), "[\n    \"a\",\n    \"b\",\n]");
        assert_eq!(with(r#"["a"]"#, &set(&["a"])), r#"["a"]"#);
        assert_eq!(with("[\n    \"a\"\n]", &set(&["b"])), "[\n    \"a\",\n    \"b\",\n]");
    }

    #[test]
    fn a_comment_stays_beside_what_it_is_about() {
        assert_eq!(
            with("[\n  \"a\", # the lib\n  \"c\", # more\n]", &set(&["b"])),
            "[\n  \"a\", # the lib\n  \"b\",\n  \"c\", # more\n]"
        );
        assert_eq!(with("[\n  \"a\" # the lib\n]", &set(&["b", "c"])), "[\n  \"a\", # the lib\n  \"b\",\n  \"c\",\n]");
    }

    #[test]
    fn features_are_taken_out_with_their_comma() {
        assert_eq!(without(r#"["a", "b", "c"]"#, &set(&["b"])), r#"["a", "c"]"#);
        assert_eq!(without(r#"["a", "b"]"#, &set(&["b"])), r#"["a"]"#);
        assert_eq!(without(r#"["a", "b"]"#, &set(&["a"])), r#"["b"]"#);
        assert_eq!(without(r#"["a", "b"]"#, &set(&["a", "b"])), "[]");
        assert_eq!(without("[\n    \"a\",\n    \"b\",\n]", &set(&["b"])), "[\n    \"a\",\n]");
        assert_eq!(without(r#"["a", "b", "c"]"#, &set(&["b", "c"])), r#"["a"]"#);
    }
}
