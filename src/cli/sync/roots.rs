//! Consent to the registries of a lock. A lock does not vouch for itself: a registry that is known here must begin with
//! the key that is trusted here, and the key of a new one is agreed to before anything is read from it.

use std::collections::BTreeSet;

use leah_http::{BaseUrl, BaseUrlError};
use leah_plugin::{
    key::PublicKey,
    lock::{Lock, LockedRegistry},
    name::Origin,
};
use serde_json::json;

use super::{
    super::{
        context::Context,
        failure::{Failure, Kind},
        prompt, refused,
        ui::escaped,
    },
    Source, SyncArgs, commit_is_consent, unproven,
};
use crate::{
    config::{Address, RegistryConfig},
    fs,
    registry::Session,
    restore,
};

/// The lock says nothing of where a registry is that is not known here.
#[derive(Debug, thiserror::Error)]
#[error("registry `{0}` of the lock was not added here, and the lock does not say where it is")]
struct Nowhere(Origin);

/// An address that no registry is read from.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the address that the lock has of registry `{origin}`")]
struct NoAddress {
    origin: Origin,
    source: BaseUrlError,
}

/// Somebody has to agree to a root key first.
#[derive(Debug, thiserror::Error)]
#[error("the lock brings registry `{origin}` at `{place}`, and nobody agreed to its root key `{key}` here")]
struct NewRoot {
    origin: Origin,
    place: String,
    key: PublicKey,
}

/// The user says which keys are right, and it is none of them.
#[derive(Debug, thiserror::Error)]
#[error("the lock says that the root key of registry `{origin}` is `{key}`, which `--key` does not name")]
struct OtherKey {
    origin: Origin,
    key: PublicKey,
}

/// Makes the registries known from which something is to be installed, and gives the names of those that are new.
pub(super) fn settle(
    ctx: &Context,
    args: &SyncArgs,
    source: &Source,
    session: &mut Session,
    live: Option<&Lock>,
    next: &Lock,
) -> Result<BTreeSet<Origin>, Failure> {
    let needed: BTreeSet<&Origin> = unproven(live, next).map(|(_, locked)| &locked.registry).collect();
    let mut added = BTreeSet::new();
    for (origin, locked) in &next.registries {
        if let Ok(known) = session.locked(origin) {
            // Who made the lock may have added the registry after its people handed their root key over.
            let is_its_next = || {
                let registry = session.registry(origin);
                registry.is_ok_and(|registry| registry.came_to_root_key(&locked.root_key))
            };
            if let Err(error) = restore::check_root(origin, locked, &known)
                && !is_its_next()
            {
                return Err(refused::lock(error, source.project()));
            }
        } else if needed.contains(origin) {
            // What was seen of it before, if anything was, is held against it when it is opened.
            added.extend(adopt(ctx, args, source, session, (origin, locked))?);
        } else if let Some(live) = live {
            restore::check_live_root(origin, locked, live)
                .map_err(|error| refused::lock(error, source.project()))?;
        }
    }
    Ok(added)
}

/// The name of the registry, if later runs will know it too.
fn adopt(
    ctx: &Context,
    args: &SyncArgs,
    source: &Source,
    session: &mut Session,
    (origin, locked): (&Origin, &LockedRegistry),
) -> Result<Option<Origin>, Failure> {
    let new = |place| NewRoot { origin: origin.clone(), place, key: locked.root_key };
    if let (Source::Bundle(bundle, _), None) = (source, &locked.url) {
        agree(ctx, args, source, new(fs::shown(bundle.path())))?;
        session.adopt_for_this_run(origin.clone(), bundle, locked.root_key)?;
        ctx.ui.note(format_args!(
            "Registry {origin} is not added, since the lock does not say where it is; `leahpm registry add` adds it."
        ));
        return Ok(None);
    }
    let url = address(origin, locked)?;
    // Only a person has seen the address; a key that is right says nothing of it.
    let by_lock = agree(ctx, args, source, new(url.to_string()))? != Agreed::Person;
    let config =
        RegistryConfig { url: Address::Web(url), mirrors: Vec::new(), root_key: locked.root_key, by_lock };
    session.adopt(origin.clone(), config)?;
    Ok(Some(origin.clone()))
}

fn address(origin: &Origin, locked: &LockedRegistry) -> Result<BaseUrl, Failure> {
    let Some(url) = &locked.url else {
        let hint = format!(
            "`leahpm registry add {origin} PLACE --key {}` adds it, PLACE being a URL or a folder",
            locked.root_key
        );
        return Err(Failure::new(Kind::NotFound, Nowhere(origin.clone())).hint(hint));
    };
    url.parse().map_err(|source| Failure::new(Kind::Invalid, NoAddress { origin: origin.clone(), source }))
}

/// Who agreed to a root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agreed {
    /// Who gave it on the command line.
    Key,
    /// Who committed the lock.
    Lock,
    /// A person who was asked, and shown the address.
    Person,
}

fn agree(ctx: &Context, args: &SyncArgs, source: &Source, new: NewRoot) -> Result<Agreed, Failure> {
    if args.keys.contains(&new.key) {
        return Ok(Agreed::Key);
    }
    if !args.keys.is_empty() {
        let NewRoot { origin, key, .. } = new;
        return Err(Failure::new(Kind::Trust, OtherKey { origin, key })
            .hint("ask whoever made the lock, and the registry's people, which key is the right one"));
    }
    // A lock was committed where others see it; a bundle may come from anybody.
    let can_be_consent = !source.is_bundle();
    if can_be_consent && args.lock_is_consent() {
        return Ok(Agreed::Lock);
    }
    if !ctx.ui.interactive {
        let key =
            format!("if you know that key to be the right one, run `{} --key {}`", ctx.invocation, new.key);
        let details = json!({ "root_key": { "place": new.place, "key": new.key } });
        let failure = Failure::new(Kind::Consent, new).hint(key).details(details);
        return Err(failure.hint_if_any(can_be_consent.then(|| commit_is_consent(ctx))));
    }
    ctx.ui.ask(&format!(
        "The lock brings registry {} at {}, whose root key is\n  {}",
        new.origin,
        escaped(&new.place),
        new.key
    ));
    prompt::agree("Did you compare it, and do you trust it?")?;
    Ok(Agreed::Person)
}
