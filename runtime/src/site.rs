//! Where an attribute stands: the function's path and the default name, found out once.

use std::sync::OnceLock;

use crate::intern::intern;

/// The place of an attribute; lives in a `static` of the annotated function.
#[derive(Debug)]
pub struct Site {
    module: &'static str,
    function: &'static str,
    name: Option<&'static str>,
    resolved: OnceLock<SiteNames>,
}

/// What the place is called.
#[derive(Clone, Copy, Debug)]
pub struct SiteNames {
    name: &'static str,
    function: &'static str,
}

impl Site {
    /// `module` is `module_path!()`.
    #[must_use]
    pub const fn new(
        module: &'static str,
        function: &'static str,
        name: Option<&'static str>,
    ) -> Self {
        Self {
            module,
            function,
            name,
            resolved: OnceLock::new(),
        }
    }

    /// The names; `self_type` is `type_name::<Self>` where there is a `Self`.
    #[inline]
    pub fn resolve(&self, self_type: Option<fn() -> &'static str>) -> &SiteNames {
        self.resolved
            .get_or_init(|| self.names(self_type.map(|name| name())))
    }

    fn names(&self, self_type: Option<&'static str>) -> SiteNames {
        // Type parameters are left out: the function is one, whatever they are.
        let owner = self_type
            .and_then(|path| path.split('<').next())
            .filter(|path| !path.is_empty())
            .unwrap_or(self.module);
        let function = intern(&format!("{owner}::{}", self.function));
        let name = self.name.unwrap_or_else(|| {
            let without_crate = function.split_once("::").map(|(_, path)| path);
            without_crate.unwrap_or(function)
        });
        SiteNames { name, function }
    }
}

impl SiteNames {
    /// The given name, or `module::Type::function` without the crate.
    #[inline]
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The function's full path, for `code.function.name`.
    #[inline]
    #[must_use]
    pub const fn function(&self) -> &'static str {
        self.function
    }
}

#[cfg(test)]
mod tests {
    use super::Site;

    #[test]
    fn a_name_that_is_given_wins_and_the_function_keeps_its_path() {
        let site = Site::new("shop::payments", "charge", Some("payments.charge"));
        let names = site.resolve(None);
        assert_eq!(names.name(), "payments.charge");
        assert_eq!(names.function(), "shop::payments::charge");
    }

    #[test]
    fn the_default_name_is_the_path_without_the_crate() {
        let free = Site::new("shop::payments", "charge", None);
        assert_eq!(free.resolve(None).name(), "payments::charge");
        let root = Site::new("shop", "charge", None);
        assert_eq!(root.resolve(None).name(), "charge");
        let method = Site::new("shop::payments", "charge", None);
        let names = method.resolve(Some(|| "shop::payments::Client<shop::Http>"));
        assert_eq!(names.name(), "payments::Client::charge");
    }
}
