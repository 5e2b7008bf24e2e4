use otelgen::event_store::DomainEvent;
use otelgen::traced_event;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, DomainEvent)]
enum NoAggregate {
    Opened { owner: String },
}

#[derive(Serialize, Deserialize, DomainEvent)]
enum TwoOfOneName {
    #[event(rename = "opened")]
    Opened { id: u64 },
    #[event(rename = "opened")]
    Reopened { id: u64 },
}

#[derive(Serialize, Deserialize, DomainEvent)]
#[event(rename = "account")]
enum RenamedWhole {
    Opened { id: u64 },
}

#[derive(Serialize, Deserialize, DomainEvent)]
enum Wrong {
    #[event(version = 0)]
    Opened { id: u64 },
    #[event(renam = "x")]
    Closed { id: u64 },
    #[event = "y"]
    Frozen { id: u64 },
    Twice {
        #[event(aggregate_id)]
        one: u64,
        #[event(aggregate_id)]
        two: u64,
    },
}

#[derive(Serialize, Deserialize, DomainEvent)]
enum Nothing {}

#[traced_event(versoin = 2)]
#[derive(Serialize, Deserialize)]
struct Misspelt {
    id: u64,
}

fn main() {}
