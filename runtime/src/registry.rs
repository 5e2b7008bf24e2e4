//! Name → instance, one registry a pattern. Owned by the pattern that declares it; instances live as
//! long as somebody holds them, so a registry never keeps one alive.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use thiserror::Error;

use crate::breaker::BreakerConfigError;
use crate::pattern::PatternConfigError;

/// The instances of one pattern by name.
#[derive(Debug)]
pub(crate) struct Registry<T> {
    instances: Mutex<BTreeMap<&'static str, Weak<T>>>,
}

impl<T> Registry<T> {
    pub(crate) const fn new() -> Self {
        Self {
            instances: Mutex::new(BTreeMap::new()),
        }
    }

    /// The instance of that name, made if there is none.
    ///
    /// # Errors
    /// Hands back the instance that has the name but is not `same`, that is, of another configuration.
    pub(crate) fn find_or_make(
        &self,
        name: &'static str,
        same: impl FnOnce(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> Result<Arc<T>, Arc<T>> {
        let mut instances = self
            .instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(existing) = instances.get(name).and_then(Weak::upgrade) {
            return if same(&existing) {
                Ok(existing)
            } else {
                Err(existing)
            };
        }
        let made = Arc::new(make());
        instances.insert(name, Arc::downgrade(&made));
        Ok(made)
    }

    /// The instance of that name.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<T>> {
        let instances = self
            .instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        instances.get(name).and_then(Weak::upgrade)
    }

    /// Every living instance, by name.
    pub(crate) fn all(&self) -> Vec<Arc<T>> {
        let mut instances = self
            .instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        instances.retain(|_, instance| instance.strong_count() > 0);
        instances.values().filter_map(Weak::upgrade).collect()
    }
}

/// A configuration that an attribute asked for and could not have.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// Of a `#[traced_breaker]`.
    #[error(transparent)]
    Breaker(#[from] BreakerConfigError),
    /// Of another attribute.
    #[error(transparent)]
    Pattern(#[from] PatternConfigError),
}

static ERRORS: Mutex<Vec<ConfigurationError>> = Mutex::new(Vec::new());

/// Notes the error of an attribute, once, in the log and for [`configuration_errors`]. A function
/// cannot return it, since its error type is the user's.
pub(crate) fn report(error: impl Into<ConfigurationError>) {
    let error = error.into();
    let mut errors = ERRORS.lock().unwrap_or_else(PoisonError::into_inner);
    if errors.contains(&error) {
        return;
    }
    tracing::error!(
        name: "otelgen.configuration.error",
        target: "otelgen",
        "{error}"
    );
    errors.push(error);
}

/// The configuration errors of attributes found so far, each once.
///
/// An attribute reports its error at its first use, in the log too, and then works with what exists:
/// two functions that name one breaker with different settings share the first one's. Look here in a
/// test or a readiness check to make such an error fail.
#[must_use]
pub fn configuration_errors() -> Vec<ConfigurationError> {
    ERRORS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}
