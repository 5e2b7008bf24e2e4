//! Why nothing can be changed.

use crate::edits::manifest::ManifestError;
use crate::plan::InstanceId;
use crate::tree::RelativePath;

/// Why nothing can be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReconcileError {
    /// A file that otelgen did not write stands where a pack writes.
    #[error("`{path}` is not otelgen's, and {owner} writes a file there: move yours away, or choose another `--name`")]
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
    /// Conflicts of an earlier command are still in a file.
    #[error("`{path}` still has conflict markers of an earlier command: resolve them and run the command again")]
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
