use otelgen::{traced_consumer, traced_producer};

type Headers = Vec<(String, String)>;

#[traced_producer(system = "kafka", destination = "orders", headers = headers)]
const fn sends(headers: &mut Headers) {}

#[traced_consumer(system = "kafka", destination = "orders", headers = headers)]
const fn processes(headers: &Headers) {}

fn main() {}
