//! Who may do what: turns the permissions that a plugin wants, what was granted before and what the
//! user said now into what is granted, what is denied and what is still open. Pure; asking is the
//! command line's.

use std::str::FromStr;

use leah_plugin::{
    lock::Locked,
    manifest::{PermissionKind, Permissions},
    name::{NameError, PluginName},
};

/// One value of `--grant` or `--deny`: `[PLUGIN:]PERMISSION` or `[PLUGIN:]all`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The plugin it speaks of; of all plugins of the command where it names none.
    pub plugin: Option<PluginName>,
    /// The permission; `None` is `all`.
    pub kind: Option<PermissionKind>,
}

/// Why a text is not a [`Choice`].
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// What stands before the colon is not a plugin's name.
    #[error("write PERMISSION, all, or PLUGIN:PERMISSION")]
    Plugin(#[source] NameError),
    /// There is no such permission.
    #[error("there is no permission `{}`; there are {} and `all`", .0.escape_debug(), kinds())]
    Permission(String),
}

fn kinds() -> String {
    PermissionKind::ALL.map(|kind| format!("`{kind}`")).join(", ")
}

impl FromStr for Choice {
    type Err = ChoiceError;
    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let (plugin, what) = match text.split_once(':') {
            Some((plugin, what)) => (Some(plugin.parse().map_err(ChoiceError::Plugin)?), what),
            None => (None, text),
        };
        let kind = match what {
            "all" => None,
            kind => Some(kind.parse().map_err(|_| ChoiceError::Permission(kind.to_owned()))?),
        };
        Ok(Self { plugin, kind })
    }
}

/// All that the user said about permissions on the command line.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Values of `--grant`.
    pub grant: Vec<Choice>,
    /// Values of `--deny`.
    pub deny: Vec<Choice>,
}

/// What follows for one plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// Permissions it gets.
    pub granted: Permissions,
    /// Permissions it asked for and does not get.
    pub denied: Permissions,
    /// Permissions that nobody has decided on yet.
    pub open: Permissions,
}

/// Decides on `wanted` for plugin `name`. What is said now counts before what was said earlier, a named
/// permission before `all`, and a denial before a grant. An earlier grant counts only while it covers
/// every scope that is wanted; an earlier denial counts whatever the scope.
#[must_use]
pub fn decide(
    name: &PluginName,
    wanted: &Permissions,
    before: Option<&Locked>,
    choices: &Choices,
) -> Decision {
    let verdicts: Vec<(PermissionKind, Verdict)> =
        wanted.iter().map(|(kind, _)| (kind, verdict(name, kind, wanted, before, choices))).collect();
    let of = |which: Verdict| {
        let others =
            verdicts.iter().filter(|(_, verdict)| *verdict != which).map(|(kind, _)| *kind).collect();
        wanted.without(&others)
    };
    Decision { granted: of(Verdict::Granted), denied: of(Verdict::Denied), open: of(Verdict::Open) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Granted,
    Denied,
    Open,
}

fn verdict(
    name: &PluginName,
    kind: PermissionKind,
    wanted: &Permissions,
    before: Option<&Locked>,
    choices: &Choices,
) -> Verdict {
    let grant = strength(&choices.grant, name, kind);
    let deny = strength(&choices.deny, name, kind);
    let granted_before = |locked: &Locked| !locked.granted.missing(wanted).contains(kind);
    match before {
        _ if deny > 0 && deny >= grant => Verdict::Denied,
        _ if grant > 0 => Verdict::Granted,
        Some(locked) if locked.denied.contains(kind) => Verdict::Denied,
        Some(locked) if granted_before(locked) => Verdict::Granted,
        _ => Verdict::Open,
    }
}

/// 0: says nothing of this permission of this plugin; 1: `all`; 2: names it.
fn strength(choices: &[Choice], name: &PluginName, kind: PermissionKind) -> u8 {
    choices
        .iter()
        .filter(|choice| choice.plugin.as_ref().is_none_or(|plugin| plugin == name))
        .map(|choice| match choice.kind {
            None => 1,
            Some(named) if named == kind => 2,
            Some(_) => 0,
        })
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Permissions {
        serde_json::from_str(r#"["read_messages", {"network_access": ["a.example"]}]"#).unwrap()
    }

    fn choices(grant: &[&str], deny: &[&str]) -> Choices {
        let parse = |list: &[&str]| list.iter().map(|c| c.parse().unwrap()).collect();
        Choices { grant: parse(grant), deny: parse(deny) }
    }

    #[track_caller]
    fn check(grant: &[&str], deny: &[&str], expect: (usize, usize, usize)) {
        let decision = decide(&"mail".parse().unwrap(), &wanted(), None, &choices(grant, deny));
        let count = |permissions: &Permissions| permissions.iter().count();
        assert_eq!((count(&decision.granted), count(&decision.denied), count(&decision.open)), expect);
    }

    #[test]
    fn nothing_said_leaves_everything_open() {
        check(&[], &[], (0, 0, 2));
        check(&["other:all"], &[], (0, 0, 2));
    }

    #[test]
    fn a_named_permission_counts_before_all_and_a_denial_before_a_grant() {
        check(&["all"], &[], (2, 0, 0));
        check(&["all"], &["network_access"], (1, 1, 0));
        check(&["mail:read_messages"], &["all"], (1, 1, 0));
        check(&["all"], &["all"], (0, 2, 0));
    }

    #[test]
    fn refuses_words_that_are_no_permission() {
        assert!("fly".parse::<Choice>().unwrap_err().to_string().contains("there is no permission `fly`"));
        assert!("Mail:all".parse::<Choice>().is_err());
    }
}
