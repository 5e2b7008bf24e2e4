//! What `EventStore` promises, held against every store.
#![cfg(all(feature = "event-store-sqlite", feature = "event-store-postgres"))]

mod event_store_support;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use event_store_support::domain::{Ledger, LedgerEvent, ledger, noted};
use event_store_support::{eventually, postgres};
use otelgen::event_store::{
    AtLeastOnce, BoxError, Command, EventStore, EventStoreError, EventStoreExt, Expected, Filter,
    Loaded, MemoryEventStore, NewEvent, Position, Projection, ProjectionRunner, ProjectionStore,
    RecordedEvent, SnapshotRecord, SqliteEventStore, StreamId,
};

/// Runs one scenario on every store.
macro_rules! on_every_store {
    ($($scenario:ident),+ $(,)?) => {
        mod in_memory {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                super::$scenario(AtLeastOnce(Arc::new(MemoryEventStore::new()))).await;
            })+
        }
        mod on_sqlite {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                let directory = tempfile::tempdir().unwrap();
                let store = SqliteEventStore::open(directory.path().join("events.db")).await.unwrap();
                super::$scenario(store).await;
            })+
        }
        mod on_sqlite_in_memory {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                super::$scenario(SqliteEventStore::in_memory().await.unwrap()).await;
            })+
        }
        mod on_postgres {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                let Some(database) = postgres::database(stringify!($scenario)).await else { return };
                super::$scenario(database.store().await).await;
            })+
        }
    };
}

on_every_store!(
    events_come_back_as_they_were_saved,
    a_stale_writer_gets_a_conflict_and_writes_nothing,
    a_version_that_does_not_exist_yet_is_a_conflict,
    saving_the_same_events_again_changes_nothing,
    of_two_different_saves_at_one_place_only_one_wins,
    writers_that_take_any_version_all_get_in,
    nothing_to_append_is_no_append,
    unusable_names_and_events_are_refused,
    tenants_do_not_meet,
    a_long_stream_is_read_whole,
    old_events_are_upcast_when_they_are_read,
    a_state_is_the_same_with_and_without_its_snapshot,
    an_older_snapshot_never_replaces_a_newer_one,
    a_checkpoint_moves_only_from_where_it_stands,
    a_projection_goes_on_where_it_stopped,
    a_projection_stops_before_the_event_it_cannot_apply,
    two_runners_of_one_projection_do_not_both_count,
    a_read_model_can_be_built_anew,
    a_subscription_hands_out_each_event_once,
    commands_that_collide_are_decided_anew,
);

fn new_event(stream: &StreamId, number: u64) -> NewEvent {
    NewEvent::of(&noted(stream, number)).unwrap()
}

/// Waits until all that was saved may be read in order: on PostgreSQL, transactions of other tests may be older.
async fn settled(store: &impl EventStore) {
    let head = store.head().await.unwrap();
    eventually("the store to settle", async || {
        let mut last = Position::START;
        while let Some(event) = store.read_all(last, 1_000).await.unwrap().pop() {
            last = event.position;
        }
        last >= head
    })
    .await;
}

async fn numbers(store: &impl EventStore, stream: &StreamId) -> Vec<u64> {
    let history: Vec<LedgerEvent> = store.history(stream).await.unwrap();
    let number = |event| match event {
        LedgerEvent::Noted { number, .. } => Some(number),
        LedgerEvent::Closed { .. } => None,
    };
    history.into_iter().filter_map(number).collect()
}

async fn events_come_back_as_they_were_saved(store: impl EventStore) {
    let stream = StreamId::new("note book", "ünï/1 ' \" %").for_tenant("acme; --");
    let payload = r#"{ "z":1, "a":1.50, "big":123456789012345678901234567890, "nul":"\u0000", "é":"\"\\ 💡" }"#;
    let mut event = new_event(&stream, 1).with_metadata("who", "Ada \"L\"");
    event.payload = payload.to_owned();
    let before = std::time::SystemTime::now() - std::time::Duration::from_secs(1);
    let appended = store
        .save_events(
            &stream,
            Expected::NoStream,
            &[event.clone(), new_event(&stream, 2)],
        )
        .await;
    assert_eq!(appended.unwrap().version, 2);

    let events = store.load_events(&stream, 0, 10).await.unwrap();
    assert_eq!(
        events.iter().map(|event| event.version).collect::<Vec<_>>(),
        [1, 2]
    );
    let [first, second] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(first.payload, payload);
    assert_eq!(
        (&first.stream, first.event_id, &first.metadata),
        (&stream, event.event_id, &event.metadata)
    );
    assert_eq!(
        (first.event_type.as_str(), first.event_version),
        ("noted", 2)
    );
    assert!(first.recorded_at > before && first.recorded_at <= std::time::SystemTime::now());
    assert!(first.position < second.position);
    assert_eq!(store.head().await.unwrap(), second.position);
    assert_eq!(
        store.load_events(&stream, 1, 10).await.unwrap(),
        std::slice::from_ref(second)
    );
    assert_eq!(
        store.load_events(&stream, 0, 1).await.unwrap(),
        std::slice::from_ref(first)
    );
    assert_eq!(store.load_events(&stream, 2, 10).await.unwrap(), []);
}

async fn a_stale_writer_gets_a_conflict_and_writes_nothing(store: impl EventStore) {
    let stream = ledger(1);
    store
        .append(
            &stream,
            Expected::NoStream,
            &[noted(&stream, 1), noted(&stream, 2)],
        )
        .await
        .unwrap();
    for stale in [Expected::NoStream, Expected::Version(1)] {
        let error = store
            .append(&stream, stale, &[noted(&stream, 3), noted(&stream, 4)])
            .await
            .unwrap_err();
        match error {
            EventStoreError::Conflict {
                stream: which,
                expected,
                actual,
            } => {
                assert_eq!((which, expected, actual), (stream.clone(), stale, 2));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(numbers(&store, &stream).await, [1, 2]);
    store
        .append(&stream, Expected::Version(2), &noted(&stream, 3))
        .await
        .unwrap();
    assert_eq!(store.stream_version(&stream).await.unwrap(), 3);
}

async fn a_version_that_does_not_exist_yet_is_a_conflict(store: impl EventStore) {
    let stream = ledger(1);
    store
        .append(&stream, Expected::NoStream, &noted(&stream, 1))
        .await
        .unwrap();
    let error = store
        .append(&stream, Expected::Version(7), &noted(&stream, 2))
        .await
        .unwrap_err();
    assert!(
        matches!(error, EventStoreError::Conflict { actual: 1, .. }),
        "{error:?}"
    );
    let error = store
        .append(&ledger(2), Expected::Version(1), &noted(&stream, 2))
        .await
        .unwrap_err();
    assert!(
        matches!(error, EventStoreError::Conflict { actual: 0, .. }),
        "{error:?}"
    );
}

async fn saving_the_same_events_again_changes_nothing(store: impl EventStore) {
    let stream = ledger(1);
    let events = [new_event(&stream, 1), new_event(&stream, 2)];
    let first = store
        .save_events(&stream, Expected::NoStream, &events)
        .await
        .unwrap();
    assert!(!first.repeated);
    store
        .append(&stream, Expected::Version(2), &noted(&stream, 3))
        .await
        .unwrap();

    let again = store
        .save_events(&stream, Expected::NoStream, &events)
        .await
        .unwrap();
    assert!(again.repeated);
    assert_eq!(
        (again.version, again.position),
        (first.version, first.position)
    );
    assert_eq!(numbers(&store, &stream).await, [1, 2, 3]);

    let longer = [events[0].clone(), events[1].clone(), new_event(&stream, 9)];
    let error = store
        .save_events(&stream, Expected::NoStream, &longer)
        .await
        .unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
}

async fn of_two_different_saves_at_one_place_only_one_wins(
    store: impl EventStore + Clone + 'static,
) {
    let stream = ledger(1);
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (store, stream) = (store.clone(), stream.clone());
            tokio::spawn(async move {
                let mut won = Vec::new();
                for version in 0..25 {
                    let number = writer * 1_000 + version;
                    match store
                        .append(&stream, Expected::Version(version), &noted(&stream, number))
                        .await
                    {
                        Ok(_) => won.push(number),
                        Err(error) => assert!(error.is_conflict(), "{error:?}"),
                    }
                }
                won
            })
        })
        .collect();
    let mut won = BTreeSet::new();
    for writer in writers {
        won.extend(writer.await.unwrap());
    }
    let kept = numbers(&store, &stream).await;
    assert!(!kept.is_empty());
    assert_eq!(kept.iter().copied().collect::<BTreeSet<_>>(), won);
    assert!(
        kept.iter()
            .enumerate()
            .all(|(version, number)| number % 1_000 == version as u64),
        "{kept:?}"
    );
}

async fn writers_that_take_any_version_all_get_in(store: impl EventStore + Clone + 'static) {
    let stream = ledger(1);
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (store, stream) = (store.clone(), stream.clone());
            tokio::spawn(async move {
                for round in 0..10 {
                    let first = writer * 1_000 + round * 2;
                    let pair = [noted(&stream, first), noted(&stream, first + 1)];
                    store.append(&stream, Expected::Any, &pair).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let kept = numbers(&store, &stream).await;
    assert_eq!(kept.len(), 80);
    assert!(
        kept.chunks(2).all(|pair| pair[0] + 1 == pair[1]),
        "an append was torn: {kept:?}"
    );
    assert_eq!(store.stream_version(&stream).await.unwrap(), 80);
}

async fn nothing_to_append_is_no_append(store: impl EventStore) {
    let stream = ledger(1);
    store
        .append(&stream, Expected::Any, &noted(&stream, 1))
        .await
        .unwrap();
    let appended = store
        .save_events(&stream, Expected::Version(1), &[])
        .await
        .unwrap();
    assert_eq!((appended.version, appended.position), (1, Position::START));
}

async fn unusable_names_and_events_are_refused(store: impl EventStore) {
    let stream = ledger(1);
    for unusable in [
        StreamId::new("", "1"),
        StreamId::new("a", ""),
        StreamId::new("a", "x".repeat(256)),
    ] {
        let error = store
            .append(&unusable, Expected::Any, &noted(&stream, 1))
            .await
            .unwrap_err();
        assert!(
            matches!(error, EventStoreError::InvalidStream { .. }),
            "{error:?}"
        );
        let error = store.load_events(&unusable, 0, 1).await.unwrap_err();
        assert!(
            matches!(error, EventStoreError::InvalidStream { .. }),
            "{error:?}"
        );
    }
    for change in [
        (|event: &mut NewEvent| event.payload = "{".into()) as fn(&mut NewEvent),
        |event| event.payload = "\"\0\"".into(),
        |event| event.event_type = String::new(),
        |event| event.event_type = "a\0".into(),
        |event| event.event_version = u32::MAX,
    ] {
        let mut event = new_event(&stream, 1);
        change(&mut event);
        let error = store
            .save_events(&stream, Expected::Any, &[event])
            .await
            .unwrap_err();
        assert!(
            matches!(error, EventStoreError::InvalidEvent { .. }),
            "{error:?}"
        );
    }
    assert_eq!(store.stream_version(&stream).await.unwrap(), 0);
}

async fn tenants_do_not_meet(store: impl EventStore) {
    let (acme, globex) = (store.tenant("acme"), store.tenant("globex"));
    let stream = ledger(1);
    acme.append(&stream, Expected::NoStream, &noted(&stream, 1))
        .await
        .unwrap();
    globex
        .append(&stream, Expected::NoStream, &noted(&stream, 2))
        .await
        .unwrap();
    assert_eq!(numbers(&acme, &stream).await, [1]);
    assert_eq!(numbers(&globex, &stream).await, [2]);
    assert_eq!(store.stream_version(&stream).await.unwrap(), 0);

    settled(&store).await;
    let error = acme
        .load_events(&stream.clone().for_tenant("globex"), 0, 1)
        .await
        .unwrap_err();
    assert!(
        matches!(error, EventStoreError::WrongTenant { .. }),
        "{error:?}"
    );

    let seen = globex.read_all(Position::START, 10).await.unwrap();
    assert_eq!(
        seen.iter()
            .map(|event| event.stream.tenant())
            .collect::<Vec<_>>(),
        ["globex"]
    );

    acme.move_checkpoint("model", Position::START, seen[0].position)
        .await
        .unwrap();
    assert_eq!(
        globex.load_checkpoint("model").await.unwrap(),
        Position::START
    );
}

async fn a_long_stream_is_read_whole(store: impl EventStore) {
    let stream = ledger(1);
    let events: Vec<_> = (0..2_500).map(|number| noted(&stream, number)).collect();
    store
        .append(&stream, Expected::NoStream, &events)
        .await
        .unwrap();
    assert_eq!(
        numbers(&store, &stream).await,
        (0..2_500).collect::<Vec<_>>()
    );
    settled(&store).await;
    let replayed = store
        .replay(Position::START, &Filter::all(), |_| Ok(()))
        .await
        .unwrap();
    assert_eq!(replayed, 2_500);
}

async fn old_events_are_upcast_when_they_are_read(store: impl EventStore) {
    let stream = ledger(1);
    let mut old = new_event(&stream, 0);
    old.event_version = 1;
    old.payload = r#"{"Noted":{"ledger":"1","n":41}}"#.into();
    store
        .save_events(&stream, Expected::NoStream, &[old, new_event(&stream, 1)])
        .await
        .unwrap();
    assert_eq!(numbers(&store, &stream).await, [41, 1]);

    let mut newer = new_event(&stream, 0);
    newer.event_version = 3;
    store
        .save_events(&stream, Expected::Version(2), &[newer])
        .await
        .unwrap();
    let error = store.load::<Ledger>(&stream).await.unwrap_err();
    assert!(matches!(error, EventStoreError::Decode { .. }), "{error:?}");
}

async fn a_state_is_the_same_with_and_without_its_snapshot(store: impl EventStore) {
    let stream = ledger(1);
    let numbers: Vec<_> = (1..=10).map(|number| noted(&stream, number)).collect();
    store
        .append(&stream, Expected::NoStream, &numbers)
        .await
        .unwrap();
    assert_eq!(store.take_snapshot::<Ledger>(&stream).await.unwrap(), 10);
    store
        .append(&stream, Expected::Version(10), &noted(&stream, 11))
        .await
        .unwrap();

    let (whole, fast) = (
        store.load::<Ledger>(&stream).await.unwrap(),
        store.load_from_snapshot::<Ledger>(&stream).await.unwrap(),
    );
    assert_eq!((whole.version(), &*whole), (fast.version(), &*fast));
    assert_eq!((whole.version(), whole.sum), (11, 66));

    // The snapshot is really used: one that lies is believed, one of another schema is passed over.
    let lie = |schema_version| SnapshotRecord {
        kind: "ledger".into(),
        schema_version,
        version: 11,
        state: r#"{"sum":1000,"count":0,"closed":false}"#.into(),
    };
    store.save_snapshot(&stream, &lie(1)).await.unwrap();
    assert_eq!(
        store
            .load_from_snapshot::<Ledger>(&stream)
            .await
            .unwrap()
            .sum,
        1000
    );
    store.save_snapshot(&stream, &lie(2)).await.unwrap();
    assert_eq!(
        store
            .load_from_snapshot::<Ledger>(&stream)
            .await
            .unwrap()
            .sum,
        66
    );
}

async fn an_older_snapshot_never_replaces_a_newer_one(store: impl EventStore) {
    let stream = ledger(1);
    let snapshot = |version: u64| SnapshotRecord {
        kind: "ledger".into(),
        schema_version: 1,
        version,
        state: format!("{{\"of\":{version}}}"),
    };
    assert_eq!(store.load_snapshot(&stream, "ledger").await.unwrap(), None);
    for version in [5, 9, 7] {
        store
            .save_snapshot(&stream, &snapshot(version))
            .await
            .unwrap();
    }
    assert_eq!(
        store.load_snapshot(&stream, "ledger").await.unwrap(),
        Some(snapshot(9))
    );
    assert_eq!(store.load_snapshot(&stream, "other").await.unwrap(), None);
}

async fn a_checkpoint_moves_only_from_where_it_stands(store: impl EventStore) {
    let (one, two) = (Position::new(0, 1), Position::new(0, 2));
    assert_eq!(
        store.load_checkpoint("model").await.unwrap(),
        Position::START
    );
    let moved = |error: Result<(), EventStoreError>| {
        matches!(error, Err(EventStoreError::CheckpointMoved { .. }))
    };
    assert!(moved(store.move_checkpoint("model", one, two).await));
    store
        .move_checkpoint("model", Position::START, one)
        .await
        .unwrap();
    assert!(moved(
        store.move_checkpoint("model", Position::START, two).await
    ));
    store.move_checkpoint("model", one, two).await.unwrap();
    assert_eq!(store.load_checkpoint("model").await.unwrap(), two);
    store
        .move_checkpoint("model", two, Position::START)
        .await
        .unwrap();
    store
        .move_checkpoint("model", Position::START, one)
        .await
        .unwrap();
    assert_eq!(store.load_checkpoint("model").await.unwrap(), one);
}

/// Remembers what it was given; refuses one number.
#[derive(Default)]
struct Memo {
    seen: Vec<u64>,
    refuses: Option<u64>,
}

#[async_trait]
impl<T: Send> Projection<T> for Memo {
    fn name(&self) -> &str {
        "memo"
    }

    fn filter(&self) -> Filter {
        Filter::all().event_types(["noted"])
    }

    async fn apply(&mut self, event: &RecordedEvent, _: &mut T) -> Result<(), BoxError> {
        if let LedgerEvent::Noted { number, .. } = event.decode()? {
            if self.refuses == Some(number) {
                return Err("refused".into());
            }
            self.seen.push(number);
        }
        Ok(())
    }

    async fn clear(&mut self, _: &mut T) -> Result<(), BoxError> {
        self.seen.clear();
        Ok(())
    }
}

async fn a_projection_goes_on_where_it_stopped(store: impl ProjectionStore) {
    let stream = ledger(1);
    let events: Vec<_> = (0..25).map(|number| noted(&stream, number)).collect();
    store
        .append(&stream, Expected::NoStream, &events)
        .await
        .unwrap();
    settled(&store).await;
    let mut first = ProjectionRunner::new(&store, Memo::default()).batch(10);
    assert_eq!(first.lag().await.unwrap(), 25);
    assert_eq!(first.step().await.unwrap(), 10);
    assert_eq!(first.projection().seen, (0..10).collect::<Vec<_>>());
    assert_eq!(first.lag().await.unwrap(), 15);

    store
        .append(
            &stream,
            Expected::Version(25),
            &LedgerEvent::Closed { ledger: "1".into() },
        )
        .await
        .unwrap();
    settled(&store).await;
    let mut second = ProjectionRunner::new(&store, Memo::default()).batch(10);
    assert_eq!(second.catch_up().await.unwrap(), 16);
    assert_eq!(second.projection().seen, (10..25).collect::<Vec<_>>());
    assert_eq!(second.lag().await.unwrap(), 0);
}

async fn a_projection_stops_before_the_event_it_cannot_apply(store: impl ProjectionStore) {
    let stream = ledger(1);
    let events: Vec<_> = (0..5).map(|number| noted(&stream, number)).collect();
    store
        .append(&stream, Expected::NoStream, &events)
        .await
        .unwrap();
    settled(&store).await;
    let memo = Memo {
        refuses: Some(3),
        ..Memo::default()
    };
    let mut runner = ProjectionRunner::new(&store, memo).attempts(2);
    let error = runner.run(std::future::pending()).await.unwrap_err();
    let EventStoreError::Projection { position, .. } = error else {
        panic!("{error:?}")
    };
    let poison = &store.load_events(&stream, 3, 1).await.unwrap()[0];
    assert_eq!(position, poison.position);

    let mut corrected = ProjectionRunner::new(&store, Memo::default());
    corrected.catch_up().await.unwrap();
    assert_eq!(corrected.projection().seen, [3, 4]);
}

async fn two_runners_of_one_projection_do_not_both_count(store: impl ProjectionStore) {
    let stream = ledger(1);
    store
        .append(&stream, Expected::NoStream, &noted(&stream, 1))
        .await
        .unwrap();
    settled(&store).await;
    let mut first = ProjectionRunner::new(&store, Memo::default());
    let mut second = ProjectionRunner::new(&store, Memo::default());
    first.lag().await.unwrap();
    second.lag().await.unwrap();
    first.step().await.unwrap();
    let error = second.step().await.unwrap_err();
    assert!(
        matches!(error, EventStoreError::CheckpointMoved { .. }),
        "{error:?}"
    );
}

async fn a_read_model_can_be_built_anew(store: impl ProjectionStore) {
    let stream = ledger(1);
    store
        .append(
            &stream,
            Expected::NoStream,
            &[noted(&stream, 1), noted(&stream, 2)],
        )
        .await
        .unwrap();
    settled(&store).await;
    let mut runner = ProjectionRunner::new(&store, Memo::default());
    runner.catch_up().await.unwrap();
    assert_eq!(runner.rebuild().await.unwrap(), 2);
    assert_eq!(runner.projection().seen, [1, 2]);
    assert_eq!(runner.step().await.unwrap(), 0);
}

async fn a_subscription_hands_out_each_event_once(store: impl EventStore + Clone + 'static) {
    let mut subscription = store
        .subscribe(Position::START)
        .batch(7)
        .filter(Filter::all().stream_types(["ledger"]));
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 0..50 {
                let stream = ledger(number % 3);
                store
                    .append(&stream, Expected::Any, &noted(&stream, number))
                    .await
                    .unwrap();
                let other = StreamId::new("other", "1");
                store
                    .append(&other, Expected::Any, &noted(&other, 0))
                    .await
                    .unwrap();
            }
        }
    });
    let mut seen = Vec::new();
    while seen.len() < 50 {
        let LedgerEvent::Noted { number, .. } =
            subscription.next().await.unwrap().decode().unwrap()
        else {
            panic!("only noted events")
        };
        seen.push(number);
    }
    writer.await.unwrap();
    assert_eq!(seen, (0..50).collect::<Vec<_>>());
}

async fn commands_that_collide_are_decided_anew(store: impl EventStore + Clone + 'static) {
    let stream = ledger(1);
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let (store, stream) = (store.clone(), stream.clone());
            tokio::spawn(async move {
                for _ in 0..5 {
                    Command::new(&store, &stream)
                        .snapshot_every(4)
                        .retry_conflict(1_000)
                        .decide(|ledger: Loaded<Ledger>| {
                            let next = noted(&stream, ledger.count + 1);
                            async move { Ok::<_, EventStoreError>(next) }
                        })
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(numbers(&store, &stream).await, (1..=20).collect::<Vec<_>>());
    let snapshot = store
        .load_snapshot(&stream, "ledger")
        .await
        .unwrap()
        .expect("a snapshot");
    assert!(snapshot.version >= 4, "{snapshot:?}");
}
