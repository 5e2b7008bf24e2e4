//! A report as text for people: what was checked, then what differs and what to do about it.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::report::{Check, Finding, Level, Outcome, Signal, VerifyReport};

const PASSED: Style = AnsiColor::Green.on_default();
const FAILED: Style = AnsiColor::Red.on_default();
const QUIET: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

/// The report as a table, with ANSI styles that the printer strips where there is no terminal.
pub fn table(report: &VerifyReport) -> String {
    let mut rows: Vec<Row> = report.checks.iter().map(check_row).collect();
    rows.extend(report.probes.iter().map(|probe| Row {
        outcome: if probe.passed { Outcome::Passed } else { Outcome::Failed },
        cells: [Signal::Probe.word().to_owned(), probe.name.clone(), probe.request.clone(), probe.sent.to_string()],
    }));
    let mut text = String::new();
    write_rows(&mut text, &rows);
    write_findings(&mut text, report);
    write_forwarded(&mut text, report);
    write_summary(&mut text, report);
    text
}

struct Row {
    outcome: Outcome,
    cells: [String; 4],
}

fn check_row(check: &Check) -> Row {
    let received = check.received.to_string();
    Row {
        outcome: check.outcome,
        cells: [check.signal.word().to_owned(), check.name.clone(), check.shape.clone(), received],
    }
}

fn write_rows(text: &mut String, rows: &[Row]) {
    let head = ["", "name", "kind", "seen"].map(str::to_owned);
    let widths: [usize; 4] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| &row.cells).chain([&head]);
        cells.filter_map(|cells| cells.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default()
    });
    line(text, &format!("{STRONG}   {}{STRONG:#}", padded(&head, widths)));
    for row in rows {
        let (style, mark) = match row.outcome {
            Outcome::Passed => (PASSED, "✓"),
            Outcome::Failed => (FAILED, "✗"),
            Outcome::NotProbed => (QUIET, "–"),
        };
        line(text, &format!(" {style}{mark}{style:#} {}", padded(&row.cells, widths)));
    }
}

/// The last column is a number and stands to the right.
fn padded(cells: &[String; 4], widths: [usize; 4]) -> String {
    let [signal, name, kind, seen] = cells;
    let [signal_width, name_width, kind_width, seen_width] = widths;
    format!("{signal:signal_width$}  {name:name_width$}  {kind:kind_width$}  {seen:>seen_width$}")
}

fn write_findings(text: &mut String, report: &VerifyReport) {
    for finding in &report.findings {
        let (style, word) = match finding.level {
            Level::Error => (FAILED, "differs"),
            Level::Note => (QUIET, "note"),
        };
        line(text, "");
        line(text, &format!("{style}{word}{style:#}: {}", one_line(finding)));
        line(text, &format!("  {QUIET}{}{QUIET:#}", finding.next_step));
    }
}

/// What a service sends must not move the cursor or break the layout.
fn one_line(finding: &Finding) -> String {
    finding.to_string().chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn write_forwarded(text: &mut String, report: &VerifyReport) {
    let Some(forwarded) = &report.forwarded else {
        return;
    };
    line(text, "");
    line(text, &format!("sent on to {}: {} requests", forwarded.endpoint, forwarded.sent));
    let lost = forwarded.failed + forwarded.dropped;
    if lost > 0 || forwarded.rejected_records > 0 {
        let reason = forwarded.last_error.as_deref().unwrap_or("no reason given");
        let rejected = forwarded.rejected_records;
        line(text, &format!("{FAILED}not taken{FAILED:#}: {lost} requests, {rejected} records ({reason})"));
    }
}

fn write_summary(text: &mut String, report: &VerifyReport) {
    let count = |wanted: Outcome| report.checks.iter().filter(|check| check.outcome == wanted).count();
    let total = report.checks.len();
    let received = report.received;
    line(text, "");
    let (style, verdict) = if report.passed { (PASSED, "verified") } else { (FAILED, "differs") };
    let mut summary =
        format!("{style}{verdict}{style:#}: {} of {total} declared arrived as declared", count(Outcome::Passed));
    if count(Outcome::NotProbed) > 0 {
        let _ = write!(summary, ", {} cannot be probed", count(Outcome::NotProbed));
    }
    let (spans, points, logs) = (received.spans, received.metric_points, received.log_records);
    let _ = write!(summary, " ({spans} spans, {points} data points, {logs} log records)");
    line(text, &summary);
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}
