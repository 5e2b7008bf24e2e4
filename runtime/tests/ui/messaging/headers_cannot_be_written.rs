use otelgen::traced_producer;

#[traced_producer(system = "kafka", destination = "orders", headers = headers)]
fn not_mutable(headers: Vec<(String, String)>) {}

fn main() {}
