//! `#[traced_producer]` and `#[traced_consumer]`: parse → model → check → expand into the runtime's messaging calls.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit};

use crate::attr::Arguments;
use crate::common::Common;
use crate::error::Errors;
use crate::function::Function;
use crate::stage::Stage;
use crate::tokens::{option, require_feature};

#[derive(Clone, Copy, Eq, PartialEq)]
enum Role {
    Producer,
    Consumer,
}

impl Role {
    const fn attribute(self) -> &'static str {
        match self {
            Self::Producer => "traced_producer",
            Self::Consumer => "traced_consumer",
        }
    }

    /// `messaging.operation.type`, and the operation's name unless it is given.
    const fn operation(self) -> &'static str {
        match self {
            Self::Producer => "send",
            Self::Consumer => "process",
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

enum Destination {
    Fixed(String),
    Computed(Expr),
    /// A mistake that has been noted.
    Missing,
}

enum Headers {
    One(Expr),
    Batch(Expr),
    /// A mistake that has been noted.
    Missing,
}

struct Messaging {
    common: Common,
    role: Role,
    system: String,
    destination: Destination,
    template: Option<String>,
    operation: String,
    group: Option<String>,
    message_id: Option<Expr>,
    headers: Headers,
    parent: bool,
}

/// Reads and checks the arguments of `#[traced_producer]`.
pub(crate) fn parse_producer(
    tokens: TokenStream,
    attribute: Span,
    _function: &Function,
    errors: &Errors,
) -> Box<dyn Stage> {
    Box::new(parse(Role::Producer, tokens, attribute, errors))
}

/// Reads and checks the arguments of `#[traced_consumer]`.
pub(crate) fn parse_consumer(
    tokens: TokenStream,
    attribute: Span,
    _function: &Function,
    errors: &Errors,
) -> Box<dyn Stage> {
    Box::new(parse(Role::Consumer, tokens, attribute, errors))
}

fn parse(role: Role, tokens: TokenStream, attribute: Span, errors: &Errors) -> Messaging {
    let mut arguments = Arguments::parse(role.attribute(), tokens, errors);
    let common = Common::parse(&mut arguments);
    require_feature(
        cfg!(feature = "messaging"),
        role.attribute(),
        "messaging",
        attribute,
        errors,
    );
    if !arguments.has("system") {
        missing(role, "system", attribute, "system = \"kafka\"", errors);
    }
    let system = arguments.text("system", "\"kafka\"");
    let destination = parse_destination(role, &mut arguments, attribute);
    let template = arguments.text("template", "\"orders.{tenant}\"");
    if let (Some(template), Destination::Fixed(_)) = (&template, &destination) {
        errors.at(
            template.span,
            "`template` says what a computed destination is made from, and this one is fixed",
            "remove `template`, or compute the destination: `destination = topic`",
        );
    }
    let operation = arguments.text("operation", "\"publish\"");
    let message_id = arguments.expr("message_id");
    let headers = parse_headers(role, &mut arguments, attribute);
    let (group, parent) = match role {
        Role::Producer => (None, false),
        Role::Consumer => {
            let group = arguments.text("group", "\"billing\"");
            (group, parse_relation(&mut arguments, &headers))
        }
    };
    arguments.finish();
    Messaging {
        common,
        role,
        system: system.map(|system| system.value).unwrap_or_default(),
        destination,
        template: template.map(|template| template.value),
        operation: operation
            .map_or_else(|| role.operation().to_owned(), |operation| operation.value),
        group: group.map(|group| group.value),
        message_id,
        headers,
        parent,
    }
}

fn missing(role: Role, key: &str, attribute: Span, example: &str, errors: &Errors) {
    errors.at(
        attribute,
        format_args!("`#[{}]` needs `{key}`", role.attribute()),
        format_args!("add `{example}`"),
    );
}

fn parse_destination(role: Role, arguments: &mut Arguments<'_>, attribute: Span) -> Destination {
    const KEY: &str = "destination";
    let errors = arguments.errors;
    if !arguments.has(KEY) {
        missing(role, KEY, attribute, "destination = \"orders\"", errors);
    }
    match arguments.expr(KEY) {
        Some(Expr::Lit(ExprLit { lit, .. })) => match &lit {
            Lit::Str(text) if !text.value().trim().is_empty() => Destination::Fixed(text.value()),
            _ => {
                errors.at(
                    lit.span(),
                    "`destination` must be the name of a queue or topic, or an expression that has it",
                    "for example `destination = \"orders\"`, or `destination = topic`",
                );
                Destination::Missing
            }
        },
        Some(computed) => Destination::Computed(computed),
        None => Destination::Missing,
    }
}

fn parse_headers(role: Role, arguments: &mut Arguments<'_>, attribute: Span) -> Headers {
    let errors = arguments.errors;
    let given = arguments.has("headers") || arguments.has("batch");
    let headers = arguments.expr("headers");
    let batch = arguments.expr("batch");
    match (headers, batch) {
        (Some(_), Some(batch)) => {
            errors.at(
                batch.span(),
                "`headers` and `batch` exclude each other",
                "keep `headers` for one message, or `batch` for the headers of several",
            );
            Headers::Missing
        }
        (Some(headers), None) => Headers::One(headers),
        (None, Some(batch)) => Headers::Batch(batch),
        (None, None) => {
            if !given {
                let (example, several) = match role {
                    Role::Producer => (
                        "message.headers",
                        "messages.iter_mut().map(|message| &mut message.headers)",
                    ),
                    Role::Consumer => (
                        "message.headers",
                        "messages.iter().map(|message| &message.headers)",
                    ),
                };
                errors.at(
                    attribute,
                    format_args!("`#[{}]` needs `headers`: they carry the trace from the producer to the consumer", role.attribute()),
                    format_args!("add `headers = {example}`, or for several messages `batch = {several}`"),
                );
            }
            Headers::Missing
        }
    }
}

/// Whether the span is a child of the message's creation.
fn parse_relation(arguments: &mut Arguments<'_>, headers: &Headers) -> bool {
    let errors = arguments.errors;
    let link = arguments.flag("link");
    let Some(parent) = arguments
        .located_flag("parent")
        .filter(|parent| parent.value)
    else {
        return false;
    };
    if link == Some(true) {
        errors.at(
            parent.span,
            "`link` and `parent` exclude each other",
            "keep `parent` for one trace from the producer on, or `link` for a trace of its own",
        );
    }
    if matches!(headers, Headers::Batch(_)) {
        errors.at(
            parent.span,
            "`parent` needs one message, and a batch comes from several",
            "remove `parent`: the span links to each message's creation",
        );
    }
    true
}

impl Messaging {
    /// The runtime's description of what is done here.
    fn operation(&self) -> TokenStream {
        let runtime = &self.common.runtime;
        let role = match (self.role, self.parent) {
            (Role::Producer, _) => quote!(Producer),
            (Role::Consumer, false) => quote!(Consumer),
            (Role::Consumer, true) => quote!(ConsumerChild),
        };
        let Self {
            system, operation, ..
        } = self;
        let destination = option(match &self.destination {
            Destination::Fixed(name) => Some(quote!(#name)),
            Destination::Computed(_) | Destination::Missing => None,
        });
        let template = option(self.template.as_ref().map(|template| quote!(#template)));
        let group = option(self.group.as_ref().map(|group| quote!(#group)));
        quote! {
            #runtime::__private::Operation {
                role: #runtime::__private::Role::#role,
                system: #system,
                name: #operation,
                destination: #destination,
                template: #template,
                group: #group,
            }
        }
    }

    /// The span's own fields.
    fn fields(&self, target: &TokenStream) -> TokenStream {
        let runtime = &self.common.runtime;
        let Self {
            system, operation, ..
        } = self;
        let (kind, operation_type) = (self.role.kind(), self.role.operation());
        let template = self
            .template
            .as_ref()
            .map(|template| quote!("messaging.destination.template" = #template,));
        let group = self
            .group
            .as_ref()
            .map(|group| quote!("messaging.consumer.group.name" = #group,));
        let message_id = self.message_id.as_ref().map(|id| {
            quote!("messaging.message.id" = #runtime::__private::tracing::field::display(&(#id)),)
        });
        let count = matches!(self.headers, Headers::Batch(_)).then(|| {
            quote!("messaging.batch.message_count" = #runtime::__private::tracing::field::Empty,)
        });
        quote! {
            "otel.kind" = #kind,
            "messaging.system" = #system,
            "messaging.operation.name" = #operation,
            "messaging.operation.type" = #operation_type,
            "messaging.destination.name" = #target.destination(),
            #template
            #group
            #message_id
            #count
        }
    }

    /// The call with its context in the headers, or out of them; what are no headers is told at the expression.
    fn carried(&self, call: &TokenStream) -> TokenStream {
        let (Headers::One(headers) | Headers::Batch(headers)) = &self.headers else {
            return call.clone();
        };
        let place = headers.span().resolved_at(Span::mixed_site());
        match (&self.headers, self.role) {
            (Headers::Batch(_), Role::Producer) => {
                quote_spanned!(place=> #call.write_batch(#headers))
            }
            (Headers::Batch(_), Role::Consumer) => {
                quote_spanned!(place=> #call.read_batch(#headers))
            }
            (_, Role::Producer) => {
                quote_spanned!(place=> #call.write((#headers).__otelgen_headers_mut()))
            }
            (_, Role::Consumer) => {
                quote_spanned!(place=> #call.read((#headers).__otelgen_headers()))
            }
        }
    }
}

impl Stage for Messaging {
    fn runtime(&self) -> &TokenStream {
        &self.common.runtime
    }

    fn wrap(&self, code: TokenStream, function: &Function) -> TokenStream {
        let runtime = &self.common.runtime;
        let here = Span::mixed_site();
        let target = quote_spanned!(here=> __otelgen_target);
        let name = self.common.name_option();
        let ident = function.name();
        let self_type = function.self_type_name();
        let operation = self.operation();
        let given = quote_spanned!(here=> __otelgen_destination);
        let resolve = match &self.destination {
            Destination::Computed(destination) => quote! {
                let #given = &(#destination);
                let #target = SITE.resolve_to(#self_type, #given);
            },
            Destination::Fixed(_) | Destination::Missing => {
                quote!(let #target = SITE.resolve(#self_type);)
            }
        };
        let span = self.common.span(function, &target, &self.fields(&target));
        let call = self.carried(&quote_spanned!(here=> __otelgen_call));
        let deferred = function.deferred(&code);
        let run = if function.is_async() {
            quote!(run_async_with)
        } else {
            quote!(run_with)
        };
        let dot_await = function.dot_await();
        let metrics = self.common.metrics;
        quote_spanned! {here=>
            let __otelgen_call = {
                static SITE: #runtime::__private::MessagingSite = #runtime::__private::MessagingSite::new(
                    ::core::module_path!(), #ident, #name, #operation,
                );
                #[allow(unused_imports)]
                use #runtime::__private::{LendHeaders as _, LendHeadersMut as _};
                #resolve
                let __otelgen_call = #target.enter(#span, #metrics);
                #call
            };
            __otelgen_call.#run(#deferred, |__otelgen_value| {
                #[allow(unused_imports)]
                use #runtime::__private::{AnyReturned as _, ResultReturned as _};
                (&&#runtime::__private::Returned(__otelgen_value)).error_type()
            })#dot_await
        }
    }
}
