//! `#[traced_bulkhead]`: parse → model → check → expand into a call of the runtime's bulkhead.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, Path};

use crate::attr::Arguments;
use crate::common::Common;
use crate::duration::DAY;
use crate::error::Errors;
use crate::function::Function;
use crate::stage::Stage;
use crate::tokens::{count, duration, require_result};

const NAME: &str = "traced_bulkhead";

enum Source {
    /// A static of this function, with these settings.
    Own {
        max_concurrent: TokenStream,
        max_wait: TokenStream,
    },
    /// `bulkhead = EXPR`
    Shared(Expr),
}

struct Bulkhead {
    common: Common,
    attribute: Span,
    source: Source,
    map: Option<Path>,
}

/// Reads and checks the arguments of `#[traced_bulkhead]`.
pub(crate) fn parse(
    tokens: TokenStream,
    attribute: Span,
    function: &Function,
    errors: &Errors,
) -> Box<dyn Stage> {
    let mut arguments = Arguments::parse(NAME, tokens, errors);
    let common = Common::parse(&mut arguments);
    let given = arguments.given("max_concurrent");
    let max_concurrent =
        arguments.integer("max_concurrent", 1..=1_000_000, "from 1 to 1000000", "16");
    let max_wait = arguments.duration("max_wait", Duration::ZERO..=DAY, "at most 24h", "50ms");
    let shared = arguments.expr("bulkhead");
    let map = arguments.path("map", "PaymentError::overloaded");
    arguments.finish();
    let source = match (shared, max_concurrent) {
        (Some(shared), max_concurrent) => {
            if max_concurrent.is_some() || max_wait.is_some() || common.name.is_some() {
                errors.at(
                    syn::spanned::Spanned::span(&shared),
                    "`bulkhead` brings its own name and settings",
                    "set them with `TracedBulkhead::builder(…)`, and only `bulkhead` here",
                );
            }
            Source::Shared(shared)
        }
        (None, max_concurrent) => {
            if !given {
                errors.at(
                    attribute,
                    "`#[traced_bulkhead]` needs to know how many calls may run at once",
                    "write `#[traced_bulkhead(max_concurrent = 16)]`",
                );
            }
            Source::Own {
                max_concurrent: count(max_concurrent.map_or(1, |calls| calls.value)),
                max_wait: duration(max_wait.map_or(Duration::ZERO, |wait| wait.value)),
            }
        }
    };
    require_result(NAME, function, errors);
    Box::new(Bulkhead {
        common,
        attribute,
        source,
        map,
    })
}

impl Stage for Bulkhead {
    fn runtime(&self) -> &TokenStream {
        &self.common.runtime
    }

    fn wrap(&self, code: TokenStream, function: &Function) -> TokenStream {
        let runtime = &self.common.runtime;
        let here = Span::mixed_site();
        let site = quote_spanned!(here=> __otelgen_site);
        let bulkhead = quote_spanned!(here=> __otelgen_bulkhead);
        let choose = match &self.source {
            Source::Own {
                max_concurrent,
                max_wait,
            } => {
                let check = function.concrete_self_check(runtime, self.attribute);
                let choose = self.common.pattern_site(
                    function,
                    &site,
                    &bulkhead,
                    &quote!(TracedBulkhead),
                    &quote! {
                        #runtime::BulkheadConfig { max_concurrent: #max_concurrent, max_wait: #max_wait }
                    },
                );
                quote!(#check #choose)
            }
            Source::Shared(expression) => self.common.shared_site(
                function,
                &site,
                &bulkhead,
                &quote!(AsBulkhead::as_bulkhead),
                expression,
            ),
        };
        let span = self.common.span(
            function,
            &site,
            &quote! {
                "otelgen.bulkhead.name" = #bulkhead.name(),
                "otelgen.bulkhead.outcome" = #runtime::__private::tracing::field::Empty,
            },
        );
        let deferred = function.deferred(&code);
        let metrics = self.common.metrics;
        let (enter, run) = if function.is_async() {
            (quote!(enter_async), quote!(run_async))
        } else {
            (quote!(enter), quote!(run))
        };
        let dot_await = function.dot_await();
        let map = match &self.map {
            Some(path) => quote!((#path)),
            None => quote!(#runtime::__private::full),
        };
        quote_spanned! {here=>
            #choose
            match #bulkhead.#enter(#span, #metrics)#dot_await {
                ::core::result::Result::Ok(__otelgen_call) => __otelgen_call.#run(#deferred)#dot_await,
                ::core::result::Result::Err(__otelgen_full) => {
                    ::core::result::Result::Err(#map(__otelgen_full.into_error()))
                }
            }
        }
    }
}
