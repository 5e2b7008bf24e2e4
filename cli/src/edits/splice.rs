//! Edits as data: replacements of disjoint ranges of one original text, applied at once.

use std::ops::Range;

/// Replacements to carry out on one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Splices(Vec<(Range<usize>, String)>);

impl Splices {
    /// Replaces a range of bytes; an empty range inserts. Of two insertions at one place, the earlier comes first.
    pub fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.0.push((range, text.into()));
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The edited text; `None` if ranges overlap or leave the text.
    pub fn apply(mut self, original: &str) -> Option<String> {
        self.0.sort_by_key(|(range, _)| (range.start, range.end));
        let mut output = String::with_capacity(original.len() + 256);
        let mut done = 0;
        for (range, text) in self.0 {
            output.push_str(original.get(done..range.start)?);
            output.push_str(&text);
            done = range.end;
        }
        output.push_str(original.get(done..)?);
        Some(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_refer_to_the_original_text() {
        let mut splices = Splices::default();
        splices.replace(4..5, "E");
        splices.replace(0..1, "AA");
        splices.replace(2..2, "+");
        assert_eq!(splices.apply("abcde").as_deref(), Some("AAb+cdE"));
    }

    #[test]
    fn overlapping_replacements_are_refused() {
        let mut splices = Splices::default();
        splices.replace(0..3, "x");
        splices.replace(2..4, "y");
        assert_eq!(splices.apply("abcde"), None);
    }
}
