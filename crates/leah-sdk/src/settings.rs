//! The settings the user gave this plugin. Needs no permission.
//!
//! Most plugins read all of them at once in `initialize`, into a struct that mirrors `config` of the
//! manifest: a setting that is required or has a default is a field of its type, any other an `Option`.
//!
//! ```
//! use leah_sdk::{Error, Settings};
//! use serde::Deserialize;
//!
//! #[derive(Debug, PartialEq, Deserialize)]
//! struct Weather {
//!     unit: String,            // unit:    { type: string, enum: [celsius, fahrenheit], default: celsius }
//!     places: Vec<String>,     // places:  { type: list, items: string, default: [] }
//!     api_key: Option<String>, // api_key: { type: string, secret: true }
//! }
//!
//! let settings = Settings::from_json(r#"{"unit": "celsius", "places": ["Ankara"]}"#);
//! let weather: Weather = settings.read()?;
//! assert_eq!(weather, Weather { unit: "celsius".into(), places: vec!["Ankara".into()], api_key: None });
//! # Ok::<(), Error>(())
//! ```

use serde::de::DeserializeOwned;

use crate::bindings::{imports::leah::plugin::settings as host, inside_host};
use crate::{Result, types::parse_json};

/// All settings as `initialize` gets them: what the user set, and the defaults of the manifest.
#[derive(Clone)]
pub struct Settings {
    // No `Debug`: secrets are in here.
    json: String,
}

impl Settings {
    /// Settings from the text of a JSON object, as a plugin's own tests need them.
    #[must_use]
    pub fn from_json(json: impl Into<String>) -> Self {
        Self { json: json.into() }
    }

    /// The settings as a type of the plugin's own. [`Error::Invalid`](crate::Error::Invalid) says what is
    /// wrong.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        parse_json(self.json.as_bytes())
    }
}

/// One setting, asked of the host. `None` if the user gave none and the manifest has no default;
/// [`Error::NotFound`](crate::Error::NotFound) if the manifest does not declare it.
pub fn get<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    inside_host()?;
    host::get(key)?.map(|json| parse_json(json.as_bytes())).transpose()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Error;

    #[test]
    fn settings_become_a_type() {
        let settings = Settings::from_json(r#"{"retries": 3}"#);
        assert_eq!(settings.read(), Ok(BTreeMap::from([("retries".to_owned(), 3)])));
    }

    #[test]
    fn a_setting_cannot_be_asked_for_outside_a_host() {
        assert_eq!(get::<String>("greeting"), Err(Error::Unavailable));
    }
}
