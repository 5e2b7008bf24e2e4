//! A comparison as Markdown for a terminal, and as a section with a chart for the book.

use std::fmt::Write as _;
use std::path::Path;

use crate::measure::{BenchError, Comparison};

/// The comparison as Markdown tables.
pub fn markdown(comparison: &Comparison) -> String {
    let mut text = format!("{}\n\n", comparison.title);
    let counted = comparison.rows.iter().any(|row| row.allocations.is_some());
    text += if counted { "| | best | allocations |\n|---|---:|---:|\n" } else { "| | best |\n|---|---:|\n" };
    for row in &comparison.rows {
        let best = if row.unit == "ns" { format!("{:.1}", row.best) } else { format!("{:.3}", row.best) };
        let _ = write!(text, "| {} | {best} {} |", row.name, row.unit);
        if let Some(allocations) = row.allocations {
            let _ = write!(text, " {allocations} |");
        }
        text += "\n";
    }
    text += "\n| target | measured | allowed | |\n|---|---:|---:|---|\n";
    for target in &comparison.targets {
        let verdict = comparison.verdict(target);
        let word = if verdict.share <= 1.0 { "met" } else { "**not met**" };
        let _ = writeln!(text, "| {} | {} | {} | {word} |", target.text, verdict.measured, verdict.allowed);
    }
    text
}

/// Writes the section `name` of the book's page of benchmarks: its tables and its chart.
pub fn write_section(name: &str, comparison: &Comparison) -> Result<(), BenchError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/benchmarks");
    let text = format!("{}\n![Cost over the cost that is allowed](benchmarks/{name}.svg)\n", markdown(comparison));
    let write = |file: String, text: &str| {
        std::fs::write(folder.join(&file), text).map_err(BenchError::io(&format!("writing docs/src/benchmarks/{file}")))
    };
    write(format!("{name}.md"), &text)?;
    write(format!("{name}.svg"), &chart(comparison))
}

const WIDTH: f64 = 860.0;
const LABELS: f64 = 430.0;
const LINE: f64 = 26.0;
/// The longest bar stands for so many times the cost that is allowed.
const LONGEST: f64 = 2.0;

/// Bars of each target's cost over the cost that is allowed, with a line where it is met.
fn chart(comparison: &Comparison) -> String {
    let scale = (WIDTH - LABELS - 60.0) / LONGEST;
    let height = LINE.mul_add(f64::from(u32::try_from(comparison.targets.len()).unwrap_or(0)), 40.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    let mut top = 10.0;
    for target in &comparison.targets {
        let share = comparison.verdict(target).share;
        let (length, colour) = (share.min(LONGEST) * scale, if share <= 1.0 { "#2a9d6f" } else { "#c8553d" });
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n\
             <rect x=\"{LABELS}\" y=\"{top}\" width=\"{length:.1}\" height=\"18\" fill=\"{colour}\"/>\n\
             <text x=\"{:.1}\" y=\"{}\">{share:.2}</text>",
            LABELS - 8.0,
            top + 14.0,
            escaped(target.text),
            LABELS + length + 6.0,
            top + 14.0,
        );
        top += LINE;
    }
    let (met, bottom) = (LABELS + scale, top + 2.0);
    let _ = writeln!(
        svg,
        "<line x1=\"{met}\" y1=\"4\" x2=\"{met}\" y2=\"{bottom}\" stroke=\"#333\" stroke-dasharray=\"4 3\"/>\n\
         <text x=\"{met}\" y=\"{}\" text-anchor=\"middle\" fill=\"#333\">allowed</text>\n</svg>",
        bottom + 16.0,
    );
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
