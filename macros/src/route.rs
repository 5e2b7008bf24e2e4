//! `#[traced_route]`: parse → model → check → expand into a call of the runtime's route.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, FnArg, ItemFn, ReceiverKind, Type};

use crate::attr::{Arguments, Located};
use crate::common::Common;
use crate::duration::{DAY, MILLISECOND};
use crate::error::Errors;
use crate::function::Function;
use crate::stage::Stage;
use crate::tokens::{count, duration, require_feature, require_result};

const NAME: &str = "traced_route";

/// Where the route comes from.
enum Source {
    /// A static of this function, found by name in the registry.
    Own { settings: TokenStream },
    /// `route = EXPR`
    Shared(Expr),
}

struct Route {
    common: Common,
    attribute: Span,
    source: Source,
    legacy: Expr,
    key: Option<Expr>,
    shadow: bool,
    compare: Option<Expr>,
}

/// Reads and checks the arguments of `#[traced_route]`.
pub(crate) fn parse(
    tokens: TokenStream,
    attribute: Span,
    function: &Function,
    errors: &Errors,
) -> Box<dyn Stage> {
    let mut arguments = Arguments::parse(NAME, tokens, errors);
    let common = Common::parse(&mut arguments);
    require_feature(cfg!(feature = "route"), NAME, "route", attribute, errors);
    if !arguments.has("legacy") {
        errors.at(
            attribute,
            "`#[traced_route]` needs `legacy`, the call that this function replaces",
            "add `legacy = old_price(item).await`, or without `.await` if it is not async",
        );
    }
    let legacy = arguments.expr("legacy");
    let route = arguments.expr("route");
    let percent = arguments.number("percent", 0.0..=100.0, "from 0 to 100", "10.0");
    let shadow = Shadow::parse(&mut arguments, attribute);
    let compare = arguments.function("compare", "|legacy, new| legacy.total == new.total");
    let key = arguments.expr("key");
    arguments.finish();
    if let (Some(compare), None) = (&compare, &shadow) {
        errors.at(
            compare.span(),
            "`compare` compares with a shadow's answer, and there is no shadow",
            "add `shadow`, which calls the new side while legacy answers",
        );
    }
    require_result(NAME, function, errors);
    if shadow.is_some() {
        check_arguments(function, errors);
    }
    let source = match route {
        Some(route) => {
            if percent.is_some() || common.name.is_some() {
                errors.at(
                    route.span(),
                    "`route` brings its own name and settings",
                    "set them with `TracedRoute::builder(…)`, and only `route` here",
                );
            }
            if let Some(shadow) = shadow.as_ref().filter(|shadow| shadow.given) {
                errors.at(
                    shadow.span().unwrap_or(route.span()),
                    "`route` brings its own settings of the shadow",
                    "set them with `TracedRoute::builder(…).shadow(…)`, and a bare `shadow` here to allow it",
                );
            }
            Source::Shared(route)
        }
        None => Source::Own {
            settings: settings(percent, shadow.as_ref(), &common.runtime),
        },
    };
    Box::new(Route {
        common,
        attribute,
        source,
        legacy: legacy.unwrap_or_else(|| syn::parse_quote!(())),
        key,
        shadow: shadow.is_some(),
        compare,
    })
}

/// The parameters of shadow calls.
struct Shadow {
    side: Option<Side>,
    percent: Option<Located<f64>>,
    max_concurrent: Option<Located<u64>>,
    timeout: Option<Located<Duration>>,
    /// Whether any of them was written, right or wrong.
    given: bool,
}

#[derive(Clone, Copy)]
enum Side {
    New,
    Legacy,
    Both,
}

impl Shadow {
    /// The settings, if there are to be shadow calls.
    fn parse(arguments: &mut Arguments<'_>, attribute: Span) -> Option<Self> {
        let keys = [
            "shadow_side",
            "shadow_percent",
            "max_shadows",
            "shadow_timeout",
        ];
        let given = keys.into_iter().any(|key| arguments.has(key));
        let switch = arguments.has("shadow");
        let on = arguments.flag("shadow").unwrap_or(switch);
        let shadow = Self {
            side: arguments.choice(
                "shadow_side",
                &[
                    ("new", Side::New),
                    ("legacy", Side::Legacy),
                    ("both", Side::Both),
                ],
            ),
            percent: arguments.number("shadow_percent", 0.0..=100.0, "from 0 to 100", "10.0"),
            max_concurrent: arguments.integer("max_shadows", 1..=100_000, "from 1 to 100000", "16"),
            timeout: arguments.duration(
                "shadow_timeout",
                MILLISECOND..=DAY,
                "from 1ms to 24h",
                "30s",
            ),
            given,
        };
        if on {
            return Some(shadow);
        }
        // Switched off by `shadow = false`, they may stay for when it is switched on again.
        if given && !switch {
            arguments.errors.at(
                shadow.span().unwrap_or(attribute),
                "this is about shadow calls, and there are none",
                "add `shadow`, which calls the new side while legacy answers",
            );
        }
        None
    }

    /// Where one of the settings stands.
    fn span(&self) -> Option<Span> {
        let percent = self.percent.map(|percent| percent.span);
        percent
            .or(self.max_concurrent.map(|max| max.span))
            .or(self.timeout.map(|timeout| timeout.span))
    }

    fn tokens(&self, runtime: &TokenStream) -> TokenStream {
        let side = self.side.map(|side| {
            let side = match side {
                Side::New => quote!(New),
                Side::Legacy => quote!(Legacy),
                Side::Both => quote!(Both),
            };
            quote!(side: #runtime::ShadowSide::#side,)
        });
        let percent = self.percent.map(|percent| {
            let percent = percent.value;
            quote!(percent: #percent,)
        });
        let max_concurrent = self.max_concurrent.map(|max| {
            let max = count(max.value);
            quote!(max_concurrent: #max,)
        });
        let timeout = self.timeout.map(|timeout| {
            let timeout = duration(timeout.value);
            quote!(timeout: #timeout,)
        });
        // Clippy minds a rest of nothing.
        let all =
            side.is_some() && percent.is_some() && max_concurrent.is_some() && timeout.is_some();
        let rest = (!all).then(|| quote!(..#runtime::ShadowConfig::DEFAULT));
        quote!(#runtime::ShadowConfig { #side #percent #max_concurrent #timeout #rest })
    }
}

/// The runtime's configuration.
fn settings(
    percent: Option<Located<f64>>,
    shadow: Option<&Shadow>,
    runtime: &TokenStream,
) -> TokenStream {
    let percent = percent.map(|percent| {
        let percent = percent.value;
        quote!(percent: #percent,)
    });
    let shadow = shadow.map(|shadow| {
        let shadow = shadow.tokens(runtime);
        quote!(shadow: ::core::option::Option::Some(#shadow),)
    });
    // Clippy minds a rest of nothing.
    let all = percent.is_some() && shadow.is_some();
    let rest = (!all).then(|| quote!(..#runtime::RouteConfig::DEFAULT));
    quote!(#runtime::RouteConfig { #percent #shadow #rest })
}

/// A shadow call outlives the call, so it cannot borrow the call's arguments.
fn check_arguments(function: &Function, errors: &Errors) {
    let Ok(item) = syn::parse2::<ItemFn>(function.unchanged()) else {
        return;
    };
    for input in &item.sig.inputs {
        let (borrowed, help) = match input {
            FnArg::Receiver(receiver) => {
                let borrowed = match &receiver.kind {
                    ReceiverKind::Reference(..) => true,
                    ReceiverKind::Typed(_, kind) => is_borrow(kind),
                    _ => false,
                };
                (borrowed, "take `self: Arc<Self>`, or leave out `shadow`")
            }
            FnArg::Typed(typed) => (
                is_borrow(&typed.ty),
                "take it by value, such as `String` or `Arc<_>`; it is cloned for the shadow",
            ),
        };
        if borrowed {
            errors.at(
                input.span(),
                "a shadow call outlives this call, so it cannot borrow what is passed to it",
                help,
            );
        }
    }
}

fn is_borrow(kind: &Type) -> bool {
    matches!(kind, Type::Reference(reference) if reference
        .lifetime
        .as_ref()
        .is_none_or(|lifetime| lifetime.ident != "static"))
}

impl Route {
    /// Statements that bind `site` and `route`.
    fn choose(&self, function: &Function, site: &TokenStream, route: &TokenStream) -> TokenStream {
        let runtime = &self.common.runtime;
        match &self.source {
            Source::Own { settings } => {
                let check = function.concrete_self_check(runtime, self.attribute);
                let found =
                    self.common
                        .pattern_site(function, site, route, &quote!(TracedRoute), settings);
                quote!(#check #found)
            }
            Source::Shared(expression) => {
                let place = self.common.plain_site(function, site);
                let shared = quote_spanned!(Span::mixed_site()=> __otelgen_shared);
                // A clone, so that a body with `&mut self` may have all of `self`.
                let here = expression.span().resolved_at(Span::mixed_site());
                quote_spanned! {here=>
                    #place
                    let #shared = ::core::clone::Clone::clone(
                        #runtime::__private::AsRoute::as_route(&(#expression)),
                    );
                    let #route = &#shared;
                }
            }
        }
    }

    /// A closure that is told the side: both bodies in one, so that each argument is captured once.
    fn sides(&self, code: &TokenStream, function: &Function) -> TokenStream {
        let runtime = &self.common.runtime;
        let here = Span::mixed_site();
        let side = quote_spanned!(here=> __otelgen_side);
        let legacy = &self.legacy;
        let body = quote_spanned! {here=>
            match #side {
                #runtime::RouteSide::New => { #code }
                #runtime::RouteSide::Legacy => { #legacy }
            }
        };
        let deferred = function.deferred(&body);
        if function.is_async() {
            quote!(move |#side| #deferred)
        } else {
            quote!(move |#side| (#deferred)())
        }
    }

    fn judge(&self) -> TokenStream {
        let runtime = &self.common.runtime;
        match &self.compare {
            Some(compare) => quote!(#runtime::compare_answers(#compare)),
            None => quote!(#runtime::IgnoreAnswers),
        }
    }
}

impl Stage for Route {
    fn runtime(&self) -> &TokenStream {
        &self.common.runtime
    }

    fn wrap(&self, code: TokenStream, function: &Function) -> TokenStream {
        let runtime = &self.common.runtime;
        let here = Span::mixed_site();
        let site = quote_spanned!(here=> __otelgen_site);
        let route = quote_spanned!(here=> __otelgen_route);
        let choose = self.choose(function, &site, &route);
        let span = self.common.span(
            function,
            &site,
            &quote! {
                "otelgen.route.name" = #route.name(),
                "otelgen.route.side" = #runtime::__private::tracing::field::Empty,
                "otelgen.route.outcome" = #runtime::__private::tracing::field::Empty,
            },
        );
        let place = match &self.key {
            Some(key) => {
                let at_key = key.span().resolved_at(here);
                quote_spanned! {at_key=> {
                    #[allow(unused_imports)]
                    use #runtime::__private::{GivenKey as _, MissingKey as _};
                    (&&#runtime::__private::RouteKeyOf(&(#key))).__otelgen_place(#route.name())
                }}
            }
            None => quote!(::core::option::Option::None),
        };
        let sides = self.sides(&code, function);
        let dot_await = function.dot_await();
        let metrics = self.common.metrics;
        let run = match (function.is_async(), self.shadow) {
            (false, false) => quote!(run(#sides)),
            (true, false) => quote!(run_async(#sides)),
            (false, true) => {
                let judge = self.judge();
                quote!(run_shadowed(#sides, #judge))
            }
            (true, true) => {
                let judge = self.judge();
                quote!(run_async_shadowed(#sides, #judge))
            }
        };
        quote_spanned! {here=>
            #choose
            #route.enter(#span, #metrics, #place).#run #dot_await
        }
    }
}
