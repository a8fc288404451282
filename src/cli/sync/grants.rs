//! Consent to what a lock grants. A lock is written by others, so what it grants beyond what is granted here is shown and
//! asked for; in a script, who says `--locked` has agreed with the commit.

use std::collections::BTreeMap;

use leah_plugin::{lock::Lock, manifest::Permissions, name::PluginName};
use serde_json::json;

use super::{
    super::{
        consent::{granting, lines, objects},
        context::Context,
        failure::{Failure, Kind},
        prompt,
    },
    SyncArgs, commit_is_consent,
};
use crate::{
    consent::{self, Decision},
    restore,
};

/// What a lock grants and nobody here has agreed to.
#[derive(Debug, thiserror::Error)]
#[error("the lock grants what nobody agreed to here:{}", lines(.0))]
struct NeedsConsent(BTreeMap<PluginName, Permissions>);

/// A lock grants what the user denies. It is taken as it is or not at all.
#[derive(Debug, thiserror::Error)]
#[error("the lock grants what `--deny` refuses:{}", lines(.0))]
struct Denied(BTreeMap<PluginName, Permissions>);

/// Asks whether plugins may do what the lock lets them do and what they may not do now. `decided` is what a person was
/// asked about in this run, when the lock was made; what the lock of others granted before was not part of that question.
pub(super) fn agree(
    ctx: &Context,
    args: &SyncArgs,
    live: Option<&Lock>,
    next: &Lock,
    decided: &BTreeMap<PluginName, Permissions>,
) -> Result<(), Failure> {
    let mut new = restore::new_grants(live, next);
    for (name, permissions) in &mut new {
        *permissions = decided.get(name).unwrap_or(&Permissions::empty()).missing(permissions);
    }
    new.retain(|_, permissions| !permissions.is_empty());
    let decide = |(name, wanted): (PluginName, Permissions)| {
        let decision = consent::decide(&name, &wanted, None, &ctx.config.choices);
        (name, decision)
    };
    let decisions: Vec<(PluginName, Decision)> = new.into_iter().map(decide).collect();
    let part = |of: fn(&Decision) -> &Permissions| -> BTreeMap<PluginName, Permissions> {
        let all = decisions.iter().map(|(name, decision)| (name.clone(), of(decision).clone()));
        all.filter(|(_, permissions)| !permissions.is_empty()).collect()
    };
    let denied = part(|decision| &decision.denied);
    if !denied.is_empty() {
        let hint = "whoever makes the lock can deny it there: `deny` in plugins.yaml, then `leahpm lock`";
        return Err(Failure::new(Kind::Refused, Denied(denied)).hint(hint));
    }
    let open = part(|decision| &decision.open);
    if open.is_empty() || args.lock_is_consent() {
        return Ok(());
    }
    // `--yes` answers questions, but a permission is given by its name or not at all.
    if !ctx.ui.interactive || ctx.config.yes || ctx.config.dry_run {
        let grant = granting(ctx, &open);
        let objects = |(name, open)| objects(name, &next.plugins[name].version, open);
        let details = json!({ "permissions": open.iter().flat_map(objects).collect::<Vec<_>>() });
        return Err(Failure::new(Kind::Consent, NeedsConsent(open))
            .hint(grant)
            .hint(commit_is_consent(ctx))
            .details(details));
    }
    ctx.ui.ask(&format!("The lock grants what was not granted here before:{}", lines(&open)));
    prompt::agree("Do you agree to all of it?")
}
