//! What each reason to refuse a lock means to a user: its exit code, and what to do about it.

use super::{
    super::failure::{Failure, Kind},
    Source,
};
use crate::{
    plan::PlanError,
    restore::{Misfit, Package, RestoreError},
};

/// A lock that is not what the registries say, or that must not be live here.
pub(super) fn lock(source: &Source, error: RestoreError) -> Failure {
    let (kind, hint) = match &error {
        RestoreError::OtherRoot { .. } => (
            Kind::Trust,
            "ask whoever made the lock which key is the right one; `leahpm registry list` shows the one that is trusted here"
                .to_owned(),
        ),
        RestoreError::Differs { .. } => {
            let what = "the lock was changed, or made from another registry of that name";
            (Kind::Trust, format!("{what}; {}", anew(source)))
        }
        RestoreError::Revoked(package) => {
            (Kind::Trust, other_version(source, package, "that was not revoked"))
        }
        RestoreError::Undecided { package, .. } => (
            Kind::Consent,
            match source.relock("") {
                Some(command) => format!(
                    "write it into plugins.yaml, under `grant` or `deny` of `{}`, and run `{command}`",
                    package.name
                ),
                None => anew(source),
            },
        ),
        RestoreError::Stranger { .. } | RestoreError::SwitchedOff { .. } | RestoreError::NotAsked { .. } => {
            (Kind::Invalid, anew(source))
        }
        RestoreError::Missing(package) => (
            Kind::NotFound,
            format!("`leahpm info {}/{}` shows the versions that there are", package.registry, package.name),
        ),
        RestoreError::NeedsNewer(package) => {
            (Kind::Incompatible, other_version(source, package, "that this leahpm can read"))
        }
        RestoreError::Api { package, .. } | RestoreError::Host { package, .. } => {
            (Kind::Incompatible, other_version(source, package, "that fits"))
        }
    };
    Failure::new(kind, error).hint(hint)
}

/// What makes a lock that says what the registries say.
fn anew(source: &Source) -> String {
    match source.relock("") {
        Some(command) => format!("`{command}` makes the lock from what the registries say"),
        None => "ask whoever made the lock for a new one".to_owned(),
    }
}

/// What brings another version of a plugin into the lock.
fn other_version(source: &Source, package: &Package, which: &str) -> String {
    match source.relock(&format!("--update={}", package.name)) {
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
