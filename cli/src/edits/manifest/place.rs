//! Where things stand in a manifest: byte offsets of tables, entries and lines.

use std::ops::Range;

use toml_edit::{Document, Item, Key, Table};

use super::ManifestError;

/// A table with a header of its own.
pub(super) struct Section<'d> {
    pub(super) table: &'d Table,
    /// The line after the header.
    pub(super) body: usize,
}

/// The table at `path`, if it has a header.
pub(super) fn section<'d>(document: &'d Document<&str>, path: &[&str]) -> Result<Option<Section<'d>>, ManifestError> {
    let mut item = Some(document.as_item());
    for name in path {
        item = item.and_then(|item| item.get(name));
    }
    let form = || ManifestError::Form { table: path.join(".") };
    match item {
        None => Ok(None),
        Some(Item::Table(table)) if table.is_dotted() => Err(form()),
        Some(Item::Table(table)) if table.is_implicit() => Ok(None),
        Some(Item::Table(table)) => {
            let header = table.span().ok_or_else(form)?;
            Ok(Some(Section { table, body: line_end(document.raw(), header.end) }))
        }
        Some(_) => Err(form()),
    }
}

/// The item at `path` in a table, whatever form the table has.
pub(super) fn lookup<'d>(document: &'d Document<&str>, path: &[&str], name: &str) -> Option<(&'d Key, &'d Item)> {
    let mut item = document.as_item();
    for name in path {
        item = item.get(name)?;
    }
    item.as_table_like()?.get_key_value(name)
}

/// An entry that stands in a table's own body, not below a header of its own.
pub(super) struct Entry<'d> {
    pub(super) name: &'d str,
    /// From the start of its first line to the end of its last.
    pub(super) lines: Range<usize>,
}

impl Section<'_> {
    /// The entries of the body, in the order of the text.
    pub(super) fn entries<'s>(&'s self, text: &str) -> Vec<Entry<'s>> {
        let mut entries: Vec<Entry<'s>> = self
            .table
            .iter()
            .filter(|(_, item)| item.as_table().is_none_or(Table::is_dotted))
            .filter_map(|(name, item)| {
                let (key, _) = self.table.get_key_value(name)?;
                let range = range(key, item)?;
                Some(Entry { name, lines: line_start(text, range.start)..line_end(text, range.end) })
            })
            .collect();
        entries.sort_by_key(|entry| entry.lines.start);
        entries
    }

    /// The end of the last line of the body that is not blank or a comment.
    pub(super) fn end(&self, text: &str) -> usize {
        self.entries(text).last().map_or(self.body, |entry| entry.lines.end)
    }
}

/// From the start of an entry's key to the end of its value; of a dotted one, to the end of its last value.
pub(super) fn range(key: &Key, item: &Item) -> Option<Range<usize>> {
    let start = key.span()?.start;
    let end = match item {
        Item::Table(table) => table.iter().filter_map(|(name, item)| Some(range(table.key(name)?, item)?.end)).max()?,
        other => other.span()?.end,
    };
    Some(start..end)
}

/// The offset of the line that `offset` is in.
pub(super) fn line_start(text: &str, offset: usize) -> usize {
    text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// The offset of the line after the one that `offset` is in.
pub(super) fn line_end(text: &str, offset: usize) -> usize {
    let after = text.get(offset..).unwrap_or_default();
    after.find('\n').map_or(text.len(), |newline| offset + newline + 1)
}
