//! `#[traced_timeout]`: parse → model → check → expand into a call of the runtime's timeout.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, Path};

use crate::attr::Arguments;
use crate::common::Common;
use crate::duration::{DAY, MILLISECOND};
use crate::error::Errors;
use crate::function::Function;
use crate::stage::Stage;
use crate::tokens::{duration, require_async, require_result};

const NAME: &str = "traced_timeout";

enum Source {
    /// A static of this function, with that time.
    Own(TokenStream),
    /// `timeout = EXPR`
    Shared(Expr),
}

struct Timeout {
    common: Common,
    source: Source,
    map: Option<Path>,
}

/// Reads and checks the arguments of `#[traced_timeout]`.
pub(crate) fn parse(
    tokens: TokenStream,
    attribute: Span,
    function: &Function,
    errors: &Errors,
) -> Box<dyn Stage> {
    let mut arguments = Arguments::parse(NAME, tokens, errors);
    let common = Common::parse(&mut arguments);
    let given = arguments.given("after");
    let after = arguments.duration("after", MILLISECOND..=DAY, "from 1ms to 24h", "2s");
    let shared = arguments.expr("timeout");
    let map = arguments.path("map", "PaymentError::too_slow");
    arguments.finish();
    let source = match (shared, after) {
        (Some(shared), after) => {
            if after.is_some() || common.name.is_some() {
                errors.at(
                    syn::spanned::Spanned::span(&shared),
                    "`timeout` brings its own name and settings",
                    "set them with `TracedTimeout::builder(…)`, and only `timeout` here",
                );
            }
            Source::Shared(shared)
        }
        (None, Some(after)) => Source::Own(duration(after.value)),
        (None, None) => {
            if !given {
                errors.at(
                    attribute,
                    "`#[traced_timeout]` needs to know how long the function may take",
                    "write `#[traced_timeout(after = \"2s\")]`",
                );
            }
            Source::Own(TokenStream::new())
        }
    };
    require_result(NAME, function, errors);
    require_async("`#[traced_timeout]`", attribute, function, errors);
    Box::new(Timeout {
        common,
        source,
        map,
    })
}

impl Stage for Timeout {
    fn runtime(&self) -> &TokenStream {
        &self.common.runtime
    }

    fn wrap(&self, code: TokenStream, function: &Function) -> TokenStream {
        let runtime = &self.common.runtime;
        let here = Span::mixed_site();
        let site = quote_spanned!(here=> __otelgen_site);
        let timeout = quote_spanned!(here=> __otelgen_timeout);
        let choose = match &self.source {
            Source::Own(after) => self.common.pattern_site(
                function,
                &site,
                &timeout,
                &quote!(TracedTimeout),
                &quote!(#runtime::TimeoutConfig { after: #after }),
            ),
            Source::Shared(expression) => self.common.shared_site(
                function,
                &site,
                &timeout,
                &quote!(AsTimeout::as_timeout),
                expression,
            ),
        };
        let span = self.common.span(
            function,
            &site,
            &quote! {
                "otelgen.timeout.name" = #timeout.name(),
                "otelgen.timeout.outcome" = #runtime::__private::tracing::field::Empty,
            },
        );
        let deferred = function.deferred(&code);
        let metrics = self.common.metrics;
        let map = match &self.map {
            Some(path) => quote!(#path),
            None => quote!(#runtime::__private::elapsed),
        };
        quote_spanned! {here=>
            #choose
            #timeout.enter(#span, #metrics).run_async(#deferred, #map).await
        }
    }
}
