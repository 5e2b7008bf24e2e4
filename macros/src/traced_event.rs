//! `#[traced_event]` on a command handler: what it returns is appended to a stream, inside its span.
//! On a type it is the derive: see `domain_event`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit, Pat, Token, Type};

use crate::attr::{Arguments, Located};
use crate::common::Common;
use crate::error::Errors;
use crate::function::Function;
use crate::stage::Stage;
use crate::suggest::nearest;

const NAME: &str = "traced_event";

/// What the stream is expected to be when the events are appended.
enum Expected {
    /// `state(account: Account)`: where the state that was loaded ends.
    State {
        pattern: Box<Pat>,
        state: Box<Type>,
        snapshot_every: Option<u64>,
    },
    /// `expected = …`
    Given(TokenStream),
    /// Neither: a mistake that has been noted.
    Missing,
}

struct TracedEvent {
    common: Common,
    store: Expr,
    stream: Expr,
    expected: Expected,
    retries: u32,
}

/// Reads and checks the arguments of `#[traced_event]` on a function.
pub(crate) fn parse(
    tokens: TokenStream,
    attribute: Span,
    function: &Function,
    errors: &Errors,
) -> Box<dyn Stage> {
    let mut arguments = Arguments::parse(NAME, tokens, errors);
    let common = Common::parse(&mut arguments);
    let store = required(&mut arguments, "store", attribute, "store = self.store");
    let stream = required(
        &mut arguments,
        "stream",
        attribute,
        "stream = (\"account\", id)",
    );
    let expected = parse_expected(&mut arguments, &common.runtime, attribute);
    let retries = arguments.integer("retry_conflict", 0..=1_000, "from 0 to 1000", "3");
    arguments.finish();
    check(function, errors);
    Box::new(TracedEvent {
        common,
        store,
        stream,
        expected,
        retries: retries.map_or(0, |retries| {
            u32::try_from(retries.value).unwrap_or(u32::MAX)
        }),
    })
}

fn required(
    arguments: &mut Arguments<'_>,
    key: &'static str,
    attribute: Span,
    example: &str,
) -> Expr {
    let errors = arguments.errors;
    let given = arguments.has(key);
    let expr = arguments.expr(key);
    if !given {
        errors.at(
            attribute,
            format_args!("`#[traced_event]` on a function needs `{key}`"),
            format_args!("add `{example}`"),
        );
    }
    expr.unwrap_or_else(|| syn::parse_quote!(()))
}

fn parse_expected(
    arguments: &mut Arguments<'_>,
    runtime: &TokenStream,
    attribute: Span,
) -> Expected {
    let errors = arguments.errors;
    let named = arguments.has("state") || arguments.has("expected");
    let state = arguments.list("state", "state(account: Account)");
    let expected = arguments.expr("expected");
    let snapshot_every =
        arguments.integer("snapshot_every", 1..=1_000_000_000, "at least 1", "100");
    if let (Some(every), None) = (&snapshot_every, &state) {
        errors.at(
            every.span,
            "`snapshot_every` needs the state that a snapshot is made of",
            "add `state(account: Account)`",
        );
    }
    match (state, expected) {
        (Some(state), None) => parse_state(state, snapshot_every, errors),
        (None, Some(expected)) => Expected::Given(expected_tokens(&expected, runtime, errors)),
        (Some(_), Some(expected)) => {
            errors.at(
                expected.span(),
                "`state` and `expected` exclude each other",
                "a loaded state brings the version to expect: remove `expected`",
            );
            Expected::Missing
        }
        (None, None) => {
            if !named {
                errors.at(
                    attribute,
                    "`#[traced_event]` does not know what to expect of the stream",
                    "add `state(account: Account)` to load it, or `expected = account.version()`, `\"no_stream\"` or `\"any\"`",
                );
            }
            Expected::Missing
        }
    }
}

fn parse_state(
    tokens: TokenStream,
    snapshot_every: Option<Located<u64>>,
    errors: &Errors,
) -> Expected {
    let span = tokens.span();
    let parse = |input: ParseStream<'_>| {
        let pattern = Pat::parse_single(input)?;
        input.parse::<Token![:]>()?;
        let state: Type = input.parse()?;
        Ok((pattern, state))
    };
    match parse.parse2(tokens) {
        Ok((pattern, state)) => Expected::State {
            pattern: Box::new(pattern),
            state: Box::new(state),
            snapshot_every: snapshot_every.map(|every| every.value),
        },
        Err(error) => {
            errors.at(
                span,
                format_args!("`state` takes a name and a type: {error}"),
                "write `state(account: Account)`",
            );
            Expected::Missing
        }
    }
}

fn expected_tokens(expected: &Expr, runtime: &TokenStream, errors: &Errors) -> TokenStream {
    let Expr::Lit(ExprLit {
        lit: Lit::Str(word),
        ..
    }) = expected
    else {
        return quote!(::core::convert::Into::<#runtime::event_store::Expected>::into(#expected));
    };
    match word.value().as_str() {
        "any" => quote!(#runtime::event_store::Expected::Any),
        "no_stream" => quote!(#runtime::event_store::Expected::NoStream),
        other => {
            let help = match nearest(other, &["any", "no_stream"]) {
                Some(known) => format!("did you mean `\"{known}\"`?"),
                None => "write `\"any\"`, `\"no_stream\"` or a version".to_owned(),
            };
            errors.at(
                word.span(),
                format_args!("`{other}` is not a value of `expected`"),
                help,
            );
            TokenStream::new()
        }
    }
}

fn check(function: &Function, errors: &Errors) {
    if !function.is_async() {
        errors.at(
            function.ident_span(),
            "`#[traced_event]` waits for the store, so the command handler must be async",
            "write `async fn`",
        );
    }
    if !function.returns_a_value() {
        errors.at(
            function.ident_span(),
            "`#[traced_event]` appends what the command handler returns, and this one returns nothing",
            "return `Result<Vec<Event>, E>`, where `E: From<EventStoreError>`",
        );
    }
}

impl TracedEvent {
    /// The call of the runtime that loads, decides and appends.
    fn command(&self, code: &TokenStream) -> TokenStream {
        let runtime = &self.common.runtime;
        let Self {
            store,
            stream,
            retries,
            ..
        } = self;
        let command = quote!(#runtime::event_store::Command::new(&(#store), #stream));
        let again = *retries > 0;
        let retried = again.then(|| quote!(.retry_conflict(#retries)));
        match &self.expected {
            Expected::State {
                pattern,
                state,
                snapshot_every,
            } => {
                let snapshots = snapshot_every.map(|every| quote!(.snapshot_every(#every)));
                let argument = quote!(#pattern: #runtime::event_store::Loaded<#state>);
                let decide = if again {
                    quote!(.decide(async |#argument| { #code }))
                } else {
                    quote!(.decide_once(async move |#argument| { #code }))
                };
                quote!(#command #snapshots #retried #decide.await)
            }
            Expected::Given(expected) if again => {
                quote!(#command #retried.append(|| #expected, async || { #code }).await)
            }
            Expected::Given(expected) => {
                quote!(#command.append_once(#expected, async move || { #code }).await)
            }
            Expected::Missing => TokenStream::new(),
        }
    }
}

impl Stage for TracedEvent {
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
        let span = self.common.span(function, &site, &TokenStream::new());
        let deferred = function.deferred(&self.command(&code));
        let metrics = self.common.metrics;
        quote_spanned! {here=>
            let #site = {
                static SITE: #runtime::__private::FunctionSite = #runtime::__private::FunctionSite::new(
                    ::core::module_path!(), #ident, #name,
                );
                SITE.resolve(#self_type)
            };
            let __otelgen_span = #span;
            #site.enter(&__otelgen_span, #metrics).run_async(#deferred, |__otelgen_value| {
                #[allow(unused_imports)]
                use #runtime::__private::{AnyReturned as _, ResultReturned as _};
                (&&#runtime::__private::Returned(__otelgen_value)).error_type()
            }).await
        }
    }
}
