//! `#[derive(DomainEvent)]`, and `#[traced_event]` on a type: the names, versions, upcasts and aggregate ids of the
//! events a type can hold. Parse → model → check → expand.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Fields, Ident, Member, Meta, Path, Type};

use crate::attr::{Arguments, Located};
use crate::error::Errors;

const NAME: &str = "event";

/// One kind of event: a variant, or the struct.
struct Kind {
    /// `None` for a struct.
    variant: Option<Ident>,
    event_type: Located<String>,
    version: u32,
    upcast: Option<Path>,
    aggregate_id: Option<Field>,
}

/// The field that says which aggregate an event happened to.
struct Field {
    member: Member,
    is_string: bool,
}

/// What `#[event(…)]` says on the type.
struct Defaults {
    version: u32,
    upcast: Option<Path>,
    aggregate_id: Option<Located<String>>,
    rename: Option<Located<String>>,
    runtime: TokenStream,
}

/// Implements `DomainEvent` for an enum or a struct.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let item: DeriveInput = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.to_compile_error(),
    };
    let errors = Errors::default();
    let defaults = Defaults::parse(&item, &errors);
    let kinds = parse_kinds(&item, &defaults, &errors);
    check_names(&kinds, &errors);
    match errors.into_compile_errors() {
        Some(errors) => errors,
        None => expand(&item, &kinds, &defaults.runtime),
    }
}

/// `#[traced_event(…)]` on a type is the derive with its arguments at the type.
pub(crate) fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let runtime = runtime_path(&arguments);
    quote! {
        #[derive(#runtime::event_store::DomainEvent)]
        #[event(#arguments)]
        #item
    }
}

/// Whether an item is a type rather than a function.
pub(crate) fn is_type(item: &TokenStream) -> bool {
    syn::parse2::<DeriveInput>(item.clone()).is_ok()
}

fn runtime_path(arguments: &TokenStream) -> TokenStream {
    let unheard = Errors::default();
    let path = Arguments::parse(NAME, arguments.clone(), &unheard)
        .path("crate", "crate::reexports::otelgen");
    path.map_or_else(|| quote!(::otelgen), |path| quote!(#path))
}

impl Defaults {
    fn parse(item: &DeriveInput, errors: &Errors) -> Self {
        let mut arguments = Arguments::parse(NAME, event_arguments(&item.attrs, errors), errors);
        let runtime = arguments.path("crate", "crate::reexports::otelgen");
        let rename = arguments.text("rename", "\"account.opened\"");
        if let (Some(rename), Data::Enum(_)) = (&rename, &item.data) {
            errors.at(
                rename.span,
                "`rename` names one kind of event, and an enum holds several",
                "put `#[event(rename = \"…\")]` on the variants",
            );
        }
        let defaults = Self {
            version: version(&mut arguments).unwrap_or(1),
            upcast: arguments.path("upcast", "upcast_account_event"),
            aggregate_id: arguments.text("aggregate_id", "\"account\""),
            rename,
            runtime: runtime.map_or_else(|| quote!(::otelgen), |path| quote!(#path)),
        };
        arguments.finish();
        defaults
    }
}

fn version(arguments: &mut Arguments<'_>) -> Option<u32> {
    let version = arguments.integer("version", 1..=0x7fff_ffff, "from 1 to 2147483647", "2")?;
    u32::try_from(version.value).ok()
}

/// The arguments of all `#[event(…)]` attributes together.
fn event_arguments(attributes: &[Attribute], errors: &Errors) -> TokenStream {
    let mut all = TokenStream::new();
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident(NAME))
    {
        match &attribute.meta {
            Meta::List(list) if list.tokens.is_empty() => {}
            Meta::List(list) => {
                let tokens = &list.tokens;
                all = if all.is_empty() {
                    tokens.clone()
                } else {
                    quote!(#all, #tokens)
                };
            }
            Meta::Path(_) | Meta::NameValue(_) => errors.at(
                attribute.span(),
                "`#[event]` takes its parameters in parentheses",
                "write `#[event(rename = \"…\")]`",
            ),
        }
    }
    all
}

fn parse_kinds(item: &DeriveInput, defaults: &Defaults, errors: &Errors) -> Vec<Kind> {
    match &item.data {
        Data::Struct(data) => {
            let name = defaults.rename.as_ref().map_or_else(
                || Located {
                    value: item.ident.to_string(),
                    span: item.ident.span(),
                },
                |rename| Located {
                    value: rename.value.clone(),
                    span: rename.span,
                },
            );
            let aggregate_id = aggregate_id(&item.ident, &data.fields, defaults, errors);
            vec![Kind {
                variant: None,
                event_type: name,
                version: defaults.version,
                upcast: defaults.upcast.clone(),
                aggregate_id,
            }]
        }
        Data::Enum(data) => {
            if data.variants.is_empty() {
                errors.at(
                    item.ident.span(),
                    "an enum without variants holds no event",
                    "add a variant for each kind of event",
                );
            }
            data.variants
                .iter()
                .map(|variant| parse_variant(variant, defaults, errors))
                .collect()
        }
        Data::Union(_) => {
            errors.at(
                item.ident.span(),
                "a union cannot be a domain event",
                "use an enum or a struct",
            );
            Vec::new()
        }
    }
}

fn parse_variant(variant: &syn::Variant, defaults: &Defaults, errors: &Errors) -> Kind {
    let mut arguments = Arguments::parse(NAME, event_arguments(&variant.attrs, errors), errors);
    let rename = arguments.text("rename", "\"account.opened\"");
    let version = version(&mut arguments).unwrap_or(defaults.version);
    let upcast = arguments
        .path("upcast", "upcast_account_opened")
        .or_else(|| defaults.upcast.clone());
    arguments.finish();
    let ident = variant.ident.to_string();
    let ident = ident
        .strip_prefix("r#")
        .map_or(ident.clone(), str::to_owned);
    Kind {
        variant: Some(variant.ident.clone()),
        event_type: rename.unwrap_or(Located {
            value: ident,
            span: variant.ident.span(),
        }),
        version,
        upcast,
        aggregate_id: aggregate_id(&variant.ident, &variant.fields, defaults, errors),
    }
}

/// The marked field, or the one the type names, or `aggregate_id`, or `id`.
fn aggregate_id(
    owner: &Ident,
    fields: &Fields,
    defaults: &Defaults,
    errors: &Errors,
) -> Option<Field> {
    let mut marked = None;
    for (member, field) in fields.members().zip(fields) {
        let mut arguments = Arguments::parse(NAME, event_arguments(&field.attrs, errors), errors);
        let mark = arguments.flag("aggregate_id").unwrap_or(false);
        arguments.finish();
        if mark && marked.is_some() {
            errors.at(
                field.span(),
                "two fields are marked as the aggregate id",
                "mark one of them",
            );
        }
        if mark {
            marked = Some((member, field));
        }
    }
    let called = |name: &str| {
        fields
            .members()
            .zip(fields)
            .find(|(_, field)| field.ident.as_ref().is_some_and(|ident| ident == name))
    };
    let found = match (marked, &defaults.aggregate_id) {
        (Some(marked), _) => Some(marked),
        (None, Some(named)) => called(&named.value),
        (None, None) => called("aggregate_id").or_else(|| called("id")),
    };
    if found.is_none() {
        errors.at(
            owner.span(),
            format_args!("`{owner}` does not say which aggregate it happened to"),
            "mark a field with `#[event(aggregate_id)]`, or call it `aggregate_id` or `id`",
        );
    }
    found.map(|(member, field)| Field {
        member,
        is_string: is_string(&field.ty),
    })
}

/// `String` by any of its paths; another type of that name would still have to dereference to `str`.
fn is_string(field: &Type) -> bool {
    match field {
        Type::Path(path) if path.qself.is_none() => path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "String" && last.arguments.is_empty()),
        _ => false,
    }
}

fn check_names(kinds: &[Kind], errors: &Errors) {
    for (index, kind) in kinds.iter().enumerate() {
        let name = &kind.event_type.value;
        if kinds
            .iter()
            .take(index)
            .any(|earlier| earlier.event_type.value == *name)
        {
            errors.at(
                kind.event_type.span,
                format_args!("two kinds of event are called `{name}`"),
                "rename one: stored events are told apart by this name",
            );
        }
        if name.len() > 255 || name.contains('\0') {
            errors.at(
                kind.event_type.span,
                "an event type has at most 255 bytes and no NUL",
                "shorten the name",
            );
        }
    }
}

fn expand(item: &DeriveInput, kinds: &[Kind], runtime: &TokenStream) -> TokenStream {
    let ident = &item.ident;
    let (generics, arguments, conditions) = item.generics.split_for_impl();
    let schemas = kinds.iter().map(|kind| {
        let (event_type, version) = (&kind.event_type.value, kind.version);
        quote!(#runtime::event_store::EventSchema { event_type: #event_type, version: #version })
    });
    let event_types = kinds.iter().map(|kind| {
        let pattern = pattern(kind, None);
        let event_type = &kind.event_type.value;
        quote!(#pattern => #event_type)
    });
    let id = Ident::new("id", Span::mixed_site());
    let ids = kinds.iter().map(|kind| {
        let pattern = pattern(kind, Some(&id));
        let value = match &kind.aggregate_id {
            Some(field) if field.is_string => quote!(::std::borrow::Cow::Borrowed(#id)),
            _ => quote!(::std::borrow::Cow::Owned(::std::string::ToString::to_string(#id))),
        };
        quote!(#pattern => #value)
    });
    let upcast = upcast(kinds, runtime);
    quote! {
        #[automatically_derived]
        impl #generics #runtime::event_store::DomainEvent for #ident #arguments #conditions {
            const SCHEMAS: &'static [#runtime::event_store::EventSchema] = &[#(#schemas),*];

            fn event_type(&self) -> &'static str {
                match self {
                    #(#event_types),*
                }
            }

            fn aggregate_id(&self) -> ::std::borrow::Cow<'_, str> {
                match self {
                    #(#ids),*
                }
            }

            #upcast
        }
    }
}

/// Matches the kind of event, and binds its aggregate id if a name is given.
fn pattern(kind: &Kind, id: Option<&Ident>) -> TokenStream {
    let path = match &kind.variant {
        Some(variant) => quote!(Self::#variant),
        None => quote!(Self),
    };
    match (id, &kind.aggregate_id) {
        (Some(id), Some(field)) => {
            let member = &field.member;
            quote!(#path { #member: #id, .. })
        }
        _ => quote!(#path { .. }),
    }
}

fn upcast(kinds: &[Kind], runtime: &TokenStream) -> TokenStream {
    let here = Span::mixed_site();
    let [event_type, version, payload] =
        ["event_type", "version", "payload"].map(|name| Ident::new(name, here));
    let mut arms = kinds
        .iter()
        .filter_map(|kind| {
            let (path, name) = (kind.upcast.as_ref()?, &kind.event_type.value);
            Some(quote! {
                #name => ::core::result::Result::map_err(#path(#version, #payload), ::core::convert::Into::into)
            })
        })
        .peekable();
    if arms.peek().is_none() {
        return TokenStream::new();
    }
    quote! {
        fn upcast(
            #event_type: &str,
            #version: u32,
            #payload: #runtime::event_store::Value,
        ) -> ::core::result::Result<#runtime::event_store::Value, #runtime::event_store::BoxError> {
            match #event_type {
                #(#arms,)*
                _ => ::core::result::Result::Ok(#payload),
            }
        }
    }
}
