//! Reads the arguments of an attribute: `key = value`, `key` and `key(tokens)`, each taken once,
//! typed and range-checked at its own span. Knows no attribute in particular.

use std::fmt::Display;
use std::ops::RangeBounds;
use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Ident, Lit, Path, Token, UnOp};

use crate::duration;
use crate::error::Errors;
use crate::suggest::nearest;

/// What stands after an argument's name.
enum Value {
    /// `key`
    Flag,
    /// `key = expression`
    Expr(Expr),
    /// `key(tokens)`
    List(TokenStream),
}

struct Argument {
    key: Ident,
    value: Value,
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        // Keywords too: `crate = path`.
        let key = Ident::parse_any(input).map_err(|error| {
            syn::Error::new(
                error.span(),
                "expected a parameter, such as `name = \"payments.charge\"`",
            )
        })?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            if input.is_empty() {
                let message = format!("`{key}` needs a value after `=`");
                return Err(syn::Error::new(key.span(), message));
            }
            Value::Expr(input.parse()?)
        } else if input.peek(syn::token::Paren) {
            let content;
            syn::parenthesized!(content in input);
            Value::List(content.parse()?)
        } else {
            Value::Flag
        };
        Ok(Self { key, value })
    }
}

/// A value together with the place it was written at, for later checks against others.
#[derive(Clone, Copy)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// The arguments of one attribute that nobody has taken yet.
pub(crate) struct Arguments<'e> {
    attribute: &'static str,
    given: Vec<Argument>,
    asked: Vec<&'static str>,
    pub(crate) errors: &'e Errors,
}

impl<'e> Arguments<'e> {
    /// Parses `tokens`; a syntax error is noted and what could not be read is left out.
    pub(crate) fn parse(attribute: &'static str, tokens: TokenStream, errors: &'e Errors) -> Self {
        let parsed = Punctuated::<Argument, Token![,]>::parse_terminated.parse2(tokens);
        let mut given: Vec<Argument> = Vec::new();
        match parsed {
            Ok(list) => {
                for argument in list {
                    let key = &argument.key;
                    if given.iter().any(|earlier| earlier.key == *key) {
                        errors.at(
                            key.span(),
                            format_args!("`{key}` is given twice"),
                            "keep one of the two",
                        );
                    } else {
                        given.push(argument);
                    }
                }
            }
            Err(error) => errors.keep(error),
        }
        Self {
            attribute,
            given,
            asked: Vec::new(),
            errors,
        }
    }

    /// Whether an argument of that name is given and not taken yet.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.given.iter().any(|argument| argument.key == key)
    }

    fn take(&mut self, key: &'static str) -> Option<Argument> {
        self.asked.push(key);
        let index = self.given.iter().position(|argument| argument.key == key)?;
        Some(self.given.remove(index))
    }

    /// Whether `key` was written, taken or not.
    pub(crate) fn given(&self, key: &str) -> bool {
        self.given.iter().any(|argument| argument.key == key)
    }

    /// Whether `key` is a number, as opposed to an expression that makes something else.
    pub(crate) fn is_number(&self, key: &str) -> bool {
        let argument = self.given.iter().find(|argument| argument.key == key);
        match argument.map(|argument| &argument.value) {
            Some(Value::Expr(expr)) => {
                matches!(literal(expr), Some(Lit::Float(_) | Lit::Int(_))) || is_negative(expr)
            }
            _ => false,
        }
    }

    /// As [`Self::flag`], with its place.
    pub(crate) fn located_flag(&mut self, key: &'static str) -> Option<Located<bool>> {
        let argument = self.given.iter().find(|argument| argument.key == key);
        let span = argument.map(|argument| argument.key.span());
        let value = self.flag(key)?;
        span.map(|span| Located { value, span })
    }

    /// Takes `key = expression`.
    pub(crate) fn expr(&mut self, key: &'static str) -> Option<Expr> {
        let Argument { key: ident, value } = self.take(key)?;
        match value {
            Value::Expr(expr) => Some(ungrouped(expr)),
            Value::Flag | Value::List(_) => {
                self.errors.at(
                    ident.span(),
                    format_args!("`{key}` needs a value"),
                    format_args!("write `{key} = …`"),
                );
                None
            }
        }
    }

    /// Takes `key(tokens)` unread.
    pub(crate) fn list(&mut self, key: &'static str, example: &str) -> Option<TokenStream> {
        let Argument { key: ident, value } = self.take(key)?;
        match value {
            Value::List(tokens) => Some(tokens),
            Value::Flag | Value::Expr(_) => {
                self.errors.at(
                    ident.span(),
                    format_args!("`{key}` takes a list in parentheses"),
                    format_args!("write `{example}`"),
                );
                None
            }
        }
    }

    /// Takes `key = "text"`; empty text is a mistake.
    pub(crate) fn text(&mut self, key: &'static str, example: &str) -> Option<Located<String>> {
        let expr = self.expr(key)?;
        match literal(&expr) {
            Some(Lit::Str(text)) if !text.value().trim().is_empty() => Some(Located {
                value: text.value(),
                span: text.span(),
            }),
            Some(Lit::Str(text)) => {
                self.wrong(key, text.span(), "is empty", example);
                None
            }
            _ => {
                self.wrong(key, expr.span(), "must be a string literal", example);
                None
            }
        }
    }

    /// Takes `key = "choice"`.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let example = format!("\"{}\"", words.first().copied().unwrap_or_default());
        let text = self.text(key, &example)?;
        let found = choices.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let help = match nearest(&text.value, &words) {
                Some(word) => format!("did you mean `\"{word}\"`?"),
                None => format!("one of {}", quoted(&words, '"')),
            };
            self.errors.at(
                text.span,
                format_args!("`{}` is not a value of `{key}`", text.value),
                help,
            );
        }
        found.map(|(_, value)| *value)
    }

    /// Takes `key = true|false`; the bare `key` means true.
    pub(crate) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let argument = self.take(key)?;
        match argument.value {
            Value::Flag => Some(true),
            Value::Expr(expr) => match literal(&ungrouped(expr.clone())) {
                Some(Lit::Bool(flag)) => Some(flag.value),
                _ => {
                    self.wrong(key, expr.span(), "must be `true` or `false`", "false");
                    None
                }
            },
            Value::List(tokens) => {
                self.wrong(key, tokens.span(), "must be `true` or `false`", "false");
                None
            }
        }
    }

    /// Takes `key = false | "choice"` (and `true`, which is the default): `Some(None)` is `false`.
    pub(crate) fn off_or_choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&'static str, T)],
        default: T,
    ) -> Option<T> {
        let peeked = self.given.iter().find(|argument| argument.key == key);
        let boolean = peeked.and_then(|argument| match &argument.value {
            Value::Expr(expr) => match literal(expr) {
                Some(Lit::Bool(flag)) => Some(flag.value),
                _ => None,
            },
            _ => None,
        });
        match (peeked.is_some(), boolean) {
            (false, _) => {
                self.asked.push(key);
                Some(default)
            }
            (true, Some(on)) => {
                self.take(key);
                on.then_some(default)
            }
            (true, None) => Some(self.choice(key, choices).unwrap_or(default)),
        }
    }

    /// Takes a whole number within `range`.
    pub(crate) fn integer(
        &mut self,
        key: &'static str,
        range: impl RangeBounds<u64>,
        range_words: &str,
        example: &str,
    ) -> Option<Located<u64>> {
        let expr = self.expr(key)?;
        let span = expr.span();
        match literal(&expr) {
            Some(Lit::Int(number)) => match number.base10_parse::<u64>() {
                Ok(value) if range.contains(&value) => return Some(Located { value, span }),
                _ => self.wrong(key, span, format_args!("must be {range_words}"), example),
            },
            _ if is_negative(&expr) => {
                self.wrong(key, span, format_args!("must be {range_words}"), example);
            }
            _ => self.wrong(key, span, "must be a whole number", example),
        }
        None
    }

    /// Takes a number (`0.5`, or `1`) within `range`.
    pub(crate) fn number(
        &mut self,
        key: &'static str,
        range: impl RangeBounds<f64>,
        range_words: &str,
        example: &str,
    ) -> Option<Located<f64>> {
        let expr = self.expr(key)?;
        let span = expr.span();
        let parsed = match literal(&expr) {
            Some(Lit::Float(number)) => number.base10_parse::<f64>().ok(),
            Some(Lit::Int(number)) => number.base10_parse::<f64>().ok(),
            _ if is_negative(&expr) => Some(f64::NEG_INFINITY),
            _ => None,
        };
        match parsed {
            Some(value) if range.contains(&value) => return Some(Located { value, span }),
            Some(_) => self.wrong(key, span, format_args!("must be {range_words}"), example),
            None => self.wrong(key, span, "must be a number", example),
        }
        None
    }

    /// Takes `key = "30s"` within `range`.
    pub(crate) fn duration(
        &mut self,
        key: &'static str,
        range: impl RangeBounds<Duration>,
        range_words: &str,
        example: &str,
    ) -> Option<Located<Duration>> {
        let expr = self.expr(key)?;
        let span = expr.span();
        let Some(Lit::Str(text)) = literal(&expr) else {
            self.wrong(
                key,
                span,
                "must be a duration in quotes",
                &format!("\"{example}\""),
            );
            return None;
        };
        match duration::parse(&text.value()) {
            Ok(value) if range.contains(&value) => return Some(Located { value, span }),
            Ok(_) => self.wrong(
                key,
                span,
                format_args!("must be {range_words}"),
                &format!("\"{example}\""),
            ),
            Err(reason) => self.errors.at(
                span,
                format_args!("`{key}` is not a duration: {reason}"),
                format_args!(
                    "write a whole number and a unit (ms, s, m, h), such as `{key} = \"{example}\"`"
                ),
            ),
        }
        None
    }

    /// Takes the path of a function.
    pub(crate) fn path(&mut self, key: &'static str, example: &str) -> Option<Path> {
        let expr = self.expr(key)?;
        match expr {
            Expr::Path(path) if path.qself.is_none() && path.attrs.is_empty() => Some(path.path),
            other => {
                self.wrong(key, other.span(), "must be a path", example);
                None
            }
        }
    }

    /// Takes the path of a function, or a closure.
    pub(crate) fn function(&mut self, key: &'static str, example: &str) -> Option<Expr> {
        let expr = self.expr(key)?;
        if matches!(expr, Expr::Path(_) | Expr::Closure(_)) {
            return Some(expr);
        }
        let problem = "must be the path of a function, or a closure";
        self.wrong(key, expr.span(), problem, example);
        None
    }

    fn wrong(&self, key: &str, span: Span, problem: impl Display, example: &str) {
        self.errors.at(
            span,
            format_args!("`{key}` {problem}"),
            format_args!("for example `{key} = {example}`"),
        );
    }

    /// Everything that was not taken is unknown.
    pub(crate) fn finish(self) {
        for argument in &self.given {
            let key = argument.key.to_string();
            let help = match nearest(&key, &self.asked) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("it knows {}", quoted(&self.asked, '`')),
            };
            self.errors.at(
                argument.key.span(),
                format_args!("`#[{}]` has no parameter `{key}`", self.attribute),
                help,
            );
        }
    }
}

fn quoted(words: &[&str], quote: char) -> String {
    let mut sorted: Vec<String> = words
        .iter()
        .map(|word| format!("{quote}{word}{quote}"))
        .collect();
    sorted.dedup();
    sorted.join(", ")
}

/// Expressions that come out of `macro_rules` are wrapped in invisible groups.
fn ungrouped(expr: Expr) -> Expr {
    match expr {
        Expr::Group(group) => ungrouped(*group.expr),
        other => other,
    }
}

fn literal(expr: &Expr) -> Option<&Lit> {
    match expr {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}

fn is_negative(expr: &Expr) -> bool {
    matches!(expr, Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) && literal(&unary.expr).is_some())
}
