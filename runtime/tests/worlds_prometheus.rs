//! The `metrics` facade's world: a program that uses every pattern, as the page of the Prometheus exporter shows it.
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

use std::collections::BTreeMap;

use metrics_exporter_prometheus::PrometheusBuilder;
use worlds_support::{Kind, Shown, expected};

/// The page's lines by the names that the exporter makes of ours.
fn shown(page: &str) -> Shown {
    let names: BTreeMap<String, String> = expected()
        .into_keys()
        .flat_map(|(_, name, labels)| {
            std::iter::once(name).chain(labels.into_iter().map(|(key, _)| key))
        })
        .map(|name| (name.replace('.', "_"), name))
        .collect();
    let ours = |name: &str| names.get(name).cloned().unwrap_or_else(|| name.to_owned());
    let mut kinds = BTreeMap::new();
    let mut shown = Shown::new();
    for line in page.lines().filter(|line| !line.is_empty()) {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').expect("a name and its type");
            kinds.insert(name.to_owned(), kind.to_owned());
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a series and its value");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = labels.trim_end_matches('}');
        // Quantiles and sums depend on the clock.
        if name.ends_with("_sum") || labels.contains("quantile=") {
            continue;
        }
        let (name, kind) = match (
            kinds.get(name).map(String::as_str),
            name.strip_suffix("_count"),
        ) {
            (Some("counter"), _) => (name, Kind::Counter),
            (Some("gauge"), _) => (name, Kind::Gauge),
            (_, Some(name)) => (name, Kind::Histogram),
            other => panic!("what is `{line}`? {other:?}"),
        };
        let mut labels: Vec<(String, String)> = labels
            .split_terminator(',')
            .map(|label| {
                let (key, value) = label.split_once('=').expect("a label and its value");
                (ours(key), value.trim_matches('"').to_owned())
            })
            .collect();
        labels.sort();
        let value: f64 = value.parse().expect("a number");
        if value != 0.0 {
            shown.insert((kind, ours(name), labels), value);
        }
    }
    shown
}

#[test]
fn prometheus_shows_every_pattern_as_the_other_world_does() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let prometheus = recorder.handle();
    metrics::set_global_recorder(recorder).expect("the only recorder");
    otelgen::bind_metrics();
    let _running = worlds_support::run().expect("the program runs");
    worlds_support::assert_shown(&shown(&prometheus.render()));
}
