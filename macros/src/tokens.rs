//! Values of the model as tokens, and what the attributes of optional features have in common.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};

use crate::error::Errors;
use crate::function::Function;

pub(crate) fn count(value: u64) -> TokenStream {
    let literal = proc_macro2::Literal::u64_unsuffixed(value);
    quote!(#literal)
}

pub(crate) fn duration(value: Duration) -> TokenStream {
    let nanos = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
    quote!(::core::time::Duration::from_nanos(#nanos))
}

pub(crate) fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

/// The runtime's configuration `name`: what was given, and the defaults for the rest.
pub(crate) fn configuration(
    runtime: &TokenStream,
    name: &str,
    settings: &[TokenStream],
) -> TokenStream {
    let name = format_ident!("{name}");
    // Clippy minds a rest of nothing, where all was given.
    quote! {{
        #[allow(clippy::needless_update)]
        const __OTELGEN_CONFIGURATION: #runtime::#name =
            #runtime::#name { #(#settings,)* ..#runtime::#name::DEFAULT };
        __OTELGEN_CONFIGURATION
    }}
}

/// Notes that an attribute's runtime part is not compiled in.
pub(crate) fn require_feature(
    enabled: bool,
    attribute: &str,
    feature: &str,
    span: Span,
    errors: &Errors,
) {
    if !enabled {
        errors.at(
            span,
            format_args!("`#[{attribute}]` needs the feature `{feature}` of otelgen"),
            format_args!("add it in Cargo.toml: `otelgen = {{ …, features = [\"{feature}\"] }}`"),
        );
    }
}

/// Notes that a function cannot fail, where the attribute answers with an error.
pub(crate) fn require_result(attribute: &str, function: &Function, errors: &Errors) {
    if !function.returns_a_value() {
        errors.at(
            function.ident_span(),
            format_args!(
                "`#[{attribute}]` needs a function that can fail, and this one returns nothing"
            ),
            "return `Result<_, E>`; use `#[traced]` for a span and metrics alone",
        );
    }
}

/// Notes that a blocking function was given something that only a future can have.
pub(crate) fn require_async(what: &str, span: Span, function: &Function, errors: &Errors) {
    if !function.is_async() {
        errors.at(
            span,
            format_args!("{what} needs an `async fn`: a thread cannot be taken away from a function that runs"),
            "make the function async, or set a timeout on the connection that it uses",
        );
    }
}
