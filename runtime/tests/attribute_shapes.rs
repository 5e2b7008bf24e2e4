//! The attributes on every kind of function: what the function does without one, it does with one.

use std::borrow::Cow;
use std::fmt::Display;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use otelgen::{
    BreakerConfig, BreakerOpen, BreakerState, BreakerWindow, ConfigurationError,
    TracedCircuitBreaker, traced, traced_breaker,
};

#[derive(Debug, PartialEq)]
enum Error {
    Open(&'static str),
    Down,
    Parse,
}

impl From<BreakerOpen> for Error {
    fn from(open: BreakerOpen) -> Self {
        Self::Open(open.name())
    }
}

impl From<std::num::ParseIntError> for Error {
    fn from(_: std::num::ParseIntError) -> Self {
        Self::Parse
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

fn state(name: &str) -> Option<BreakerState> {
    otelgen::breaker(name).map(|handle| handle.state())
}

#[traced_breaker]
fn free(text: &str) -> Result<i32, Error> {
    let number: i32 = text.parse()?;
    if number < 0 {
        return Err(Error::Down);
    }
    Ok(number)
}

#[test]
fn question_mark_and_return_keep_their_meaning() {
    assert_eq!(free("3"), Ok(3));
    assert_eq!(free("x"), Err(Error::Parse));
    assert_eq!(free("-1"), Err(Error::Down));
    assert!(state("free").is_some(), "named after the function");
}

#[derive(Default)]
struct Shop<'s> {
    items: Vec<Cow<'s, str>>,
}

impl<'s> Shop<'s> {
    #[traced_breaker(name = "shapes.mutable")]
    fn push(&mut self, mut item: String) -> Result<&mut Cow<'s, str>, Error> {
        item.push('!');
        self.items.push(item.into());
        self.items.last_mut().ok_or(Error::Down)
    }

    #[traced_breaker]
    async fn first<'a, T>(&'a self, _other: T) -> Result<&'a str, Error>
    where
        T: Display + Send,
    {
        tokio::task::yield_now().await;
        self.items.first().map(|item| &**item).ok_or(Error::Down)
    }

    #[traced_breaker(name = "shapes.by_value")]
    fn into_items(self) -> Result<Vec<Cow<'s, str>>, Error> {
        Ok(self.items)
    }

    #[traced]
    fn count(self: &Arc<Self>) -> usize {
        self.items.len()
    }
}

#[test]
fn methods_borrow_move_and_return_borrows() {
    let mut shop = Shop::default();
    *shop.push("tea".to_owned()).expect("closed") += "?";
    assert_eq!(block_on(shop.first(1)), Ok("tea!?"));
    assert!(
        state("Shop::first").is_some(),
        "named after type and function"
    );
    let shop = Arc::new(shop);
    assert_eq!(shop.count(), 1);
    let shop = Arc::into_inner(shop).expect("the only one");
    assert_eq!(shop.into_items(), Ok(vec![Cow::from("tea!?")]));
}

trait Stock {
    fn look_up(&self, item: u32) -> Result<u32, Error>;
    fn reserve(&self, item: u32) -> impl Future<Output = Result<u32, Error>> + Send;
}

struct Shelf;

impl Stock for Shelf {
    #[traced_breaker(name = "shapes.trait_impl")]
    fn look_up(&self, item: u32) -> Result<u32, Error> {
        Ok(item)
    }

    #[traced_breaker(name = "shapes.trait_impl_async")]
    async fn reserve(&self, item: u32) -> Result<u32, Error> {
        tokio::task::yield_now().await;
        Ok(item)
    }
}

#[test]
fn methods_of_trait_impls_are_guarded() {
    assert_eq!(Shelf.look_up(1), Ok(1));
    assert_eq!(block_on(Shelf.reserve(2)), Ok(2));
    assert!(state("shapes.trait_impl").is_some());
    assert!(state("shapes.trait_impl_async").is_some());
}

/// What `#[async_trait]` makes of a method.
trait Boxed {
    fn fetch<'life0, 'async_trait>(
        &'life0 self,
        item: u32,
    ) -> Pin<Box<dyn Future<Output = Result<u32, Error>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait;
}

impl Boxed for Shelf {
    #[traced_breaker(name = "shapes.boxed", min_calls = 1, on_open = Self::fallback)]
    fn fetch<'life0, 'async_trait>(
        &'life0 self,
        item: u32,
    ) -> Pin<Box<dyn Future<Output = Result<u32, Error>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let __self = self;
            let item = item;
            let __ret: Result<u32, Error> = {
                tokio::task::yield_now().await;
                if item == 0 {
                    return Err(Error::Down);
                }
                Ok(item)
            };
            __ret
        })
    }
}

impl Shelf {
    async fn fallback(&self, item: u32) -> Result<u32, Error> {
        Ok(item + 100)
    }
}

#[test]
fn boxed_futures_of_async_trait_are_guarded_inside() {
    block_on(async {
        assert_eq!(Shelf.fetch(5).await, Ok(5));
        assert_eq!(Shelf.fetch(0).await, Err(Error::Down));
        assert_eq!(Shelf.fetch(7).await, Ok(107), "from the fallback");
    });
}

#[traced_breaker(name = "shapes.impl_trait")]
fn numbers(up_to: impl Into<u32>) -> Result<impl Iterator<Item = u32>, Error> {
    Ok(0..up_to.into())
}

#[traced_breaker(name = "shapes.impl_future")]
#[allow(clippy::manual_async_fn)] // the shape under test
fn future(item: u32) -> impl Future<Output = Result<u32, Error>> {
    async move { Ok(item) }
}

#[test]
fn impl_trait_is_returned_and_taken() {
    assert_eq!(numbers(3_u8).map(Iterator::sum::<u32>), Ok(3));
    assert_eq!(block_on(future(4)), Ok(4));
}

mod fallbacks {
    use super::*;

    #[traced_breaker(name = "shapes.async_fallback", consecutive = 1, on_open = cached)]
    pub async fn fetch(key: String, mut tries: u32) -> Result<String, Error> {
        tries += 1;
        if tries > 1 { Err(Error::Down) } else { Ok(key) }
    }

    async fn cached(key: String, tries: u32) -> Result<String, Error> {
        tokio::task::yield_now().await;
        Ok(format!("{key} from the cache after {tries}"))
    }

    #[traced_breaker(name = "shapes.sync_fallback", consecutive = 1, on_open = default)]
    pub async fn fetch_or_default(fail: bool) -> Result<u8, Error> {
        if fail { Err(Error::Down) } else { Ok(1) }
    }

    fn default(_: bool) -> Result<u8, Error> {
        Ok(0)
    }

    #[derive(Debug, PartialEq)]
    pub struct Plain(pub String);

    #[traced_breaker(
        name = "shapes.map_open",
        consecutive = 1,
        map_open = |open: BreakerOpen| Plain(open.to_string()),
    )]
    pub fn mapped() -> Result<(), Plain> {
        Err(Plain("down".to_owned()))
    }
}

#[test]
fn fallbacks_get_the_same_arguments_and_may_be_async() {
    block_on(async {
        let fetched = fallbacks::fetch("tea".to_owned(), 1).await;
        assert_eq!(fetched, Err(Error::Down));
        let fetched = fallbacks::fetch("tea".to_owned(), 1).await;
        assert_eq!(fetched.as_deref(), Ok("tea from the cache after 1"));
        assert!(fallbacks::fetch_or_default(true).await.is_err());
        assert_eq!(fallbacks::fetch_or_default(false).await, Ok(0));
    });
}

#[test]
fn map_open_makes_the_error() {
    assert!(fallbacks::mapped().is_err());
    let error = fallbacks::mapped().expect_err("it is open");
    assert!(error.0.contains("`shapes.map_open` is open"), "{error:?}");
}

#[traced_breaker(name = "shapes.keyed", key = tenant, max_keys = 2, consecutive = 1)]
fn for_tenant(tenant: &str, fail: bool) -> Result<(), Error> {
    if fail {
        return Err(Error::Down);
    }
    let _ = tenant;
    Ok(())
}

#[test]
fn keys_have_breakers_of_their_own() {
    assert_eq!(for_tenant("acme", true), Err(Error::Down));
    assert_eq!(for_tenant("acme", false), Err(Error::Open("shapes.keyed")));
    assert_eq!(for_tenant("zenith", false), Ok(()));
    let long = "x".repeat(1_000);
    assert_eq!(for_tenant(&long, false), Ok(()));
    let kept = otelgen::breakers();
    let kept = kept
        .iter()
        .filter(|breaker| breaker.name() == "shapes.keyed");
    assert_eq!(kept.count(), 2);
}

static SHARED: LazyLock<TracedCircuitBreaker> = LazyLock::new(|| {
    let builder = TracedCircuitBreaker::builder("shapes.shared").consecutive(1);
    builder.build().expect("valid settings")
});

trait Guarded {
    fn breaker(&self) -> &TracedCircuitBreaker;

    #[traced_breaker(breaker = self.breaker())]
    fn with_default_body(&self) -> Result<(), Error> {
        Err(Error::Down)
    }
}

struct Generic<T> {
    breaker: Arc<TracedCircuitBreaker>,
    value: T,
}

impl<T: Clone> Generic<T> {
    #[traced_breaker(breaker = self.breaker)]
    async fn get(&self) -> Result<T, Error> {
        Ok(self.value.clone())
    }
}

impl Guarded for Shelf {
    fn breaker(&self) -> &TracedCircuitBreaker {
        &SHARED
    }
}

#[traced_breaker(breaker = SHARED, span = "debug")]
fn shares() -> Result<(), Error> {
    Ok(())
}

#[test]
fn a_breaker_of_ones_own_is_shared_wherever_it_is_named() {
    assert_eq!(shares(), Ok(()));
    assert_eq!(Shelf.with_default_body(), Err(Error::Down));
    assert_eq!(shares(), Err(Error::Open("shapes.shared")));
    let generic = Generic {
        breaker: Arc::new(
            TracedCircuitBreaker::builder("shapes.generic")
                .build()
                .expect("valid"),
        ),
        value: 3,
    };
    assert_eq!(block_on(generic.get()), Ok(3));
}

#[traced_breaker(
    name = "shapes.every_setting",
    failure_rate = 0.5,
    min_calls = 10,
    window_calls = 20,
    consecutive = 5,
    slow_call = "1s",
    slow_rate = 0.5,
    open_for = "10s",
    open_backoff = 2.0,
    open_max = "1m",
    half_open_permits = 2,
    half_open_timeout = "5s",
    is_failure = |error: &Error| *error == Error::Down,
    ignore = |error| *error == Error::Parse
)]
fn every_setting(text: &str) -> Result<i32, Error> {
    Ok(text.parse()?)
}

#[test]
fn every_setting_arrives() {
    assert_eq!(every_setting("x"), Err(Error::Parse));
    let handle = otelgen::breaker("shapes.every_setting").expect("it was used");
    assert_eq!(handle.snapshot().totals.ignored, 1);
    let expected = BreakerConfig {
        failure_rate: 0.5,
        min_calls: 10,
        window: BreakerWindow::Calls(20),
        consecutive: Some(5),
        slow_call: Some(Duration::from_secs(1)),
        slow_rate: 0.5,
        open_for: Duration::from_secs(10),
        open_backoff: 2.0,
        open_max: Duration::from_secs(60),
        half_open_permits: 2,
        half_open_timeout: Duration::from_secs(5),
    };
    assert_eq!(*handle.config(), expected);
}

mod conflict {
    use super::*;

    #[traced_breaker(name = "shapes.conflict", consecutive = 1)]
    pub fn first() -> Result<(), Error> {
        Err(Error::Down)
    }

    #[traced_breaker(name = "shapes.conflict", consecutive = 2)]
    pub fn second() -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn one_name_with_other_settings_is_one_error_and_the_first_settings_hold() {
    assert!(conflict::first().is_err());
    assert_eq!(conflict::second(), Err(Error::Open("shapes.conflict")));
    assert_eq!(conflict::second(), Err(Error::Open("shapes.conflict")));
    let errors = otelgen::configuration_errors();
    let about = errors.iter().filter(|error| {
        matches!(error, ConfigurationError::Breaker(_))
            && error.to_string().contains("shapes.conflict")
    });
    assert_eq!(about.count(), 1);
}

#[traced(name = "shapes.stacked")]
#[traced_breaker(name = "shapes.stacked")]
async fn stacked(item: u32) -> Result<u32, Error> {
    Ok(item)
}

/// Documented, and with attributes of its own.
#[must_use]
#[traced(fields(size = items.len(), first = ?items.first()), skip_all)]
#[allow(clippy::ptr_arg)]
fn documented(items: &Vec<u32>) -> u32 {
    items.iter().sum()
}

#[traced]
fn generic<T, const N: usize>(values: [T; N]) -> usize
where
    T: Copy,
{
    let _ = values;
    N
}

#[traced]
fn diverges() -> ! {
    std::panic::panic_any(7_u8)
}

#[test]
fn the_rest_of_a_function_stays_what_it_is() {
    assert_eq!(block_on(stacked(1)), Ok(1));
    assert_eq!(documented(&vec![1, 2]), 3);
    assert_eq!(generic([1, 2, 3]), 3);
    let payload = std::panic::catch_unwind(|| diverges()).expect_err("it panics");
    assert_eq!(payload.downcast_ref::<u8>(), Some(&7));
}

#[test]
fn guarded_futures_are_send_where_their_bodies_are() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    assert_eq!(block_on(send(stacked(2))), Ok(2));
    let _ = block_on(send(fallbacks::fetch("tea".to_owned(), 0)));
}
