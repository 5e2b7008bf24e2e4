//! Names of projects and instances: what cargo, Rust, file systems and container tools all accept. Pure text.
//! The rules are those of cargo's `restricted_names` and `check_name`, where cargo only warns made errors:
//! a generated project has to pass clippy, build on Windows and name a container.

use std::fmt;

/// The longest name: one DNS label (RFC 1123), the limit for container and Kubernetes names.
pub const MAX_LENGTH: usize = 63;

/// A checked name, usable as package, crate (with `-` as `_`), module, folder and container name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Why a text is no [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid name `{name}`: {reason}")]
pub struct NameError {
    /// The text as given.
    pub name: String,
    /// What is wrong with it.
    pub reason: Reason,
}

/// The rule that a text broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nothing was given.
    #[error("it is empty")]
    Empty,
    /// More than [`MAX_LENGTH`] characters.
    #[error("it is longer than {MAX_LENGTH} characters")]
    TooLong,
    /// A character that package names cannot have.
    #[error("`{0}` cannot stand in it; use ASCII letters, digits, `-` and `_`")]
    Character(char),
    /// A letter outside ASCII, which cargo warns about and crate names cannot have.
    #[error("`{0}` is not ASCII, and crate names have to be")]
    NotAscii(char),
    /// A digit, `-` or `_` in front.
    #[error("it starts with `{0}`; names start with a letter")]
    Start(char),
    /// `-` or `_` at the end or twice in a row: no snake case, no DNS label.
    #[error("`-` and `_` have to stand alone, between letters or digits")]
    Separators,
    /// An upper-case letter: crates are snake case, container names lower case.
    #[error("it is not lower case")]
    Case,
    /// A word of the language.
    #[error("it is a Rust keyword")]
    Keyword,
    /// `test`.
    #[error("it conflicts with Rust's built-in test library")]
    TestLibrary,
    /// `std` and its siblings.
    #[error("it conflicts with a crate of Rust's standard library")]
    StandardLibrary,
    /// `deps`, `build` and their like.
    #[error("it conflicts with cargo's build directory names")]
    BuildDirectory,
    /// `con`, `nul` and their like, which no file on Windows can have.
    #[error("it is a reserved Windows file name")]
    WindowsReserved,
}

impl Name {
    /// Checks `text`.
    ///
    /// # Errors
    /// The first broken rule, with [`NameError::suggestion`] for a name that would do.
    pub fn new(text: &str) -> Result<Self, NameError> {
        match broken_rule(text) {
            None => Ok(Self(text.to_owned())),
            Some(reason) => Err(NameError { name: text.to_owned(), reason }),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl NameError {
    /// A name near the one given that passes, if there is one.
    pub fn suggestion(&self) -> Option<String> {
        self.respelled().or_else(|| {
            let longer = format!("{}-service", self.words()?);
            broken_rule(&longer).is_none().then_some(longer)
        })
    }

    /// The same name in letters that pass, if that is enough.
    pub fn respelled(&self) -> Option<String> {
        self.words().filter(|words| broken_rule(words).is_none())
    }

    fn words(&self) -> Option<String> {
        let mut words = String::new();
        for character in self.name.chars().flat_map(|character| ascii(character).chars().collect::<Vec<_>>()) {
            if character.is_ascii_alphanumeric() {
                words.push(character.to_ascii_lowercase());
            } else if !words.is_empty() && !words.ends_with('-') {
                words.push('-');
            }
        }
        let start = words.find(|character: char| character.is_ascii_alphabetic())?;
        let mut candidate = words.get(start..)?.to_owned();
        candidate.truncate(MAX_LENGTH);
        Some(candidate.trim_end_matches('-').to_owned())
    }
}

/// A letter without its accent.
fn ascii(character: char) -> String {
    for (letters, plain) in PLAIN {
        if letters.contains(character.to_lowercase().next().unwrap_or(character)) {
            return (*plain).to_owned();
        }
    }
    character.to_string()
}

/// The letters of western European languages; of others, a name has to be spelled by who knows how.
const PLAIN: &[(&str, &str)] = &[
    ("àáâãåā", "a"),
    ("ä", "ae"),
    ("æ", "ae"),
    ("çćč", "c"),
    ("èéêëēě", "e"),
    ("ìíîïī", "i"),
    ("ñń", "n"),
    ("òóôõøō", "o"),
    ("ö", "oe"),
    ("œ", "oe"),
    ("ß", "ss"),
    ("śš", "s"),
    ("ùúûūů", "u"),
    ("ü", "ue"),
    ("ýÿ", "y"),
    ("žźż", "z"),
];

fn broken_rule(text: &str) -> Option<Reason> {
    spelling(text).or_else(|| reserved(text))
}

fn spelling(text: &str) -> Option<Reason> {
    let first = text.chars().next();
    let odd = text.chars().find(|character| !character.is_ascii_alphanumeric() && !is_separator(*character));
    match (first, odd) {
        (None, _) => Some(Reason::Empty),
        (_, Some(character)) if character.is_alphanumeric() => Some(Reason::NotAscii(character)),
        (_, Some(character)) => Some(Reason::Character(character)),
        (Some(character), _) if !character.is_ascii_alphabetic() => Some(Reason::Start(character)),
        _ if text.len() > MAX_LENGTH => Some(Reason::TooLong),
        _ if text.split(is_separator).any(str::is_empty) => Some(Reason::Separators),
        _ => None,
    }
}

fn is_separator(character: char) -> bool {
    matches!(character, '-' | '_')
}

fn reserved(text: &str) -> Option<Reason> {
    let lower = text.to_ascii_lowercase();
    if KEYWORDS.contains(&text) {
        Some(Reason::Keyword)
    } else if text == "test" {
        Some(Reason::TestLibrary)
    } else if ["core", "std", "alloc", "proc_macro", "proc-macro"].contains(&text) {
        Some(Reason::StandardLibrary)
    } else if ["deps", "examples", "build", "incremental"].contains(&text) {
        Some(Reason::BuildDirectory)
    } else if is_windows_reserved(&lower) {
        Some(Reason::WindowsReserved)
    } else if lower != text {
        Some(Reason::Case)
    } else {
        None
    }
}

/// Keywords of every edition, strict and reserved (the Rust reference, "Keywords").
const KEYWORDS: &[&str] = &[
    "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super",
    "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

fn is_windows_reserved(lower: &str) -> bool {
    let numbered = |prefix| lower.strip_prefix(prefix).is_some_and(|digit| matches!(digit.as_bytes(), [b'1'..=b'9']));
    ["con", "prn", "aux", "nul"].contains(&lower) || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> Option<Reason> {
        Name::new(text).err().map(|error| error.reason)
    }

    #[test]
    fn ordinary_names_pass() {
        for text in ["a", "shop", "shop-api", "shop_api", "s3", "payments-v2", &"a".repeat(MAX_LENGTH)] {
            assert_eq!(reason(text), None, "{text}");
        }
    }

    #[test]
    fn what_cargo_refuses_is_refused() {
        let cases = [
            ("", Reason::Empty),
            ("1shop", Reason::Start('1')),
            ("-shop", Reason::Start('-')),
            ("sh op", Reason::Character(' ')),
            ("..", Reason::Character('.')),
            ("../shop", Reason::Character('.')),
            ("a/b", Reason::Character('/')),
            ("a\\b", Reason::Character('\\')),
            ("a:b", Reason::Character(':')),
            ("läden", Reason::NotAscii('ä')),
            ("店", Reason::NotAscii('店')),
            ("match", Reason::Keyword),
            ("gen", Reason::Keyword),
            ("test", Reason::TestLibrary),
            ("std", Reason::StandardLibrary),
            ("proc-macro", Reason::StandardLibrary),
            ("build", Reason::BuildDirectory),
            ("nul", Reason::WindowsReserved),
            ("COM1", Reason::WindowsReserved),
        ];
        for (text, expected) in cases {
            assert_eq!(reason(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_a_clean_project_cannot_be_called_is_refused() {
        assert_eq!(reason("Shop"), Some(Reason::Case));
        assert_eq!(reason("shop--api"), Some(Reason::Separators));
        assert_eq!(reason("shop-"), Some(Reason::Separators));
        assert_eq!(reason("_shop"), Some(Reason::Start('_')));
        assert_eq!(reason(&"a".repeat(MAX_LENGTH + 1)), Some(Reason::TooLong));
    }

    #[test]
    fn a_suggestion_is_itself_a_valid_name() {
        for (text, expected) in [
            ("Shop", Some("shop")),
            ("1shop", Some("shop")),
            ("my shop!", Some("my-shop")),
            ("test", Some("test-service")),
            ("match", Some("match-service")),
            ("shop--api-", Some("shop-api")),
            ("café", Some("cafe")),
            ("Läden", Some("laeden")),
            ("店", None),
            ("..", None),
        ] {
            let suggestion = Name::new(text).expect_err(text).suggestion();
            assert_eq!(suggestion.as_deref(), expected, "{text}");
        }
        let long = Name::new(&"ab-".repeat(40)).expect_err("too long").suggestion().expect("a shorter one");
        assert!(Name::new(&long).is_ok(), "{long}");
    }
}
