//! A private PostgreSQL for tests, a domain to test with, and waiting for conditions.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod domain;
#[cfg(feature = "event-store-postgres")]
pub mod postgres;

use std::time::{Duration, Instant};

/// Says why a test does nothing; fails it where the peers are required.
pub fn skip(test: &str, missing: &str) {
    assert!(
        std::env::var("OTELGEN_REQUIRE_PEERS").as_deref() != Ok("1"),
        "{test} needs {missing}, and OTELGEN_REQUIRE_PEERS=1"
    );
    eprintln!("skipped: {test} needs {missing}");
}

/// Asks again until the condition holds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let begun = Instant::now();
    while !condition().await {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "waited in vain for {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
