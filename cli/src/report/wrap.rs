//! Lines that are longer than the terminal, broken between words below the column they belong to.

use std::io::{IsTerminal as _, stdout};

/// Narrower than this, broken lines are worse than long ones.
const NARROWEST: usize = 30;

/// The columns there are; `None` where the output is no terminal.
pub(super) fn columns() -> Option<usize> {
    let size = if stdout().is_terminal() { terminal_size::terminal_size_of(stdout()) } else { None };
    size.map(|(width, _)| usize::from(width.0)).filter(|columns| *columns >= NARROWEST)
}

/// `text` in lines of at most `columns`, but for words that are longer.
pub(super) fn wrap(text: String, columns: Option<usize>) -> String {
    let Some(columns) = columns else { return text };
    let mut wrapped = String::with_capacity(text.len() + text.len() / 16);
    for line in text.lines() {
        push(&mut wrapped, line, columns);
        wrapped.push('\n');
    }
    wrapped
}

fn push(text: &mut String, line: &str, columns: usize) {
    if width(line) <= columns {
        return text.push_str(line);
    }
    let indent = hanging(line, columns);
    let mut column = 0;
    let mut begun = false;
    for word in line.split_inclusive(' ') {
        let long = column + width(word.trim_end()) > columns;
        if long && begun {
            text.truncate(text.trim_end_matches(' ').len());
            text.push('\n');
            text.push_str(&" ".repeat(indent));
            column = indent;
        }
        text.push_str(word);
        column += width(word);
        begun |= !word.trim().is_empty();
    }
}

/// Where what follows goes: below the second column of a table, or a little further in than the line itself.
fn hanging(line: &str, columns: usize) -> usize {
    let own = line.len() - line.trim_start().len();
    let after = line.trim_start().find("  ").map(|gap| {
        let start = own + gap;
        let rest = line.get(start..).unwrap_or_default();
        width(line.get(..start).unwrap_or_default()) + (rest.len() - rest.trim_start().len())
    });
    after.filter(|column| *column * 2 <= columns).unwrap_or(own + 2)
}

/// The columns a text takes, its colours left out.
fn width(text: &str) -> usize {
    let mut width = 0;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            // Up to the letter that ends the sequence.
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            width += 1;
        }
    }
    width
}

#[cfg(test)]
mod tests {
    use super::super::style::{PLACE, paint};
    use super::*;

    #[test]
    fn a_line_is_broken_below_its_column() {
        let text = "pattern\n  retry    tries again what may succeed the second time\n".to_owned();
        let expected = "pattern\n  retry    tries again what may\n           succeed the second\n           time\n";
        assert_eq!(wrap(text.clone(), Some(33)), expected);
        assert_eq!(wrap(text.clone(), None), text);
    }

    #[test]
    fn colours_take_no_columns_and_a_long_word_stays_whole() {
        let coloured = format!("  {} is a word\n", paint(PLACE, "otelgen.circuit.calls"));
        assert_eq!(wrap(coloured.clone(), Some(33)), coloured);
        assert_eq!(wrap(format!("  {}\n", "x".repeat(50)), Some(33)), format!("  {}\n", "x".repeat(50)));
    }
}
