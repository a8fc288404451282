//! What each reason to refuse a lock means to a user: its exit code, and what to do about it.

use super::{
    super::failure::{Failure, Kind},
    SyncArgs,
};
use crate::{
    plan::PlanError,
    restore::{Misfit, RestoreError},
};

/// A lock that is not what the registries say, or that must not be live here.
pub(super) fn lock(_args: &SyncArgs, error: RestoreError) -> Failure {
    const AGAIN: &str = "`leahpm lock` makes a lock from what the registries say";
    let (kind, hint) = match &error {
        RestoreError::OtherRoot { .. } => (
            Kind::Trust,
            "ask whoever made the lock which key is the right one; `leahpm registry list` shows the one that is trusted here"
                .to_owned(),
        ),
        RestoreError::Differs { .. } => (
            Kind::Trust,
            format!("it was changed, or made from another registry of that name; {AGAIN}"),
        ),
        RestoreError::Revoked(package) => (
            Kind::Trust,
            format!("`leahpm lock --update={}` looks for a version that was not revoked", package.name),
        ),
        RestoreError::Undecided { package, .. } => (
            Kind::Consent,
            format!("write it into plugins.yaml, under `grant` or `deny` of `{}`, and run `leahpm lock`", package.name),
        ),
        RestoreError::Stranger { .. } | RestoreError::SwitchedOff { .. } | RestoreError::NotAsked { .. } => {
            (Kind::Invalid, AGAIN.to_owned())
        }
        RestoreError::Missing(package) => (
            Kind::NotFound,
            format!("`leahpm info {}/{}` shows the versions that there are", package.registry, package.name),
        ),
        RestoreError::NeedsNewer(package) => (
            Kind::Incompatible,
            format!("with this leahpm, `leahpm lock --update={}` looks for a version that it can read", package.name),
        ),
        RestoreError::Api { package, .. } | RestoreError::Host { package, .. } => (
            Kind::Incompatible,
            format!("`leahpm lock --update={}` looks for a version that fits", package.name),
        ),
    };
    Failure::new(kind, error).hint(hint)
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
