//! The `metrics` facade's world: a program that uses every pattern, as a Datadog Agent receives it by DogStatsD.
#![cfg(all(
    feature = "metrics",
    feature = "retry",
    feature = "rate-limit",
    feature = "cache",
    feature = "messaging",
    feature = "route",
    feature = "event-store"
))]

mod worlds_support;

use std::net::UdpSocket;
use std::time::Duration;

use metrics_exporter_dogstatsd::DogStatsDBuilder;
use worlds_support::{Kind, Series, Shown};

const MARK: &str = "worlds.mark";

/// `name:value[:value…]|type|#key:value,…` (Datadog, "DogStatsD datagram format").
fn parse(line: &str) -> (Series, Vec<f64>) {
    let mut parts = line.split('|');
    let head = parts.next().expect("a name and values");
    let (name, values) = head.split_once(':').expect("a name and values");
    let kind = match parts.next() {
        Some("c") => Kind::Counter,
        Some("g") => Kind::Gauge,
        Some("d") => Kind::Histogram,
        other => panic!("what is `{line}`? {other:?}"),
    };
    let tags = parts
        .find_map(|part| part.strip_prefix('#'))
        .unwrap_or_default();
    let mut labels: Vec<(String, String)> = tags
        .split_terminator(',')
        .map(|tag| {
            let (key, value) = tag.split_once(':').expect("a tag and its value");
            (key.to_owned(), value.to_owned())
        })
        .collect();
    labels.sort();
    let values = values
        .split(':')
        .map(|value| value.parse().expect("a number"));
    ((kind, name.to_owned(), labels), values.collect())
}

/// An Agent: counters come as differences, gauges as they are, distributions value by value.
struct Agent {
    socket: UdpSocket,
    shown: Shown,
}

impl Agent {
    /// Receives until `done`.
    fn receive_until(&mut self, done: impl Fn(&Shown) -> bool) {
        let mut datagram = vec![0; 65_536];
        while !done(&self.shown) {
            let length = self.socket.recv(&mut datagram).expect("a datagram comes");
            let text = std::str::from_utf8(&datagram[..length]).expect("text");
            for line in text.lines() {
                let (series, values) = parse(line);
                match series.0 {
                    Kind::Gauge => drop(self.shown.insert(series, values[values.len() - 1])),
                    Kind::Counter => {
                        *self.shown.entry(series).or_default() += values.iter().sum::<f64>();
                    }
                    Kind::Histogram => {
                        *self.shown.entry(series).or_default() += values.len() as f64
                    }
                }
            }
        }
    }
}

#[test]
fn dogstatsd_shows_every_pattern_as_the_other_world_does() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    // Only a failing test waits for so long.
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a socket");
    let address = socket.local_addr().expect("an address").to_string();
    DogStatsDBuilder::default()
        .with_remote_address(address)
        .expect("an address")
        .with_flush_interval(Duration::from_millis(20))
        .with_telemetry(false)
        .install()
        .expect("the only recorder");
    otelgen::bind_metrics();
    let _running = worlds_support::run().expect("the program runs");

    // What was recorded before the first mark has been sent when the second one arrives, a flush later.
    let mut agent = Agent {
        socket,
        shown: Shown::new(),
    };
    let mark = (Kind::Counter, MARK.to_owned(), Vec::new());
    for marks in [1.0, 2.0] {
        metrics::counter!(MARK).increment(1);
        agent.receive_until(|shown| shown.get(&mark) == Some(&marks));
    }
    agent.shown.remove(&mark);
    agent.shown.retain(|_, value| *value != 0.0);
    worlds_support::assert_shown(&agent.shown);
}
