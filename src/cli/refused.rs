//! What each reason to refuse a lock means to a user: its exit code, and what to do about it.

use super::failure::{Failure, Kind};
use crate::restore::RestoreError;

const AGAIN: &str = "`leahpm lock` makes a lock from what the registries say";

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        let update = |name| format!("`leahpm lock --update={name}` looks for a version that fits");
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
            RestoreError::Api { package, .. } | RestoreError::Host { package, .. } => {
                (Kind::Incompatible, update(&package.name))
            }
        };
        Self::new(kind, error).hint(hint)
    }
}
