//! What moves on a terminal while `verify` builds and runs; nothing where there is no terminal.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::verify::{Sink, Step};

/// A line on the standard error that follows a run of `verify`; it is gone when the run is over.
pub struct Progress(ProgressBar);

impl Progress {
    /// Begins.
    pub fn start() -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {elapsed:.dim} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_message("starting cargo");
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// What `verify` tells its steps to.
    pub fn sink(&self) -> Sink {
        let bar = self.0.clone();
        Sink::new(move |step| {
            if let Some(message) = message(step) {
                bar.set_message(message);
            }
        })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn message(step: Step<'_>) -> Option<String> {
    match step {
        Step::Built { crates, name, fresh: false } => Some(format!("building: {crates} crates, {name} done")),
        Step::Built { crates, .. } => Some(format!("building: {crates} crates")),
        Step::Starting => Some("starting the service".to_owned()),
        Step::Probing { number, total, name } => Some(format!("probe {number} of {total}: {name}")),
        Step::Stopping => Some("stopping the service".to_owned()),
        _ => None,
    }
}
