//! What the two databases have in common: their errors told apart, their migrations, their rows.
//! Knows no statement of either.

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::EventStoreError;

/// Tells a driver's error apart by what the caller can do about it.
pub(super) fn classify(error: sqlx::Error) -> EventStoreError {
    use sqlx::Error;
    match &error {
        Error::Database(database) => {
            let code = database.code().unwrap_or_default().into_owned();
            if is_full(&code) {
                EventStoreError::StorageFull {
                    source: error.into(),
                }
            } else if is_unavailable(&code) {
                EventStoreError::Unavailable {
                    source: error.into(),
                }
            } else {
                EventStoreError::Storage {
                    source: error.into(),
                }
            }
        }
        Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::BeginFailed => EventStoreError::Unavailable {
            source: error.into(),
        },
        _ => EventStoreError::Storage {
            source: error.into(),
        },
    }
}

/// PostgreSQL's SQLSTATE has five characters; SQLite's extended result code is a number whose low byte is the class.
fn sqlite_class(code: &str) -> Option<u32> {
    if code.len() == 5 {
        None
    } else {
        code.parse::<u32>().ok().map(|code| code & 0xff)
    }
}

/// PostgreSQL: `disk_full`. SQLite: `SQLITE_FULL`.
fn is_full(code: &str) -> bool {
    code == "53100" || sqlite_class(code) == Some(13)
}

/// PostgreSQL: connection lost (class 08), shutting down or starting (57P0x), too many connections, serialization
/// failure and deadlock. SQLite: busy, locked, cannot open.
fn is_unavailable(code: &str) -> bool {
    const POSTGRES: [&str; 6] = ["57P01", "57P02", "57P03", "53300", "40001", "40P01"];
    const SQLITE: [u32; 3] = [5, 6, 14];
    if code.len() == 5 {
        code.starts_with("08") || POSTGRES.contains(&code)
    } else {
        sqlite_class(code).is_some_and(|class| SQLITE.contains(&class))
    }
}

/// Migrations under a table of their own, so that they do not meet the program's.
pub(super) fn migrator(migrations: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migrations = migrations.iter().map(|(version, description, sql)| {
        let sql = sql.into_sql_str();
        Migration::new(
            *version,
            Cow::Borrowed(*description),
            MigrationType::Simple,
            sql,
            false,
        )
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.dangerous_set_table_name("otelgen_event_store_migrations");
    // A newer program may have been here first; its tables serve this one too.
    migrator.set_ignore_missing(true);
    migrator
}

/// Whether a statement failed because the stream already has an event of that version.
pub(super) fn is_version_taken(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Reads a row of the twelve columns that both databases select, in this order: tenant, stream type, stream id,
/// version, transaction, sequence, event id (as text), event type, event version, payload, metadata, microseconds.
/// A macro, because generic code over sqlx rows needs a dozen bounds.
macro_rules! recorded_event {
    ($row:expr) => {{
        let row = $row;
        let stream = $crate::event_store::StreamId::new(
            row.try_get::<String, _>(1)?,
            row.try_get::<String, _>(2)?,
        )
        .for_tenant(row.try_get::<String, _>(0)?);
        let event_id: String = row.try_get(6)?;
        let metadata: String = row.try_get(10)?;
        $crate::event_store::RecordedEvent {
            stream,
            version: $crate::event_store::record::from_column(row.try_get(3)?),
            position: $crate::event_store::Position::new(
                $crate::event_store::record::from_column(row.try_get(4)?),
                $crate::event_store::record::from_column(row.try_get(5)?),
            ),
            event_id: event_id
                .parse()
                .map_err(|error: uuid::Error| sqlx::Error::Decode(error.into()))?,
            event_type: row.try_get(7)?,
            event_version: u32::try_from(row.try_get::<i64, _>(8)?).unwrap_or(u32::MAX),
            payload: row.try_get(9)?,
            metadata: serde_json::from_str(&metadata)
                .map_err(|error| sqlx::Error::Decode(error.into()))?,
            recorded_at: $crate::event_store::record::from_micros(row.try_get(11)?),
        }
    }};
}
pub(super) use recorded_event;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart_in_both_databases() {
        assert!(is_full("53100") && is_full("13"));
        assert!(!is_full("23505") && !is_full("2067"));
    }

    #[test]
    fn what_may_pass_by_itself_is_called_unavailable() {
        for code in ["08006", "57P01", "57P03", "40001", "5", "517", "14"] {
            assert!(is_unavailable(code), "{code}");
        }
        for code in ["23505", "42P01", "1", "2067"] {
            assert!(!is_unavailable(code), "{code}");
        }
    }
}
