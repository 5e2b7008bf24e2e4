//! Events as the source of truth: streams with optimistic concurrency, snapshots, upcasting, projections.
//!
//! | part | what it is |
//! |---|---|
//! | [`DomainEvent`] | a serde type that is an event |
//! | [`EventStore`], [`EventStoreExt`] | the contract, and the typed calls on top of it |
//! | [`MemoryEventStore`], `SqliteEventStore`, `PostgresEventStore` | the stores (features `event-store-sqlite`, `event-store-postgres`) |
//! | [`TracedEventStore`] | spans and `otelgen.event_store.*` metrics around any of them |
//! | [`Aggregate`], [`Snapshot`], [`Command`] | states made of events, and decisions on them |
//! | [`Subscription`] | every committed event, in order, never one skipped |
//! | [`Projection`], [`ProjectionRunner`] | read models with checkpoints, exactly once where store and model share a database |
//! | [`Tenant`] | a view of a store that is confined to one tenant |
//!
//! Delivery: an append is acknowledged when the database has it on disk. Saving the same [`NewEvent`]s again
//! after a lost answer is recognised by their ids. The idea of ordering by transaction id up to the oldest
//! running transaction is known from Marten and from PostgreSQL's own documentation of snapshots.

mod aggregate;
mod command;
mod error;
mod event;
mod memory;
pub mod names;
mod projection;
mod record;
mod runner;
mod store;
mod stream;
mod subscription;
mod telemetry;
mod tenant;
mod traced;
mod typed;

#[cfg(feature = "event-store-postgres")]
mod postgres;
#[cfg(any(feature = "event-store-sqlite", feature = "event-store-postgres"))]
mod sql;
#[cfg(feature = "event-store-sqlite")]
mod sqlite;

pub use aggregate::{Aggregate, Loaded, Snapshot};
pub use command::{Command, FromSnapshot, Loading, WholeStream};
pub use error::{BoxError, DecodeError, EventStoreError};
pub use event::{DomainEvent, EventSchema, Events, decode};
pub use memory::MemoryEventStore;
#[cfg(feature = "event-store-postgres")]
pub use postgres::PostgresEventStore;
pub use projection::{AtLeastOnce, Projection, ProjectionStore};
pub use record::{
    Appended, CAUSATION_ID, CORRELATION_ID, Metadata, NewEvent, RecordedEvent, SnapshotRecord,
    TRACEPARENT,
};
pub use runner::ProjectionRunner;
#[cfg(feature = "event-store-sqlite")]
pub use sqlite::SqliteEventStore;
pub use store::EventStore;
pub use stream::{Expected, InvalidPosition, Position, StreamId};
pub use subscription::{Filter, Subscription};
pub use tenant::Tenant;
pub use traced::TracedEventStore;
pub use typed::EventStoreExt;

#[doc = include_str!("../docs/domain_event.md")]
pub use otelgen_macros::DomainEvent;
/// JSON, as upcasts see it.
pub use serde_json::Value;

/// The version of sqlx that the stores' pools and transactions belong to.
#[cfg(any(feature = "event-store-sqlite", feature = "event-store-postgres"))]
pub use sqlx;
