//! A report as JUnit XML, which every CI server reads: one test case for each probe and each declaration.

use std::fmt::Write;

use super::report::{Finding, Level, Outcome, Signal, VerifyReport};

/// The report as JUnit XML.
pub fn junit(report: &VerifyReport) -> String {
    let suites = [probes(report), declarations(report), others(report)];
    let (tests, failures) = suites.iter().fold((0, 0), |(tests, failures), suite| {
        (tests + suite.cases.len(), failures + suite.count(|case| matches!(case.outcome, CaseOutcome::Failed(_))))
    });
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run")]
    let seconds = report.duration_ms as f64 / 1_000.0;
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    line(
        &mut xml,
        format_args!(
            "<testsuites name=\"otelgen verify {}\" tests=\"{tests}\" failures=\"{failures}\" time=\"{seconds:.3}\">",
            escape(&report.service)
        ),
    );
    suites.iter().filter(|suite| !suite.cases.is_empty()).for_each(|suite| suite.write(&mut xml));
    xml.push_str("</testsuites>\n");
    xml
}

struct Suite<'a> {
    name: &'static str,
    cases: Vec<Case<'a>>,
}

struct Case<'a> {
    class: &'static str,
    name: String,
    outcome: CaseOutcome<'a>,
}

enum CaseOutcome<'a> {
    Passed,
    Skipped,
    Failed(Vec<&'a Finding>),
}

fn probes(report: &VerifyReport) -> Suite<'_> {
    let cases = report.probes.iter().map(|probe| Case {
        class: Signal::Probe.word(),
        name: format!("{}: {}", probe.by, probe.name),
        outcome: if probe.passed { CaseOutcome::Passed } else { failed(report, Signal::Probe, &probe.name) },
    });
    Suite { name: "probes", cases: cases.collect() }
}

fn declarations(report: &VerifyReport) -> Suite<'_> {
    let cases = report.checks.iter().map(|check| Case {
        class: check.signal.word(),
        name: format!("{} ({})", check.name, check.shape),
        outcome: match check.outcome {
            Outcome::Passed => CaseOutcome::Passed,
            Outcome::NotProbed => CaseOutcome::Skipped,
            Outcome::Failed => failed(report, check.signal, &check.name),
        },
    });
    Suite { name: "declared telemetry", cases: cases.collect() }
}

fn failed<'a>(report: &'a VerifyReport, signal: Signal, name: &str) -> CaseOutcome<'a> {
    CaseOutcome::Failed(report.errors().filter(|finding| finding.signal == signal && finding.name == name).collect())
}

/// What belongs to no probe and no declaration: everything undeclared, and what concerns the service as a whole.
fn others(report: &VerifyReport) -> Suite<'_> {
    let has_case = |finding: &Finding| {
        let probe = report.probes.iter().any(|probe| finding.signal == Signal::Probe && finding.name == probe.name);
        probe || report.checks.iter().any(|check| finding.signal == check.signal && finding.name == check.name)
    };
    let findings = report.findings.iter().filter(|finding| finding.level == Level::Error && !has_case(finding));
    let cases = findings.map(|finding| Case {
        class: finding.signal.word(),
        name: format!("{} {}", finding.kind.words(), finding.name),
        outcome: CaseOutcome::Failed(vec![finding]),
    });
    Suite { name: "nothing else", cases: cases.collect() }
}

impl Suite<'_> {
    fn count(&self, counted: impl Fn(&Case<'_>) -> bool) -> usize {
        self.cases.iter().filter(|case| counted(case)).count()
    }

    fn write(&self, xml: &mut String) {
        let failures = self.count(|case| matches!(case.outcome, CaseOutcome::Failed(_)));
        let skipped = self.count(|case| matches!(case.outcome, CaseOutcome::Skipped));
        let tests = self.cases.len();
        line(
            xml,
            format_args!(
                "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" skipped=\"{skipped}\">",
                self.name
            ),
        );
        self.cases.iter().for_each(|case| case.write(xml));
        xml.push_str("  </testsuite>\n");
    }
}

impl Case<'_> {
    fn write(&self, xml: &mut String) {
        let head = format!("    <testcase classname=\"{}\" name=\"{}\"", self.class, escape(&self.name));
        match &self.outcome {
            CaseOutcome::Passed => line(xml, format_args!("{head}/>")),
            CaseOutcome::Skipped => {
                line(xml, format_args!("{head}>\n      <skipped message=\"no probe can cause it\"/>\n    </testcase>"));
            }
            CaseOutcome::Failed(findings) => {
                line(xml, format_args!("{head}>"));
                for finding in findings {
                    let (kind, message) = (finding.kind.words(), escape(&finding.to_string()));
                    let next_step = escape(&finding.next_step);
                    line(
                        xml,
                        format_args!("      <failure type=\"{kind}\" message=\"{message}\">{next_step}</failure>"),
                    );
                }
                xml.push_str("    </testcase>\n");
            }
        }
    }
}

fn line(xml: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(xml, "{text}");
}

/// What a service sends may hold anything; XML 1.0 has no way to write most control characters.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{0}'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}
