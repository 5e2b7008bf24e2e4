//! The annotated function: what it is, how its body is deferred, and the item with another body.
//! The body is quoted once; `?` and `return` in it end the body, as they did before.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Expr, ExprAsync, FnArg, ItemFn, Pat, ReturnType, Stmt, Type};

use crate::error::Errors;

/// Where the code that is wrapped stands.
enum Shape {
    /// A plain function: the body is its block.
    Sync,
    /// `async fn`: the body is its block.
    Async,
    /// A function that ends in `async move { … }` or `Box::pin(async move { … })`: the body is that
    /// block. This is what `async_trait` leaves behind.
    AsyncTail,
}

/// The annotated function.
pub(crate) struct Function {
    item: ItemFn,
    shape: Shape,
    mentions_self: bool,
}

impl Function {
    pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let item: ItemFn = syn::parse2(tokens)?;
        let shape = if item.sig.asyncness.is_some() {
            Shape::Async
        } else if tail_async(&mut item.block.stmts.clone()).is_some() {
            Shape::AsyncTail
        } else {
            Shape::Sync
        };
        let mentions_self =
            item.sig.receiver().is_some() || mentions_self(item.sig.to_token_stream());
        Ok(Self {
            item,
            shape,
            mentions_self,
        })
    }

    /// What no attribute can work with.
    pub(crate) fn check(&self, attribute: &str, errors: &Errors) {
        if let Some(constness) = &self.item.sig.constness {
            errors.at(
                constness.span(),
                format_args!("`#[{attribute}]` cannot guard a `const fn`: it may run while compiling, where there is neither a clock nor telemetry"),
                "remove `const`, or call this function from a guarded one",
            );
        }
    }

    pub(crate) fn name(&self) -> String {
        let name = self.item.sig.ident.to_string();
        name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
    }

    pub(crate) fn ident_span(&self) -> Span {
        self.item.sig.ident.span()
    }

    /// Whether there is a return type other than `()`.
    pub(crate) fn returns_a_value(&self) -> bool {
        match &self.item.sig.output {
            ReturnType::Default => false,
            ReturnType::Type(_, output) => {
                !matches!(&**output, Type::Tuple(tuple) if tuple.elems.is_empty())
            }
        }
    }

    /// Whether the type that is returned is called `Result`, or something that ends so.
    pub(crate) fn returns_result(&self) -> bool {
        struct Output(Option<Type>);
        impl VisitMut for Output {
            fn visit_assoc_type_mut(&mut self, node: &mut syn::AssocType) {
                if node.ident == "Output" {
                    self.0.get_or_insert_with(|| node.ty.clone());
                }
                visit_mut::visit_assoc_type_mut(self, node);
            }
        }
        let ReturnType::Type(_, output) = &self.item.sig.output else {
            return false;
        };
        let mut output = (**output).clone();
        if matches!(self.shape, Shape::AsyncTail) {
            // What the future that is returned resolves to.
            let mut find = Output(None);
            find.visit_type_mut(&mut output);
            let Some(found) = find.0 else {
                return false;
            };
            output = found;
        }
        match &output {
            Type::Path(path) => path
                .path
                .segments
                .last()
                .is_some_and(|segment| segment.ident.to_string().ends_with("Result")),
            _ => false,
        }
    }

    pub(crate) fn is_async(&self) -> bool {
        matches!(self.shape, Shape::Async | Shape::AsyncTail)
    }

    pub(crate) fn attributes_mut(&mut self) -> &mut Vec<Attribute> {
        &mut self.item.attrs
    }

    /// Whether the function is known to belong to a type, so that `Self` may be written.
    pub(crate) fn has_self_type(&self) -> bool {
        self.mentions_self
    }

    /// `Some(type_name::<Self>)` or `None`, as tokens: what the default name is made of.
    pub(crate) fn self_type_name(&self) -> TokenStream {
        if self.has_self_type() {
            quote!(::core::option::Option::Some(::core::any::type_name::<Self>))
        } else {
            quote!(::core::option::Option::None)
        }
    }

    /// A statement that compiles only where `Self` is one type: a `static` in a default trait method or a
    /// generic impl would be shared by all of them. Traits tell by a missing impl; a constant pattern that
    /// would depend on a type parameter tells by its name. Lifetimes are no matter.
    pub(crate) fn concrete_self_check(
        &self,
        runtime: &TokenStream,
        attribute: Span,
    ) -> TokenStream {
        if !self.has_self_type() {
            return TokenStream::new();
        }
        let constant = quote_spanned! {attribute=>
            <Self as #runtime::__private::OneInstance>::A_GENERIC_IMPL_MUST_PASS_ITS_INSTANCE_AS_IN_BREAKER_EQUALS_SELF_DOT_BREAKER
        };
        quote_spanned! {Span::mixed_site()=>
            match true {
                #constant => {}
                _ => {}
            }
        }
    }

    /// The user's statements, with a hint of the return type that keeps inference and error messages
    /// as they were without the attribute.
    pub(crate) fn body(&self, runtime: &TokenStream) -> TokenStream {
        let mut statements = self.item.block.stmts.clone();
        match self.shape {
            Shape::Sync => quote!(#(#statements)*),
            Shape::Async => {
                let hint = self.return_type().map(|output| {
                    quote_spanned! {output.span()=>
                        if false {
                            return #runtime::__private::never::<#output>();
                        }
                    }
                });
                quote!(#hint #(#statements)*)
            }
            Shape::AsyncTail => tail_async(&mut statements)
                .map(|block| {
                    let inner = &block.block.stmts;
                    quote!(#(#inner)*)
                })
                .unwrap_or_default(),
        }
    }

    /// `code` to be run later, once: a future, or a closure.
    pub(crate) fn deferred(&self, code: &TokenStream) -> TokenStream {
        if self.is_async() {
            quote!(async move { #code })
        } else {
            let output = self.return_type().map(|output| quote!(-> #output));
            quote!(move || #output { #code })
        }
    }

    /// `code` of a blocking function to be run later, as often as needed. It borrows the arguments.
    pub(crate) fn repeatable(&self, code: &TokenStream) -> TokenStream {
        let output = self.return_type().map(|output| quote!(-> #output));
        quote!(|| #output { #code })
    }

    /// `.await` where the function is async.
    pub(crate) fn dot_await(&self) -> TokenStream {
        if self.is_async() {
            quote!(.await)
        } else {
            TokenStream::new()
        }
    }

    /// The arguments by name, for a call with the same ones.
    pub(crate) fn arguments(&self, for_what: &str, errors: &Errors) -> Vec<TokenStream> {
        self.item
            .sig
            .inputs
            .iter()
            .filter_map(|input| match input {
                FnArg::Receiver(receiver) => Some(receiver.self_token.to_token_stream()),
                FnArg::Typed(typed) => match &*typed.pat {
                    Pat::Ident(pattern) => Some(pattern.ident.to_token_stream()),
                    other => {
                        errors.at(
                            other.span(),
                            format_args!("`{for_what}` hands this argument on, so it needs a name"),
                            "name the argument, and take it apart with `let` in the body",
                        );
                        None
                    }
                },
            })
            .collect()
    }

    /// The return type, unless it cannot be written in a body (`impl Trait`).
    fn return_type(&self) -> Option<TokenStream> {
        if matches!(self.shape, Shape::AsyncTail) {
            return None;
        }
        match &self.item.sig.output {
            ReturnType::Default => Some(quote!(())),
            ReturnType::Type(_, output) if mentions_impl(output) => None,
            ReturnType::Type(_, output) => Some(output.to_token_stream()),
        }
    }

    /// The item as it was written (without our attributes), for when an argument is wrong.
    pub(crate) fn unchanged(&self) -> TokenStream {
        self.item.to_token_stream()
    }

    /// The item with `code` for its body.
    pub(crate) fn with_body(&self, code: TokenStream) -> TokenStream {
        let mut item = self.item.clone();
        match self.shape {
            Shape::Sync | Shape::Async => {
                let ItemFn {
                    attrs,
                    vis,
                    modifiers: _,
                    sig,
                    block: _,
                } = &item;
                let inner = attrs
                    .iter()
                    .filter(|attr| matches!(attr.style, syn::AttrStyle::Inner(_)));
                let outer = attrs
                    .iter()
                    .filter(|attr| matches!(attr.style, syn::AttrStyle::Outer));
                quote!(#(#outer)* #vis #sig { #(#inner)* #code })
            }
            Shape::AsyncTail => {
                if let Some(block) = tail_async(&mut item.block.stmts) {
                    block.block.stmts = vec![Stmt::Expr(Expr::Verbatim(code), None)];
                }
                item.to_token_stream()
            }
        }
    }
}

/// The `async move` block that a function's body ends in, bare or as the argument of `Box::pin`.
fn tail_async(statements: &mut [Stmt]) -> Option<&mut ExprAsync> {
    match statements.last_mut()? {
        Stmt::Expr(Expr::Async(block), None) if block.capture.is_some() => Some(block),
        Stmt::Expr(Expr::Call(call), None) => {
            let Expr::Path(callee) = &*call.func else {
                return None;
            };
            let mut segments = callee.path.segments.iter().rev();
            let is_box_pin = segments
                .next()
                .is_some_and(|segment| segment.ident == "pin")
                && segments
                    .next()
                    .is_some_and(|segment| segment.ident == "Box");
            match call.args.first_mut() {
                Some(Expr::Async(block)) if is_box_pin && block.capture.is_some() => Some(block),
                _ => None,
            }
        }
        _ => None,
    }
}

fn mentions_impl(output: &Type) -> bool {
    struct FindImpl(bool);
    impl VisitMut for FindImpl {
        fn visit_type_impl_trait_mut(&mut self, node: &mut syn::TypeImplTrait) {
            self.0 = true;
            visit_mut::visit_type_impl_trait_mut(self, node);
        }
    }
    let mut find = FindImpl(false);
    find.visit_type_mut(&mut output.clone());
    find.0
}

fn mentions_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        proc_macro2::TokenTree::Ident(ident) => ident == "Self",
        proc_macro2::TokenTree::Group(group) => mentions_self(group.stream()),
        _ => false,
    })
}
