//! The place of a `#[traced_producer]` or `#[traced_consumer]`.

use std::borrow::Cow;
use std::sync::OnceLock;

use tracing::Span;

use super::call::MessagingCall;
use super::operation::Operation;
use crate::intern::intern;
use crate::site::Site;

/// The place of the attribute.
#[derive(Debug)]
pub struct MessagingSite {
    site: Site,
    operation: Operation,
    span_name: OnceLock<&'static str>,
}

/// The place, and where the messages of one call go to or come from.
#[derive(Debug)]
pub struct MessagingTarget<'d> {
    operation: &'static Operation,
    function: &'static str,
    name: Cow<'static, str>,
    destination: Option<&'d str>,
}

impl MessagingSite {
    /// As [`Site::new`], with what is done there.
    #[must_use]
    pub const fn new(
        module: &'static str,
        function: &'static str,
        name: Option<&'static str>,
        operation: Operation,
    ) -> Self {
        Self {
            site: Site::new(module, function, name),
            operation,
            span_name: OnceLock::new(),
        }
    }

    /// The place with its own destination.
    pub fn resolve(
        &'static self,
        self_type: Option<fn() -> &'static str>,
    ) -> MessagingTarget<'static> {
        let destination = self.operation.destination;
        let name = self
            .span_name
            .get_or_init(|| intern(&self.operation.span_name(destination)));
        MessagingTarget {
            operation: &self.operation,
            function: self.site.resolve(self_type).function(),
            name: Cow::Borrowed(name),
            destination,
        }
    }

    /// The place with the destination of one call.
    pub fn resolve_to<'d>(
        &'static self,
        self_type: Option<fn() -> &'static str>,
        destination: &'d (impl AsRef<str> + ?Sized),
    ) -> MessagingTarget<'d> {
        let destination = Some(destination.as_ref());
        MessagingTarget {
            operation: &self.operation,
            function: self.site.resolve(self_type).function(),
            name: self.operation.span_name(destination),
            destination,
        }
    }
}

impl MessagingTarget<'_> {
    /// The span's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The function's full path, for `code.function.name`.
    #[must_use]
    pub const fn function(&self) -> &'static str {
        self.function
    }

    /// `messaging.destination.name`
    #[must_use]
    pub const fn destination(&self) -> Option<&str> {
        self.destination
    }

    /// Starts an operation.
    pub fn enter(&self, span: Span, metrics: bool) -> MessagingCall<'static> {
        MessagingCall::new(self.operation, span, metrics)
    }
}
