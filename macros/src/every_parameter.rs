//! Every parameter of every attribute: a slip is answered with the right name, a wrong value and a second one are
//! refused by name. What an attribute knows is asked of itself, so that a new parameter cannot be forgotten here.

use proc_macro2::TokenStream;
use quote::quote;

use crate::stage;

/// A parameter, a value that is right, and values that are not: of the wrong type, or out of range.
type Row = (&'static str, &'static str, &'static [&'static str]);

const DURATION: &[&str] = &[
    "= 30",
    "= \"30\"",
    "= \"soon\"",
    "= \"0s\"",
    "= \"9999d\"",
    "",
];
const PATH: &[&str] = &["= 3", "= |error| true", ""];
const EXPRESSION: &[&str] = &["", "(SHARED)"];
const FLAG: &[&str] = &["= 1", "= \"yes\"", "(true)"];
const NUMBER: &[&str] = &["= \"half\"", "= -1", "= 1000000.5", "= nan", ""];
const COUNT: &[&str] = &[
    "= \"many\"",
    "= 0",
    "= -1",
    "= 2.5",
    "= 99999999999",
    "= many",
    "",
];
const TEXT: &[&str] = &["= 3", "= \"\"", "= NAME", ""];

const COMMON: &[Row] = &[
    ("name", "= \"shop\"", TEXT),
    ("fields", "(item = item)", &["= 3", ""]),
    ("skip_all", "", FLAG),
    ("span", "= \"debug\"", &["= 7", "= \"loud\""]),
    ("metrics", "= false", FLAG),
    ("crate", "= renamed", &["= \"otelgen\"", "= 3", ""]),
];

const ATTRIBUTES: &[(&str, &[Row])] = &[
    (
        "traced",
        &[
            (
                "kind",
                "= \"client\"",
                &["= 3", "= \"sever\"", "= client", ""],
            ),
            ("err", "", FLAG),
            ("ret", "", FLAG),
        ],
    ),
    (
        "traced_breaker",
        &[
            ("failure_rate", "= 0.5", NUMBER),
            ("min_calls", "= 20", COUNT),
            ("window", "= \"30s\"", DURATION),
            ("window_calls", "= 100", COUNT),
            ("consecutive", "= 5", COUNT),
            ("slow_call", "= \"1s\"", DURATION),
            ("slow_rate", "= 0.5", NUMBER),
            ("is_failure", "= fails", &["= 3", ""]),
            ("ignore", "= fails", &["= 3", ""]),
            ("open_for", "= \"30s\"", DURATION),
            (
                "open_backoff",
                "= 2.0",
                &["= \"twice\"", "= 0.5", "= -1", ""],
            ),
            ("open_max", "= \"10m\"", DURATION),
            ("half_open_permits", "= 2", COUNT),
            ("half_open_timeout", "= \"30s\"", DURATION),
            ("breaker", "= SHARED", EXPRESSION),
            ("key", "= item", EXPRESSION),
            ("max_keys", "= 8", COUNT),
            ("on_open", "= fallback", &["= 3", ""]),
            ("map_open", "= map", &["= 3", ""]),
        ],
    ),
    (
        "traced_retry",
        &[
            ("attempts", "= 3", COUNT),
            ("base", "= \"100ms\"", DURATION),
            ("factor", "= 2.0", &["= \"twice\"", "= 0.5", "= -1", ""]),
            ("max_delay", "= \"10s\"", DURATION),
            ("jitter", "= \"full\"", &["= 3", "= \"ful\"", ""]),
            ("deadline", "= \"30s\"", DURATION),
            ("attempt_timeout", "= \"2s\"", DURATION),
            ("when", "= worth_it", PATH),
            ("retry_after", "= hint", PATH),
            ("budget", "= 0.2", &["= 2.0", "= -0.5", "= 0", ""]),
            ("map", "= map", PATH),
        ],
    ),
    (
        "traced_timeout",
        &[
            ("after", "= \"2s\"", DURATION),
            ("timeout", "= SHARED", EXPRESSION),
            ("map", "= map", PATH),
        ],
    ),
    (
        "traced_bulkhead",
        &[
            ("max_concurrent", "= 16", COUNT),
            (
                "max_wait",
                "= \"50ms\"",
                &["= 30", "= \"30\"", "= \"soon\"", "= \"9999d\"", ""],
            ),
            ("bulkhead", "= SHARED", EXPRESSION),
            ("map", "= map", PATH),
        ],
    ),
    (
        "traced_rate_limit",
        &[
            ("per_second", "= 10", &["= \"many\"", "= 0", "= -1", ""]),
            ("burst", "= 20", COUNT),
            ("key", "= item", EXPRESSION),
            ("max_keys", "= 8", COUNT),
            ("on_limit", "= \"wait\"", &["= 3", "= \"wiat\"", ""]),
            ("max_wait", "= \"1s\"", DURATION),
            ("limit", "= SHARED", EXPRESSION),
            ("map", "= map", PATH),
        ],
    ),
    (
        "traced_cache",
        &[
            ("key", "= item", EXPRESSION),
            ("ttl", "= \"1m\"", DURATION),
            ("tti", "= \"1m\"", DURATION),
            (
                "max_entries",
                "= 100",
                &["= \"many\"", "= 0", "= -1", "= 2.5", ""],
            ),
            ("single_flight", "= false", FLAG),
            ("cache_err", "", FLAG),
            ("stale_if_error", "= \"1h\"", DURATION),
            ("refresh_ahead", "= \"10s\"", DURATION),
            ("ttl_jitter", "= 0.1", NUMBER),
            ("store", "= SHARED", EXPRESSION),
        ],
    ),
    ("traced_producer", MESSAGES),
    (
        "traced_consumer",
        &[
            MESSAGES[0],
            MESSAGES[1],
            MESSAGES[2],
            MESSAGES[3],
            MESSAGES[4],
            MESSAGES[5],
            MESSAGES[6],
            ("group", "= \"billing\"", TEXT),
            ("link", "", FLAG),
            ("parent", "", FLAG),
        ],
    ),
    (
        "traced_route",
        &[
            ("legacy", "= old(item)", EXPRESSION),
            ("percent", "= 10", &["= \"10\"", "= 101", "= -1", ""]),
            ("shadow", "", &["= 3", "= \"new\""]),
            ("shadow_side", "= \"new\"", &["= 3", "= \"nwe\"", ""]),
            ("shadow_percent", "= 10", &["= \"10\"", "= 101", "= -1", ""]),
            ("max_shadows", "= 4", COUNT),
            ("shadow_timeout", "= \"1s\"", DURATION),
            ("compare", "= same", &["= 3", ""]),
            ("key", "= item", EXPRESSION),
            ("route", "= SHARED", EXPRESSION),
        ],
    ),
    (
        "traced_event",
        &[
            ("store", "= self.store", EXPRESSION),
            ("stream", "= (\"account\", item)", EXPRESSION),
            (
                "state",
                "(account: Account)",
                &["= Account", "(Account)", ""],
            ),
            ("expected", "= \"any\"", &["= \"no_streem\"", ""]),
            (
                "retry_conflict",
                "= 3",
                &["= \"often\"", "= -1", "= 99999999", ""],
            ),
            (
                "snapshot_every",
                "= 100, state(account: Account)",
                &["= \"often\"", "= 0", "= -1", ""],
            ),
        ],
    ),
];

const MESSAGES: &[Row] = &[
    ("system", "= \"kafka\"", TEXT),
    ("destination", "= \"orders\"", &["= \"\"", ""]),
    ("template", "= \"orders.{tenant}\"", TEXT),
    ("operation", "= \"publish\"", TEXT),
    ("message_id", "= item", EXPRESSION),
    ("headers", "= headers", EXPRESSION),
    ("batch", "= headers", EXPRESSION),
];

/// What is said of an attribute with these arguments.
fn said(attribute: &'static str, arguments: &str) -> String {
    let arguments: TokenStream = arguments.parse().expect("tokens");
    let item = quote! {
        async fn call(item: u8) -> Result<u8, Failed> {
            Ok(item)
        }
    };
    let expanded = stage::expand(attribute, arguments, item).to_string();
    let literals = expanded.split("compile_error").skip(1);
    let said: Vec<&str> = literals
        .filter_map(|rest| rest.split(" } ").next())
        .collect();
    said.join("\n").replace("\\\"", "\"")
}

fn rows(own: &'static [Row]) -> impl Iterator<Item = &'static Row> {
    COMMON.iter().chain(own)
}

#[test]
fn the_table_has_every_parameter() {
    for (attribute, own) in ATTRIBUTES {
        let said = said(attribute, "zzzzzzzzzzzz = 1");
        let (_, known) = said.split_once("it knows ").expect("it says what it knows");
        let known = known.lines().next().unwrap_or_default();
        let mut known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        let mut listed: Vec<&str> = rows(own).map(|row| row.0).collect();
        known.sort_unstable();
        listed.sort_unstable();
        assert_eq!(known, listed, "{attribute}");
    }
}

#[test]
fn a_slip_is_answered_with_the_right_name() {
    for (attribute, own) in ATTRIBUTES {
        for (parameter, right, _) in rows(own) {
            let last = &parameter[parameter.len() - 1..];
            let said = said(attribute, &format!("{parameter}{last} {right}"));
            assert!(
                said.contains(&format!("did you mean `{parameter}`?")),
                "{attribute}: {parameter}{last}\n{said}"
            );
        }
    }
}

#[test]
fn a_second_value_is_refused() {
    for (attribute, own) in ATTRIBUTES {
        for (parameter, right, _) in rows(own) {
            let said = said(
                attribute,
                &format!("{parameter} {right}, {parameter} {right}"),
            );
            assert!(
                said.contains(&format!("`{parameter}` is given twice")),
                "{attribute}: {parameter}\n{said}"
            );
        }
    }
}

#[test]
fn a_wrong_value_is_refused_by_the_parameters_name_and_a_right_one_is_not() {
    let mut silent = Vec::new();
    for (attribute, own) in ATTRIBUTES {
        for (parameter, right, wrong) in rows(own) {
            let about = |value: &str| {
                let said = said(attribute, &format!("{parameter} {value}"));
                said.lines()
                    .filter(|line| {
                        line.contains(&format!("`{parameter}` must"))
                            || line.contains(&format!("`{parameter}` needs"))
                            || line.contains(&format!("a value of `{parameter}`"))
                            || line.contains(&format!("`{parameter}` takes"))
                            || line.contains(&format!("`{parameter}` is"))
                    })
                    .count()
            };
            for value in *wrong {
                if about(value) == 0 {
                    silent.push(format!(
                        "{attribute}({parameter} {value}): {}",
                        said(attribute, &format!("{parameter} {value}"))
                    ));
                }
            }
            if about(right) > 0 {
                silent.push(format!(
                    "{attribute}({parameter} {right}) is right: {}",
                    said(attribute, &format!("{parameter} {right}"))
                ));
            }
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n---\n"));
}
