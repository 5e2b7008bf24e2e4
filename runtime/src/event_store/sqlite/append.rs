//! The append, as one statement.

use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::super::record::{from_column, metadata_to_json, to_column};
use super::super::{Appended, EventStoreError, Expected, NewEvent, Position, StreamId};
use super::statements;

/// The one statement of an append. `None`: the stream does not reach to the expected version.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    stream: &StreamId,
    expected: Expected,
    events: &[NewEvent],
) -> Result<Option<Appended>, sqlx::Error> {
    let statement = match expected.version() {
        Some(_) => statements::APPEND_AFTER,
        None => statements::APPEND_AT_END,
    };
    let rows = sqlx::query(statement)
        .bind(stream.tenant())
        .bind(stream.stream_type())
        .bind(stream.id())
        .bind(as_json_rows(events).map_err(|error| sqlx::Error::Encode(error.into()))?)
        .bind(micros_now())
        .bind(expected.version().map(to_column))
        .fetch_all(connection)
        .await?;
    // `RETURNING` promises no order.
    let written = rows
        .iter()
        .map(|row| Ok((row.try_get(1)?, row.try_get(0)?)));
    let written = written.collect::<Result<Vec<(i64, i64)>, sqlx::Error>>()?;
    Ok(written
        .into_iter()
        .max()
        .map(|(version, position)| Appended {
            version: from_column(version),
            position: Position::new(0, from_column(position)),
            repeated: false,
        }))
}

/// SQLite's counterpart of `UNNEST`: one text that `json_each` turns into rows. Payloads are texts in it, so
/// that they are stored to the byte.
fn as_json_rows(events: &[NewEvent]) -> Result<String, EventStoreError> {
    let rows = events.iter().map(|event| {
        let metadata = metadata_to_json(&event.metadata)?;
        Ok((
            event.event_id,
            &event.event_type,
            event.event_version,
            &event.payload,
            metadata,
        ))
    });
    let rows = rows.collect::<Result<Vec<_>, EventStoreError>>()?;
    serde_json::to_string(&rows).map_err(|source| EventStoreError::Encode {
        what: "events".into(),
        source,
    })
}

fn micros_now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
