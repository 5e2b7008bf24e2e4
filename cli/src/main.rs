//! The otelgen binary.
fn main() {}
