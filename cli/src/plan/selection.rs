//! The packs a user chose: what commands change, what the lock keeps, and what a plan is made from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use otelgen_templates::options::OptionValue;
use otelgen_templates::{Kind, Library, LibraryError, Pack, PackId};

use super::{InstanceId, PlanError, Setting, nearest, setting};
use crate::name::Name;

/// Everything a project is a function of.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// The project's name.
    pub project: Name,
    /// Where it finds the runtime crate.
    pub runtime: Runtime,
    /// The chosen packs, sorted by kind, pack and instance.
    pub packs: Vec<Chosen>,
}

/// One chosen pack.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// Pack and instance.
    pub id: InstanceId,
    /// The options that differ from their defaults.
    pub options: BTreeMap<String, OptionValue>,
}

impl Chosen {
    /// `pack` with its defaults; a pattern without a name gets the default one.
    ///
    /// # Errors
    /// When the name is not valid, or the pack takes none.
    pub fn new(pack: &Pack, name: Option<&str>) -> Result<Self, PlanError> {
        let name = match (&pack.manifest.pattern, name) {
            (Some(pattern), name) => {
                let name = Name::new(name.unwrap_or(&pattern.default_name));
                Some(name.map_err(|error| PlanError::Name {
                    pack: pack.id.clone(),
                    suggestion: error.respelled().unwrap_or_else(|| pattern.default_name.clone()),
                    error,
                })?)
            }
            (None, Some(_)) => return Err(PlanError::NoInstances(pack.id.clone())),
            (None, None) => None,
        };
        Ok(Self { id: InstanceId { pack: pack.id.clone(), name }, options: BTreeMap::new() })
    }

    fn is_named(&self, target: &str) -> bool {
        self.id.name.as_ref().is_some_and(|name| name.as_str() == target)
    }
}

/// How much a setting means, from most to least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    #[default]
    Everywhere,
    Pack,
    Instance,
}

/// What the settings of one command have said so far.
#[derive(Default)]
struct Said {
    reach: Reach,
    values: BTreeMap<(Reach, InstanceId, String), String>,
}

impl Said {
    /// Refuses a second value where the first has the same reach.
    fn once(&mut self, id: &InstanceId, setting: &Setting) -> Result<(), PlanError> {
        let first = self.values.insert((self.reach, id.clone(), setting.option.clone()), setting.value.clone());
        match first.filter(|first| *first != setting.value) {
            None => Ok(()),
            Some(first) => Err(PlanError::SetTwice {
                id: id.clone(),
                option: setting.option.clone(),
                first,
                second: setting.value.clone(),
            }),
        }
    }
}

/// Where a generated project finds the runtime crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// In `vendor/`, written along with the project.
    Vendored,
    /// In the registry.
    Registry,
    /// In a folder with its sources.
    Path(String),
}

impl fmt::Display for Runtime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vendored => formatter.write_str("vendored"),
            Self::Registry => formatter.write_str("registry"),
            Self::Path(path) => write!(formatter, "path={path}"),
        }
    }
}

impl FromStr for Runtime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("path=")) {
            ("vendored", _) => Ok(Self::Vendored),
            ("registry", _) => Ok(Self::Registry),
            (_, Some(path)) if !path.is_empty() => Ok(Self::Path(path.to_owned())),
            _ => Err(format!("`{text}` is no place for the runtime: use vendored, registry or path=DIR")),
        }
    }
}

impl Selection {
    /// A project without packs.
    pub fn new(project: Name, runtime: Runtime) -> Self {
        Self { project, runtime, packs: Vec::new() }
    }

    /// Chooses a pack; what is chosen already stays as it is.
    ///
    /// # Errors
    /// When there is no such pack, or the name is not valid.
    pub fn add(&mut self, library: &Library, id: &PackId, name: Option<&str>) -> Result<InstanceId, PlanError> {
        let chosen = Chosen::new(pack(library, id)?, name)?;
        let id = chosen.id.clone();
        if !self.packs.iter().any(|existing| existing.id == id) {
            self.packs.push(chosen);
            self.packs.sort_by(|left, right| left.id.cmp(&right.id));
        }
        Ok(id)
    }

    /// For each of `kinds` of which nothing is chosen, chooses the packs that call themselves the default.
    ///
    /// # Errors
    /// When a pack of the library is not valid.
    pub fn add_defaults(&mut self, library: &Library, kinds: &[Kind]) -> Result<(), PlanError> {
        for kind in kinds {
            if self.packs.iter().any(|chosen| chosen.id.pack.kind == *kind) {
                continue;
            }
            for id in library.ids().filter(|id| id.kind == *kind) {
                if pack(library, id)?.manifest.default {
                    self.add(library, id, None)?;
                }
            }
        }
        Ok(())
    }

    /// Gives options their values. `among` are the instances a setting without target means. What is said of an instance
    /// goes before what is said of its pack, and that before what is said of nothing.
    ///
    /// # Errors
    /// When a setting names no pack or no option, its value does not fit, or another says the opposite.
    pub fn set(&mut self, library: &Library, settings: &[Setting], among: &[InstanceId]) -> Result<(), PlanError> {
        let named = |target: &str| self.packs.iter().any(|chosen| chosen.is_named(target));
        let reach = |setting: &Setting| match setting.target.as_deref() {
            None => Reach::Everywhere,
            Some(target) if named(target) => Reach::Instance,
            Some(_) => Reach::Pack,
        };
        let mut settings: Vec<(Reach, &Setting)> = settings.iter().map(|setting| (reach(setting), setting)).collect();
        settings.sort_by_key(|(reach, _)| *reach);
        let mut said = Said::default();
        for (reach, setting) in settings {
            said.reach = reach;
            match &setting.target {
                Some(target) => self.set_of(library, setting, target, &mut said)?,
                None => self.set_everywhere(library, setting, among, &mut said)?,
            }
        }
        Ok(())
    }

    fn set_of(&mut self, library: &Library, setting: &Setting, target: &str, said: &mut Said) -> Result<(), PlanError> {
        let by_pack = |chosen: &Chosen| chosen.id.pack.name == target;
        let named = said.reach == Reach::Instance;
        if !named && !self.packs.iter().any(by_pack) {
            return Err(self.unknown_target(target));
        }
        let meant = |chosen: &&mut Chosen| if named { chosen.is_named(target) } else { by_pack(chosen) };
        for chosen in self.packs.iter_mut().filter(meant) {
            said.once(&chosen.id, setting)?;
            apply(pack(library, &chosen.id.pack)?, chosen, setting)?;
        }
        Ok(())
    }

    fn set_everywhere(
        &mut self,
        library: &Library,
        setting: &Setting,
        among: &[InstanceId],
        said: &mut Said,
    ) -> Result<(), PlanError> {
        let mut known = Vec::new();
        let mut found = false;
        for chosen in self.packs.iter_mut().filter(|chosen| among.contains(&chosen.id)) {
            let pack = pack(library, &chosen.id.pack)?;
            known.extend(pack.manifest.options.keys().cloned());
            if pack.manifest.options.contains_key(&setting.option) {
                said.once(&chosen.id, setting)?;
                apply(pack, chosen, setting)?;
                found = true;
            }
        }
        if found {
            return Ok(());
        }
        known.sort();
        known.dedup();
        let suggestion = nearest(&setting.option, known.iter().map(String::as_str));
        Err(PlanError::NobodyHasOption { option: setting.option.clone(), suggestion, known })
    }

    fn unknown_target(&self, target: &str) -> PlanError {
        let names = self
            .packs
            .iter()
            .flat_map(|chosen| [Some(chosen.id.pack.name.as_str()), chosen.id.name.as_ref().map(Name::as_str)]);
        let mut known: Vec<String> = names.flatten().map(str::to_owned).collect();
        known.sort();
        known.dedup();
        PlanError::UnknownTarget {
            target: target.to_owned(),
            suggestion: nearest(target, known.iter().map(String::as_str)),
            known,
        }
    }

    /// Drops the instance called `name`, or the only one of the pack called so.
    ///
    /// # Errors
    /// When there is none, several could be meant, or another pack needs it.
    pub fn remove(&mut self, library: &Library, kind: Kind, name: &str) -> Result<InstanceId, PlanError> {
        let of_kind = || self.packs.iter().filter(|chosen| chosen.id.pack.kind == kind);
        let by_name = of_kind().find(|chosen| chosen.id.name.as_ref().is_some_and(|own| own.as_str() == name));
        let by_pack: Vec<&Chosen> = of_kind().filter(|chosen| chosen.id.pack.name == name).collect();
        let id = match (by_name, by_pack.as_slice()) {
            (Some(chosen), _) => chosen.id.clone(),
            (None, [only]) => only.id.clone(),
            (None, [first, ..]) => {
                let names = by_pack.iter().map(|chosen| chosen.id.label().to_owned()).collect();
                return Err(PlanError::Ambiguous { pack: first.id.pack.clone(), names });
            }
            (None, []) => return Err(self.not_there(library, kind, name)?),
        };
        let by = self.dependents(library, &id.pack)?;
        if !by.is_empty() {
            return Err(PlanError::StillRequired { pack: id.pack, by });
        }
        self.packs.retain(|chosen| chosen.id != id);
        Ok(id)
    }

    fn dependents(&self, library: &Library, id: &PackId) -> Result<Vec<PackId>, PlanError> {
        let mut dependents = Vec::new();
        for chosen in &self.packs {
            if requires(library, &chosen.id.pack, id)? {
                dependents.push(chosen.id.pack.clone());
            }
        }
        dependents.dedup();
        Ok(dependents)
    }

    fn not_there(&self, library: &Library, kind: Kind, name: &str) -> Result<PlanError, PlanError> {
        let id = PackId::new(kind, name);
        let by = self.dependents(library, &id)?;
        if !by.is_empty() {
            return Ok(PlanError::StillRequired { pack: id, by });
        }
        let known: Vec<String> =
            self.packs.iter().filter(|it| it.id.pack.kind == kind).map(|it| it.id.label().to_owned()).collect();
        let suggestion = nearest(name, known.iter().map(String::as_str));
        Ok(PlanError::NotThere { kind, name: name.to_owned(), suggestion, known })
    }
}

/// Whether `id` needs `wanted`, directly or through others.
fn requires(library: &Library, id: &PackId, wanted: &PackId) -> Result<bool, PlanError> {
    let mut open = vec![id];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        for needed in &pack(library, id)?.manifest.requires {
            if needed == wanted {
                return Ok(true);
            }
            if seen.insert(needed) {
                open.push(needed);
            }
        }
    }
    Ok(false)
}

/// Types the value and keeps it if it differs from the default.
fn apply(pack: &Pack, chosen: &mut Chosen, setting: &Setting) -> Result<(), PlanError> {
    let spec = setting::spec(pack, &setting.option)?;
    let value = spec.parse(&setting.value).map_err(|problem| PlanError::Value {
        pack: pack.id.clone(),
        option: setting.option.clone(),
        help: spec.help.clone(),
        problem,
    })?;
    if spec.check(spec.default.clone()).is_ok_and(|default| default == value) {
        chosen.options.remove(&setting.option);
    } else {
        chosen.options.insert(setting.option.clone(), value);
    }
    Ok(())
}

/// The pack `id`, with a suggestion where there is none.
pub(super) fn pack<'a>(library: &'a Library, id: &PackId) -> Result<&'a Pack, PlanError> {
    library.get(id).map_err(|error| match error {
        LibraryError::UnknownPack { id, known } => {
            let suggestion = nearest(&id.name, known.iter().map(String::as_str));
            PlanError::UnknownPack { id, suggestion, known }
        }
        other => PlanError::Library(other),
    })
}
