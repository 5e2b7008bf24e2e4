//! An event store in memory, for tests of domain logic and for trying things out; gone with the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use tokio::sync::watch;

use super::store::validate;
use super::{
    Appended, EventStore, EventStoreError, Expected, NewEvent, Position, RecordedEvent,
    SnapshotRecord, StreamId,
};

/// Keeps events in memory, with the same promises as the databases save the one to survive the process.
#[derive(Debug)]
pub struct MemoryEventStore {
    contents: Mutex<Contents>,
    appends: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Contents {
    events: Vec<RecordedEvent>,
    /// For each stream, where in `events` its own stand.
    streams: HashMap<StreamId, Vec<usize>>,
    snapshots: HashMap<(StreamId, String), SnapshotRecord>,
    checkpoints: HashMap<String, Position>,
}

impl Default for MemoryEventStore {
    fn default() -> Self {
        Self {
            contents: Mutex::default(),
            appends: watch::Sender::new(0),
        }
    }
}

impl MemoryEventStore {
    /// A store without events.
    pub fn new() -> Self {
        Self::default()
    }

    /// No method panics while it holds the lock, so a poisoned one holds whole contents.
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn stream(&self, stream: &StreamId, after: u64) -> impl Iterator<Item = &RecordedEvent> {
        let places = self
            .streams
            .get(stream)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        places
            .iter()
            .skip(after)
            .filter_map(|place| self.events.get(*place))
    }

    fn version(&self, stream: &StreamId) -> u64 {
        self.streams
            .get(stream)
            .map_or(0, |places| places.len() as u64)
    }

    fn append(&mut self, stream: &StreamId, events: &[NewEvent]) -> Appended {
        let recorded_at = SystemTime::now();
        let mut version = self.version(stream);
        let places = self.streams.entry(stream.clone()).or_default();
        for event in events {
            version += 1;
            places.push(self.events.len());
            self.events.push(RecordedEvent {
                stream: stream.clone(),
                version,
                position: Position::new(0, self.events.len() as u64 + 1),
                event_id: event.event_id,
                event_type: event.event_type.clone(),
                event_version: event.event_version,
                payload: event.payload.clone(),
                metadata: event.metadata.clone(),
                recorded_at,
            });
        }
        Appended {
            version,
            position: Position::new(0, self.events.len() as u64),
            repeated: false,
        }
    }
}

/// What a save amounts to that did not find the stream where it expected it: the repetition of one that
/// succeeded, or a conflict. `present` are the stream's events after the expected version.
pub(super) fn repeated_or_conflict<'a>(
    stream: &StreamId,
    expected: Expected,
    actual: u64,
    events: &[NewEvent],
    present: impl Iterator<Item = (&'a uuid::Uuid, u64, Position)>,
) -> Result<Appended, EventStoreError> {
    let conflict = EventStoreError::Conflict {
        stream: stream.clone(),
        expected,
        actual,
    };
    let mut last = None;
    let mut matched = 0;
    for ((id, version, position), event) in present.zip(events) {
        if *id != event.event_id {
            return Err(conflict);
        }
        matched += 1;
        last = Some((version, position));
    }
    match last {
        Some((version, position)) if matched == events.len() => Ok(Appended {
            version,
            position,
            repeated: true,
        }),
        _ => Err(conflict),
    }
}

#[async_trait]
impl EventStore for MemoryEventStore {
    fn system(&self) -> &'static str {
        "memory"
    }

    async fn save_events(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Appended, EventStoreError> {
        validate(stream, events)?;
        let mut contents = self.contents();
        let actual = contents.version(stream);
        if events.is_empty() {
            return Ok(Appended {
                version: actual,
                position: Position::START,
                repeated: false,
            });
        }
        if let Some(wanted) = expected.version().filter(|wanted| *wanted != actual) {
            let present = contents.stream(stream, wanted);
            let present = present.map(|event| (&event.event_id, event.version, event.position));
            return repeated_or_conflict(stream, expected, actual, events, present);
        }
        let appended = contents.append(stream, events);
        drop(contents);
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
        Ok(self
            .contents()
            .stream(stream, after)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn stream_version(&self, stream: &StreamId) -> Result<u64, EventStoreError> {
        stream.validate()?;
        Ok(self.contents().version(stream))
    }

    async fn read_all(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, EventStoreError> {
        let skipped = usize::try_from(after.sequence()).unwrap_or(usize::MAX);
        Ok(self
            .contents()
            .events
            .iter()
            .skip(skipped)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn head(&self) -> Result<Position, EventStoreError> {
        Ok(self
            .contents()
            .events
            .last()
            .map_or(Position::START, |event| event.position))
    }

    async fn save_snapshot(
        &self,
        stream: &StreamId,
        snapshot: &SnapshotRecord,
    ) -> Result<(), EventStoreError> {
        stream.validate()?;
        let mut contents = self.contents();
        let kept = contents
            .snapshots
            .entry((stream.clone(), snapshot.kind.clone()));
        let kept = kept.or_insert_with(|| snapshot.clone());
        if kept.schema_version != snapshot.schema_version || kept.version < snapshot.version {
            *kept = snapshot.clone();
        }
        Ok(())
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        kind: &str,
    ) -> Result<Option<SnapshotRecord>, EventStoreError> {
        stream.validate()?;
        Ok(self
            .contents()
            .snapshots
            .get(&(stream.clone(), kind.to_owned()))
            .cloned())
    }

    async fn load_checkpoint(&self, projection: &str) -> Result<Position, EventStoreError> {
        Ok(self
            .contents()
            .checkpoints
            .get(projection)
            .copied()
            .unwrap_or_default())
    }

    async fn move_checkpoint(
        &self,
        projection: &str,
        from: Position,
        to: Position,
    ) -> Result<(), EventStoreError> {
        let mut contents = self.contents();
        let checkpoint = contents
            .checkpoints
            .entry(projection.to_owned())
            .or_default();
        if *checkpoint != from {
            return Err(EventStoreError::CheckpointMoved {
                projection: projection.to_owned(),
            });
        }
        *checkpoint = to;
        Ok(())
    }

    fn appends(&self) -> Option<watch::Receiver<u64>> {
        Some(self.appends.subscribe())
    }
}
