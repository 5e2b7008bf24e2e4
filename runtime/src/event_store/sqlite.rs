//! The event store on SQLite, embedded in the program.
//! Knows the statements; the tables are in `migrations/sqlite`.

mod append;
mod statements;

use std::path::Path;
use std::time::Duration;

use append::insert;
use async_trait::async_trait;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{Row, Sqlite, Transaction};
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
    include_str!("migrations/sqlite/0001_event_store.sql"),
)];

/// Keeps events in a SQLite file. One process, or several on one machine; an acknowledged append is on the disk.
///
/// Writes go through one connection, reads through others beside it (write-ahead log). Clones share both.
///
/// ```
/// use otelgen::event_store::{EventStore, EventStoreError, SqliteEventStore, StreamId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), EventStoreError> {
/// let store = SqliteEventStore::in_memory().await?;
/// assert_eq!(store.stream_version(&StreamId::new("account", "42")).await?, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct SqliteEventStore {
    writer: SqlitePool,
    readers: SqlitePool,
    appends: watch::Sender<u64>,
}

impl SqliteEventStore {
    /// Opens a file, creates it if there is none, and brings its tables to this version.
    ///
    /// # Errors
    /// [`EventStoreError::Unavailable`] when the file cannot be opened; [`EventStoreError::Migration`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, EventStoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let writer = pool(1)
            .connect_with(options.clone())
            .await
            .map_err(classify)?;
        let readers = pool(4).connect_lazy_with(options.pragma("query_only", "on"));
        Self::with_pools(writer, readers).await
    }

    /// A store that lasts as long as the value and its clones; one connection serves all.
    ///
    /// # Errors
    /// Hardly any: what SQLite says.
    pub async fn in_memory() -> Result<Self, EventStoreError> {
        let options = SqliteConnectOptions::new().in_memory(true);
        let only = pool(1).connect_with(options).await.map_err(classify)?;
        Self::with_pools(only.clone(), only).await
    }

    async fn with_pools(writer: SqlitePool, readers: SqlitePool) -> Result<Self, EventStoreError> {
        let migrated = migrator(&MIGRATIONS).run(&writer).await;
        migrated.map_err(|error| EventStoreError::Migration {
            source: error.into(),
        })?;
        Ok(Self {
            writer,
            readers,
            appends: watch::Sender::new(0),
        })
    }

    /// The pool of the one writing connection, for read models and transactions of the program. Begin those with
    /// `BEGIN IMMEDIATE`, keep them short, and do not call the store while one is open.
    pub fn pool(&self) -> &SqlitePool {
        &self.writer
    }

    /// Appends events within a transaction of the program, together with whatever else it writes. After a
    /// conflict, roll it back.
    ///
    /// # Errors
    /// Those of [`EventStore::save_events`].
    pub async fn save_events_in(
        connection: &mut SqliteConnection,
        stream: &StreamId,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Appended, EventStoreError> {
        validate(stream, events)?;
        if events.is_empty() {
            let version = stream_version(&mut *connection, stream).await?;
            return Ok(Appended {
                version,
                position: Position::START,
                repeated: false,
            });
        }
        match insert(connection, stream, expected, events).await {
            Ok(Some(appended)) => return Ok(appended),
            Ok(None) => {}
            Err(error) if is_version_taken(&error) => {}
            Err(error) => return Err(classify(error)),
        }
        let actual = stream_version(&mut *connection, stream).await?;
        let Some(after) = expected.version() else {
            return Err(EventStoreError::Conflict {
                stream: stream.clone(),
                expected,
                actual,
            });
        };
        let present = load_stream(connection, stream, after, events.len()).await?;
        let present = present
            .iter()
            .map(|event| (&event.event_id, event.version, event.position));
        repeated_or_conflict(stream, expected, actual, events, present)
    }
}

/// Connections are kept for good: a file does not go away, and a store in memory lives in its connection.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

async fn stream_version<'e>(
    executor: impl sqlx::Executor<'e, Database = Sqlite>,
    stream: &StreamId,
) -> Result<u64, EventStoreError> {
    stream.validate()?;
    let version: i64 = sqlx::query_scalar(statements::STREAM_VERSION)
        .bind(stream.tenant())
        .bind(stream.stream_type())
        .bind(stream.id())
        .fetch_one(executor)
        .await
        .map_err(classify)?;
    Ok(from_column(version))
}

async fn load_stream<'e>(
    executor: impl sqlx::Executor<'e, Database = Sqlite>,
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
        .fetch_all(executor)
        .await
        .map_err(classify)?;
    read_rows(&rows)
}

fn read_rows(rows: &[SqliteRow]) -> Result<Vec<RecordedEvent>, EventStoreError> {
    let read = |row: &SqliteRow| -> Result<RecordedEvent, sqlx::Error> { Ok(recorded_event!(row)) };
    rows.iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(classify)
}

fn limit_column(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[async_trait]
impl EventStore for SqliteEventStore {
    fn system(&self) -> &'static str {
        "sqlite"
    }

    async fn save_events(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Appended, EventStoreError> {
        let mut connection = self.writer.acquire().await.map_err(classify)?;
        let appended = Self::save_events_in(&mut connection, stream, expected, events).await?;
        self.appends.send_modify(|count| *count += 1);
        Ok(appended)
    }

    async fn load_events(
        &self,
        stream: &StreamId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, EventStoreError> {
        load_stream(&self.readers, stream, after, limit).await
    }

    async fn stream_version(&self, stream: &StreamId) -> Result<u64, EventStoreError> {
        stream_version(&self.readers, stream).await
    }

    async fn read_all(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, EventStoreError> {
        let rows = sqlx::query(statements::READ_ALL)
            .bind(to_column(after.sequence()))
            .bind(limit_column(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(classify)?;
        read_rows(&rows)
    }

    async fn head(&self) -> Result<Position, EventStoreError> {
        let head: i64 = sqlx::query_scalar(statements::HEAD)
            .fetch_one(&self.readers)
            .await
            .map_err(classify)?;
        Ok(Position::new(0, from_column(head)))
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
            .execute(&self.writer)
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
            .fetch_optional(&self.readers)
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
        let checkpoint: Option<i64> = sqlx::query_scalar(statements::LOAD_CHECKPOINT)
            .bind(projection)
            .fetch_optional(&self.readers)
            .await
            .map_err(classify)?;
        Ok(checkpoint.map_or(Position::START, |sequence| {
            Position::new(0, from_column(sequence))
        }))
    }

    async fn move_checkpoint(
        &self,
        projection: &str,
        from: Position,
        to: Position,
    ) -> Result<(), EventStoreError> {
        let mut connection = self.writer.acquire().await.map_err(classify)?;
        move_checkpoint(&mut connection, projection, from, to).await
    }

    fn appends(&self) -> Option<watch::Receiver<u64>> {
        Some(self.appends.subscribe())
    }
}

async fn move_checkpoint(
    connection: &mut SqliteConnection,
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
        .bind(to_column(from.sequence()))
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
impl ProjectionStore for SqliteEventStore {
    type Transaction = Transaction<'static, Sqlite>;

    async fn begin(&self) -> Result<Self::Transaction, EventStoreError> {
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(classify)
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
