//! Settings that cannot work are refused by every builder, by the name of the setting, and never where calls are made.
#![cfg(all(
    feature = "retry",
    feature = "rate-limit",
    feature = "cache",
    feature = "messaging",
    feature = "route"
))]

use std::time::Duration;

use otelgen::{
    BreakerConfigError, ConfigurationError, PatternConfigError, Policy, RetryBudget, ShadowConfig,
    TracedBulkhead, TracedCache, TracedCircuitBreaker, TracedConsumer, TracedFunction,
    TracedProducer, TracedRateLimit, TracedRetry, TracedRoute, TracedTimeout,
};

type Refused = Result<(), ConfigurationError>;

/// What the attempt was, and the setting that its error has to name.
type Case = (&'static str, fn() -> Refused);

const NEVER: Duration = Duration::ZERO;
const FOREVER: Duration = Duration::MAX;

fn refused<T, E: Into<ConfigurationError>>(built: Result<T, E>) -> Refused {
    built.map(drop).map_err(Into::into)
}

/// Rows of setters on one builder.
macro_rules! cases {
    ($start:expr; $($field:literal: $(.$set:ident($value:expr))+),+ $(,)?) => {
        &[$(($field, || refused($start$(.$set($value))+.build()))),+]
    };
}

const BREAKER: &[Case] = cases!(TracedCircuitBreaker::builder("bad");
    "failure_rate": .failure_rate(f64::NAN),
    "failure_rate": .failure_rate(-0.5),
    "failure_rate": .failure_rate(0.0),
    "failure_rate": .failure_rate(f64::INFINITY),
    "min_calls": .min_calls(0),
    "min_calls": .window_calls(10).min_calls(11),
    "window": .window(NEVER),
    "window": .window(FOREVER),
    "window_calls": .window_calls(0),
    "window_calls": .window_calls(u32::MAX),
    "consecutive": .consecutive(0),
    "slow_call": .slow_call(NEVER),
    "slow_call": .slow_call(FOREVER),
    "slow_rate": .slow_rate(f64::NAN),
    "slow_rate": .slow_rate(1.5),
    "open_for": .open_for(NEVER),
    "open_for": .open_for(FOREVER),
    "open_backoff": .open_backoff(f64::NAN),
    "open_backoff": .open_backoff(f64::INFINITY),
    "open_backoff": .open_backoff(0.5),
    "open_max": .open_max(NEVER),
    "half_open_permits": .half_open_permits(0),
    "half_open_timeout": .half_open_timeout(NEVER),
);

const RETRY: &[Case] = cases!(TracedRetry::builder("bad");
    "attempts": .attempts(0),
    "attempts": .attempts(u32::MAX),
    "base": .base(NEVER),
    "base": .base(FOREVER),
    "factor": .factor(f64::NAN),
    "factor": .factor(-1.0),
    "factor": .factor(f64::INFINITY),
    "max_delay": .max_delay(NEVER),
    "max_delay": .base(Duration::from_secs(2)).max_delay(Duration::from_secs(1)),
    "deadline": .deadline(NEVER),
    "deadline": .deadline(FOREVER),
    "attempt_timeout": .attempt_timeout(NEVER),
    "budget": .budget_ratio(f64::NAN),
    "budget": .budget_ratio(-0.1),
    "budget": .budget_ratio(0.0),
    "budget": .budget_ratio(2.0),
);

const TIMEOUT: &[Case] = cases!(TracedTimeout::builder("bad");
    "after": .after(NEVER),
    "after": .after(FOREVER),
    "after": .span(true),
);

const BULKHEAD: &[Case] = cases!(TracedBulkhead::builder("bad");
    "max_concurrent": .max_concurrent(0),
    "max_concurrent": .max_concurrent(u32::MAX),
    "max_concurrent": .span(true),
    "max_wait": .max_concurrent(1).max_wait(FOREVER),
);

const RATE_LIMIT: &[Case] = cases!(TracedRateLimit::builder("bad", 10.0);
    "burst": .burst(0),
    "burst": .burst(u32::MAX),
    "max_wait": .max_wait(NEVER),
    "max_wait": .max_wait(FOREVER),
);

const RATE: &[Case] = &[
    ("per_second", || {
        refused(TracedRateLimit::builder("bad", f64::NAN).build())
    }),
    ("per_second", || {
        refused(TracedRateLimit::builder("bad", -1.0).build())
    }),
    ("per_second", || {
        refused(TracedRateLimit::builder("bad", 0.0).build())
    }),
    ("per_second", || {
        refused(TracedRateLimit::builder("bad", f64::INFINITY).build())
    }),
    ("max_keys", || {
        refused(TracedRateLimit::builder("bad", 1.0).build_keyed(0))
    }),
    ("max_keys", || {
        refused(TracedCircuitBreaker::builder("bad").build_keyed(0))
    }),
];

const CACHE: &[Case] = cases!(TracedCache::<u32, u32>::builder("bad");
    "ttl": .ttl(NEVER),
    "ttl": .ttl(FOREVER),
    "tti": .tti(NEVER),
    "max_entries": .max_entries(0),
    "max_entries": .max_entries(u64::MAX),
    "stale_if_error": .ttl(Duration::from_secs(1)).stale_if_error(NEVER),
    "stale_if_error": .stale_if_error(Duration::from_secs(1)),
    "refresh_ahead": .refresh_ahead(Duration::from_secs(1)),
    "refresh_ahead": .ttl(Duration::from_secs(1)).refresh_ahead(Duration::from_secs(1)),
    "ttl_jitter": .ttl_jitter(f64::NAN),
    "ttl_jitter": .ttl_jitter(-0.1),
    "ttl_jitter": .ttl_jitter(1.0),
);

const SHADOW: ShadowConfig = ShadowConfig::DEFAULT;

const ROUTE: &[Case] = cases!(TracedRoute::builder("bad");
    "percent": .percent(f64::NAN),
    "percent": .percent(-1.0),
    "percent": .percent(100.5),
    "shadow.percent": .shadow(ShadowConfig { percent: f64::NAN, ..SHADOW }),
    "shadow.max_concurrent": .shadow(ShadowConfig { max_concurrent: 0, ..SHADOW }),
    "shadow.timeout": .shadow(ShadowConfig { timeout: NEVER, ..SHADOW }),
    "shadow.timeout": .shadow(ShadowConfig { timeout: FOREVER, ..SHADOW }),
);

const POLICY: &[Case] = cases!(Policy::builder("bad");
    "after": .timeout(NEVER),
    "factor": .retry(|retry| retry.factor(f64::NAN)),
    "failure_rate": .circuit_breaker(|breaker| breaker.failure_rate(f64::NAN)),
    "min_calls": .circuit_breaker(|breaker| breaker.window_calls(5)),
);

const MESSAGES: &[Case] = &[
    ("system", || {
        refused(TracedProducer::builder(" ", "orders").build())
    }),
    ("destination", || {
        refused(TracedProducer::builder("kafka", "").build())
    }),
    ("operation", || {
        refused(
            TracedProducer::builder("kafka", "orders")
                .operation("")
                .build(),
        )
    }),
    ("template", || {
        refused(
            TracedProducer::builder("kafka", "orders")
                .template(" ")
                .build(),
        )
    }),
    ("system", || {
        refused(TracedConsumer::builder("", "orders").build())
    }),
    ("destination", || {
        refused(TracedConsumer::builder("kafka", " ").build())
    }),
    ("operation", || {
        refused(
            TracedConsumer::builder("kafka", "orders")
                .operation("")
                .build(),
        )
    }),
    ("template", || {
        refused(
            TracedConsumer::builder("kafka", "orders")
                .template("")
                .build(),
        )
    }),
    ("group", || {
        refused(TracedConsumer::builder("kafka", "orders").group("").build())
    }),
];

const BUDGET: &[Case] = &[
    ("budget", || refused(RetryBudget::new(f64::NAN, 10))),
    ("budget", || refused(RetryBudget::new(-1.0, 10))),
    ("budget reserve", || refused(RetryBudget::new(0.1, 0))),
];

#[test]
fn a_setting_that_cannot_work_is_named_by_the_error() {
    let tables = [
        BREAKER, RETRY, TIMEOUT, BULKHEAD, RATE_LIMIT, RATE, CACHE, ROUTE, POLICY, MESSAGES, BUDGET,
    ];
    for (number, (field, build)) in tables.into_iter().flatten().enumerate() {
        let error = build().expect_err(field);
        let message = error.to_string();
        assert!(
            message.contains(&format!("`{field}`")),
            "{number}: {message}"
        );
        let typed = match error {
            ConfigurationError::Breaker(error) => !matches!(
                error,
                BreakerConfigError::EmptyName | BreakerConfigError::NameTaken { .. }
            ),
            ConfigurationError::Pattern(
                PatternConfigError::OutOfRange { field: of, .. }
                | PatternConfigError::Missing { field: of, .. }
                | PatternConfigError::Conflict { field: of, .. },
            ) => of == *field,
            _ => false,
        };
        assert!(typed, "{number}: the error's own field names `{field}`");
    }
    // Nothing was left behind under the name.
    assert!(TracedCircuitBreaker::builder("bad").build().is_ok());
    assert!(TracedRoute::builder("bad").build().is_ok());
}

const NAMES: &[fn(&str) -> Refused] = &[
    |name| refused(TracedCircuitBreaker::builder(name).build()),
    |name| refused(TracedCircuitBreaker::builder(name).build_keyed(2)),
    |name| refused(TracedRetry::builder(name).build()),
    |name| {
        refused(
            TracedTimeout::builder(name)
                .after(Duration::from_secs(1))
                .build(),
        )
    },
    |name| refused(TracedBulkhead::builder(name).max_concurrent(1).build()),
    |name| refused(TracedRateLimit::builder(name, 1.0).build()),
    |name| refused(TracedRateLimit::builder(name, 1.0).build_keyed(2)),
    |name| refused(TracedCache::<u32, u32>::builder(name).build()),
    |name| refused(TracedRoute::builder(name).build()),
    |name| refused(TracedFunction::builder(name).build()),
    |name| {
        refused(
            Policy::builder(name)
                .timeout(Duration::from_secs(1))
                .build(),
        )
    },
];

#[test]
fn a_name_that_is_empty_or_only_spaces_is_refused() {
    for (number, build) in NAMES.iter().enumerate() {
        for name in ["", "  ", "\t\n"] {
            let error = build(name).expect_err("no name");
            let typed = matches!(
                error,
                ConfigurationError::Breaker(BreakerConfigError::EmptyName)
                    | ConfigurationError::Pattern(PatternConfigError::EmptyName { .. })
            );
            assert!(typed, "{number}: {error}");
        }
    }
}

/// Builds one under a name, and then another with other settings while the first one lives.
type Twice = fn(&str) -> Refused;

fn twice<T, E: Into<ConfigurationError>>(first: Result<T, E>, second: Result<T, E>) -> Refused {
    let first = first.map_err(Into::into).expect("the first one is valid");
    let second = refused(second);
    drop(first);
    second
}

const TAKEN: &[Twice] = &[
    |name| {
        let breaker = || TracedCircuitBreaker::builder(name);
        twice(breaker().build(), breaker().min_calls(7).build())
    },
    |name| {
        let breaker = || TracedCircuitBreaker::builder(name);
        twice(breaker().build_keyed(2), breaker().build_keyed(3))
    },
    |name| {
        let retry = || TracedRetry::builder(name);
        twice(retry().build(), retry().attempts(7).build())
    },
    |name| {
        let timeout = |seconds| TracedTimeout::builder(name).after(Duration::from_secs(seconds));
        twice(timeout(1).build(), timeout(2).build())
    },
    |name| {
        let bulkhead = |calls| TracedBulkhead::builder(name).max_concurrent(calls);
        twice(bulkhead(1).build(), bulkhead(2).build())
    },
    |name| {
        let limit = |rate| TracedRateLimit::builder(name, rate);
        twice(limit(1.0).build(), limit(2.0).build())
    },
    |name| {
        let cache = |entries| TracedCache::<u32, u32>::builder(name).max_entries(entries);
        twice(cache(1).build(), cache(2).build())
    },
    |name| {
        let route = |share| TracedRoute::builder(name).percent(share);
        twice(route(1.0).build(), route(2.0).build())
    },
];

#[test]
fn a_name_that_belongs_to_other_settings_is_refused_and_says_both() {
    for (number, build) in TAKEN.iter().enumerate() {
        let name = format!("bad.taken.{number}");
        let error = build(&name).expect_err("the name is taken");
        let message = error.to_string();
        let typed = matches!(
            error,
            ConfigurationError::Breaker(BreakerConfigError::NameTaken { .. })
                | ConfigurationError::Pattern(PatternConfigError::NameTaken { .. })
        );
        assert!(typed && message.contains(&name), "{number}: {message}");
        assert!(message.contains("other settings"), "{number}: {message}");
    }
}

#[test]
fn a_share_that_is_none_leaves_a_running_route_as_it_is() {
    let route = TracedRoute::builder("bad.share").percent(25.0).build();
    let handle = route.expect("a valid share").handle();
    for share in [f64::NAN, f64::NEG_INFINITY, -0.001, 100.001] {
        let error = handle.set_percent(share).expect_err("no share");
        assert!(error.to_string().contains("`percent`"), "{error}");
        assert!((handle.percent() - 25.0).abs() < 1e-9);
    }
}
