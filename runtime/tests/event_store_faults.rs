//! Writers killed, databases restarted, disks full: nothing acknowledged is lost, nothing appears twice, and every
//! stream keeps its order. Then the same in numbers: four writers and a subscriber.
//!
//! `OTELGEN_EVENT_COUNT` sets how many events the counting tests write.
#![cfg(all(feature = "event-store-sqlite", feature = "event-store-postgres"))]

mod event_store_support;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use event_store_support::domain::{LedgerEvent, ledger, noted};
use event_store_support::{postgres, skip};
use otelgen::event_store::{
    EventStore, EventStoreError, EventStoreExt, Expected, NewEvent, Position, PostgresEventStore,
    RecordedEvent, SqliteEventStore, StreamId,
};

const BATCH: u64 = 3;

async fn open(place: &str) -> Box<dyn EventStore> {
    if place.starts_with("postgres://") {
        Box::new(PostgresEventStore::connect(place).unwrap())
    } else {
        Box::new(SqliteEventStore::open(place).await.unwrap())
    }
}

fn number(event: &RecordedEvent) -> u64 {
    match event.decode().unwrap() {
        LedgerEvent::Noted { number, .. } => number,
        LedgerEvent::Closed { .. } => panic!("only noted events"),
    }
}

async fn numbers(store: &dyn EventStore, stream: &StreamId) -> Vec<u64> {
    let (mut after, mut all) = (0, Vec::new());
    loop {
        let page = store.load_events(stream, after, 1_000).await.unwrap();
        let Some(last) = page.last() else { return all };
        after = last.version;
        all.extend(page.iter().map(number));
    }
}

/// This test binary again, running one of the ignored tests below as another process.
fn child(test: &str, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        test,
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
    command
        .envs(environment.iter().copied())
        .stdout(Stdio::piped());
    command
}

/// Appends batches to one stream from where it ends, and says each version once it is acknowledged.
#[tokio::test]
#[ignore = "runs in a process of its own, started by other tests"]
async fn writer_process() {
    let Ok(place) = std::env::var("OTELGEN_WRITER_PLACE") else {
        return;
    };
    let store = open(&place).await;
    let stream = ledger("killed");
    let mut version = store.stream_version(&stream).await.unwrap();
    loop {
        let batch: Vec<_> = (0..BATCH)
            .map(|offset| noted(&stream, version + offset))
            .collect();
        version = store
            .append(&stream, Expected::Version(version), &batch)
            .await
            .unwrap()
            .version;
        let mut output = std::io::stdout().lock();
        writeln!(output, "acknowledged {version}").unwrap();
        output.flush().unwrap();
    }
}

fn acknowledged(line: &str) -> Option<u64> {
    line.split_once("acknowledged ")?.1.trim().parse().ok()
}

/// Kills a writer with SIGKILL after some acknowledgements, and returns the last one it got out.
fn write_and_kill(place: &str, acknowledgements: usize) -> u64 {
    let mut writer: Child = child("writer_process", &[("OTELGEN_WRITER_PLACE", place)])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let mut last = lines
        .by_ref()
        .filter_map(|line| acknowledged(&line))
        .nth(acknowledgements)
        .expect("the writer writes");
    writer.kill().unwrap();
    for line in lines {
        last = acknowledged(&line).unwrap_or(last);
    }
    writer.wait().unwrap();
    last
}

async fn survives_killed_writers(place: &str) {
    let stream = ledger("killed");
    let mut before = 0;
    for round in 0..5 {
        let acknowledged = write_and_kill(place, 5 + round * 7);
        let store = open(place).await;
        let version = store.stream_version(&stream).await.unwrap();
        assert!(acknowledged > before, "round {round} wrote");
        assert!(
            version >= acknowledged,
            "{acknowledged} was acknowledged, {version} is there"
        );
        assert!(
            version <= acknowledged + BATCH,
            "at most the one append in flight is there too"
        );
        assert_eq!(version % BATCH, 0, "an append is there whole or not at all");
        before = version;
    }
    let store = open(place).await;
    assert_eq!(
        numbers(&*store, &stream).await,
        (0..before).collect::<Vec<_>>(),
        "nothing lost, nothing twice"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_killed_writer_loses_nothing_it_had_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("events.db");
    survives_killed_writers(place.to_str().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_killed_writer_loses_nothing_it_had_acknowledged() {
    let Some(database) = postgres::database("on_postgres_a_killed_writer").await else {
        return;
    };
    database.store().await;
    survives_killed_writers(&database.url()).await;
}

/// Saves the same events until the answer arrives.
async fn save_stubbornly(
    store: &impl EventStore,
    stream: &StreamId,
    version: u64,
    events: &[NewEvent],
) -> bool {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match store
            .save_events(stream, Expected::Version(version), events)
            .await
        {
            Ok(appended) => return appended.repeated,
            Err(error) if error.is_transient() => {
                assert!(attempts < 2_000, "{error:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_postgres_loses_nothing_and_doubles_nothing() {
    const ROUNDS: u64 = 300;
    let Some(database) = postgres::own_server("a_restarted_postgres").await else {
        return;
    };
    let store = database.store().await;
    let progress = tokio::sync::watch::Sender::new(0_u64);
    let writers: Vec<_> = (0..2_u64)
        .map(|writer| {
            let (store, progress) = (store.clone(), progress.clone());
            tokio::spawn(async move {
                let stream = ledger(writer);
                for round in 0..ROUNDS {
                    let first = round * BATCH;
                    let events: Vec<_> = (first..first + BATCH)
                        .map(|number| NewEvent::of(&noted(&stream, number)).unwrap())
                        .collect();
                    save_stubbornly(&store, &stream, first, &events).await;
                    progress.send_modify(|count| *count += 1);
                }
            })
        })
        .collect();
    let subscriber = tokio::spawn({
        let store = store.clone();
        async move {
            let mut subscription = store.subscribe(Position::START).batch(50);
            let mut seen = HashMap::<String, Vec<u64>>::new();
            let mut count = 0;
            while count < 2 * ROUNDS * BATCH {
                match subscription.next().await {
                    Ok(event) => {
                        count += 1;
                        seen.entry(event.stream.id().to_owned())
                            .or_default()
                            .push(number(&event));
                    }
                    Err(error) if error.is_transient() => {
                        tokio::time::sleep(Duration::from_millis(20)).await
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
            seen
        }
    });
    let mut watching = progress.subscribe();
    for (after, signal) in [(100, "QUIT"), (250, "INT"), (400, "QUIT")] {
        watching.wait_for(|count| *count >= after).await.unwrap();
        let server = std::sync::Arc::clone(&database.server);
        tokio::task::spawn_blocking(move || {
            server.stop(signal);
            server.run();
        })
        .await
        .unwrap();
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let seen = subscriber.await.unwrap();
    let expected: Vec<u64> = (0..ROUNDS * BATCH).collect();
    for writer in 0..2_u64 {
        assert_eq!(numbers(&store, &ledger(writer)).await, expected);
        assert_eq!(
            seen[&writer.to_string()],
            expected,
            "the subscriber saw each once, in order"
        );
    }
}

/// Runs inside a file system of two megabytes that its parent mounted.
#[tokio::test]
#[ignore = "runs in a process of its own, started by another test"]
async fn full_disk_process() {
    let Ok(directory) = std::env::var("OTELGEN_FULL_DIRECTORY") else {
        return;
    };
    let directory = Path::new(&directory);
    let store = SqliteEventStore::open(directory.join("events.db"))
        .await
        .unwrap();
    let stream = ledger("full");
    let ballast = directory.join("ballast");
    std::fs::write(&ballast, vec![1; 600_000]).unwrap();

    let mut version = 0;
    let error = loop {
        let mut event = NewEvent::of(&noted(&stream, version)).unwrap();
        event = event.with_metadata("padding", "x".repeat(5_000));
        match store
            .save_events(&stream, Expected::Version(version), &[event])
            .await
        {
            Ok(appended) => version = appended.version,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, EventStoreError::StorageFull { .. }),
        "{error:?}"
    );
    assert!(error.is_transient());
    assert!(version > 10, "it wrote {version} before the disk was full");
    assert_eq!(
        numbers(&store, &stream).await,
        (0..version).collect::<Vec<_>>(),
        "what was acknowledged is there"
    );

    std::fs::remove_file(ballast).unwrap();
    store
        .append(
            &stream,
            Expected::Version(version),
            &noted(&stream, version),
        )
        .await
        .unwrap();
    drop(store);
    let again = SqliteEventStore::open(directory.join("events.db"))
        .await
        .unwrap();
    assert_eq!(
        numbers(&again, &stream).await,
        (0..=version).collect::<Vec<_>>()
    );
    println!("survived the full disk");
}

#[test]
fn on_sqlite_a_full_disk_loses_nothing_and_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().to_str().unwrap();
    let this = std::env::current_exe().unwrap();
    let script = "mount -t tmpfs -o size=2m otelgen \"$OTELGEN_FULL_DIRECTORY\" || exit 77
        exec \"$0\" --exact full_disk_process --ignored --nocapture";
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", script])
        .arg(this)
        .env("OTELGEN_FULL_DIRECTORY", place)
        .output();
    let cannot = "unshare(1) and the right to mount a tmpfs in a namespace";
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains("survived the full disk"), "{text}");
        }
        Ok(output) if matches!(output.status.code(), Some(1 | 77)) && output.stdout.is_empty() => {
            skip("on_sqlite_a_full_disk", cannot);
        }
        Ok(output) => panic!(
            "{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(_) => skip("on_sqlite_a_full_disk", cannot),
    }
}

fn event_count(default: u64) -> u64 {
    std::env::var("OTELGEN_EVENT_COUNT")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(default)
}

/// Four writers, each with streams of its own, one subscriber that counts every event.
async fn every_event_is_counted(store: impl EventStore + Clone + 'static, total: u64) {
    const WRITERS: u64 = 4;
    const STREAMS: u64 = 5;
    const SIZE: u64 = 250;
    let rounds = total.div_ceil(WRITERS * STREAMS * SIZE).max(1);
    let total = rounds * WRITERS * STREAMS * SIZE;
    let begun = std::time::Instant::now();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for round in 0..rounds {
                    for stream in 0..STREAMS {
                        let stream = ledger(writer * STREAMS + stream);
                        let first = round * SIZE;
                        let events: Vec<_> = (first..first + SIZE)
                            .map(|number| noted(&stream, number))
                            .collect();
                        store
                            .append(&stream, Expected::Version(first), &events)
                            .await
                            .unwrap();
                    }
                }
                begun.elapsed()
            })
        })
        .collect();

    let mut subscription = store.subscribe(Position::START).batch(2_000);
    let mut next = HashMap::<StreamId, u64>::new();
    let (mut seen, mut last) = (0, Position::START);
    while seen < total {
        for event in subscription.next_batch().await.unwrap() {
            assert!(event.position > last, "positions only grow");
            last = event.position;
            let expected = next.entry(event.stream.clone()).or_default();
            assert_eq!(
                number(&event),
                *expected,
                "stream {} keeps its order",
                event.stream
            );
            *expected += 1;
            assert_eq!(event.version, *expected);
            seen += 1;
        }
    }
    let followed = begun.elapsed();
    let mut written = Duration::ZERO;
    for writer in writers {
        written = written.max(writer.await.unwrap());
    }
    assert_eq!(next.len() as u64, WRITERS * STREAMS);
    assert!(next.values().all(|count| *count == rounds * SIZE));
    assert_eq!(store.read_all(last, 1).await.unwrap(), []);
    let rate = |duration: Duration| (total as f64 / duration.as_secs_f64()) as u64;
    eprintln!(
        "{}: {total} events, {}/s written beside a subscriber, {}/s followed",
        store.system(),
        rate(written),
        rate(followed)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_four_writers_and_a_subscriber_account_for_every_event() {
    let Some(database) = postgres::database("on_postgres_four_writers").await else {
        return;
    };
    every_event_is_counted(database.store().await, event_count(40_000)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_four_writers_and_a_subscriber_account_for_every_event() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteEventStore::open(directory.path().join("events.db"))
        .await
        .unwrap();
    every_event_is_counted(store, event_count(40_000)).await;
}
