//! The interface of a plugin: the part of its manifest that the index repeats, so that a user can consent before
//! anything is downloaded. Package and index must agree on it to the last field.

use std::collections::{BTreeMap, BTreeSet};

use semver::VersionReq;
use serde::{Deserialize, Serialize};

use super::{hooks::Hook, permissions::Permissions, tools::ToolName};
use crate::name::PluginName;

/// What a version of a plugin needs and offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Versions of the plugin API it was built for.
    pub api: VersionReq,
    /// Versions of the host it runs in; none: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<VersionReq>,
    /// Plugins that must be there, enabled and initialized before it.
    pub dependencies: BTreeMap<PluginName, VersionReq>,
    /// What it asks for.
    pub permissions: Permissions,
    /// When it is called.
    pub hooks: BTreeSet<Hook>,
    /// The names of the tools it offers, in the order of the manifest.
    pub tools: Vec<ToolName>,
}

impl Interface {
    /// The first field in which two interfaces differ, by its name in the manifest.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        let same = [
            ("api", self.api == other.api),
            ("host", self.host == other.host),
            ("dependencies", self.dependencies == other.dependencies),
            ("permissions", self.permissions == other.permissions),
            ("hooks", self.hooks == other.hooks),
            ("tools", self.tools == other.tools),
        ];
        same.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"api":"^1.0","dependencies":{"text-tools":"^1.2"},"permissions":["use_model"],"hooks":["on_chat_message"],"tools":["translate"]}"#;

    #[test]
    fn survives_a_round_trip_as_a_line_of_the_index() {
        let interface: Interface = serde_json::from_str(LINE).unwrap();
        assert_eq!(serde_json::to_string(&interface).unwrap(), LINE);
    }

    #[test]
    fn names_the_field_in_which_package_and_index_differ() {
        let one: Interface = serde_json::from_str(LINE).unwrap();
        assert_eq!(one.difference(&one), None);
        let other = Interface { permissions: Permissions::empty(), ..one.clone() };
        assert_eq!(one.difference(&other), Some("permissions"));
        let other = Interface { host: Some(VersionReq::STAR), ..one.clone() };
        assert_eq!(one.difference(&other), Some("host"));
    }
}
