//! One name in the spellings that files, modules, variables, types and headings want.

use serde::Serialize;

/// The five spellings of `payment-gateway`; templates see the same fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spellings {
    /// `payment-gateway`
    pub name: String,
    /// `payment_gateway`
    pub ident: String,
    /// `PAYMENT_GATEWAY`
    pub constant: String,
    /// `PaymentGateway`
    pub pascal: String,
    /// `Payment gateway`
    pub title: String,
}

impl Spellings {
    /// Spells `name` in all five ways.
    pub fn of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ident: ident(name),
            constant: constant(name),
            pascal: pascal(name),
            title: title(name),
        }
    }
}

/// `payment-gateway` as a module or variable: `payment_gateway`.
pub fn ident(text: &str) -> String {
    words(text).join("_")
}

/// `payment-gateway` as a constant or an environment variable: `PAYMENT_GATEWAY`.
pub fn constant(text: &str) -> String {
    ident(text).to_ascii_uppercase()
}

/// `payment gateway` as a file or package name: `payment-gateway`.
pub fn kebab(text: &str) -> String {
    words(text).join("-")
}

/// `payment-gateway` as a type: `PaymentGateway`.
pub fn pascal(text: &str) -> String {
    words(text).iter().map(|word| capitalised(word)).collect()
}

/// `payment-gateway` as a heading: `Payment gateway`.
pub fn title(text: &str) -> String {
    capitalised(&words(text).join(" "))
}

/// Lower-case words, split at everything that is no letter or digit and where a capital follows a small letter.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut after_small = false;
    for character in text.chars() {
        let starts_word = character.is_uppercase() && after_small;
        if (starts_word || !character.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
        after_small = character.is_lowercase() || character.is_numeric();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_is_spelled_in_five_ways() {
        let spellings = Spellings::of("payment-gateway2");
        assert_eq!(spellings.ident, "payment_gateway2");
        assert_eq!(spellings.constant, "PAYMENT_GATEWAY2");
        assert_eq!(spellings.pascal, "PaymentGateway2");
        assert_eq!(spellings.title, "Payment gateway2");
    }

    #[test]
    fn other_spellings_come_back_to_kebab() {
        for text in ["PaymentGateway", "payment_gateway", "Payment gateway", "payment--gateway"] {
            assert_eq!(kebab(text), "payment-gateway");
        }
    }
}
