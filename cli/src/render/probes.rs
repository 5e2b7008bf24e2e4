//! How `verify` runs a project and which requests it sends.

use std::collections::BTreeMap;
use std::time::Duration;

use otelgen_templates::manifest::{Probe, ProbeRequest, Repeat, UpstreamAnswer};
use otelgen_templates::options::parse_duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tera::Context;

use super::{Desk, RenderError, Scene};

/// A probe of one instance, its texts final but for `$UPSTREAM`, `$PORT`, `$BASE` and `$DIR`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ResolvedProbe {
    /// The instance that declares it.
    pub by: String,
    /// What is sent, and what has to come back.
    #[serde(flatten)]
    pub probe: Probe,
}

impl ResolvedProbe {
    /// How often it is sent.
    pub fn repeat(&self) -> u32 {
        match self.probe.repeat {
            Repeat::Times(times) => times,
            Repeat::Text(_) => 1,
        }
    }

    /// How long it is sent again until it is answered as expected; zero: it is sent once.
    pub fn patience(&self) -> Duration {
        self.probe.within.as_deref().and_then(parse_duration).unwrap_or_default()
    }
}

/// How the service is run; `$UPSTREAM`, `$PORT`, `$BASE` and `$DIR` are filled in at run time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VerifySetup {
    /// URL that answers 2xx when the service is ready; `None` where a project has no such thing.
    pub ready: Option<String>,
    /// Its environment.
    pub env: BTreeMap<String, String>,
}

pub(super) fn collect(scene: &mut Scene<'_>) -> Result<(Vec<ResolvedProbe>, VerifySetup), RenderError> {
    let mut probes = Vec::new();
    let mut setup = VerifySetup::default();
    for actor in &mut scene.actors {
        let manifest = &actor.pack.manifest;
        let mut desk = Desk { texts: &mut scene.texts, id: actor.id, place: "verify" };
        if let Some(ready) = &manifest.verify.ready {
            setup.ready = Some(desk.text(ready, &actor.context)?);
        }
        for (key, value) in &manifest.verify.env {
            let key = desk.text(key, &actor.context)?;
            setup.env.insert(key, desk.text(value, &actor.context)?);
        }
        desk.place = "probe";
        for probe in &manifest.probes {
            desk.stage(probe.each.as_deref(), probe.when.as_deref(), &mut actor.context, |desk, context| {
                probes.push(ResolvedProbe { by: desk.id.to_string(), probe: resolved(probe, desk, context)? });
                Ok(())
            })?;
        }
    }
    Ok((probes, setup))
}

fn resolved(probe: &Probe, desk: &mut Desk<'_>, context: &Context) -> Result<Probe, RenderError> {
    let mut headers = BTreeMap::new();
    for (key, value) in &probe.request.headers {
        headers.insert(desk.text(key, context)?, desk.text(value, context)?);
    }
    let mut upstream = Vec::with_capacity(probe.upstream.len());
    for answer in &probe.upstream {
        upstream.push(UpstreamAnswer {
            path: desk.text(&answer.path, context)?,
            body: desk.text(&answer.body, context)?,
            ..answer.clone()
        });
    }
    Ok(Probe {
        when: None,
        each: None,
        name: desk.text(&probe.name, context)?,
        repeat: Repeat::Times(times(&probe.repeat, desk, context)?),
        within: within(probe.within.as_deref(), desk, context)?,
        request: ProbeRequest {
            method: desk.text(&probe.request.method, context)?,
            path: desk.text(&probe.request.path, context)?,
            headers,
            body: desk.text(&probe.request.body, context)?,
        },
        upstream,
        expect: probe.expect.clone(),
    })
}

fn times(repeat: &Repeat, desk: &mut Desk<'_>, context: &Context) -> Result<u32, RenderError> {
    match repeat {
        Repeat::Times(times) => Ok(*times),
        Repeat::Text(text) => {
            let number = desk.text(text, context)?;
            number.parse().map_err(|_| wrong(desk, "repeat", number, "number"))
        }
    }
}

fn within(within: Option<&str>, desk: &mut Desk<'_>, context: &Context) -> Result<Option<String>, RenderError> {
    let Some(text) = within else { return Ok(None) };
    let text = desk.text(text, context)?;
    if parse_duration(&text).is_none() {
        return Err(wrong(desk, "within", text, "duration such as 10s"));
    }
    Ok(Some(text))
}

fn wrong(desk: &Desk<'_>, field: &'static str, value: String, expected: &'static str) -> RenderError {
    RenderError::Probe { id: desk.id.clone(), field, value, expected }
}
