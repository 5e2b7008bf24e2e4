#![allow(unused_variables)]

use otelgen::traced_event;

struct Accounts;

impl Accounts {
    #[traced_event(stream = ("account", id), expected = "any")]
    async fn without_a_store(&self, id: u64) -> Result<(), ()> {
        Ok(())
    }

    #[traced_event(store = self.store, stream = ("account", id))]
    async fn without_an_expectation(&self, id: u64) -> Result<(), ()> {
        Ok(())
    }

    #[traced_event(store = self.store, stream = ("account", id), expected = "no_streem")]
    async fn with_a_slip(&self, id: u64) -> Result<(), ()> {
        Ok(())
    }

    #[traced_event(store = self.store, stream = ("account", id), expected = 3, state(account: Account))]
    async fn with_both(&self, id: u64) -> Result<(), ()> {
        Ok(())
    }

    #[traced_event(store = self.store, stream = ("account", id), expected = 3, snapshot_every = 10)]
    async fn snapshots_of_nothing(&self, id: u64) -> Result<(), ()> {
        Ok(())
    }

    #[traced_event(store = self.store, stream = ("account", id), state(Account))]
    async fn a_state_without_a_name(&self, id: u64) -> Result<(), ()> {
        Ok(())
    }

    #[traced_event(store = self.store, stream = ("account", id), expected = "any", retry_conflicts = 3)]
    async fn an_unknown_parameter(&self, id: u64) -> Result<(), ()> {
        Ok(())
    }

    #[traced_event(store = self.store, stream = ("account", id), expected = "any")]
    fn not_async(&self, id: u64) -> Result<(), ()> {
        Ok(())
    }

    #[traced_event(store = self.store, stream = ("account", id), expected = "any")]
    async fn nothing_returned(&self, id: u64) {}
}

fn main() {}
