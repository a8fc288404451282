//! What `install` and `update` say beside the changes themselves: a publisher who changed since it was pinned, a
//! version that is left because it was yanked or its key revoked, versions that only a newer leahpm can read.

use std::collections::BTreeMap;

use leah_plugin::{
    digest::Digest,
    key::PublicKey,
    lock::Lock,
    name::PluginName,
    record::{Owner, Record, Release, Signer},
};

use super::{context::Context, failure::Failure};
use crate::{plan::Chosen, registry::Session, requirements::PluginId};

/// Tells what is worth knowing of the chosen plugins.
pub(super) fn tell(
    ctx: &Context,
    session: &Session,
    live: Option<&Lock>,
    chosen: &BTreeMap<PluginName, Chosen>,
) -> Result<(), Failure> {
    for (name, one) in chosen {
        let id = PluginId { registry: one.registry.clone(), name: name.clone() };
        let Some(record) = session.record(&id)? else { continue };
        let before = live.and_then(|lock| lock.plugins.get(name)).filter(|it| it.registry == one.registry);
        let release = before.and_then(|before| record.version(&before.version));
        let left = release.filter(|it| it.line.version != one.line.version);
        if let Some((release, reason)) = left.and_then(|it| Some((it, why_left(&it)?))) {
            let version = &release.line.version;
            ctx.ui.note(format_args!("`{name}` {version} is {reason}; another version takes its place"));
        }
        if record.has_newer_versions() {
            ctx.ui.note(format_args!(
                "registry `{}` has versions of `{name}` that only a newer leahpm can read",
                id.registry
            ));
        }
        // The pin outlives an uninstall; of `bundled` there is none but the lock.
        let pinned = session.pinned(&id);
        if pinned.is_some_and(|pinned| record.owners_since(&pinned).is_none()) {
            ctx.ui.note(format_args!(
                "the publisher of `{name}` in registry `{}` is another one than was pinned; you accepted its key",
                id.registry
            ));
        }
        for change in changes(&record, pinned.or(before.map(|before| before.owner))) {
            ctx.ui.note(format_args!(
                "the publisher of `{name}` in registry `{}` changed: {change}",
                id.registry
            ));
        }
    }
    Ok(())
}

/// Why a version that was there is left for another, where that is not because the other is newer.
fn why_left(release: &Release<'_>) -> Option<&'static str> {
    match release {
        Release { revoked: true, .. } => Some("signed with a key that was revoked since it was installed"),
        Release { yanked: true, .. } => Some("yanked"),
        _ => None,
    }
}

/// What happened to the owner since the line that was pinned, one sentence a change.
fn changes(record: &Record, pinned: Option<Digest>) -> Vec<String> {
    let since = pinned.and_then(|pinned| record.owners_since(&pinned)).unwrap_or_default();
    let all = record.owners();
    let before = all.iter().skip((all.len() - since.len()).saturating_sub(1));
    before.zip(since).map(|(before, after)| change(before, after)).collect()
}

fn change(before: &Owner, after: &Owner) -> String {
    let missing_in = |owner: &Owner, keys: &[PublicKey]| -> Vec<String> {
        let missing = keys.iter().filter(|key| !owner.keys.contains(key));
        missing.map(|key| key.id()).collect()
    };
    let (new, gone) = (missing_in(before, &after.keys), missing_in(after, &before.keys));
    let said = |ids: &[String], what: &str| match ids {
        [] => None,
        [one] => Some(format!("key {one} is {what}")),
        many => Some(format!("keys {} are {what}", many.join(", "))),
    };
    let keys: Vec<String> = said(&new, "new").into_iter().chain(said(&gone, "gone")).collect();
    let by = match after.signer {
        Signer::Publisher => "the publisher before",
        Signer::Root => "the root of the registry, as for a lost key,",
    };
    format!("{}; {by} signed that with key {}", keys.join(", "), after.key.id())
}
