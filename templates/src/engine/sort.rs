//! The order that rustfmt gives consecutive `mod` and `use` lines (style edition 2024; "Sorting" in the Rust style
//! guide, with its list of examples as the test).

use std::cmp::Ordering;

/// Compares two names as rustfmt does: digits by their value, `_` before everything else.
pub fn version_order(left: &str, right: &str) -> Ordering {
    let mut rest = (left, right);
    let mut zeros = Ordering::Equal;
    while let (Some(left), Some(right)) = (chunk(rest.0), chunk(rest.1)) {
        let order = compare(left.0, right.0);
        if order != Ordering::Equal {
            return order;
        }
        if zeros == Ordering::Equal && is_number(left.0) {
            // Alike but for leading zeros: more of them come first, unless something later decides.
            zeros = right.0.len().cmp(&left.0.len());
        }
        rest = (left.1, right.1);
    }
    rest.0.len().min(1).cmp(&rest.1.len().min(1)).then(zeros)
}

/// The first `_`, run of digits, or run of anything else, and what follows it.
fn chunk(text: &str) -> Option<(&str, &str)> {
    let first = text.chars().next()?;
    if first == '_' {
        return Some(text.split_at(1));
    }
    let digits = first.is_ascii_digit();
    let ends = |character: char| character == '_' || character.is_ascii_digit() != digits;
    Some(text.split_at(text.find(ends).unwrap_or(text.len())))
}

fn compare(left: &str, right: &str) -> Ordering {
    let order = (left != "_").cmp(&(right != "_"));
    order.then_with(|| if is_number(left) && is_number(right) { by_value(left, right) } else { left.cmp(right) })
}

fn is_number(chunk: &str) -> bool {
    chunk.starts_with(|character: char| character.is_ascii_digit())
}

fn by_value(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use super::version_order;

    #[test]
    fn names_are_in_the_order_of_the_style_guide() {
        let guide = "_ZYXW _abcd A2 ABCD Z_YXW ZY_XW ZYXW ZYXW_ a1 abcd u_zzz u8 u16 u32 u64 u128 u256 ua usize uz v000 \
                     v00 v0 v0s v00t v0u v001 v01 v1 v009 v09 v9 v010 v10 w005s09t w5s009t x64 x86 x86_32 x86_64 \
                     x86_128 x87 zyxw";
        let guide: Vec<&str> = guide.split_whitespace().collect();
        let mut names = guide.clone();
        names.sort_unstable();
        assert_ne!(names, guide);
        names.sort_by(|left, right| version_order(left, right));
        assert_eq!(names, guide);
    }
}
