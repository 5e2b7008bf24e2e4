//! Tasks and blocking work that stay in the trace of who starts them.

use tokio::task::JoinHandle;
use tracing::{Instrument, Span};

/// [`tokio::spawn`] that carries the current span: spans and logs of the task belong to the caller's trace.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let task = otelgen::telemetry::spawn(async { tracing::info!("still in the caller's trace") });
/// task.await.unwrap();
/// # });
/// ```
///
/// # Panics
///
/// Outside a Tokio runtime, as [`tokio::spawn`] does.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.instrument(Span::current()))
}

/// [`tokio::task::spawn_blocking`] that carries the current span.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let sum = otelgen::telemetry::spawn_blocking(|| (1..=10).sum::<u32>()).await.unwrap();
/// assert_eq!(sum, 55);
/// # });
/// ```
///
/// # Panics
///
/// Outside a Tokio runtime, as [`tokio::task::spawn_blocking`] does.
pub fn spawn_blocking<F, T>(work: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let span = Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
}
