//! Where an attribute's instance comes from: a static of the function, or an expression that lends one.

use proc_macro2::TokenStream;
use quote::quote;

use crate::common::Common;
use crate::function::Function;

impl Common {
    /// Statements that bind `site` and `instance`: a static of this function finds `pattern`, a type of
    /// the runtime, by its name and `config`.
    pub(crate) fn pattern_site(
        &self,
        function: &Function,
        site: &TokenStream,
        instance: &TokenStream,
        pattern: &TokenStream,
        config: &TokenStream,
    ) -> TokenStream {
        let runtime = &self.runtime;
        let name = self.name_option();
        let ident = function.name();
        let self_type = function.self_type_name();
        quote! {
            let #site = {
                static SITE: #runtime::__private::PatternSite<#runtime::#pattern> =
                    #runtime::__private::PatternSite::new(
                        ::core::module_path!(), #ident, #name, #config,
                    );
                SITE.resolve(#self_type)
            };
            let #instance = #site.pattern();
        }
    }

    /// Statements that bind `site` alone.
    pub(crate) fn plain_site(&self, function: &Function, site: &TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        let name = self.name_option();
        let ident = function.name();
        let self_type = function.self_type_name();
        quote! {
            let #site = {
                static SITE: #runtime::__private::Site = #runtime::__private::Site::new(
                    ::core::module_path!(), #ident, #name,
                );
                SITE.resolve(#self_type)
            };
        }
    }

    /// Statements that bind `site`, and `instance` to what `expression` lends.
    pub(crate) fn shared_site(
        &self,
        function: &Function,
        site: &TokenStream,
        instance: &TokenStream,
        lend: &TokenStream,
        expression: &syn::Expr,
    ) -> TokenStream {
        let runtime = &self.runtime;
        let place = self.plain_site(function, site);
        quote! {
            #place
            let #instance = #runtime::__private::#lend(&(#expression));
        }
    }
}
