//! How an owner's editor ends lines. Everything between reading and writing works on `\n` and a complete last line.

use std::borrow::Cow;

/// Line endings of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    windows: bool,
    last_line_open: bool,
}

impl Style {
    /// What `content` has; mixed endings are left as they are.
    pub fn of(content: &[u8]) -> Self {
        let breaks = content.iter().filter(|byte| **byte == b'\n').count();
        let windows = content.windows(2).filter(|pair| *pair == b"\r\n").count();
        let last_line_open = !content.is_empty() && !content.ends_with(b"\n");
        Self { windows: windows > 0 && windows == breaks, last_line_open }
    }

    /// `content` with `\n` and a complete last line.
    pub fn remove(self, content: &[u8]) -> Vec<u8> {
        let mut plain = if self.windows { plain(content).into_owned() } else { content.to_vec() };
        if self.last_line_open {
            plain.push(b'\n');
        }
        plain
    }

    /// The inverse of [`Style::remove`].
    pub fn restore(self, mut content: Vec<u8>) -> Vec<u8> {
        if self.last_line_open && content.ends_with(b"\n") {
            content.pop();
        }
        if !self.windows {
            return content;
        }
        let mut windows = Vec::with_capacity(content.len() + content.len() / 16);
        for byte in content {
            if byte == b'\n' {
                windows.push(b'\r');
            }
            windows.push(byte);
        }
        windows
    }
}

/// `content` with every `\r\n` as `\n`.
pub fn plain(content: &[u8]) -> Cow<'_, [u8]> {
    if !content.windows(2).any(|pair| pair == b"\r\n") {
        return Cow::Borrowed(content);
    }
    let mut plain = Vec::with_capacity(content.len());
    let mut bytes = content.iter().peekable();
    while let Some(byte) = bytes.next() {
        if *byte != b'\r' || bytes.peek() != Some(&&b'\n') {
            plain.push(*byte);
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_removed_and_restored_gives_the_same_bytes() {
        for text in ["", "a", "a\n", "a\r\nb\r\n", "a\r\nb", "a\r\nb\n", "\r\n", "a\r", "a\n\r\n"] {
            let style = Style::of(text.as_bytes());
            assert_eq!(style.restore(style.remove(text.as_bytes())), text.as_bytes(), "{text:?}");
        }
    }
}
