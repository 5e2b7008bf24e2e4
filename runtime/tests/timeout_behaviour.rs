//! Timeouts through the attribute, the value and the layer, on tokio's paused clock.

use std::future::pending;
use std::time::Duration;

use otelgen::{Elapsed, PatternConfigError, TimeoutError, TracedTimeout, traced_timeout};
use tokio::time::Instant;

#[derive(Debug, PartialEq)]
enum Error {
    TooSlow(&'static str, Duration),
    Failed,
}

impl From<Elapsed> for Error {
    fn from(elapsed: Elapsed) -> Self {
        Self::TooSlow(elapsed.name(), elapsed.after())
    }
}

struct Client {
    limit: TracedTimeout,
}

trait Fetch {
    async fn fetch(&self, item: u32) -> Result<u32, Error>;
}

impl Fetch for Client {
    #[traced_timeout(name = "timeout.fetch", after = "2s")]
    async fn fetch(&self, item: u32) -> Result<u32, Error> {
        match item {
            0 => pending().await,
            1 => Err(Error::Failed),
            2 => {
                tokio::time::sleep(Duration::from_millis(1_999)).await;
                Ok(item)
            }
            _ => Ok(item),
        }
    }
}

impl Client {
    #[traced_timeout(timeout = self.limit)]
    async fn shared(&mut self) -> Result<(), Error> {
        pending().await
    }
}

#[traced_timeout(after = "10ms", map = late)]
async fn mapped() -> Result<(), String> {
    pending().await
}

fn late(elapsed: Elapsed) -> String {
    elapsed.to_string()
}

fn client() -> Client {
    let limit = TracedTimeout::builder("timeout.shared")
        .after(Duration::from_millis(300))
        .build()
        .expect("the timeout is valid");
    Client { limit }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_takes_too_long_is_dropped_at_its_time() {
    let start = Instant::now();
    let result = client().fetch(0).await;
    assert_eq!(
        result,
        Err(Error::TooSlow("timeout.fetch", Duration::from_secs(2)))
    );
    assert_eq!(start.elapsed(), Duration::from_secs(2));
    assert_eq!(client().fetch(1).await, Err(Error::Failed));
    assert_eq!(client().fetch(2).await, Ok(2));
    assert_eq!(client().fetch(3).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn a_shared_timeout_and_a_mapped_error_do_as_they_are_told() {
    assert_eq!(
        client().shared().await,
        Err(Error::TooSlow("timeout.shared", Duration::from_millis(300)))
    );
    let error = mapped().await.expect_err("it never ends");
    assert!(error.contains("no result within 10ms"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn every_end_is_counted_once() {
    let timeout = TracedTimeout::builder("timeout.counted")
        .after(Duration::from_secs(1))
        .build()
        .expect("the timeout is valid");
    assert_eq!(timeout.call_async(|| async { Ok::<_, ()>(1) }).await, Ok(1));
    let failed = timeout.call_async(|| async { Err::<(), _>("no") }).await;
    assert_eq!(failed, Err(TimeoutError::Inner("no")));
    let slow = timeout.call_async(pending::<Result<(), ()>>).await;
    assert!(slow.expect_err("it never ends").is_elapsed());
    {
        let call = timeout.call_async(pending::<Result<(), ()>>);
        let given_up = tokio::time::timeout(Duration::from_millis(5), call).await;
        assert!(given_up.is_err());
    }
    let panicking = {
        let timeout = timeout.clone();
        tokio::spawn(async move {
            timeout
                .call_async(|| async {
                    let broken = true;
                    assert!(!broken, "on purpose");
                    Ok::<(), ()>(())
                })
                .await
        })
    };
    assert!(panicking.await.is_err());
    let totals = timeout.totals();
    assert_eq!(
        (
            totals.success,
            totals.failure,
            totals.timeout,
            totals.cancelled
        ),
        (1, 2, 1, 1)
    );
}

#[test]
fn settings_that_cannot_work_are_named() {
    let missing = TracedTimeout::builder("timeout.missing").build();
    assert!(matches!(
        missing,
        Err(PatternConfigError::Missing { field: "after", .. })
    ));
    let zero = TracedTimeout::builder("timeout.zero")
        .after(Duration::ZERO)
        .build();
    assert!(matches!(
        zero,
        Err(PatternConfigError::OutOfRange { field: "after", .. })
    ));
    let unnamed = TracedTimeout::builder(" ")
        .after(Duration::from_secs(1))
        .build();
    assert!(matches!(unnamed, Err(PatternConfigError::EmptyName { .. })));
    let _first = TracedTimeout::builder("timeout.taken")
        .after(Duration::from_secs(1))
        .build();
    let second = TracedTimeout::builder("timeout.taken")
        .after(Duration::from_secs(2))
        .build();
    assert!(matches!(second, Err(PatternConfigError::NameTaken { .. })));
}

#[cfg(feature = "tower")]
#[tokio::test(start_paused = true)]
async fn a_layer_bounds_the_time_of_responses() {
    use otelgen::TracedTimeoutLayer;
    use tower::{ServiceBuilder, ServiceExt};

    let timeout = TracedTimeout::builder("timeout.layer")
        .after(Duration::from_secs(1))
        .build()
        .expect("the timeout is valid");
    let service = ServiceBuilder::new()
        .layer(TracedTimeoutLayer::new(timeout))
        .service_fn(|wait: u64| async move {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            Ok::<_, std::io::Error>(wait)
        });
    assert!(matches!(service.clone().oneshot(999).await, Ok(999)));
    assert!(matches!(
        service.oneshot(1_001).await,
        Err(TimeoutError::Elapsed(_))
    ));
}
