use otelgen::traced;

#[traced(kind = "sever")]
fn misspelt_kind() {}

#[traced(kind = "database", err = 1)]
fn unknown_kind() {}

#[traced(failure_rate = 0.5)]
fn of_another_attribute() {}

#[traced(err)]
fn error_without_display() -> Result<(), NotDisplay> {
    Ok(())
}

#[traced(ret)]
fn value_without_debug() -> NotDisplay {
    NotDisplay
}

struct NotDisplay;

fn main() {}
