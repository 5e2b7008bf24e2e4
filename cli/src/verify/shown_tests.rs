//! A report as people and machines see it.

use super::report::*;
use super::{junit, table};

fn finding() -> Finding {
    Finding {
        level: Level::Error,
        kind: FindingKind::WrongUnit,
        signal: Signal::Metric,
        name: "calls".to_owned(),
        attribute: None,
        expected: "`{call}`".to_owned(),
        got: "`<1>\u{1b}[31m`".to_owned(),
        count: 2,
        next_step: "set the \"unit\" & run again".to_owned(),
    }
}

fn check(signal: Signal, name: &str, shape: &str, received: usize, outcome: Outcome) -> Check {
    let by = vec!["pattern/circuit-breaker payments".to_owned()];
    Check { signal, name: name.to_owned(), shape: shape.to_owned(), by, received, outcome }
}

fn report() -> VerifyReport {
    let undeclared = Finding {
        kind: FindingKind::Undeclared,
        signal: Signal::Span,
        name: "surprise".to_owned(),
        expected: String::new(),
        got: "a span of kind internal".to_owned(),
        count: 1,
        next_step: "declare it".to_owned(),
        ..finding()
    };
    VerifyReport {
        passed: false,
        service: "shop".to_owned(),
        duration_ms: 1_234,
        probes: vec![ProbeResult {
            name: "a call".to_owned(),
            by: "pattern/circuit-breaker payments".to_owned(),
            request: "GET /payments/42".to_owned(),
            sent: 3,
            passed: true,
        }],
        checks: vec![
            check(Signal::Span, "payments", "internal", 12, Outcome::Passed),
            check(Signal::Metric, "calls", "counter in {call}", 4, Outcome::Failed),
            check(Signal::Log, "panicked", "error", 0, Outcome::NotProbed),
        ],
        findings: vec![finding(), undeclared],
        received: Received { spans: 13, metric_points: 4, log_records: 0 },
        forwarded: None,
    }
}

/// As it is printed where there is no terminal.
fn plain(styled: &str) -> String {
    anstream::adapter::strip_str(styled).to_string()
}

#[test]
fn people_see_what_was_checked_what_differs_and_what_to_do() {
    let expected = "           name      kind               seen
 ✓ span    payments  internal             12
 ✗ metric  calls     counter in {call}     4
 – log     panicked  error                 0
 ✓ probe   a call    GET /payments/42      3

differs: wrong unit: metric `calls`: expected `{call}`, got `<1> [31m` (2×)
  set the \"unit\" & run again

differs: undeclared: span `surprise`: got a span of kind internal
  declare it

differs: 1 of 3 declared arrived as declared, 1 cannot be probed (13 spans, 4 data points, 0 log records)
";
    assert_eq!(plain(&table(&report())), expected);
}

#[test]
fn what_was_not_sent_on_is_told() {
    let forwarded = Forwarded {
        endpoint: "http://localhost:4318".to_owned(),
        sent: 5,
        failed: 1,
        dropped: 2,
        rejected_records: 0,
        last_error: Some("connection refused".to_owned()),
    };
    let shown = plain(&table(&VerifyReport { forwarded: Some(forwarded), ..report() }));
    assert!(shown.contains("sent on to http://localhost:4318: 5 requests\n"), "{shown}");
    assert!(shown.contains("not taken: 3 requests, 0 records (connection refused)\n"), "{shown}");
}

#[test]
fn continuous_integration_sees_a_case_for_each_probe_and_declaration_and_one_for_each_surprise() {
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="otelgen verify shop" tests="5" failures="2" time="1.234">
  <testsuite name="probes" tests="1" failures="0" skipped="0">
    <testcase classname="probe" name="pattern/circuit-breaker payments: a call"/>
  </testsuite>
  <testsuite name="declared telemetry" tests="3" failures="1" skipped="1">
    <testcase classname="span" name="payments (internal)"/>
    <testcase classname="metric" name="calls (counter in {call})">
      <failure type="wrong unit" message="wrong unit: metric `calls`: expected `{call}`, got `&lt;1&gt;�[31m` (2×)">set the &quot;unit&quot; &amp; run again</failure>
    </testcase>
    <testcase classname="log" name="panicked (error)">
      <skipped message="no probe can cause it"/>
    </testcase>
  </testsuite>
  <testsuite name="nothing else" tests="1" failures="1" skipped="0">
    <testcase classname="span" name="undeclared surprise">
      <failure type="undeclared" message="undeclared: span `surprise`: got a span of kind internal">declare it</failure>
    </testcase>
  </testsuite>
</testsuites>
"#;
    assert_eq!(junit(&report()), expected);
}

#[test]
fn machines_see_everything_in_words_of_their_own() {
    let json = serde_json::to_value(report()).unwrap();
    assert_eq!(json["passed"], false);
    assert_eq!(json["checks"][2]["outcome"], "not_probed");
    assert_eq!(json["findings"][0]["kind"], "wrong_unit");
    assert_eq!(json["findings"][0]["level"], "error");
    assert_eq!(json["findings"][1]["signal"], "span");
}

#[test]
fn a_receiver_that_does_not_take_everything_fails_the_run() {
    let taken = super::Forwarded {
        endpoint: "http://127.0.0.1:1".to_owned(),
        sent: 3,
        failed: 0,
        dropped: 0,
        rejected_records: 0,
        last_error: None,
    };
    assert_eq!(super::not_taken(&taken), None);
    for lost in [
        super::Forwarded { failed: 2, last_error: Some("connection refused".to_owned()), ..taken.clone() },
        super::Forwarded { dropped: 1, ..taken.clone() },
        super::Forwarded { rejected_records: 1, ..taken.clone() },
    ] {
        let finding = super::not_taken(&lost).expect("a finding");
        assert_eq!((finding.level, finding.name.as_str()), (super::Level::Error, "http://127.0.0.1:1"));
    }
}
