use otelgen::{traced_consumer, traced_producer};

type Headers = Vec<(String, String)>;

#[traced_producer(system = kafka, destination = 7, headers = headers)]
fn wrong(headers: &mut Headers) {}

#[traced_producer(system = "", destination = "", operation = 1, headers)]
fn empty(headers: &mut Headers) {}

#[traced_consumer(system = "kafka", destination = "orders", headers = headers, parent = "yes", group = 3)]
fn relation(headers: &Headers) {}

fn main() {}
