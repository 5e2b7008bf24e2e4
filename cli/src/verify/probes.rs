//! Sends the packs' requests, in order, and says which were not answered as they should be.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use hyper::StatusCode;
use otelgen_templates::manifest::{Probe, UpstreamAnswer};
use otelgen_templates::options::parse_duration;
use reqwest::{Client, Method, RequestBuilder};
use tokio::time::{Instant, sleep};

use super::report::{Finding, FindingKind, Level, ProbeResult, Signal};
use super::service::Service;
use super::upstream::{Answer, Upstream};
use super::variables::Variables;
use super::{Sink, Step, VerifyError};
use crate::render::ResolvedProbe;

/// Between two attempts of a probe that waits for its answer.
const PAUSE: Duration = Duration::from_millis(100);
/// How much of an answer's body a message shows.
const SHOWN_BODY: usize = 200;

/// What a probe needs around it.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) client: &'a Client,
    pub(super) upstream: &'a Upstream,
    pub(super) variables: &'a Variables,
    pub(super) progress: &'a Sink,
}

/// Sends all probes; a probe that fails does not keep the others from being sent.
///
/// # Errors
/// Where the service ends meanwhile, or a probe says something that cannot be carried out.
pub(super) async fn send_all(
    probes: &[ResolvedProbe],
    service: &mut Service,
    field: Field<'_>,
) -> Result<(Vec<ProbeResult>, Vec<Finding>), VerifyError> {
    let mut results = Vec::with_capacity(probes.len());
    let mut findings = Vec::new();
    for (place, probe) in probes.iter().enumerate() {
        field.progress.step(Step::Probing { number: place + 1, total: probes.len(), name: &probe.probe.name });
        field.upstream.answer_with(answers(probe, field.variables)?);
        let (sent, failures) = send(probe, field).await?;
        service.still_runs(&format!("while the probe `{}` was sent", probe.probe.name)).await?;
        let request = format!("{} {}", probe.probe.request.method, probe.probe.request.path);
        results.push(ProbeResult {
            name: probe.probe.name.clone(),
            by: probe.by.clone(),
            request,
            sent,
            passed: failures.is_empty(),
        });
        findings.extend(finding(probe, &failures));
    }
    Ok((results, findings))
}

/// How many requests were sent, and what came back of those that failed.
async fn send(probe: &ResolvedProbe, field: Field<'_>) -> Result<(u32, Vec<String>), VerifyError> {
    let (mut sent, mut failures) = (0, Vec::new());
    for _ in 0..probe.repeat() {
        let deadline = Instant::now() + probe.patience();
        let failure = loop {
            sent += 1;
            match attempt(probe, field).await? {
                Some(_) if Instant::now() < deadline => sleep(PAUSE).await,
                failure => break failure,
            }
        };
        failures.extend(failure);
    }
    Ok((sent, failures))
}

/// What came back, where it is not what is expected.
async fn attempt(probe: &ResolvedProbe, field: Field<'_>) -> Result<Option<String>, VerifyError> {
    let request = request(probe, field)?;
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Ok(Some(format!("no answer: {}", causes(&error)))),
    };
    let status = response.status().as_u16();
    // Read to its end, so that the service is done with the request before the next one.
    let body = response.text().await.unwrap_or_default();
    if probe.probe.expect.status.contains(&status) {
        return Ok(None);
    }
    let shown: String = body.chars().take(SHOWN_BODY).collect();
    Ok(Some(if shown.is_empty() { status.to_string() } else { format!("{status}: {shown}") }))
}

fn request(probe: &ResolvedProbe, field: Field<'_>) -> Result<RequestBuilder, VerifyError> {
    let declared = &probe.probe.request;
    let method = Method::from_bytes(declared.method.as_bytes())
        .map_err(|_| wrong(probe, "request.method", &declared.method, "HTTP method"))?;
    let url = format!("{}{}", field.variables.base(), field.variables.fill(&declared.path));
    let mut request = with_context(field.client.request(method, url));
    for (name, value) in &declared.headers {
        request = request.header(name, field.variables.fill(value));
    }
    if !declared.body.is_empty() {
        request = request.body(field.variables.fill(&declared.body));
    }
    Ok(request)
}

/// Begins a trace, as the caller of a service would: what the service emits has to join it.
pub(super) fn with_context(request: RequestBuilder) -> RequestBuilder {
    // Seeded by the system for each; `| 1` keeps an id from being zero.
    let number = || RandomState::new().hash_one(0_u8) | 1;
    request.header("traceparent", format!("00-{:016x}{:016x}-{:016x}-01", number(), number(), number()))
}

fn answers(probe: &ResolvedProbe, variables: &Variables) -> Result<Vec<Answer>, VerifyError> {
    probe.probe.upstream.iter().map(|answer| resolved(probe, answer, variables)).collect()
}

fn resolved(probe: &ResolvedProbe, answer: &UpstreamAnswer, variables: &Variables) -> Result<Answer, VerifyError> {
    let delay = match answer.delay.as_str() {
        "" => Some(Duration::ZERO),
        text => parse_duration(text),
    };
    let status = StatusCode::from_u16(answer.status);
    Ok(Answer {
        path: answer.path.clone(),
        status: status.map_err(|_| wrong(probe, "upstream.status", &answer.status.to_string(), "HTTP status"))?,
        body: variables.fill(&answer.body),
        delay: delay.ok_or_else(|| wrong(probe, "upstream.delay", &answer.delay, "duration such as 250ms"))?,
        reset: answer.reset,
    })
}

fn wrong(probe: &ResolvedProbe, field: &'static str, value: &str, kind: &'static str) -> VerifyError {
    VerifyError::Probe { by: probe.by.clone(), probe: probe.probe.name.clone(), field, value: value.to_owned(), kind }
}

fn finding(probe: &ResolvedProbe, failures: &[String]) -> Option<Finding> {
    let first = failures.first()?;
    let Probe { name, expect, .. } = &probe.probe;
    let expected: Vec<String> = expect.status.iter().map(u16::to_string).collect();
    Some(Finding {
        level: Level::Error,
        kind: FindingKind::UnexpectedAnswer,
        signal: Signal::Probe,
        name: name.clone(),
        attribute: None,
        expected: expected.join(" or "),
        got: first.clone(),
        count: failures.len(),
        next_step: format!(
            "send {} {} to the running service and read its log; {} expects this answer",
            probe.probe.request.method, probe.probe.request.path, probe.by
        ),
    })
}

/// An error with all of its causes, on one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
