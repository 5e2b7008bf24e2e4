//! Collects every mistake of an invocation, so that one compilation shows them all.
//! Knows nothing about attributes: a message, the place it points at, and what to write instead.

use std::cell::RefCell;
use std::fmt::Display;

use proc_macro2::{Span, TokenStream};

/// The mistakes found so far, in source order.
#[derive(Default)]
pub(crate) struct Errors {
    found: RefCell<Vec<syn::Error>>,
}

impl Errors {
    /// Notes a mistake at `span`; `help` says what to write instead.
    pub(crate) fn at(&self, span: Span, message: impl Display, help: impl Display) {
        self.keep(syn::Error::new(span, format!("{message}\n\nhelp: {help}")));
    }

    /// Notes an error that syn reported while parsing.
    pub(crate) fn keep(&self, error: syn::Error) {
        self.found.borrow_mut().push(error);
    }

    /// The mistakes as `compile_error!` items, or `None` when there are none.
    pub(crate) fn into_compile_errors(self) -> Option<TokenStream> {
        let found = self.found.into_inner();
        if found.is_empty() {
            return None;
        }
        Some(found.iter().map(syn::Error::to_compile_error).collect())
    }
}
