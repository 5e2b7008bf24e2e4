//! Why nothing can be changed.

use crate::edits::manifest::ManifestError;
use crate::plan::InstanceId;
use crate::tree::RelativePath;

/// Why nothing can be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReconcileError {
    /// A file that otelgen did not write stands where a pack writes.
    #[error("`{path}` is not otelgen's, and {owner} writes a file there: move yours away{}", or_another_name(owner))]
    Foreign {
        /// The file.
        path: RelativePath,
        /// The instance that would write it.
        owner: InstanceId,
    },
    /// A file that otelgen did not write stands where the runtime goes.
    #[error("`{path}` is not otelgen's, and the vendored runtime goes there: move it away, or use another `--runtime`")]
    ForeignVendored {
        /// The file.
        path: RelativePath,
    },
    /// A merge base is not what the lock says.
    #[error(
        "`{path}` {}{}, and without it your edits cannot be told from otelgen's text: restore it, for example with `git restore {folder}`",
        if *gone { "is gone" } else { "is not what otelgen wrote" }, and_more(*more)
    )]
    Base {
        /// The first such base.
        path: RelativePath,
        /// Whether there is none at all.
        gone: bool,
        /// How many others are like it.
        more: usize,
        /// The folder to restore.
        folder: RelativePath,
    },
    /// Somebody gave the package another name.
    #[error(
        "`{path}` calls the crate `{package}`, and otelgen.toml calls the project `{project}`: write `name = \"{package}\"` below [project] of otelgen.toml, or give the package its name back"
    )]
    Renamed {
        /// The manifest.
        path: RelativePath,
        /// The name there.
        package: String,
        /// The name in the lock.
        project: String,
    },
    /// Conflicts of an earlier command are still in a file.
    #[error("`{path}` still has conflict markers: resolve them and run the command again")]
    Unresolved {
        /// The file.
        path: RelativePath,
    },
    /// A manifest cannot be edited.
    #[error("`{path}` cannot be edited: {problem}")]
    Manifest {
        /// The manifest.
        path: RelativePath,
        /// Why not.
        problem: ManifestError,
    },
    /// There is no manifest to edit.
    #[error("`{path}` is not there: restore it, for example with `git restore {path}`")]
    NoManifest {
        /// Where it should be.
        path: RelativePath,
    },
}

fn or_another_name(owner: &InstanceId) -> String {
    if owner.name.is_some() {
        format!(", or give it another name, as in `{}:NAME`", owner.pack.name)
    } else {
        String::new()
    }
}

fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" (and {more} more)") }
}
