//! Texts that people read: messages, the lock, what two packs declare together.

use otelgen_cli::plan::{PlanError, Selection, plan};
use otelgen_cli::render::{CONTRACT_FILE, Contract};
use otelgen_cli::tree::RelativePath;
use otelgen_templates::{Kind, Library, PackId};

use crate::world::{Project, Wish, frameworks, library, rendered, selection};

fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn worker(library: &Library, names: &[&str]) -> Selection {
    let wishes: Vec<Wish> = names.iter().map(|name| ("heartbeat".to_owned(), (*name).to_owned())).collect();
    selection(library, "worker", &wishes)
}

/// What a change of the selection is answered with.
fn refused(library: &Library, change: impl FnOnce(&mut Selection) -> Result<(), PlanError>) -> String {
    let mut selection = worker(library, &["beat"]);
    let refused = change(&mut selection).and_then(|()| plan(library, &selection).map(|_| ()));
    refused.expect_err("refused").to_string()
}

fn adding(library: &Library, kind: Kind, pack: &str, name: Option<&str>) -> String {
    refused(library, |selection| selection.add(library, &PackId::new(kind, pack), name).map(|_| ()))
}

fn setting(library: &Library, text: &str) -> String {
    refused(library, |selection| {
        let among: Vec<_> = selection.packs.iter().map(|chosen| chosen.id.clone()).collect();
        selection.set(library, &[text.parse()?], &among)
    })
}

fn removing(library: &Library, kind: Kind, name: &str) -> String {
    refused(library, |selection| selection.remove(library, kind, name).map(|_| ()))
}

fn without(library: &Library, kind: Kind) -> String {
    refused(library, |selection| {
        selection.packs.retain(|chosen| chosen.id.pack.kind != kind);
        Ok(())
    })
}

#[test]
fn what_cannot_be_chosen_is_answered_with_what_can() {
    let library = &library();
    let messages = [
        adding(library, Kind::Pattern, "hartbeat", None),
        adding(library, Kind::Pattern, "heartbeat", Some("Big Beat")),
        adding(library, Kind::Pattern, "heartbeat", Some("tokio")),
        adding(library, Kind::Framework, "worker", Some("x")),
        setting(library, "beat.evry=1s"),
        setting(library, "beat.every=1"),
        setting(library, "beat.every=2h"),
        setting(library, "beat.level=loud"),
        setting(library, "bat.level=info"),
        setting(library, "colour=red"),
        setting(library, "every"),
        removing(library, Kind::Pattern, "bait"),
        removing(library, Kind::Base, "service"),
    ];
    assert_snapshot("plan__refused", &messages.join("\n"));
}

#[test]
fn a_project_has_a_framework_and_a_backend() {
    let library = &library();
    assert!(without(library, Kind::Framework).starts_with("a project needs a framework; choose one of "));
    assert!(without(library, Kind::Backend).starts_with("a project needs a backend for its telemetry; choose one of "));
}

#[test]
fn a_pattern_that_does_not_fit_is_answered_with_those_that_do() {
    let library = &library();
    let frameworks = frameworks(library);
    let fitting = frameworks.iter().find(|(name, _)| name == "worker").map(|(_, patterns)| patterns).expect("a worker");
    let mut others = frameworks.iter().flat_map(|(_, patterns)| patterns);
    let other = others.find(|pattern| !fitting.contains(pattern)).expect("a pattern for servers only");
    let message = adding(library, Kind::Pattern, other, None);
    assert!(message.starts_with(&format!("pattern `{other}` cannot live in `worker`, which is a worker")), "{message}");
    assert!(message.contains("what fits is heartbeat"), "{message}");
}

#[test]
fn the_lock_can_be_read() {
    let library = library();
    let mut selection = worker(&library, &["beat", "pulse"]);
    let among: Vec<_> = selection.packs.iter().map(|chosen| chosen.id.clone()).collect();
    selection.set(&library, &["pulse.every=30s".parse().expect("a setting")], &among).expect("set");
    let lock = Project::new(&library, &selection).text("otelgen.toml");
    // What the shipped packs bring is theirs to say.
    let shipped = |line: &&str| line.contains("base/service\"") && !line.contains("heartbeat");
    let lock = lock.split("\n# What each file in .otelgen/base").next().expect("a text");
    let lines: Vec<&str> = lock.lines().filter(|line| !shipped(line)).collect();
    assert_snapshot("lock__two_instances", &lines.join("\n"));
}

#[test]
fn declarations_of_two_instances_are_one() {
    let library = library();
    let telemetry = rendered(&library, &worker(&library, &["beat", "pulse"])).expect("a plan").contract.telemetry;
    let beats = telemetry.metrics.iter().find(|metric| metric.name == "heartbeat.beats").expect("beats");
    let event = telemetry.events.iter().find(|event| event.name == "beat").expect("an event");
    assert_snapshot("telemetry__two_instances", &format!("{beats:#?}\n{event:#?}"));
}

#[test]
fn the_contract_that_is_written_is_read_as_what_the_packs_declare() {
    let library = library();
    for (framework, patterns) in frameworks(&library) {
        for pattern in patterns {
            let wishes = [(pattern.clone(), "orders".to_owned()), (pattern.clone(), "stock".to_owned())];
            let rendered = rendered(&library, &selection(&library, &framework, &wishes)).expect("a plan");
            let path = RelativePath::new(CONTRACT_FILE).expect("a path");
            let text = &rendered.files.get(&path).expect("a contract").text;
            assert_eq!(
                Contract::parse(text).expect("a contract"),
                rendered.contract,
                "{pattern} in {framework}:\n{text}"
            );
        }
    }
}

#[test]
fn a_contract_with_a_mistake_is_refused_where_the_mistake_is() {
    let refused = |text: &str| {
        let error = Contract::parse(text).expect_err("a mistake");
        std::error::Error::source(&error).map_or(error.to_string(), |source| format!("{error}: {source}"))
    };
    let span = "[[span]]\nname = \"load\"\nkind = \"internal\"\n";
    let probe = "[[probe]]\nname = \"once\"\nrequest = { path = \"/\" }\nexpect = { status = [200] }\n";
    let messages = [
        refused(&format!("{span}{span}")),
        refused(&span.replace("kind", "kin")),
        refused(&span.replace("internal", "inner")),
        refused(&format!("{probe}within = \"soon\"\n")),
        refused("[[spans]]\n"),
    ];
    assert_snapshot("contract__refused", &messages.join("\n"));
}
