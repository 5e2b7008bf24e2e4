//! Numbers that are noted: each event carries which one it is, so that tests can count.

use std::borrow::Cow;

use otelgen::event_store::{Aggregate, BoxError, DomainEvent, EventSchema, Snapshot, StreamId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LedgerEvent {
    Noted { ledger: String, number: u64 },
    Closed { ledger: String },
}

impl DomainEvent for LedgerEvent {
    const SCHEMAS: &'static [EventSchema] = &[
        EventSchema {
            event_type: "noted",
            version: 2,
        },
        EventSchema {
            event_type: "closed",
            version: 1,
        },
    ];

    fn event_type(&self) -> &'static str {
        match self {
            Self::Noted { .. } => "noted",
            Self::Closed { .. } => "closed",
        }
    }

    fn aggregate_id(&self) -> Cow<'_, str> {
        match self {
            Self::Noted { ledger, .. } | Self::Closed { ledger } => Cow::Borrowed(ledger),
        }
    }

    fn upcast(
        _: &str,
        _: u32,
        mut payload: serde_json::Value,
    ) -> Result<serde_json::Value, BoxError> {
        let noted = payload
            .get_mut("Noted")
            .and_then(|noted| noted.as_object_mut())
            .ok_or("not noted")?;
        let number = noted.remove("n").ok_or("no n")?;
        noted.insert("number".into(), number);
        Ok(payload)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    pub sum: u64,
    pub count: u64,
    pub closed: bool,
}

impl Aggregate for Ledger {
    type Event = LedgerEvent;

    fn apply(&mut self, event: LedgerEvent) {
        match event {
            LedgerEvent::Noted { number, .. } => {
                self.sum += number;
                self.count += 1;
            }
            LedgerEvent::Closed { .. } => self.closed = true,
        }
    }
}

impl Snapshot for Ledger {
    const KIND: &'static str = "ledger";
    const SCHEMA_VERSION: u32 = 1;
}

pub fn ledger(id: impl ToString) -> StreamId {
    StreamId::new("ledger", id.to_string())
}

pub fn noted(stream: &StreamId, number: u64) -> LedgerEvent {
    LedgerEvent::Noted {
        ledger: stream.id().to_owned(),
        number,
    }
}
