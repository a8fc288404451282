//! What a registry's people should see to although everything holds: ends that come near, and names for
//! which nobody can publish.

use leah_plugin::{name::PluginName, record::Record};

use crate::registry::Registry;

const DAY: u64 = 24 * 3600;

/// A root is renewed by people with an offline key, which takes a while to arrange.
const ROOT_NOTICE: u64 = 90 * DAY;

/// What should be seen to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The root expires soon.
    Root {
        /// Its serial.
        serial: u64,
        /// How many days are left.
        days: u64,
    },
    /// The head expires soon.
    Head {
        /// How many days are left.
        days: u64,
    },
    /// Every key of the owner was revoked.
    Ownerless(PluginName),
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root { serial, days } => {
                write!(
                    f,
                    "root {serial} expires in {}; renew it with `rotate` and the root key",
                    days_in_words(*days)
                )
            }
            Self::Head { days } => {
                write!(f, "the head expires in {}; sign a new one with `refresh`", days_in_words(*days))
            }
            Self::Ownerless(name) => {
                write!(f, "all keys of the owner of {name} are revoked; `owner recover` gives it new ones")
            }
        }
    }
}

fn days_in_words(days: u64) -> String {
    match days {
        0 => "less than a day".to_owned(),
        1 => "a day".to_owned(),
        days => format!("{days} days"),
    }
}

/// What expires soon: a root within three months, a head within the last quarter of its life.
pub(super) fn of_age(registry: &Registry, now: u64) -> Vec<Warning> {
    let (root, head) = (registry.root(), registry.head());
    let mut warnings = Vec::new();
    let left = root.expires.saturating_sub(now);
    if left > 0 && left <= ROOT_NOTICE {
        warnings.push(Warning::Root { serial: root.serial, days: left / DAY });
    }
    let left = head.expires.saturating_sub(now);
    if left > 0 && left <= root.head_lifetime / 4 {
        warnings.push(Warning::Head { days: left / DAY });
    }
    warnings
}

/// An owner that can neither publish nor change itself.
pub(super) fn of_owner(record: &Record) -> Option<Warning> {
    let revoked = record.revoked();
    let ownerless = record.owner().keys.iter().all(|key| revoked.contains_key(key));
    ownerless.then(|| Warning::Ownerless(record.name().clone()))
}
