//! The kinds that can be named on the command line.

use clap::ValueEnum;
use otelgen_templates::Kind;

/// A kind of pack that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KindArg {
    /// What the project is
    #[value(alias = "frameworks")]
    Framework,
    /// Framework-neutral logic with its telemetry
    #[value(alias = "patterns")]
    Pattern,
    /// Where telemetry goes
    #[value(alias = "backends")]
    Backend,
    /// Container and environment files
    #[value(aliases = ["deploys", "deployment", "deployments"])]
    Deploy,
    /// What a service mesh needs
    #[value(alias = "meshes")]
    Mesh,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Framework => Self::Framework,
            KindArg::Pattern => Self::Pattern,
            KindArg::Backend => Self::Backend,
            KindArg::Deploy => Self::Deploy,
            KindArg::Mesh => Self::Mesh,
        }
    }
}
