//! Nothing in the user's scope can change what `#[traced_event]` and `#[derive(DomainEvent)]` mean.
#![cfg(feature = "event-store")]
#![no_implicit_prelude]
#![allow(dead_code, unused_imports)]

extern crate otelgen as renamed;

// Names that the expansions use inside, with other meanings.
mod core {}
mod std {}
mod alloc {}
mod tracing {}
mod otelgen {}
mod event_store {}
mod hostile {
    // serde's own derives want these two.
    pub struct Ok;
    pub struct Err;
    pub struct Some;
    pub struct None;
    pub struct Result;
    pub struct Option;
    pub struct String;
    pub struct Box;
    pub struct Vec;
}

mod events {
    use super::hostile::*;

    #[derive(
        ::core::fmt::Debug,
        ::core::clone::Clone,
        ::serde::Serialize,
        ::serde::Deserialize,
        crate::renamed::event_store::DomainEvent,
    )]
    #[event(aggregate_id = "account", version = 2, crate = crate::renamed)]
    pub enum Happened {
        #[event(rename = "opened", upcast = upcast)]
        Opened {
            account: ::std::string::String,
            self_: u8,
        },
        #[event(version = 3)]
        Closed(#[event(aggregate_id)] u8, u8),
    }

    fn upcast(
        _: u32,
        payload: crate::renamed::event_store::Value,
    ) -> ::core::result::Result<
        crate::renamed::event_store::Value,
        crate::renamed::event_store::BoxError,
    > {
        ::core::result::Result::Ok(payload)
    }

    #[crate::renamed::traced_event(aggregate_id = "account", crate = crate::renamed)]
    #[derive(::serde::Serialize, ::serde::Deserialize)]
    pub struct Renamed {
        pub account: ::std::string::String,
        pub event_type: u8,
    }
}

use events::Happened;
use hostile::*;

#[derive(::core::default::Default)]
struct Account(u8);

impl ::otelgen::event_store::Aggregate for Account {
    type Event = Happened;

    fn apply(&mut self, event: Happened) {
        if let Happened::Opened { self_, .. } = event {
            self.0 += self_;
        }
    }
}

struct Accounts {
    store: ::otelgen::event_store::MemoryEventStore,
}

type Answer<T> = ::core::result::Result<T, ::otelgen::EventStoreError>;

impl Accounts {
    #[::otelgen::traced_event(
        crate = renamed, store = self.store, stream = ("account", account), expected = "any", fields(span = span),
    )]
    async fn open(&self, account: &str, span: u8, result: u8) -> Answer<Happened> {
        let account = ::std::string::ToString::to_string(account);
        ::core::result::Result::Ok(Happened::Opened {
            account,
            self_: span + result,
        })
    }

    #[::otelgen::traced_event(
        store = self.store, stream = ("account", account), state(state: Account), retry_conflict = 2,
    )]
    async fn close(&self, account: &str, span: u8) -> Answer<::core::option::Option<Happened>> {
        ::core::result::Result::Ok(::core::option::Option::Some(Happened::Closed(
            span, state.0,
        )))
    }
}

#[::core::prelude::v1::test]
fn hostile_names_change_nothing() {
    let runtime = ::tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    let accounts = Accounts {
        store: ::otelgen::event_store::MemoryEventStore::new(),
    };
    runtime.block_on(async {
        accounts.open("1", 2, 3).await.expect("it opens");
        let closed = accounts.close("1", 7).await.expect("it closes");
        ::std::assert!(::std::matches!(
            closed,
            ::core::option::Option::Some(Happened::Closed(7, 5))
        ));
    });
    let renamed = events::Renamed {
        account: ::std::convert::From::from("9"),
        event_type: 4,
    };
    ::std::assert_eq!(
        ::otelgen::event_store::DomainEvent::aggregate_id(&renamed),
        "9"
    );
    ::std::assert_eq!(
        ::otelgen::event_store::DomainEvent::event_type(&renamed),
        "Renamed"
    );
}
