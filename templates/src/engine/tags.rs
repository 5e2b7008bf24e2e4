//! A line that holds nothing but tags leaves nothing behind. Jinja calls this `trim_blocks` and `lstrip_blocks`;
//! tera has it only as `-%}`, which also eats the indentation of the next line.

use std::borrow::Cow;

/// Moves the line break after a line of tags into the last tag, where tera ignores it, and drops the indentation
/// before the first. Lines stay where they are, so that error messages name the right one. A tag with a dash
/// is left to tera.
pub fn tidy(text: &str) -> Cow<'_, str> {
    if !text.contains("{%") && !text.contains("{#") {
        return Cow::Borrowed(text);
    }
    let mut output = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = match tag_line(rest) {
            Some(TagLine { tags, closing, after }) => {
                output.push_str(tags);
                output.push('\n');
                output.push_str(closing);
                (tags, after)
            }
            None => {
                let (line, after) = line_of(rest);
                output.push_str(line);
                (line, after)
            }
        };
        rest = after;
        if opens_raw(line) {
            let end = rest.find("endraw").unwrap_or(rest.len());
            let line_start = rest.get(..end).and_then(|raw| raw.rfind('\n')).map_or(0, |newline| newline + 1);
            let (raw, after) = rest.split_at(line_start);
            output.push_str(raw);
            rest = after;
        }
    }
    Cow::Owned(output)
}

/// The tags of a line up to the last closing, that closing (`%}` or `#}`), and the text behind the line.
struct TagLine<'a> {
    tags: &'a str,
    closing: &'a str,
    after: &'a str,
}

fn tag_line(text: &str) -> Option<TagLine<'_>> {
    let start = text.trim_start_matches([' ', '\t']);
    let mut rest = start;
    let mut last = None;
    while let Some(closing) = opening(rest) {
        let end = rest.find(closing)?;
        let content = rest.get(2..end)?;
        if content.starts_with('-') || content.ends_with('-') {
            return None;
        }
        last = Some((start.len() - rest.len() + end, closing));
        rest = rest.get(end + closing.len()..)?.trim_start_matches([' ', '\t']);
    }
    let (end, closing) = last?;
    let after = rest.strip_prefix('\n')?;
    Some(TagLine { tags: start.get(..end)?, closing, after })
}

fn opening(text: &str) -> Option<&'static str> {
    if text.starts_with("{%") {
        Some("%}")
    } else if text.starts_with("{#") {
        Some("#}")
    } else {
        None
    }
}

fn line_of(text: &str) -> (&str, &str) {
    text.find('\n').and_then(|newline| text.split_at_checked(newline + 1)).unwrap_or((text, ""))
}

/// Whether a `{% raw %}` is still open at the end of `line`.
fn opens_raw(line: &str) -> bool {
    let tag = |word: &str| {
        line.match_indices("{%").filter_map(|(start, _)| line.get(start + 2..)).any(|content| {
            content.trim_start_matches('-').trim_start().strip_prefix(word).is_some_and(|after| {
                after.trim_start().trim_start_matches('-').starts_with("%}") || after.trim().is_empty()
            })
        })
    };
    tag("raw") && !tag("endraw")
}

#[cfg(test)]
mod tests {
    use super::tidy;

    fn rendered(template: &str) -> String {
        let mut tera = tera::Tera::default();
        tera.render_str(&tidy(template), &tera::Context::new()).expect(template)
    }

    #[test]
    fn a_line_of_tags_leaves_nothing() {
        let template = "fn main() {\n    {% for n in [1, 2] %}\n    {% if n == 2 %}{# why #}\n    call({{ n }});\n    {% endif %}\n    {% endfor %}\n}\n";
        assert_eq!(rendered(template), "fn main() {\n    call(2);\n}\n");
    }

    #[test]
    fn a_tag_beside_text_keeps_its_line() {
        assert_eq!(rendered("a {% if true %}b{% endif %}\nc\n"), "a b\nc\n");
        assert_eq!(rendered("{% if true %} b {% endif %}\nc\n"), " b \nc\n");
    }

    #[test]
    fn tags_with_dashes_mean_what_they_mean_in_tera() {
        assert_eq!(rendered("a\n  {%- if true %}\n  b\n  {%- endif %}\nc\n"), "a\n  b\nc\n");
    }

    #[test]
    fn what_is_raw_stays_as_it_is() {
        let template = "{% raw %}\nrun: ${{ x }}\n  {% if %}\n{% endraw %}\n{% if true %}\nend\n{% endif %}\n";
        assert_eq!(rendered(template), "run: ${{ x }}\n  {% if %}\nend\n");
    }

    #[test]
    fn a_comment_over_several_lines_leaves_nothing() {
        assert_eq!(rendered("{# one\n   two #}\nend\n"), "end\n");
    }

    #[test]
    fn errors_name_the_line_of_the_source() {
        let template = "{% if true %}\n{% endif %}\n{% set x = 1 %}\n{{ | }}\n";
        let error = tera::Tera::default().add_raw_template("t", &tidy(template)).expect_err("no template");
        let text = format!("{error:?}");
        assert!(text.contains("4:"), "{text}");
    }
}
