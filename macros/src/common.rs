//! The parameters every attribute shares (`name`, `fields`, `skip_all`, `span`, `metrics`, `crate`)
//! and the span they describe.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Path;

use crate::attr::Arguments;
use crate::function::Function;
use crate::trace_fields::{Spread, take_spread};

/// Severity of the span: what subscribers filter on.
#[derive(Clone, Copy)]
pub(crate) enum SpanLevel {
    Trace,
    Debug,
    Info,
}

impl SpanLevel {
    fn tokens(self, runtime: &TokenStream) -> TokenStream {
        let level = match self {
            Self::Trace => format_ident!("TRACE"),
            Self::Debug => format_ident!("DEBUG"),
            Self::Info => format_ident!("INFO"),
        };
        quote!(#runtime::__private::tracing::Level::#level)
    }
}

/// The parameters every attribute shares.
pub(crate) struct Common {
    /// `name = "…"`, for the span, the metrics and the registry.
    pub(crate) name: Option<String>,
    fields: TokenStream,
    /// `fields(..order)`
    spread: Vec<Spread>,
    level: Option<SpanLevel>,
    /// `metrics = false` switches the metrics of this function off.
    pub(crate) metrics: bool,
    /// The path of the runtime crate.
    pub(crate) runtime: TokenStream,
}

impl Common {
    pub(crate) fn parse(arguments: &mut Arguments<'_>) -> Self {
        let name = arguments.text("name", "\"payments.charge\"");
        let fields = arguments.list("fields", "fields(order.id = %order.id)");
        let (fields, spread) = take_spread(fields.unwrap_or_default(), arguments.errors);
        // The default, accepted so that habits from `#[instrument]` do no harm.
        let _ = arguments.flag("skip_all");
        let level = arguments.off_or_choice(
            "span",
            &[
                ("info", SpanLevel::Info),
                ("debug", SpanLevel::Debug),
                ("trace", SpanLevel::Trace),
            ],
            SpanLevel::Info,
        );
        let metrics = arguments.flag("metrics").unwrap_or(true);
        let runtime = arguments.path("crate", "crate::reexports::otelgen");
        Self {
            name: name.map(|name| name.value),
            fields,
            spread,
            level,
            metrics,
            runtime: runtime.map_or_else(|| quote!(::otelgen), |path: Path| quote!(#path)),
        }
    }

    /// `Some("name")` or `None`, as tokens.
    pub(crate) fn name_option(&self) -> TokenStream {
        match &self.name {
            Some(name) => quote!(::core::option::Option::Some(#name)),
            None => quote!(::core::option::Option::None),
        }
    }

    /// An expression that makes the span; `site` is a local with a `name()`, and `own` are the fields
    /// this attribute adds itself, each followed by a comma.
    ///
    /// The span's static name is the given name, or the function's with the full one in `otel.name`,
    /// because a type's path is not known while expanding.
    pub(crate) fn span(
        &self,
        function: &Function,
        site: &TokenStream,
        own: &TokenStream,
    ) -> TokenStream {
        let runtime = &self.runtime;
        let Some(level) = self.level else {
            return quote!(#runtime::__private::tracing::Span::none());
        };
        let level = level.tokens(runtime);
        let ident = function.name();
        let (name, renamed) = match &self.name {
            Some(name) => (name.clone(), TokenStream::new()),
            None => (ident.clone(), quote!("otel.name" = #site.name(),)),
        };
        let fields = &self.fields;
        let span = quote! {
            #runtime::__private::tracing::span!(
                target: ::core::module_path!(),
                #level,
                #name,
                #renamed
                "code.function.name" = #site.function(),
                #own
                "error.type" = #runtime::__private::tracing::field::Empty,
                "otel.status_code" = #runtime::__private::tracing::field::Empty,
                #fields
            )
        };
        if self.spread.is_empty() {
            return span;
        }
        let made = quote_spanned!(Span::mixed_site()=> __otelgen_span);
        let records = self
            .spread
            .iter()
            .map(|spread| spread.record(runtime, &made));
        quote!({ let #made = #span; #(#records)* #made })
    }
}
