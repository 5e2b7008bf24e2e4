//! Three-way merge of a rendered file: what was rendered last, what its owner made of it, what is rendered now.
//!
//! `diffy` finds the two sets of changes. Unlike its own merge (and git's), changes that only touch each other are
//! both taken: an owner's line beside a pack's line is the normal case in lists of modules, fields and settings.
//! Where both add at one place, the owner's lines come first. If a file that parsed no longer does, the strict merge
//! decides instead. Line endings and a missing last line break are the owner's.

use std::borrow::Cow;
use std::ops::Range;

use diffy::{DiffOptions, HunkRange, IncompleteHunkStyle, MergeOptions};

use super::style::Style;

/// What came of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The merged content.
    pub content: Vec<u8>,
    /// How many conflicts are marked in it, diff3 style.
    pub conflicts: usize,
}

/// Why two versions cannot be merged at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// It is no text.
    #[error("it is no text any more")]
    Binary,
    /// Conflicts of an earlier merge are still marked in it.
    #[error("conflicts of an earlier merge are still marked in it")]
    Unresolved,
}

/// Merges `ours` (the owner's) and `theirs` (the new rendering) of `base`. `parses` says whether a text is well
/// formed in the file's language.
///
/// # Errors
/// When `ours` is no text, or still has conflict markers.
pub fn merge(base: &[u8], ours: &[u8], theirs: &[u8], parses: fn(&[u8]) -> bool) -> Result<Merged, MergeError> {
    let clean = |content: &[u8]| Ok(Merged { content: content.to_vec(), conflicts: 0 });
    if ours == theirs || base == theirs {
        return clean(ours);
    }
    if ours == base {
        return clean(theirs);
    }
    if ours.contains(&0) {
        return Err(MergeError::Binary);
    }
    if is_unresolved(ours) {
        return Err(MergeError::Unresolved);
    }
    let style = Style::of(ours);
    let (base, theirs) = (complete(base), complete(theirs));
    let plain = style.remove(ours);
    if base == plain {
        return clean(&style.restore(theirs.into_owned()));
    }
    let merged = match touching(&base, &plain, &theirs) {
        Some(content) if parses(&content) || !parses(&plain) => Merged { content, conflicts: 0 },
        _ => strict(&base, &plain, &theirs),
    };
    Ok(Merged { content: style.restore(merged.content), conflicts: merged.conflicts })
}

/// What `diffy` writes, and what says whose each side is.
const LABELS: [(&[u8], &[u8]); 3] = [
    (b"<<<<<<< ours", b"<<<<<<< yours"),
    (b"||||||| original", b"||||||| otelgen, before"),
    (b">>>>>>> theirs", b">>>>>>> otelgen"),
];

/// Whether conflict markers stand in `content`: one of otelgen's, or a pair of anybody's.
pub fn is_unresolved(content: &[u8]) -> bool {
    let mut begun = false;
    for line in content.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end) {
        let own = LABELS.iter().any(|(diffy, own)| line == *own || line == *diffy);
        if own || (begun && line.starts_with(b">>>>>>> ")) {
            return true;
        }
        begun |= line.starts_with(b"<<<<<<< ");
    }
    false
}

/// `content` with markers that say whose each side is, and how many conflicts there are.
fn labelled(content: &[u8]) -> Merged {
    let mut labelled = Vec::with_capacity(content.len() + 64);
    let mut conflicts = 0;
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        let plain = line.strip_suffix(b"\n").unwrap_or(line);
        match LABELS.iter().position(|(diffy, _)| plain == *diffy).and_then(|index| Some((index, LABELS.get(index)?))) {
            Some((index, (_, own))) => {
                conflicts += usize::from(index == 0);
                labelled.extend_from_slice(own);
                labelled.extend_from_slice(line.get(plain.len()..).unwrap_or_default());
            }
            None => labelled.extend_from_slice(line),
        }
    }
    Merged { content: labelled, conflicts }
}

fn complete(content: &[u8]) -> Cow<'_, [u8]> {
    if content.is_empty() || content.ends_with(b"\n") {
        return Cow::Borrowed(content);
    }
    Cow::Owned([content, b"\n"].concat())
}

/// diffy's own merge, with markers.
fn strict(base: &[u8], ours: &[u8], theirs: &[u8]) -> Merged {
    let mut options = MergeOptions::new();
    options.set_incomplete_hunk_style(IncompleteHunkStyle::Git);
    match options.merge_bytes(base, ours, theirs) {
        Ok(content) => Merged { content, conflicts: 0 },
        Err(content) => labelled(&content),
    }
}

/// Applies both sets of changes if none overlaps another.
fn touching(base: &[u8], ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = base.split_inclusive(|byte| *byte == b'\n').collect();
    let ours = hunks(base, ours);
    let mut theirs = hunks(base, theirs);
    make_way(&mut theirs, &ours, &lines);
    let mut all: Vec<(&Hunk<'_>, Side)> = ours.iter().map(|hunk| (hunk, Side::Ours)).collect();
    for hunk in &theirs {
        if ours.contains(hunk) {
            continue;
        }
        if ours.iter().any(|other| other.overlaps(hunk)) {
            return None;
        }
        all.push((hunk, Side::Theirs));
    }
    // An insertion goes before a change that starts where it stands.
    all.sort_by_key(|(hunk, side)| (hunk.old.start, !hunk.is_insertion(), *side));
    let mut content = Vec::with_capacity(base.len() + 1024);
    let mut done = 0;
    for (hunk, _) in all {
        content.extend(lines.get(done..hunk.old.start)?.iter().flat_map(|line| line.iter()));
        content.extend(hunk.new.iter().flat_map(|line| line.iter()));
        done = hunk.old.end;
    }
    content.extend(lines.get(done..)?.iter().flat_map(|line| line.iter()));
    Some(content)
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Ours,
    Theirs,
}

/// One change: lines of the base, and what stands there instead.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hunk<'a> {
    old: Range<usize>,
    new: Vec<&'a [u8]>,
}

fn hunks<'a>(base: &[u8], changed: &'a [u8]) -> Vec<Hunk<'a>> {
    let lines: Vec<&[u8]> = changed.split_inclusive(|byte| *byte == b'\n').collect();
    let mut options = DiffOptions::new();
    options.set_context_len(0);
    let patch = options.create_patch_bytes(base, changed);
    let hunk =
        |(old, new): (Range<usize>, Range<usize>)| Hunk { old, new: lines.get(new).unwrap_or_default().to_vec() };
    patch.hunks().iter().map(|it| (range(it.old_range()), range(it.new_range()))).map(hunk).collect()
}

/// From the numbers of a unified diff: lines count from 1, and an empty range names the line before it.
fn range(range: HunkRange) -> Range<usize> {
    let start = if range.is_empty() { range.start() } else { range.start().saturating_sub(1) };
    start..start + range.len()
}

impl Hunk<'_> {
    fn is_insertion(&self) -> bool {
        self.old.is_empty()
    }

    fn is_deletion(&self) -> bool {
        self.new.is_empty()
    }

    /// Whether both cannot be applied.
    fn overlaps(&self, other: &Self) -> bool {
        match (self.is_insertion(), other.is_insertion()) {
            (true, true) => false,
            (true, false) => other.old.start < self.old.start && self.old.start < other.old.end,
            (false, true) => other.overlaps(self),
            (false, false) => self.old.start.max(other.old.start) < self.old.end.min(other.old.end),
        }
    }

    /// The same change one line further up, if it is the same: `}` and blank lines make that happen.
    fn up(&self, lines: &[&[u8]]) -> Option<Self> {
        let start = self.old.start.checked_sub(1)?;
        let above = lines.get(start)?;
        let mut moved = Self { old: start..self.old.end.checked_sub(1)?, new: self.new.clone() };
        if self.is_insertion() {
            moved.new.rotate_right(1);
            (moved.new.first() == Some(above)).then_some(moved)
        } else {
            (self.is_deletion() && lines.get(moved.old.end) == Some(above)).then_some(moved)
        }
    }

    /// The same change one line further down, if it is the same.
    fn down(&self, lines: &[&[u8]]) -> Option<Self> {
        let mut moved = Self { old: self.old.start + 1..self.old.end + 1, new: self.new.clone() };
        if self.is_insertion() {
            let same = self.new.first() == lines.get(self.old.start) && !self.new.is_empty();
            moved.new.rotate_left(1.min(self.new.len()));
            same.then_some(moved)
        } else {
            let below = lines.get(self.old.end)?;
            (self.is_deletion() && lines.get(self.old.start) == Some(below)).then_some(moved)
        }
    }
}

/// Moves changes of `theirs` that overlap one of `ours` to where they mean the same and do not.
fn make_way<'a>(theirs: &mut [Hunk<'a>], ours: &[Hunk<'a>], lines: &[&'a [u8]]) {
    for index in 0..theirs.len() {
        let before = index.checked_sub(1).and_then(|before| theirs.get(before)).map_or(0, |hunk| hunk.old.end);
        let after = theirs.get(index + 1).map_or(lines.len(), |hunk| hunk.old.start);
        let Some(hunk) = theirs.get_mut(index) else { continue };
        let free = |hunk: &Hunk<'_>| !ours.iter().any(|other| other.overlaps(hunk) && other != hunk);
        if free(hunk) {
            continue;
        }
        let inside = |hunk: &Hunk<'_>| before <= hunk.old.start && hunk.old.end <= after;
        let ups = std::iter::successors(hunk.up(lines), |hunk| hunk.up(lines)).take_while(inside);
        let downs = std::iter::successors(hunk.down(lines), |hunk| hunk.down(lines)).take_while(inside);
        if let Some(moved) = ups.chain(downs).find(free) {
            *hunk = moved;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(base: &str, ours: &str, theirs: &str) -> (String, usize) {
        let merged = merge(base.as_bytes(), ours.as_bytes(), theirs.as_bytes(), |_| true).expect("text");
        (String::from_utf8(merged.content).expect("text"), merged.conflicts)
    }

    #[test]
    fn both_sides_changes_are_taken() {
        assert_eq!(text("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n"), ("A\nb\nC\n".to_owned(), 0));
    }

    #[test]
    fn changes_that_only_touch_are_both_taken() {
        assert_eq!(text("a\nb\nc\n", "a\nB\nc\n", "a\nb\nC\n"), ("a\nB\nC\n".to_owned(), 0));
        assert_eq!(text("a\nb\n", "a\nours\nb\n", "a\ntheirs\nb\n"), ("a\nours\ntheirs\nb\n".to_owned(), 0));
    }

    #[test]
    fn what_was_stacked_comes_apart_again() {
        assert_eq!(text("a\ntheirs\nb\n", "a\nours\ntheirs\nb\n", "a\nb\n"), ("a\nours\nb\n".to_owned(), 0));
    }

    #[test]
    fn the_same_change_on_both_sides_is_made_once() {
        assert_eq!(text("a\nb\n", "a\nx\nb\n", "a\nx\nb\ny\n"), ("a\nx\nb\ny\n".to_owned(), 0));
    }

    #[test]
    fn a_conflict_is_marked_with_all_three_versions() {
        let (merged, conflicts) = text("a\nb\nc\n", "a\nours\nc\n", "a\ntheirs\nc\n");
        assert_eq!(conflicts, 1);
        assert_eq!(merged, "a\n<<<<<<< yours\nours\n||||||| otelgen, before\nb\n=======\ntheirs\n>>>>>>> otelgen\nc\n");
    }

    #[test]
    fn two_additions_that_do_not_parse_together_are_a_conflict() {
        fn parses(text: &[u8]) -> bool {
            !text.windows(10).any(|window| window == b"one\nother\n")
        }
        let merged = merge(b"a\nb\n", b"a\none\nb\n", b"a\nother\nb\n", parses).expect("text");
        assert_eq!(merged.conflicts, 1);
    }

    #[test]
    fn windows_line_endings_stay() {
        assert_eq!(text("a\nb\nc\n", "A\r\nb\r\nc\r\n", "a\nb\nC\n"), ("A\r\nb\r\nC\r\n".to_owned(), 0));
        assert_eq!(text("a\nb\n", "a\r\nb\r\n", "a\nb\nc\n"), ("a\r\nb\r\nc\r\n".to_owned(), 0));
    }

    #[test]
    fn a_missing_last_line_break_stays_missing() {
        assert_eq!(text("a\nb\nc\n", "A\nb\nc", "a\nb\nC\n"), ("A\nb\nC".to_owned(), 0));
        assert_eq!(text("a\n", "x\na", "a\nb\n"), ("x\na\nb".to_owned(), 0));
    }

    #[test]
    fn mixed_line_endings_are_the_owners_business() {
        assert_eq!(text("a\nb\nc\n", "a\r\nb\nc\n", "a\nb\nc\nd\n"), ("a\r\nb\nc\nd\n".to_owned(), 0));
    }

    #[test]
    fn a_deletion_makes_way_for_what_stands_beside_it() {
        // The block `b` is deleted; diffs may take the brace above it instead of its own.
        let base = "a {\n}\n\nb {\n}\n\nc {\n}\n";
        let ours = "a {\n}\n// mine\n\nb {\n}\n\nc {\n}\n";
        assert_eq!(text(base, ours, "a {\n}\n\nc {\n}\n"), ("a {\n}\n// mine\n\nc {\n}\n".to_owned(), 0));
    }

    #[test]
    fn markers_of_an_earlier_conflict_stop_the_next_merge() {
        let (conflicted, _) = text("a\n", "ours\n", "theirs\n");
        let again = merge(b"theirs\n", conflicted.as_bytes(), b"other\n", |_| true);
        assert_eq!(again, Err(MergeError::Unresolved));
    }

    #[test]
    fn what_is_no_text_is_not_merged() {
        assert_eq!(merge(b"a\n", b"a\0b", b"c\n", |_| true), Err(MergeError::Binary));
    }
}
