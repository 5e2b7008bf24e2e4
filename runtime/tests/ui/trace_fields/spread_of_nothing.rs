use otelgen::traced;

#[traced(fields(order = ..))]
fn spread(order: u64) {}

fn main() {}
