//! Did you mean …?

/// The name nearest to `text`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|name| (strsim::jaro_winkler(text, name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["circuit-breaker", "cache-aside", "retry"];
        assert_eq!(nearest("circut-braker", known.into_iter()).as_deref(), Some("circuit-breaker"));
        assert_eq!(nearest("rety", known.into_iter()).as_deref(), Some("retry"));
        assert_eq!(nearest("saga", known.into_iter()), None);
    }
}
