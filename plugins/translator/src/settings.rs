//! The settings of the manifest, and what they mean: who translates, and into what.

use leah_sdk::{Error, Result, Settings};
use serde::Deserialize;

use crate::language::{self, Language};
use crate::server::Server;

/// What the settings mean.
pub(crate) struct TranslatorSettings {
    /// The language where none is named.
    pub(crate) target: Language,
    /// Whether messages without the command are translated too.
    pub(crate) every_message: bool,
    pub(crate) service: Service,
}

/// Who translates.
pub(crate) enum Service {
    /// The chat model of the host.
    Model,
    /// A LibreTranslate server.
    Server(Server),
}

/// The settings as they are written.
#[derive(Deserialize)]
struct Written {
    target: String,
    every_message: bool,
    server: Option<String>,
    api_key: Option<String>,
}

impl TranslatorSettings {
    /// Reads the settings. [`Error::Invalid`] says which one is wrong.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let written: Written = settings.read()?;
        let target = Language::find(&written.target)
            .ok_or_else(|| Error::invalid(language::unknown(&written.target)))?;
        // People clear a text field where a setting should be unset.
        let service = match written.server.filter(|url| !url.trim().is_empty()) {
            Some(url) => Service::Server(Server::new(&url, written.api_key.filter(|key| !key.is_empty()))?),
            None => Service::Model,
        };
        Ok(Self { target, every_message: written.every_message, service })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<TranslatorSettings> {
        TranslatorSettings::read(&Settings::from_json(json))
    }

    #[track_caller]
    fn check_server(json: &str, expect: bool) {
        let settings = read(json).expect("sound settings");
        assert_eq!(matches!(settings.service, Service::Server(_)), expect);
    }

    #[test]
    fn the_model_translates_unless_a_server_is_set() {
        check_server(r#"{"target": "en", "every_message": false}"#, false);
        check_server(r#"{"target": "en", "every_message": false, "server": null, "api_key": null}"#, false);
        check_server(r#"{"target": "en", "every_message": true, "server": " "}"#, false);
        check_server(
            r#"{"target": "en", "every_message": true, "server": "https://libretranslate.com"}"#,
            true,
        );
    }

    #[test]
    fn refuses_a_language_it_does_not_know() {
        let Err(Error::Invalid(reason)) = read(r#"{"target": "xx", "every_message": false}"#) else {
            panic!("`xx` is no language")
        };
        assert!(reason.starts_with("`xx` is not a language"), "{reason}");
    }
}
