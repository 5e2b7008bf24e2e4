//! The event store on PostgreSQL 13 or later.
//! Knows the statements; the tables are in `migrations/postgres`.

mod append;
mod statements;

use std::time::Duration;

use append::insert;
use async_trait::async_trait;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::{Connection, Postgres, Row, Transaction};
use tokio::sync::watch;

use super::projection::ProjectionStore;
use super::record::{from_column, to_column};
use super::sql::{classify, is_version_taken, migrator, recorded_event};
use super::store::validate;
use super::{
    Appended, EventStore, EventStoreError, Expected, NewEvent, Position, RecordedEvent,
    SnapshotRecord, StreamId, memory::repeated_or_conflict,
};

const MIGRATIONS: [(i64, &str, &str); 1] = [(
    1,
    "event store",
    include_str!("migrations/postgres/0001_event_store.sql"),
)];

/// How often an append at whatever end is tried again when other writers are faster.
const ANY_ATTEMPTS: usize = 16;

/// A connection that was idle for longer is tried before it is used; others are used without a round trip.
const TRUSTED_IDLE: Duration = Duration::from_secs(5);

/// Keeps events in PostgreSQL.
///
/// An append is one statement and one round trip whatever the number of events; the database's unique constraint
/// on stream and version finds the conflicts. (sqlx's pool tests a connection when it is given back, in the
/// background; nobody waits for that.) Clones share the connection pool.
///
/// ```no_run
/// use otelgen::event_store::{EventStoreError, PostgresEventStore};
///
/// # async fn start() -> Result<(), EventStoreError> {
/// let store = PostgresEventStore::connect("postgres://shop@localhost/shop")?;
/// store.migrate().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct PostgresEventStore {
    pool: PgPool,
    appends: watch::Sender<u64>,
}

impl PostgresEventStore {
    /// A store on a pool that the program already has. Needs [`migrate`](Self::migrate) once per database.
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            appends: watch::Sender::new(0),
        }
    }

    /// A store on a pool of its own, of up to ten connections. Connects when it is first used, so a service can
    /// start before its database.
    ///
    /// # Errors
    /// [`EventStoreError::Storage`] when the URL cannot be read; it does not repeat the URL.
    pub fn connect(url: &str) -> Result<Self, EventStoreError> {
        let options = PgPoolOptions::new()
            .max_connections(10)
            .acquire_timeout(Duration::from_secs(5))
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    Ok(meta.idle_for < TRUSTED_IDLE || connection.ping().await.is_ok())
                })
            });
        Ok(Self::new(options.connect_lazy(url).map_err(classify)?))
    }

    /// The pool, for read models and transactions of the program.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Brings the store's tables to this version, in the first schema of the search path. Safe to call from
    /// several processes at once, and again at every start.
    ///
    /// # Errors
    /// [`EventStoreError::Migration`], [`EventStoreError::Unavailable`]; [`EventStoreError::RestoredElsewhere`]
    /// when the events came from another cluster.
    pub async fn migrate(&self) -> Result<(), EventStoreError> {
        use sqlx::migrate::MigrateError;
        migrator(&MIGRATIONS)
            .run(&self.pool)
            .await
            .map_err(|error| match error {
                MigrateError::Execute(error) => migration_failure(error),
                error => EventStoreError::Migration {
                    source: error.into(),
                },
            })?;
        let restored: bool = sqlx::query_scalar(statements::IS_RESTORED)
            .fetch_one(&self.pool)
            .await
            .map_err(classify)?;
        if restored {
            Err(EventStoreError::RestoredElsewhere)
        } else {
            Ok(())
        }
    }

    /// Numbers the events anew, in their order, after the tables were restored from a dump into another cluster
    /// (`pg_upgrade` keeps transaction ids and needs nothing). Checkpoints of projections move along. Blocks
    /// readers and writers while it runs.
    ///
    /// # Errors
    /// What the database says; then nothing has changed.
    pub async fn adopt_restored_events(&self) -> Result<(), EventStoreError> {
        let mut transaction = self.pool.begin().await.map_err(classify)?;
        for statement in statements::ADOPT_RESTORED {
            sqlx::query(statement)
                .execute(&mut *transaction)
                .await
                .map_err(classify)?;
        }
        transaction.commit().await.map_err(classify)
    }

    /// Appends events within a transaction of the program, together with whatever else it writes.
    ///
    /// After a conflict the transaction is of no use any more: roll it back, load again, retry. A transaction
    /// that began writing before the stream's last event was written gets a conflict too, since subscribers
    /// could otherwise see the stream out of order.
    ///
    /// # Errors
    /// Those of [`EventStore::save_events`].
    pub async fn save_events_in(
        &self,
        connection: &mut PgConnection,
        stream: &StreamId,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Appended, EventStoreError> {
        validate(stream, events)?;
        if events.is_empty() {
            return self.nothing_to_append(stream).await;
        }
        match insert(connection, stream, expected, events).await {
            Ok(Some(appended)) => Ok(appended),
            Ok(None) => self.explain_failed_append(stream, expected, events).await,
            Err(error) if is_version_taken(&error) => {
                self.explain_failed_append(stream, expected, events).await
            }
            Err(error) => Err(classify(error)),
        }
    }

    async fn append_at_end(
        &self,
        stream: &StreamId,
        events: &[NewEvent],
    ) -> Result<Appended, EventStoreError> {
        let mut connection = self.pool.acquire().await.map_err(classify)?;
        for _ in 0..ANY_ATTEMPTS {
            match insert(&mut connection, stream, Expected::Any, events).await {
                Ok(Some(appended)) => return Ok(appended),
                Ok(None) => {}
                Err(error) if is_version_taken(&error) => {}
                Err(error) => return Err(classify(error)),
            }
        }
        drop(connection);
        let actual = self.stream_version(stream).await?;
        Err(EventStoreError::Conflict {
            stream: stream.clone(),
            expected: Expected::Any,
            actual,
        })
    }

    async fn nothing_to_append(&self, stream: &StreamId) -> Result<Appended, EventStoreError> {
        let version = self.stream_version(stream).await?;
        Ok(Appended {
            version,
            position: Position::START,
            repeated: false,
        })
    }

    /// Off the straight path: looks at what is there, to tell a repeated save from a conflict.
    async fn explain_failed_append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Appended, EventStoreError> {
        let actual = self.stream_version(stream).await?;
        let Some(after) = expected.version() else {
            return Err(EventStoreError::Conflict {
                stream: stream.clone(),
                expected,
                actual,
            });
        };
        let present = self.load_events(stream, after, events.len()).await?;
        let present = present
            .iter()
            .map(|event| (&event.event_id, event.version, event.position));
        repeated_or_conflict(stream, expected, actual, events, present)
    }
}

/// `SQLSTATE`s of a database that is not there must not read as faults of the migration.
fn migration_failure(error: sqlx::Error) -> EventStoreError {
    match classify(error) {
        EventStoreError::Storage { source } => EventStoreError::Migration { source },
        error => error,
    }
}

fn read_rows(rows: &[PgRow]) -> Result<Vec<RecordedEvent>, EventStoreError> {
    let read = |row: &PgRow| -> Result<RecordedEvent, sqlx::Error> { Ok(recorded_event!(row)) };
    rows.iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(classify)
}

fn limit_column(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[async_trait]
impl EventStore for PostgresEventStore {
    fn system(&self) -> &'static str {
        "postgresql"
    }

    async fn save_events(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Appended, EventStoreError> {
        let appended = if expected == Expected::Any && !events.is_empty() {
            validate(stream, events)?;
            self.append_at_end(stream, events).await?
        } else {
            let mut connection = self.pool.acquire().await.map_err(classify)?;
            self.save_events_in(&mut connection, stream, expected, events)
                .await?
        };
        self.appends.send_modify(|count| *count += 1);
        Ok(appended)
    }

    async fn load_events(
        &self,
        stream: &StreamId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, EventStoreError> {
        stream.validate()?;
        let rows = sqlx::query(statements::LOAD_STREAM)
            .bind(stream.tenant())
            .bind(stream.stream_type())
            .bind(stream.id())
            .bind(to_column(after))
            .bind(limit_column(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(classify)?;
        read_rows(&rows)
    }

    async fn stream_version(&self, stream: &StreamId) -> Result<u64, EventStoreError> {
        stream.validate()?;
        let version: i64 = sqlx::query_scalar(statements::STREAM_VERSION)
            .bind(stream.tenant())
            .bind(stream.stream_type())
            .bind(stream.id())
            .fetch_one(&self.pool)
            .await
            .map_err(classify)?;
        Ok(from_column(version))
    }

    async fn read_all(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, EventStoreError> {
        let rows = sqlx::query(statements::READ_ALL)
            .bind(after.transaction().to_string())
            .bind(to_column(after.sequence()))
            .bind(limit_column(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(classify)?;
        read_rows(&rows)
    }

    async fn head(&self) -> Result<Position, EventStoreError> {
        let head: Option<(i64, i64)> = sqlx::query_as(statements::HEAD)
            .fetch_optional(&self.pool)
            .await
            .map_err(classify)?;
        Ok(head.map_or(Position::START, position))
    }

    async fn save_snapshot(
        &self,
        stream: &StreamId,
        snapshot: &SnapshotRecord,
    ) -> Result<(), EventStoreError> {
        stream.validate()?;
        sqlx::query(statements::SAVE_SNAPSHOT)
            .bind(stream.tenant())
            .bind(stream.stream_type())
            .bind(stream.id())
            .bind(&snapshot.kind)
            .bind(i64::from(snapshot.schema_version))
            .bind(to_column(snapshot.version))
            .bind(&snapshot.state)
            .execute(&self.pool)
            .await
            .map_err(classify)?;
        Ok(())
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        kind: &str,
    ) -> Result<Option<SnapshotRecord>, EventStoreError> {
        stream.validate()?;
        let row: Option<(i64, i64, String)> = sqlx::query_as(statements::LOAD_SNAPSHOT)
            .bind(stream.tenant())
            .bind(stream.stream_type())
            .bind(stream.id())
            .bind(kind)
            .fetch_optional(&self.pool)
            .await
            .map_err(classify)?;
        Ok(row.map(|(schema_version, version, state)| SnapshotRecord {
            kind: kind.to_owned(),
            schema_version: u32::try_from(schema_version).unwrap_or(u32::MAX),
            version: from_column(version),
            state,
        }))
    }

    async fn load_checkpoint(&self, projection: &str) -> Result<Position, EventStoreError> {
        let checkpoint: Option<(i64, i64)> = sqlx::query_as(statements::LOAD_CHECKPOINT)
            .bind(projection)
            .fetch_optional(&self.pool)
            .await
            .map_err(classify)?;
        Ok(checkpoint.map_or(Position::START, position))
    }

    async fn move_checkpoint(
        &self,
        projection: &str,
        from: Position,
        to: Position,
    ) -> Result<(), EventStoreError> {
        let mut connection = self.pool.acquire().await.map_err(classify)?;
        move_checkpoint(&mut connection, projection, from, to).await
    }

    fn appends(&self) -> Option<watch::Receiver<u64>> {
        Some(self.appends.subscribe())
    }
}

fn position((transaction, sequence): (i64, i64)) -> Position {
    Position::new(from_column(transaction), from_column(sequence))
}

async fn move_checkpoint(
    connection: &mut PgConnection,
    projection: &str,
    from: Position,
    to: Position,
) -> Result<(), EventStoreError> {
    let statement = if from == Position::START {
        statements::START_CHECKPOINT
    } else {
        statements::MOVE_CHECKPOINT
    };
    let moved = sqlx::query(statement)
        .bind(projection)
        .bind(from.transaction().to_string())
        .bind(to_column(from.sequence()))
        .bind(to.transaction().to_string())
        .bind(to_column(to.sequence()))
        .execute(connection)
        .await
        .map_err(classify)?;
    if moved.rows_affected() == 1 {
        Ok(())
    } else {
        Err(EventStoreError::CheckpointMoved {
            projection: projection.to_owned(),
        })
    }
}

#[async_trait]
impl ProjectionStore for PostgresEventStore {
    type Transaction = Transaction<'static, Postgres>;

    async fn begin(&self) -> Result<Self::Transaction, EventStoreError> {
        self.pool.begin().await.map_err(classify)
    }

    async fn commit(
        &self,
        mut transaction: Self::Transaction,
        projection: &str,
        from: Position,
        to: Position,
    ) -> Result<(), EventStoreError> {
        move_checkpoint(&mut transaction, projection, from, to).await?;
        transaction.commit().await.map_err(classify)
    }
}
