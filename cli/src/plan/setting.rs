//! `--set pack.option=value`.

use otelgen_templates::Pack;
use otelgen_templates::options::OptionSpec;

use super::{PlanError, nearest};

/// One `--set`, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// A pack or an instance; without it, every chosen pack that has the option is meant.
    pub target: Option<String>,
    /// The option.
    pub option: String,
    /// Its value, not yet typed.
    pub value: String,
}

impl std::str::FromStr for Setting {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let wrong = || PlanError::Setting(text.to_owned());
        let (path, value) = text.split_once('=').ok_or_else(wrong)?;
        let (target, option) = match path.rsplit_once('.') {
            Some((target, option)) => (Some(target), option),
            None => (None, path),
        };
        if option.is_empty() || target.is_some_and(str::is_empty) {
            return Err(wrong());
        }
        Ok(Self { target: target.map(str::to_owned), option: option.to_owned(), value: value.to_owned() })
    }
}

/// What `pack` says about its option `name`.
pub(super) fn spec<'a>(pack: &'a Pack, name: &str) -> Result<&'a OptionSpec, PlanError> {
    let options = &pack.manifest.options;
    options.get(name).ok_or_else(|| PlanError::UnknownOption {
        pack: pack.id.clone(),
        option: name.to_owned(),
        suggestion: nearest(name, options.keys().map(String::as_str)),
        known: options.keys().cloned().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_has_a_target_an_option_and_a_value() {
        let setting: Setting = "payments.url=http://a.b/?c=d".parse().expect("a setting");
        assert_eq!(setting.target.as_deref(), Some("payments"));
        assert_eq!((setting.option.as_str(), setting.value.as_str()), ("url", "http://a.b/?c=d"));
        let everywhere: Setting = "store=redis".parse().expect("a setting");
        assert_eq!(everywhere.target, None);
        for text in ["", "a.b", ".b=1", "a.=1", "=1"] {
            assert!(text.parse::<Setting>().is_err(), "{text}");
        }
    }
}
