//! Who answers: shares, keys, forced sides, and what the attribute leaves of the function.
#![cfg(feature = "route")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use otelgen::{
    ConfigurationError, PatternConfigError, RouteMode, RouteSide, ShadowConfig, TracedRoute,
    traced_route,
};

#[derive(Clone, Debug, PartialEq)]
struct Failed(&'static str);

fn answer(side: RouteSide) -> Result<RouteSide, Failed> {
    Ok(side)
}

fn share(route: &TracedRoute, calls: usize) -> usize {
    let sides = (0..calls).map(|_| route.start().run(answer));
    sides.filter(|side| *side == Ok(RouteSide::New)).count()
}

#[traced_route(name = "route.price", legacy = old_price(item).await, percent = 25, key = tenant)]
async fn price(tenant: Option<&str>, item: u32) -> Result<u32, Failed> {
    let _ = tenant;
    tokio::task::yield_now().await;
    if item == 0 {
        return Err(Failed("new"));
    }
    Ok(item * 99)
}

async fn old_price(item: u32) -> Result<u32, Failed> {
    tokio::task::yield_now().await;
    if item == 0 {
        Err(Failed("legacy"))
    } else {
        Ok(item * 100)
    }
}

#[tokio::test]
async fn a_key_stays_on_its_side_and_the_others_share() {
    let mut moved = 0;
    for tenant in 0..400 {
        let tenant = format!("tenant-{tenant}");
        let first = price(Some(&tenant), 1).await;
        for _ in 0..3 {
            assert_eq!(price(Some(&tenant), 1).await, first, "{tenant}");
        }
        moved += u32::from(first == Ok(99));
    }
    assert!((70..=130).contains(&moved), "{moved} of 400 at 25 %");
    let mut anonymous = 0;
    for _ in 0..100 {
        anonymous += u32::from(price(None, 1).await == Ok(99));
    }
    assert!((23..=27).contains(&anonymous), "{anonymous} of 100 at 25 %");
}

#[tokio::test]
async fn raising_the_share_moves_keys_to_the_new_side_and_none_back() {
    let route = TracedRoute::builder("route.raised")
        .percent(10.0)
        .build()
        .expect("valid");
    let on_new = || -> Vec<u32> {
        let side = |tenant: &u32| route.start_for(tenant).run(answer) == Ok(RouteSide::New);
        (0..1_000).filter(side).collect()
    };
    let before = on_new();
    route.handle().set_percent(30.0).expect("a share");
    let after = on_new();
    assert!(before.iter().all(|tenant| after.contains(tenant)));
    assert!(
        after.len() > before.len() + 100,
        "{} and {}",
        before.len(),
        after.len()
    );
}

#[test]
fn without_a_key_every_stretch_of_calls_has_its_share() {
    let route = TracedRoute::builder("route.share")
        .percent(12.5)
        .build()
        .expect("valid");
    for _ in 0..5 {
        let new = share(&route, 80);
        assert!((9..=11).contains(&new), "{new} of 80 at 12.5 %");
    }
}

#[traced_route(name = "route.handle", legacy = Ok("legacy"))]
fn forced() -> Result<&'static str, Failed> {
    Ok("new")
}

#[test]
fn a_handle_moves_the_share_and_rolls_back_while_the_program_runs() {
    assert_eq!(forced(), Ok("legacy"), "nothing changes by deploying");
    let handle = otelgen::route("route.handle").expect("it was called");
    assert_eq!(
        (handle.name(), handle.percent(), handle.mode()),
        ("route.handle", 0.0, RouteMode::Split)
    );

    handle.set_percent(100.0).expect("a share");
    assert_eq!(forced(), Ok("new"));
    handle.force_legacy();
    assert_eq!(forced(), Ok("legacy"));
    assert_eq!(handle.mode(), RouteMode::ForcedLegacy);
    handle.set_percent(50.0).expect("a share");
    assert_eq!(forced(), Ok("legacy"), "what is forced stays forced");
    handle.force_new();
    assert_eq!((forced(), forced()), (Ok("new"), Ok("new")));
    handle.set_percent(0.0).expect("a share");
    handle.resume();
    assert_eq!(forced(), Ok("legacy"));
    assert!(
        otelgen::routes()
            .iter()
            .any(|route| route.name() == "route.handle")
    );

    let error = handle.set_percent(f64::INFINITY).expect_err("no share");
    assert_eq!(
        error.to_string(),
        "route setting `percent` is inf; it must be from 0 to 100"
    );
    assert_eq!(handle.percent(), 0.0);
    let totals = handle.totals();
    assert_eq!((totals.legacy.success, totals.new.success), (4, 3));
}

static EVALUATED: AtomicU32 = AtomicU32::new(0);

fn count_legacy() -> Result<u32, Failed> {
    EVALUATED.fetch_add(1, Ordering::Relaxed);
    Err(Failed("legacy"))
}

#[traced_route(name = "route.lazy", legacy = count_legacy(), percent = 100)]
fn lazy() -> Result<u32, Failed> {
    Ok(1)
}

#[test]
fn the_legacy_call_is_made_only_when_it_answers() {
    assert_eq!(lazy(), Ok(1));
    assert_eq!(EVALUATED.load(Ordering::Relaxed), 0);
    otelgen::route("route.lazy")
        .expect("it was called")
        .force_legacy();
    assert_eq!(lazy(), Err(Failed("legacy")));
    assert_eq!(EVALUATED.load(Ordering::Relaxed), 1);
}

trait Pricing {
    fn quote(&self, item: String) -> Result<String, Failed>;
    async fn reserve<'i>(&mut self, item: &'i str) -> Result<&'i str, Failed>;
}

struct Shop<T> {
    route: TracedRoute,
    reserved: Vec<T>,
}

impl<T: From<&'static str>> Pricing for Shop<T> {
    #[traced_route(route = self.route, legacy = Ok(item + " (legacy)"))]
    fn quote(&self, mut item: String) -> Result<String, Failed> {
        item.push('!');
        Ok(item)
    }

    #[traced_route(route = &self.route, legacy = { self.reserved.clear(); Ok(item) }, key = item)]
    async fn reserve<'i>(&mut self, item: &'i str) -> Result<&'i str, Failed> {
        self.reserved.push(T::from("new"));
        item.get(1..).ok_or(Failed("empty"))
    }
}

#[tokio::test]
async fn methods_of_generic_impls_take_a_route_of_their_own() {
    let route = TracedRoute::builder("route.shop")
        .percent(100.0)
        .build()
        .expect("valid");
    let mut shop = Shop::<String> {
        route: route.clone(),
        reserved: Vec::new(),
    };
    assert_eq!(shop.quote("tea".to_owned()), Ok("tea!".to_owned()));
    assert_eq!(shop.reserve("tea").await, Ok("ea"));
    assert_eq!(shop.reserve("").await, Err(Failed("empty")));
    assert_eq!(shop.reserved.len(), 2);
    route.handle().force_legacy();
    assert_eq!(shop.quote("tea".to_owned()), Ok("tea (legacy)".to_owned()));
    assert_eq!(shop.reserve("tea").await, Ok("tea"));
    assert!(shop.reserved.is_empty());
}

#[tokio::test]
async fn the_value_calls_one_of_two_functions() {
    let route = TracedRoute::builder("route.explicit")
        .percent(100.0)
        .build()
        .expect("valid");
    assert_eq!(route.call(|| Err(Failed("legacy")), || Ok(1)), Ok(1));
    let awaited = route
        .call_async(async || Ok(0), async || Err(Failed("new")))
        .await;
    assert_eq!(awaited, Err::<u32, _>(Failed("new")));
    assert_eq!(route.start().side(), RouteSide::New);
    let totals = route.handle().totals();
    assert_eq!((totals.new.success, totals.new.failure), (1, 1));
}

#[test]
fn settings_that_cannot_work_are_named() {
    let error = TracedRoute::builder("route.wrong")
        .percent(-1.0)
        .build()
        .expect_err("no share");
    assert!(
        matches!(
            error,
            PatternConfigError::OutOfRange {
                field: "percent",
                ..
            }
        ),
        "{error}"
    );
    let error = TracedRoute::builder("  ").build().expect_err("no name");
    assert_eq!(error, PatternConfigError::EmptyName { pattern: "route" });
    let shadow = ShadowConfig {
        max_concurrent: 0,
        ..ShadowConfig::DEFAULT
    };
    let error = TracedRoute::builder("route.wrong")
        .shadow(shadow)
        .build()
        .expect_err("no place");
    assert!(
        error.to_string().contains("`shadow.max_concurrent` is 0"),
        "{error}"
    );
}

#[test]
fn a_name_has_one_configuration_whatever_its_share_is_now() {
    let first = TracedRoute::builder("route.twice")
        .percent(5.0)
        .build()
        .expect("valid");
    first.handle().set_percent(50.0).expect("a share");
    let same = TracedRoute::builder("route.twice")
        .percent(5.0)
        .build()
        .expect("the same");
    assert_eq!(same.handle().percent(), 50.0);
    let other = TracedRoute::builder("route.twice").percent(50.0).build();
    assert!(
        matches!(other, Err(PatternConfigError::NameTaken { .. })),
        "{other:?}"
    );

    #[traced_route(name = "route.twice", legacy = Ok(0), percent = 100)]
    fn other_settings() -> Result<u32, Failed> {
        Ok(1)
    }

    first.handle().force_legacy();
    assert_eq!(other_settings(), Ok(0), "the first one's settings count");
    let reported = |error: &ConfigurationError| error.to_string().contains("route `route.twice`");
    assert!(otelgen::configuration_errors().iter().any(reported));
}

#[tokio::test]
async fn arguments_are_moved_once_and_futures_stay_send() {
    struct NotClone(Arc<()>);

    #[traced_route(name = "route.moved", legacy = { drop(token); Ok(0) }, percent = 100)]
    async fn moved(token: NotClone) -> Result<usize, Failed> {
        tokio::task::yield_now().await;
        Ok(Arc::strong_count(&token.0))
    }

    let task = tokio::spawn(moved(NotClone(Arc::new(()))));
    assert_eq!(task.await.expect("it ends"), Ok(1));
}
