//! `#[derive(TraceFields)]`, and `fields(..value)` in the attributes. Parse → model → check → expand.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Expr, Fields, Ident, Member, Meta, Token, Type};

use crate::attr::Arguments;
use crate::error::Errors;

const NAME: &str = "trace";

/// How a field is recorded.
#[derive(Clone, Copy, Eq, PartialEq)]
enum How {
    Value,
    Display,
    Debug,
    Nested,
    Redact,
    Skip,
}

struct Field {
    member: Member,
    name: String,
    how: How,
    kind: Type,
}

/// A variant, or the struct.
struct Shape {
    variant: Option<Ident>,
    fields: Vec<Field>,
}

/// Implements `TraceFields` for a struct or an enum.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let item: DeriveInput = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.to_compile_error(),
    };
    let errors = Errors::default();
    let runtime = parse_type(&item, &errors);
    let shapes = parse_shapes(&item, &errors);
    match errors.into_compile_errors() {
        Some(errors) => errors,
        None => expand(&item, &shapes, &runtime),
    }
}

fn parse_type(item: &DeriveInput, errors: &Errors) -> TokenStream {
    let mut arguments = Arguments::parse(NAME, trace_arguments(&item.attrs, errors), errors);
    let runtime = arguments.path("crate", "crate::reexports::otelgen");
    arguments.finish();
    runtime.map_or_else(|| quote!(::otelgen), |path| quote!(#path))
}

/// The arguments of all `#[trace(…)]` attributes together.
fn trace_arguments(attributes: &[Attribute], errors: &Errors) -> TokenStream {
    let mut lists = Vec::new();
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident(NAME))
    {
        match &attribute.meta {
            Meta::List(list) if list.tokens.is_empty() => {}
            Meta::List(list) => lists.push(list.tokens.clone()),
            Meta::Path(_) | Meta::NameValue(_) => errors.at(
                attribute.span(),
                "`#[trace]` takes its parameters in parentheses",
                "write `#[trace(skip)]`",
            ),
        }
    }
    quote!(#(#lists),*)
}

fn parse_shapes(item: &DeriveInput, errors: &Errors) -> Vec<Shape> {
    match &item.data {
        Data::Struct(data) => vec![Shape {
            variant: None,
            fields: parse_fields(&data.fields, errors),
        }],
        Data::Enum(data) => data
            .variants
            .iter()
            .map(|variant| {
                let mut arguments =
                    Arguments::parse(NAME, trace_arguments(&variant.attrs, errors), errors);
                let skip = arguments.flag("skip").unwrap_or(false);
                arguments.finish();
                let fields = parse_fields(&variant.fields, errors);
                Shape {
                    variant: Some(variant.ident.clone()),
                    fields: if skip { Vec::new() } else { fields },
                }
            })
            .collect(),
        Data::Union(_) => {
            errors.at(
                item.ident.span(),
                "the fields of a union cannot be read without unsafe code",
                "use an enum or a struct",
            );
            Vec::new()
        }
    }
}

fn parse_fields(fields: &Fields, errors: &Errors) -> Vec<Field> {
    let mut parsed: Vec<Field> = Vec::new();
    for (member, field) in fields.members().zip(fields) {
        let parsed_field = parse_field(member, field, errors);
        let twin = parsed
            .iter()
            .find(|earlier| earlier.name == parsed_field.name && earlier.how != How::Skip);
        if twin.is_some() && parsed_field.how != How::Skip {
            errors.at(
                field.span(),
                format_args!("two fields are recorded as `{}`", parsed_field.name),
                "give one of them another name with `#[trace(rename = \"…\")]`",
            );
        }
        parsed.push(parsed_field);
    }
    parsed
}

fn parse_field(member: Member, field: &syn::Field, errors: &Errors) -> Field {
    let mut arguments = Arguments::parse(NAME, trace_arguments(&field.attrs, errors), errors);
    let rename = arguments.text("rename", "\"order.id\"");
    let words = [
        ("display", How::Display),
        ("debug", How::Debug),
        ("nested", How::Nested),
        ("redact", How::Redact),
        ("skip", How::Skip),
    ];
    let given: Vec<_> = words
        .into_iter()
        .filter(|(word, _)| arguments.flag(word).unwrap_or(false))
        .collect();
    arguments.finish();
    if let [(one, _), (other, _), ..] = given.as_slice() {
        errors.at(
            field.span(),
            format_args!("`{one}` and `{other}` exclude each other"),
            "keep one of the two: a field is recorded in one way",
        );
    }
    let how = given.first().map_or(How::Value, |(_, how)| *how);
    if let (Some(rename), How::Skip) = (&rename, how) {
        errors.at(
            rename.span,
            "`rename` names a field that is skipped",
            "remove one of the two",
        );
    }
    let own = match &member {
        Member::Named(ident) => ident.to_string().trim_start_matches("r#").to_owned(),
        Member::Unnamed(index) => index.index.to_string(),
    };
    Field {
        member,
        name: rename.map_or(own, |rename| rename.value),
        how,
        kind: field.ty.clone(),
    }
}

fn expand(item: &DeriveInput, shapes: &[Shape], runtime: &TokenStream) -> TokenStream {
    let ident = &item.ident;
    let here = Span::mixed_site();
    let recorder = Ident::new("__otelgen_recorder", here);
    let arms = shapes.iter().map(|shape| arm(shape, &recorder));
    let body = if shapes.is_empty() {
        quote!(match *self {})
    } else {
        quote!(match self { #(#arms)* })
    };
    let mut generics = item.generics.clone();
    let conditions: Vec<_> = shapes
        .iter()
        .flat_map(|shape| &shape.fields)
        .filter(|field| mentions_parameter(field, item))
        .filter_map(|field| condition(field, runtime))
        .collect();
    if !conditions.is_empty() {
        let clause = generics.make_where_clause();
        clause.predicates.extend(conditions);
    }
    let (generics, arguments, conditions) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #generics #runtime::TraceFields for #ident #arguments #conditions {
            #[allow(unused_variables)]
            fn record_fields(&self, #recorder: &mut #runtime::FieldRecorder<'_>) {
                #body
            }
        }
    }
}

fn arm(shape: &Shape, recorder: &Ident) -> TokenStream {
    let path = match &shape.variant {
        Some(variant) => quote!(Self::#variant),
        None => quote!(Self),
    };
    let recorded = || {
        shape
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| field.how != How::Skip)
            .map(|(index, field)| {
                let binding = format_ident!("__otelgen_{index}", span = Span::mixed_site());
                (binding, field)
            })
    };
    let patterns = recorded().map(|(binding, field)| {
        let member = &field.member;
        if field.how == How::Redact {
            quote!(#member: _,)
        } else {
            quote!(#member: #binding,)
        }
    });
    let records = recorded().map(|(binding, field)| {
        let name = &field.name;
        // At the type, so that a value that cannot be recorded is told there.
        let spanned = field.kind.span().resolved_at(Span::mixed_site());
        match field.how {
            How::Value => quote_spanned!(spanned=> #recorder.value(#name, #binding);),
            How::Display => quote_spanned!(spanned=> #recorder.display(#name, #binding);),
            How::Debug => quote_spanned!(spanned=> #recorder.debug(#name, #binding);),
            How::Nested => quote_spanned!(spanned=> #recorder.nested(#name, #binding);),
            How::Redact => quote!(#recorder.redacted(#name);),
            How::Skip => TokenStream::new(),
        }
    });
    quote!(#path { #(#patterns)* .. } => { #(#records)* })
}

fn mentions_parameter(field: &Field, item: &DeriveInput) -> bool {
    item.generics
        .type_params()
        .any(|parameter| mentions(field.kind.to_token_stream(), &parameter.ident))
}

fn mentions(tokens: TokenStream, ident: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(other) => other == *ident,
        TokenTree::Group(group) => mentions(group.stream(), ident),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// What a field of a type parameter must be able to do.
fn condition(field: &Field, runtime: &TokenStream) -> Option<syn::WherePredicate> {
    let kind = &field.kind;
    Some(match field.how {
        How::Value => syn::parse_quote!(#kind: #runtime::FieldValue),
        How::Display => syn::parse_quote!(#kind: ::core::fmt::Display),
        How::Debug => syn::parse_quote!(#kind: ::core::fmt::Debug),
        How::Nested => syn::parse_quote!(#kind: #runtime::TraceFields),
        How::Redact | How::Skip => return None,
    })
}

/// A value whose fields go on the span: `..order`, or `order = ..order` with their names behind `order.`.
pub(crate) struct Spread {
    prefix: String,
    value: Expr,
}

/// Takes the values to spread out of the tokens of `fields(…)`; the rest is for `tracing::span!`.
pub(crate) fn take_spread(fields: TokenStream, errors: &Errors) -> (TokenStream, Vec<Spread>) {
    if !has_spread(fields.clone()) {
        return (fields, Vec::new());
    }
    let parse = |input: ParseStream<'_>| {
        let (mut rest, mut spread) = (TokenStream::new(), Vec::new());
        while !input.is_empty() {
            if spreads(input) {
                spread.push(input.parse()?);
            } else {
                while !input.is_empty() && !input.peek(Token![,]) {
                    rest.extend([input.parse::<TokenTree>()?]);
                }
                rest.extend(quote!(,));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok((rest, spread))
    };
    parse.parse2(fields).unwrap_or_else(|error| {
        errors.keep(error);
        (TokenStream::new(), Vec::new())
    })
}

/// Whether two dots stand together anywhere outside of brackets.
fn has_spread(fields: TokenStream) -> bool {
    let mut after_dot = false;
    fields.into_iter().any(|token| {
        let is_dot = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '.');
        std::mem::replace(&mut after_dot, is_dot) && is_dot
    })
}

fn spreads(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    if !ahead.peek(Token![..]) && prefix(&ahead).is_err() {
        return false;
    }
    ahead.peek(Token![..])
}

/// `order =`, `shop.order =`
fn prefix(input: ParseStream<'_>) -> syn::Result<String> {
    let mut name = input.parse::<Ident>()?.to_string();
    while input.peek(Token![.]) {
        input.parse::<Token![.]>()?;
        name = format!("{name}.{}", input.parse::<Ident>()?);
    }
    input.parse::<Token![=]>()?;
    Ok(name)
}

impl Parse for Spread {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let prefix = if input.peek(Token![..]) {
            String::new()
        } else {
            prefix(input)?
        };
        let dots = input.parse::<Token![..]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            let problem = "`..` needs the value whose fields are recorded\n\nhelp: write `..order`";
            return Err(syn::Error::new(dots.span(), problem));
        }
        Ok(Self {
            prefix,
            value: input.parse()?,
        })
    }
}

impl Spread {
    /// A statement that records the fields on `span`.
    pub(crate) fn record(&self, runtime: &TokenStream, span: &TokenStream) -> TokenStream {
        let Self { prefix, value } = self;
        let place = value.span().resolved_at(Span::mixed_site());
        quote_spanned!(place=> #runtime::__private::record_fields(&#span, #prefix, &(#value));)
    }
}
