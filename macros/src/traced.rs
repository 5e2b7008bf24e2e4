//! `#[traced]`: a span and calls, duration and errors as metrics, for any function.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::attr::Arguments;
use crate::common::Common;
use crate::error::Errors;
use crate::function::Function;
use crate::stage::Stage;

const NAME: &str = "traced";

struct Traced {
    common: Common,
    kind: Option<&'static str>,
    err: bool,
    ret: bool,
}

/// Reads and checks the arguments of `#[traced]`.
pub(crate) fn parse(
    tokens: TokenStream,
    _attribute: Span,
    _function: &Function,
    errors: &Errors,
) -> Box<dyn Stage> {
    let mut arguments = Arguments::parse(NAME, tokens, errors);
    let common = Common::parse(&mut arguments);
    let kind = arguments.choice(
        "kind",
        &["internal", "server", "client", "producer", "consumer"].map(|kind| (kind, kind)),
    );
    let err = arguments.flag("err").unwrap_or(false);
    let ret = arguments.flag("ret").unwrap_or(false);
    arguments.finish();
    Box::new(Traced {
        common,
        kind,
        err,
        ret,
    })
}

impl Stage for Traced {
    fn runtime(&self) -> &TokenStream {
        &self.common.runtime
    }

    fn wrap(&self, code: TokenStream, function: &Function) -> TokenStream {
        let runtime = &self.common.runtime;
        let here = Span::mixed_site();
        let site = quote_spanned!(here=> __otelgen_site);
        let name = self.common.name_option();
        let ident = function.name();
        let self_type = function.self_type_name();
        let kind = self.kind.map(|kind| quote!("otel.kind" = #kind,));
        let span = self.common.span(function, &site, &quote!(#kind));
        let deferred = function.deferred(&code);
        let run = if function.is_async() {
            quote!(run_async)
        } else {
            quote!(run)
        };
        let dot_await = function.dot_await();
        let metrics = self.common.metrics;
        let err = self
            .err
            .then(|| quote_spanned!(here=> #runtime::__private::report_error(__otelgen_value);));
        let ret = self
            .ret
            .then(|| quote_spanned!(here=> #runtime::__private::report_return(__otelgen_value);));
        quote_spanned! {here=>
            let #site = {
                static SITE: #runtime::__private::FunctionSite = #runtime::__private::FunctionSite::new(
                    ::core::module_path!(), #ident, #name,
                );
                SITE.resolve(#self_type)
            };
            let __otelgen_span = #span;
            #site.enter(&__otelgen_span, #metrics).#run(#deferred, |__otelgen_value| {
                #[allow(unused_imports)]
                use #runtime::__private::{AnyReturned as _, ResultReturned as _};
                #err
                #ret
                (&&#runtime::__private::Returned(__otelgen_value)).error_type()
            })#dot_await
        }
    }
}
