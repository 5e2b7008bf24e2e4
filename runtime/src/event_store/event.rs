//! What an event is to a program: a serde type with a name and a schema version, read through its upcasts.
//! Knows nothing of streams and stores.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{BoxError, DecodeError};

/// One kind of event a type can hold, and the version of its payload that the program writes today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSchema {
    /// The name under which it is stored; never changes once events exist.
    pub event_type: &'static str,
    /// Grows by one with every change of the payload that old payloads do not fit.
    pub version: u32,
}

/// Something that happened in the domain, as a type: usually an enum with a variant per kind of event.
///
/// `#[derive(DomainEvent)]` and `#[traced_event]` write the implementation; by hand it is short:
///
/// ```
/// use std::borrow::Cow;
/// use otelgen::event_store::{DomainEvent, EventSchema};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Deposited { account: String, amount: u64 }
///
/// impl DomainEvent for Deposited {
///     const SCHEMAS: &'static [EventSchema] = &[EventSchema { event_type: "Deposited", version: 1 }];
///     fn event_type(&self) -> &'static str { "Deposited" }
///     fn aggregate_id(&self) -> Cow<'_, str> { Cow::Borrowed(&self.account) }
/// }
///
/// let event = Deposited { account: "42".into(), amount: 5 };
/// assert_eq!(event.event_version(), 1);
/// ```
pub trait DomainEvent: Serialize + DeserializeOwned + Send + Sync {
    /// Every kind of event the type can hold.
    const SCHEMAS: &'static [EventSchema];

    /// The name under which this event is stored.
    fn event_type(&self) -> &'static str;

    /// Which aggregate it happened to.
    fn aggregate_id(&self) -> Cow<'_, str>;

    /// The schema version of its payload; by default the one [`SCHEMAS`](Self::SCHEMAS) gives its type.
    fn event_version(&self) -> u32 {
        known_version::<Self>(self.event_type()).unwrap_or(1)
    }

    /// Turns a payload written with an older `version` into today's; called only for older versions.
    ///
    /// # Errors
    /// Whatever makes the payload unusable; reading fails with [`DecodeError::Upcast`].
    fn upcast(event_type: &str, version: u32, payload: Value) -> Result<Value, BoxError> {
        let _ = (event_type, version);
        Ok(payload)
    }
}

/// Reads a stored payload as an event, through [`DomainEvent::upcast`] when an older program wrote it.
///
/// # Errors
/// [`DecodeError`]: an unknown type, a newer version, an upcast or a payload that does not fit.
pub fn decode<E: DomainEvent>(
    event_type: &str,
    version: u32,
    payload: &str,
) -> Result<E, DecodeError> {
    let Some(known) = known_version::<E>(event_type) else {
        return Err(DecodeError::Unknown {
            event_type: event_type.to_owned(),
        });
    };
    if version > known {
        return Err(DecodeError::Newer {
            event_type: event_type.to_owned(),
            found: version,
            known,
        });
    }
    let misfit = |source| DecodeError::Payload {
        event_type: event_type.to_owned(),
        found: version,
        source,
    };
    if version == known {
        return serde_json::from_str(payload).map_err(misfit);
    }
    let old: Value = serde_json::from_str(payload).map_err(misfit)?;
    let upcast = E::upcast(event_type, version, old);
    let current = upcast.map_err(|source| DecodeError::Upcast {
        event_type: event_type.to_owned(),
        found: version,
        source,
    })?;
    serde_json::from_value(current).map_err(misfit)
}

fn known_version<E: DomainEvent>(event_type: &str) -> Option<u32> {
    E::SCHEMAS
        .iter()
        .find(|schema| schema.event_type == event_type)
        .map(|schema| schema.version)
}

/// What a command handler may return as the events it decided on: one, none or several.
pub trait Events: Send + Sync {
    /// The type of the events.
    type Event: DomainEvent;

    /// The events, in the order in which they are appended.
    fn as_events(&self) -> &[Self::Event];
}

impl<E: DomainEvent> Events for E {
    type Event = E;

    fn as_events(&self) -> &[E] {
        std::slice::from_ref(self)
    }
}

impl<E: DomainEvent> Events for Vec<E> {
    type Event = E;

    fn as_events(&self) -> &[E] {
        self
    }
}

impl<E: DomainEvent> Events for Option<E> {
    type Event = E;

    fn as_events(&self) -> &[E] {
        self.as_slice()
    }
}

impl<E: DomainEvent, const N: usize> Events for [E; N] {
    type Event = E;

    fn as_events(&self) -> &[E] {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Renamed {
        id: String,
        full_name: String,
    }

    impl DomainEvent for Renamed {
        const SCHEMAS: &'static [EventSchema] = &[EventSchema {
            event_type: "renamed",
            version: 3,
        }];

        fn event_type(&self) -> &'static str {
            "renamed"
        }

        fn aggregate_id(&self) -> Cow<'_, str> {
            Cow::Borrowed(&self.id)
        }

        fn upcast(_: &str, version: u32, mut payload: Value) -> Result<Value, BoxError> {
            let fields = payload.as_object_mut().ok_or("not an object")?;
            if version == 1 {
                let name = fields.remove("name").ok_or("no name")?;
                fields.insert("full_name".into(), name);
            }
            Ok(payload)
        }
    }

    #[test]
    fn an_old_payload_is_upcast_before_it_is_read() {
        let event: Renamed = decode("renamed", 1, r#"{"id":"7","name":"Ada"}"#).expect("upcast");
        assert_eq!(
            event,
            Renamed {
                id: "7".into(),
                full_name: "Ada".into()
            }
        );
    }

    #[test]
    fn a_failing_upcast_names_the_event_and_its_version() {
        let error = decode::<Renamed>("renamed", 1, r#"{"id":"7"}"#).expect_err("no name");
        assert!(
            matches!(error, DecodeError::Upcast { found: 1, .. }),
            "{error:?}"
        );
    }

    #[test]
    fn an_event_of_a_newer_program_is_refused_rather_than_misread() {
        let error = decode::<Renamed>("renamed", 4, "{}").expect_err("newer");
        assert!(
            matches!(
                error,
                DecodeError::Newer {
                    found: 4,
                    known: 3,
                    ..
                }
            ),
            "{error:?}"
        );
    }

    #[test]
    fn an_unknown_event_is_told_apart_from_a_broken_one() {
        let unknown = decode::<Renamed>("deleted", 1, "{}").expect_err("unknown");
        assert!(
            matches!(unknown, DecodeError::Unknown { .. }),
            "{unknown:?}"
        );
        let broken = decode::<Renamed>("renamed", 3, "{}").expect_err("broken");
        assert!(matches!(broken, DecodeError::Payload { .. }), "{broken:?}");
    }
}
