//! `otelgen man`.

use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::apply::{self, Guard, Unwatched};
use crate::args::{Cli, ManArgs};
use crate::changes::{Action, Changes, FileChange};
use crate::project::{self, PlaceError, Reader};
use crate::report::{DocumentReport, Outcome, PagesReport, Problem, Report};
use crate::tree::RelativePath;

pub(super) fn run(args: ManArgs) -> Result<Outcome, Problem> {
    let pages = pages()?;
    match args.out {
        Some(folder) => write(&folder, pages),
        None => {
            let text = pages.into_iter().next().map(|(_, text)| text).unwrap_or_default();
            Ok(Outcome::done(Report::Document(DocumentReport { command: "man".to_owned(), text })))
        }
    }
}

/// The page of otelgen itself, then one per command: file name and roff.
fn pages() -> Result<Vec<(String, String)>, Problem> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let commands = std::iter::once(&root).chain(root.get_subcommands());
    commands.map(|command| page(command).map_err(|error| Problem::new("io", &error))).collect()
}

fn page(command: &Command) -> std::io::Result<(String, String)> {
    let title = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let page = Man::new(command.clone()).title(title).section("1").manual("otelgen manual");
    let mut roff = Vec::new();
    page.render(&mut roff)?;
    Ok((page.get_filename(), String::from_utf8_lossy(&roff).into_owned()))
}

fn write(folder: &Path, pages: Vec<(String, String)>) -> Result<Outcome, Problem> {
    let folder = project::absolute(folder)?;
    let reader = Reader::new(&folder);
    let exists = project::is_folder(&folder);
    let (mut changes, mut names) = (Changes::default(), Vec::new());
    for (name, text) in pages {
        let path = RelativePath::new(&name).map_err(PlaceError::from)?;
        let before = if exists { reader.read(&path)? } else { None };
        let action = if before.is_some() { Action::Merge } else { Action::Create };
        let after = Some(text.into_bytes());
        changes.files.push(FileChange {
            path,
            action,
            before,
            after,
            executable: false,
            conflicts: 0,
            internal: false,
        });
        names.push(name);
    }
    if exists {
        apply::update(&Guard::acquire(&folder)?, &changes, "otelgen man", &mut Unwatched)?;
    } else {
        apply::create(&folder, &changes, &mut Unwatched)?;
    }
    Ok(Outcome::done(Report::Pages(PagesReport { folder: folder.display().to_string(), pages: names })))
}
