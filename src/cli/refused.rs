//! What each reason to refuse a lock means to a user: its exit code, and what to do about it.

use leah_plugin::name::PluginName;

use super::{
    failure::{Failure, Kind},
    project::Project,
};
use crate::{
    plan::PlanError,
    restore::{Misfit, Package, RestoreError},
};

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        lock(error, None)
    }
}

/// A lock that is not what the registries say, or that must not be live here, with the project that it is from.
pub(super) fn lock(error: RestoreError, project: Option<&Project>) -> Failure {
    let (kind, hint) = match &error {
        RestoreError::OtherRoot { .. } => (
            Kind::Trust,
            "ask whoever made the lock which key is the right one; `leahpm registry list` shows the one that is trusted here"
                .to_owned(),
        ),
        RestoreError::LiveRoot { .. } => (
            Kind::Trust,
            "ask whoever made the lock which key is the right one; `leahpm export` shows what is installed".to_owned(),
        ),
        RestoreError::Differs { package, .. } => {
            let what = "the lock was changed, or made from another registry of that name";
            (Kind::Trust, format!("{what}; {}", anew(project, &package.name)))
        }
        RestoreError::Revoked(package) => {
            (Kind::Trust, other_version(project, package, "that was not revoked"))
        }
        RestoreError::Undecided { package, .. } => (
            Kind::Consent,
            match project.and_then(|project| project.relock("")) {
                Some(command) => format!(
                    "write it into plugins.yaml, under `grant` or `deny` of `{}`, and run `{command}`",
                    package.name
                ),
                None => anew(project, &package.name),
            },
        ),
        RestoreError::Stranger { name, .. }
        | RestoreError::SwitchedOff { name, .. }
        | RestoreError::NotAsked { package: Package { name, .. }, .. } => {
            (Kind::Invalid, anew(project, name))
        }
        RestoreError::Missing(package) => (
            Kind::NotFound,
            format!("`leahpm info {}/{}` shows the versions that there are", package.registry, package.name),
        ),
        RestoreError::NeedsNewer(package) => {
            (Kind::Incompatible, other_version(project, package, "that this leahpm can read"))
        }
        RestoreError::Api { package, .. } | RestoreError::Host { package, .. } => {
            (Kind::Incompatible, other_version(project, package, "that fits"))
        }
    };
    Failure::new(kind, error).hint(hint)
}

/// What makes a lock that says what the registries say. A lock that fits its wish list is made anew for an update alone.
fn anew(project: Option<&Project>, name: &PluginName) -> String {
    match project.and_then(|project| project.relock(&format!("--update={name}"))) {
        Some(command) => format!("`{command}` makes the lock from what the registries say"),
        None => "ask whoever made the lock for a new one".to_owned(),
    }
}

/// What brings another version of a plugin into the lock.
fn other_version(project: Option<&Project>, package: &Package, which: &str) -> String {
    match project.and_then(|project| project.relock(&format!("--update={}", package.name))) {
        Some(command) => format!("`{command}` looks for a version {which}"),
        None => format!("ask whoever made the lock for one with a version of `{}` {which}", package.name),
    }
}

/// Two plugins of a lock offer one tool. Whoever makes a lock decides which of them has it.
pub(super) fn tools(error: PlanError) -> Failure {
    let failure = Failure::from(error);
    Failure { hints: vec!["the lock has to switch one of them off, or leave it out".to_owned()], ..failure }
}

/// Plugins that were to stay and cannot.
pub(super) fn misfit(misfit: Misfit) -> Failure {
    Failure::new(Kind::NotFound, misfit).hint("without `--keep-extra` they are taken out")
}
