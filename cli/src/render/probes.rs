//! How `verify` runs a project and which requests it sends.

use std::collections::BTreeMap;

use otelgen_templates::manifest::{Probe, ProbeRequest, UpstreamAnswer};
use schemars::JsonSchema;
use serde::Serialize;
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

/// How the service is run; `$UPSTREAM`, `$PORT`, `$BASE` and `$DIR` are filled in at run time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
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
        repeat: probe.repeat,
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
