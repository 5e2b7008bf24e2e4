//! A handler that may run again cannot give its arguments away.

use otelgen::event_store::{EventStoreError, MemoryEventStore};
use otelgen::traced_event;
use serde::{Deserialize, Serialize};

#[traced_event]
#[derive(Serialize, Deserialize)]
struct Opened {
    id: String,
}

struct Accounts {
    store: MemoryEventStore,
}

impl Accounts {
    #[traced_event(store = self.store, stream = ("account", 1), expected = "any", retry_conflict = 2)]
    async fn open(&self, id: String) -> Result<Opened, EventStoreError> {
        Ok(Opened { id })
    }
}

fn main() {}
