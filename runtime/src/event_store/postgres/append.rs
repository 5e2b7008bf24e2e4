//! The append, as one statement.

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::super::record::{from_column, metadata_to_json, to_column};
use super::super::{Appended, Expected, NewEvent, Position, StreamId};
use super::statements;

/// The one statement of an append. `None`: the stream does not reach to the expected version.
pub(super) async fn insert(
    connection: &mut PgConnection,
    stream: &StreamId,
    expected: Expected,
    events: &[NewEvent],
) -> Result<Option<Appended>, sqlx::Error> {
    let ids: Vec<uuid::Uuid> = events.iter().map(|event| event.event_id).collect();
    let types: Vec<&str> = events
        .iter()
        .map(|event| event.event_type.as_str())
        .collect();
    let versions: Vec<i32> = events
        .iter()
        .map(|event| i32::try_from(event.event_version).unwrap_or(i32::MAX))
        .collect();
    let payloads: Vec<&str> = events.iter().map(|event| event.payload.as_str()).collect();
    let metadata: Vec<String> = events
        .iter()
        .map(|event| metadata_to_json(&event.metadata))
        .collect::<Result<_, _>>()
        .map_err(|error| sqlx::Error::Encode(error.into()))?;
    let statement = match expected.version() {
        Some(_) => statements::APPEND_AFTER,
        None => statements::APPEND_AT_END,
    };
    let mut query = sqlx::query(statement)
        .bind(stream.tenant())
        .bind(stream.stream_type())
        .bind(stream.id())
        .bind(ids)
        .bind(types)
        .bind(versions)
        .bind(payloads)
        .bind(metadata);
    if let Some(version) = expected.version() {
        query = query.bind(to_column(version));
    }
    let row = query.fetch_one(connection).await?;
    let position: Option<i64> = row.try_get(0)?;
    Ok(match position {
        Some(position) => Some(Appended {
            version: from_column(row.try_get(1)?),
            position: Position::new(from_column(row.try_get(2)?), from_column(position)),
            repeated: false,
        }),
        None => None,
    })
}
