//! The attributes of one function as one stack: the first attribute expands them all, outermost
//! first, and checks their order. Knows the attributes only as stages that wrap code.

use proc_macro2::{Span, TokenStream};
use syn::spanned::Spanned;
use syn::{Attribute, Meta};

use crate::error::Errors;
use crate::function::Function;
use crate::{
    breaker, bulkhead, cache, messaging, rate_limit, retry, route, timeout, traced, traced_event,
};

/// An attribute after parsing and checking.
pub(crate) trait Stage {
    /// The path of the runtime crate.
    fn runtime(&self) -> &TokenStream;

    /// Wraps `code`, the statements run so far in the function's place, in this stage's own.
    fn wrap(&self, code: TokenStream, function: &Function) -> TokenStream;
}

/// Makes a stage of an attribute's arguments; mistakes are noted, and a stage comes back anyway.
type Parse = fn(TokenStream, Span, &Function, &Errors) -> Box<dyn Stage>;

/// The attributes that may stand on one function, outermost first.
const ORDER: &[(&str, Option<Parse>)] = &[
    ("traced", Some(traced::parse)),
    ("traced_consumer", Some(messaging::parse_consumer)),
    ("traced_cache", Some(cache::parse)),
    ("traced_route", Some(route::parse)),
    ("traced_retry", Some(retry::parse)),
    ("traced_breaker", Some(breaker::parse)),
    ("traced_rate_limit", Some(rate_limit::parse)),
    ("traced_bulkhead", Some(bulkhead::parse)),
    ("traced_timeout", Some(timeout::parse)),
    ("traced_producer", Some(messaging::parse_producer)),
    ("traced_event", Some(traced_event::parse)),
];

/// Expands the attribute `name` with `arguments` and all of ours that stand below it on `item`.
pub(crate) fn expand(name: &'static str, arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut function = match Function::parse(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let error = syn::Error::new(
                error.span(),
                format!("`#[{name}]` goes on a function or method with a body: {error}"),
            )
            .to_compile_error();
            return quote::quote!(#error #item);
        }
    };
    let errors = Errors::default();
    let mut found = vec![(name, Span::call_site(), arguments)];
    let used = paths_of_ours(function.attributes_mut());
    found.extend(take_ours(function.attributes_mut(), &errors));
    check_order(&found, &errors);
    function.check(name, &errors);

    let stages: Vec<Box<dyn Stage>> = found
        .into_iter()
        .filter_map(|(name, span, arguments)| {
            let parse = ORDER.iter().find(|(known, _)| *known == name)?.1?;
            Some(parse(arguments, span, &function, &errors))
        })
        .collect();

    match errors.into_compile_errors() {
        Some(errors) => {
            let item = function.unchanged();
            quote::quote!(#errors #item)
        }
        None => {
            let mut code = match stages.last() {
                Some(innermost) => function.body(innermost.runtime()),
                None => return function.unchanged(),
            };
            for stage in stages.iter().rev() {
                code = stage.wrap(code, &function);
            }
            // The compiler never sees the attributes that are expanded here, and would call their imports
            // unused.
            function.with_body(quote::quote! {
                #(#[allow(unused_imports)] use #used as _;)*
                #code
            })
        }
    }
}

/// The paths of our attributes, as they are written.
fn paths_of_ours(attributes: &[Attribute]) -> Vec<syn::Path> {
    attributes
        .iter()
        .filter(|attribute| {
            let last = attribute.path().segments.last();
            last.is_some_and(|segment| ORDER.iter().any(|(name, _)| segment.ident == name))
        })
        .map(|attribute| attribute.path().clone())
        .collect()
}

/// Takes our attributes off the item, in the order in which they are written.
fn take_ours(
    attributes: &mut Vec<Attribute>,
    errors: &Errors,
) -> Vec<(&'static str, Span, TokenStream)> {
    let mut taken = Vec::new();
    attributes.retain(|attribute| {
        let known = attribute.path().segments.last().and_then(|segment| {
            ORDER
                .iter()
                .find(|(name, parse)| segment.ident == name && parse.is_some())
        });
        let Some((name, _)) = known else {
            return true;
        };
        let arguments = match &attribute.meta {
            Meta::Path(_) => TokenStream::new(),
            Meta::List(list) => list.tokens.clone(),
            Meta::NameValue(pair) => {
                errors.at(
                    pair.eq_token.span(),
                    format_args!("`#[{name}]` takes its parameters in parentheses"),
                    format_args!("write `#[{name}(…)]`"),
                );
                TokenStream::new()
            }
        };
        taken.push((*name, attribute.path().span(), arguments));
        false
    });
    taken
}

fn check_order(found: &[(&'static str, Span, TokenStream)], errors: &Errors) {
    let rank = |name: &str| ORDER.iter().position(|(known, _)| *known == name);
    for pair in found.windows(2) {
        let [(outer, _, _), (inner, inner_span, _)] = pair else {
            continue;
        };
        if outer == inner {
            errors.at(
                *inner_span,
                format_args!("`#[{inner}]` stands twice on this function"),
                "keep one of the two",
            );
        } else if rank(outer) > rank(inner) {
            errors.at(
                *inner_span,
                format_args!("`#[{inner}]` cannot stand inside `#[{outer}]`"),
                format_args!("move `#[{inner}]` above `#[{outer}]`: from outside to inside the order is traced, consumer, cache, route, retry, breaker, rate limit, bulkhead, timeout, producer, event"),
            );
        }
    }
}
