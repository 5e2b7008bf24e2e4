//! Collects findings. What many spans, points or records show in the same way is one finding with a count.

use super::Undeclared;
use crate::verify::report::{Finding, FindingKind, Level, Signal};

#[derive(Debug)]
pub(super) struct Findings {
    undeclared: Undeclared,
    findings: Vec<Finding>,
}

impl Findings {
    pub(super) fn new(undeclared: Undeclared) -> Self {
        Self { undeclared, findings: Vec::new() }
    }

    /// Begins a finding; it is added when the draft is finished.
    pub(super) fn found(&mut self, kind: FindingKind, signal: Signal, name: &str) -> Draft<'_> {
        let is_undeclared = matches!(kind, FindingKind::Undeclared | FindingKind::UndeclaredAttribute);
        let noted = is_undeclared && self.undeclared == Undeclared::Note;
        let finding = Finding {
            level: if noted { Level::Note } else { Level::Error },
            kind,
            signal,
            name: name.to_owned(),
            attribute: None,
            expected: String::new(),
            got: String::new(),
            count: 1,
            next_step: String::new(),
        };
        Draft { findings: &mut self.findings, finding }
    }

    /// By signal and name; within one, in the order of the kinds.
    pub(super) fn into_vec(mut self) -> Vec<Finding> {
        self.findings.sort_by(|one, two| {
            let key = |finding: &Finding| (finding.level, finding.signal, finding.name.clone(), finding.kind);
            key(one).cmp(&key(two))
        });
        self.findings
    }
}

/// A finding that is being described.
#[must_use = "a finding is added by `next_step`"]
pub(super) struct Draft<'a> {
    findings: &'a mut Vec<Finding>,
    finding: Finding,
}

impl Draft<'_> {
    pub(super) fn attribute(mut self, attribute: &str) -> Self {
        self.finding.attribute = Some(attribute.to_owned());
        self
    }

    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.finding.expected = expected.into();
        self
    }

    pub(super) fn got(mut self, got: impl Into<String>) -> Self {
        self.finding.got = got.into();
        self
    }

    /// So many show it; one unless said.
    pub(super) fn count(mut self, count: usize) -> Self {
        self.finding.count = count;
        self
    }

    /// Says what to do about it, and adds the finding; where there is one alike, to its count.
    pub(super) fn next_step(mut self, next_step: impl Into<String>) {
        self.finding.next_step = next_step.into();
        match self.findings.iter_mut().find(|known| are_alike(known, &self.finding)) {
            Some(known) => known.count += self.finding.count,
            None => self.findings.push(self.finding),
        }
    }
}

/// Whether two findings say the same but for how often; what tells most of them apart is compared first.
fn are_alike(one: &Finding, two: &Finding) -> bool {
    one.kind == two.kind
        && one.signal == two.signal
        && one.name == two.name
        && one.attribute == two.attribute
        && one.got == two.got
        && one.expected == two.expected
        && one.next_step == two.next_step
}
