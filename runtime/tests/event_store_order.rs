//! PostgreSQL: the order in which events are handed out is safe, whatever the order of commits; and what that costs.
#![cfg(feature = "event-store-postgres")]

mod event_store_support;

use std::collections::HashMap;
use std::time::Duration;

use event_store_support::domain::{LedgerEvent, ledger, noted};
use event_store_support::{eventually, postgres};
use otelgen::event_store::sqlx::{self, query};
use otelgen::event_store::{
    EventStore, EventStoreError, EventStoreExt, Expected, NewEvent, Position, PostgresEventStore,
    RecordedEvent, StreamId,
};

async fn append_in(
    store: &PostgresEventStore,
    transaction: &mut sqlx::PgConnection,
    stream: &StreamId,
    expected: Expected,
    number: u64,
) -> Result<(), EventStoreError> {
    let event = NewEvent::of(&noted(stream, number)).unwrap();
    store
        .save_events_in(transaction, stream, expected, &[event])
        .await
        .map(|_| ())
}

fn number(event: &RecordedEvent) -> u64 {
    match event.decode().unwrap() {
        LedgerEvent::Noted { number, .. } => number,
        LedgerEvent::Closed { .. } => panic!("only noted events"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_not_handed_out_before_an_older_transaction_has_ended() {
    let Some(database) = postgres::own_server("an_event_is_not_handed_out_before").await else {
        return;
    };
    let store = database.store().await;
    let mut slow = store.pool().begin().await.unwrap();
    append_in(&store, &mut slow, &ledger("slow"), Expected::NoStream, 1)
        .await
        .unwrap();
    store
        .append(
            &ledger("fast"),
            Expected::NoStream,
            &noted(&ledger("fast"), 2),
        )
        .await
        .unwrap();

    assert_eq!(
        store.stream_version(&ledger("fast")).await.unwrap(),
        1,
        "it is committed"
    );
    assert_eq!(
        store.read_all(Position::START, 10).await.unwrap(),
        [],
        "but its turn has not come"
    );
    assert!(
        store.head().await.unwrap() > Position::START,
        "and the lag shows it"
    );

    slow.commit().await.unwrap();
    let seen: Vec<u64> = store
        .read_all(Position::START, 10)
        .await
        .unwrap()
        .iter()
        .map(number)
        .collect();
    assert_eq!(seen, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_rolled_back_holds_nothing_up() {
    let Some(database) = postgres::own_server("a_transaction_that_is_rolled_back").await else {
        return;
    };
    let store = database.store().await;
    let mut slow = store.pool().begin().await.unwrap();
    append_in(&store, &mut slow, &ledger("slow"), Expected::NoStream, 1)
        .await
        .unwrap();
    store
        .append(
            &ledger("fast"),
            Expected::NoStream,
            &noted(&ledger("fast"), 2),
        )
        .await
        .unwrap();
    slow.rollback().await.unwrap();
    let seen: Vec<u64> = store
        .read_all(Position::START, 10)
        .await
        .unwrap()
        .iter()
        .map(number)
        .collect();
    assert_eq!(seen, [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_skips_nothing_while_commits_are_delayed_and_out_of_order() {
    let Some(database) = postgres::own_server("a_subscription_skips_nothing").await else {
        return;
    };
    let store = database.store().await;
    let writers: Vec<_> = (0..4_u64)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for round in 0..50_u64 {
                    let number = writer * 1_000 + round;
                    let stream = ledger(writer);
                    let mut transaction = store.pool().begin().await.unwrap();
                    append_in(
                        &store,
                        &mut transaction,
                        &stream,
                        Expected::Version(round),
                        number,
                    )
                    .await
                    .unwrap();
                    // The delay is the database's: the transaction stays open while others begin and commit.
                    let delay = ((number * 7_919) % 23) as f64 / 1_000.0;
                    query("SELECT pg_sleep($1)")
                        .bind(delay)
                        .execute(&mut *transaction)
                        .await
                        .unwrap();
                    if round == 25 && writer == 1 {
                        transaction.rollback().await.unwrap();
                        store
                            .append(&stream, Expected::Version(round), &noted(&stream, number))
                            .await
                            .unwrap();
                    } else {
                        transaction.commit().await.unwrap();
                    }
                }
            })
        })
        .collect();

    let mut subscription = store
        .subscribe(Position::START)
        .batch(3)
        .poll_interval(Duration::from_millis(2));
    let mut seen = HashMap::<String, Vec<u64>>::new();
    let mut last = Position::START;
    for _ in 0..200 {
        let event = subscription.next().await.unwrap();
        assert!(event.position > last, "positions only grow");
        last = event.position;
        seen.entry(event.stream.id().to_owned())
            .or_default()
            .push(number(&event));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    for writer in 0..4_u64 {
        let expected: Vec<u64> = (0..50).map(|round| writer * 1_000 + round).collect();
        assert_eq!(seen[&writer.to_string()], expected);
    }
    assert_eq!(store.read_all(last, 10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_older_than_the_streams_last_event_is_refused() {
    let Some(database) = postgres::database("a_transaction_older_than").await else {
        return;
    };
    let store = database.store().await;
    let stream = ledger("shared");
    let mut older = store.pool().begin().await.unwrap();
    append_in(&store, &mut older, &ledger("other"), Expected::NoStream, 0)
        .await
        .unwrap();
    store
        .append(&stream, Expected::NoStream, &noted(&stream, 1))
        .await
        .unwrap();
    let error = append_in(&store, &mut older, &stream, Expected::Version(1), 2)
        .await
        .unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
    older.rollback().await.unwrap();

    let mut younger = store.pool().begin().await.unwrap();
    append_in(&store, &mut younger, &stream, Expected::Version(1), 2)
        .await
        .unwrap();
    younger.commit().await.unwrap();
    assert_eq!(store.stream_version(&stream).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_restored_into_another_cluster_are_refused_until_they_are_adopted() {
    let Some(database) = postgres::own_server("events_restored").await else {
        return;
    };
    let store = database.store().await;
    for number in 0..5 {
        store
            .append(
                &ledger(1),
                Expected::Version(number),
                &noted(&ledger(1), number),
            )
            .await
            .unwrap();
    }
    let third = store.load_events(&ledger(1), 2, 1).await.unwrap()[0].position;
    store
        .move_checkpoint("model", Position::START, third)
        .await
        .unwrap();
    // What a dump of a long-lived cluster brings along: ids this one will not reach for years.
    for table in ["otelgen_events", "otelgen_projections"] {
        let moved = format!(
            "UPDATE {table} SET transaction_id = (transaction_id::text::bigint + 5000000000)::text::xid8"
        );
        query(sqlx::AssertSqlSafe(moved))
            .execute(store.pool())
            .await
            .unwrap();
    }
    let error = store.migrate().await.unwrap_err();
    assert!(
        matches!(error, EventStoreError::RestoredElsewhere),
        "{error:?}"
    );

    store.adopt_restored_events().await.unwrap();
    store.migrate().await.unwrap();
    store
        .append(&ledger(1), Expected::Version(5), &noted(&ledger(1), 5))
        .await
        .unwrap();
    let checkpoint = store.load_checkpoint("model").await.unwrap();
    eventually("the last append to be readable", async || {
        store.read_all(checkpoint, 10).await.unwrap().len() == 3
    })
    .await;
    let all: Vec<u64> = store
        .read_all(Position::START, 10)
        .await
        .unwrap()
        .iter()
        .map(number)
        .collect();
    assert_eq!(all, [0, 1, 2, 3, 4, 5]);
}

/// Counts how often the client waits for an answer: `Sync` and `Query` messages, by PostgreSQL's own framing.
mod round_trips {
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream, UnixStream};

    pub async fn counting_proxy(server: PathBuf) -> (u16, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&server).await.unwrap();
                tokio::spawn(forward(client, server, Arc::clone(&counted)));
            }
        });
        (port, count)
    }

    async fn forward(client: TcpStream, server: UnixStream, count: Arc<AtomicUsize>) {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
        // Messages before the start-up message have no type byte; with sslmode=disable there is only that one.
        let length = from_client.read_u32().await.unwrap();
        let mut body = vec![0; length as usize - 4];
        from_client.read_exact(&mut body).await.unwrap();
        to_server.write_u32(length).await.unwrap();
        to_server.write_all(&body).await.unwrap();
        while let Ok(kind) = from_client.read_u8().await {
            let length = from_client.read_u32().await.unwrap();
            let mut body = vec![0; length as usize - 4];
            from_client.read_exact(&mut body).await.unwrap();
            if kind == b'S' || kind == b'Q' {
                count.fetch_add(1, Ordering::SeqCst);
            }
            to_server.write_u8(kind).await.unwrap();
            to_server.write_u32(length).await.unwrap();
            to_server.write_all(&body).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_is_one_round_trip_whatever_the_number_of_events() {
    use std::sync::atomic::Ordering;
    let Some(database) = postgres::database("an_append_is_one_round_trip").await else {
        return;
    };
    database.store().await;
    let (port, round_trips) = round_trips::counting_proxy(database.socket()).await;
    let url = format!(
        "postgres://otelgen@127.0.0.1:{port}/{}?sslmode=disable",
        database.name()
    );
    let store = PostgresEventStore::connect(&url).unwrap();
    // One connection held, since the pool tests each one in the background when it is given back.
    let mut connection = store.pool().acquire().await.unwrap();
    append_in(&store, &mut connection, &ledger(1), Expected::NoStream, 0)
        .await
        .unwrap();
    for (version, size) in [(1, 1_u64), (2, 100), (102, 1_000)] {
        let events: Vec<_> = (0..size)
            .map(|number| NewEvent::of(&noted(&ledger(1), number)).unwrap())
            .collect();
        let before = round_trips.load(Ordering::SeqCst);
        let expected = Expected::Version(version);
        store
            .save_events_in(&mut connection, &ledger(1), expected, &events)
            .await
            .unwrap();
        assert_eq!(
            round_trips.load(Ordering::SeqCst) - before,
            1,
            "{size} events"
        );
    }
}

#[test]
fn a_connection_string_does_not_leak_into_errors() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for url in [
            "postgres://shop:hunter2@127.0.0.1:1/shop",
            "postgres://shop:hunter2@[/shop",
            "hunter2",
        ] {
            let error = match PostgresEventStore::connect(url) {
                Ok(store) => store.head().await.unwrap_err(),
                Err(error) => error,
            };
            let mut text = format!("{error} {error:?}");
            let mut source = std::error::Error::source(&error);
            while let Some(inner) = source {
                text.push_str(&inner.to_string());
                source = inner.source();
            }
            assert!(!text.contains("hunter2"), "{text}");
        }
    });
}
