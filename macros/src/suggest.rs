//! "Did you mean": the known word nearest to an unknown one.

/// The candidate closest to `word`, when it is close enough to be a slip of the fingers.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let budget = word.len().max(3) / 3;
    candidates
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, _)| *distance <= budget)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance over characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (row, left_char) in left.chars().enumerate() {
        let mut above_left = row;
        let mut left_cell = row + 1;
        let mut current = vec![left_cell];
        for (right_char, above) in right.iter().zip(previous.iter().skip(1)) {
            let replaced = above_left + usize::from(left_char != *right_char);
            left_cell = replaced.min(above + 1).min(left_cell + 1);
            current.push(left_cell);
            above_left = *above;
        }
        previous = current;
    }
    previous.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let words = ["failure_rate", "min_calls", "window"];
        assert_eq!(nearest("failure_rat", &words), Some("failure_rate"));
        assert_eq!(nearest("mincalls", &words), Some("min_calls"));
        assert_eq!(nearest("colour", &words), None);
    }
}
