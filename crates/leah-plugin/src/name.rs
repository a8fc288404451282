//! Names of plugins and registries: short ASCII identifiers that are safe as file names everywhere.
//! A value of these types has been checked; nothing past the parsers carries a name as a plain string.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Longest name in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// Names that Windows reserves for devices, whatever extension follows; a plugin of such a name could
/// not be installed there.
const WINDOWS_DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing at all.
    #[error("a name cannot be empty")]
    Empty,
    /// More than [`MAX_NAME_BYTES`].
    #[error("a name has at most {MAX_NAME_BYTES} characters, this one has {0}")]
    TooLong(usize),
    /// A character outside `[a-z0-9-]`, or a hyphen at an end or beside another.
    #[error("`{}` is not a name: use lower-case letters and digits, with single hyphens between them", .0.escape_debug())]
    Characters(String),
    /// `con`, `nul`, `com1` and their kin.
    #[error("`{0}` is the name of a device on Windows")]
    WindowsDevice(String),
}

/// True for file stems that Windows takes for devices. `stem` is compared without regard to case.
#[must_use]
pub fn is_windows_device(stem: &str) -> bool {
    let lower = stem.to_ascii_lowercase();
    let numbered = lower.len() == 4
        && (lower.starts_with("com") || lower.starts_with("lpt"))
        && lower.as_bytes()[3].is_ascii_digit();
    numbered || WINDOWS_DEVICES.contains(&lower.as_str())
}

fn check(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > MAX_NAME_BYTES {
        return Err(NameError::TooLong(text.len()));
    }
    let part =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !text.split('-').all(part) {
        return Err(NameError::Characters(text.to_owned()));
    }
    if is_windows_device(text) {
        return Err(NameError::WindowsDevice(text.to_owned()));
    }
    Ok(())
}

macro_rules! name_type {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Box<str>);

        impl $type {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                check(text)?;
                Ok(Self(text.into()))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

name_type! {
    /// The name of a plugin: `[a-z0-9]+(-[a-z0-9]+)*`, at most 64 bytes, no Windows device.
    PluginName
}

name_type! {
    /// The name of a registry, as its signed root states it. Same rules as a plugin's name.
    Origin
}

impl Origin {
    /// The registry that is compiled into leahpm.
    ///
    /// # Panics
    /// Never: the literal is a name.
    #[must_use]
    pub fn bundled() -> Self {
        "bundled".parse().expect("`bundled` is a valid name")
    }

    /// True for the registry that is compiled into leahpm.
    #[must_use]
    pub fn is_bundled(&self) -> bool {
        self.as_str() == "bundled"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &Result<(), NameError>) {
        assert_eq!(&text.parse::<PluginName>().map(|_| ()), expect);
    }

    #[test]
    fn takes_words_joined_by_single_hyphens() {
        for name in ["a", "translator", "text-tools", "a1-2b-3", "com10", "console", &"a".repeat(64)] {
            check(name, &Ok(()));
        }
    }

    #[test]
    fn refuses_everything_else() {
        check("", &Err(NameError::Empty));
        check(&"a".repeat(65), &Err(NameError::TooLong(65)));
        for name in ["-a", "a-", "a--b", "A", "a_b", "a.b", "../a", "a/b", "ä", "a b", "a\u{1b}[0m"] {
            check(name, &Err(NameError::Characters(name.into())));
        }
        for name in ["con", "nul", "com1", "lpt9"] {
            check(name, &Err(NameError::WindowsDevice(name.into())));
        }
    }

    #[test]
    fn escapes_control_characters_in_its_error() {
        assert!(!"a\u{1b}[0m".parse::<PluginName>().unwrap_err().to_string().contains('\u{1b}'));
    }
}
