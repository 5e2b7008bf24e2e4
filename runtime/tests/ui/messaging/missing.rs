use otelgen::{traced_consumer, traced_producer};

#[traced_producer]
fn nothing_said() {}

#[traced_producer(system = "kafka", destination = "orders")]
fn no_headers() {}

#[traced_consumer(destination = "orders", headers = headers)]
fn no_system(headers: &[(String, String)]) {}

#[traced_consumer(system = "kafka", batch = messages)]
fn no_destination(messages: Vec<Vec<(String, String)>>) {}

fn main() {}
