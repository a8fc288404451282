//! `leahpm registry add`, and the registry that `--registry` names: where it is, and whether its key is trusted.

use std::path::Path;

use leah_http::{BaseUrl, BaseUrlError};
use leah_plugin::{key::PublicKey, name::Origin};
use serde_json::json;

use super::super::{
    context::Context,
    failure::{Failure, Kind},
    prompt,
};
use crate::{
    apply,
    config::{Address, RegistryConfig, token_variable},
    fs,
    registry::Session,
};

/// Add a registry, or change where it is
///
/// A registry that was added before can get another URL or other mirrors, as long as its root key stays.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm registry add hub https://plugins.example.com --key RW…
  leahpm registry add hub https://mirror.example.org --mirror https://plugins.example.com
  leahpm registry add work ./registry --default")]
pub(super) struct AddArgs {
    /// Its name, as its own root states it
    name: Origin,
    /// A URL (https, or http on this machine) or a folder
    url: String,
    /// Its root key [default: shown and asked for]
    #[arg(long, value_name = "KEY")]
    key: Option<PublicKey>,
    /// Another URL of the same registry, for when the first does not answer or answers wrongly
    #[arg(long = "mirror", value_name = "URL")]
    mirrors: Vec<BaseUrl>,
    /// Take bare names from it from now on
    #[arg(long)]
    default: bool,
}

/// Somebody has to agree to a root key first.
#[derive(Debug, thiserror::Error)]
#[error("the root key of {place} is `{key}`, and nobody agreed to it yet")]
struct NewKey {
    place: String,
    key: PublicKey,
}

/// The text is not repeated: there may be a password in it.
#[derive(Debug, thiserror::Error)]
#[error("cannot take that for the URL of a registry")]
struct NoAddress(#[source] BaseUrlError);

/// A mirror of what is no URL.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is a folder, and a folder has no mirrors")]
struct FolderWithMirrors(Address);

pub(super) fn run(ctx: &Context, args: &AddArgs) -> Result<(), Failure> {
    let mut session = ctx.session()?;
    let address = address(&args.url)?;
    if matches!(address, Address::Folder(_)) && !args.mirrors.is_empty() {
        return Err(Failure::new(Kind::Usage, FolderWithMirrors(address)));
    }
    let before = session.known().registries.get(&args.name).map(|config| config.root_key);
    // Who knows a registry by its key need not be asked for that key again.
    let key = match args.key.or(before) {
        Some(key) => key,
        None => agree(ctx, &session, Some(&args.name), &address, &args.mirrors)
            .map_err(|failure| with_token(failure, &args.name))?,
    };
    let config =
        RegistryConfig { url: address, mirrors: args.mirrors.clone(), root_key: key, by_lock: false };
    if before == Some(key) {
        session.forget(&args.name);
    }
    let was_seen = session.seen(&args.name)?.is_some();
    let origin = session.meet(Some(&args.name), config.clone()).map_err(|error| {
        let failure = with_token(error.into(), &args.name);
        // What was seen outlives a removal, so that a removal is no way around it.
        if failure.kind != Kind::Trust || !was_seen || before.is_some() {
            return failure;
        }
        failure.hint(format!(
            "if you know that its people made it anew, `leahpm registry remove {} --forget` forgets the old one",
            args.name
        ))
    })?;
    remember(ctx, &session, &origin, &config, args.default)?;
    if ctx.ui.json {
        return ctx.ui.object("registry add", json!({ "name": origin, "dry_run": ctx.config.dry_run }));
    }
    let added = match (ctx.config.dry_run, before) {
        (true, None) => "Would add",
        (true, Some(_)) => "Would change",
        (false, None) => "Added",
        (false, Some(_)) => "Changed",
    };
    ctx.ui.done(format_args!("{added} registry {origin}."));
    Ok(())
}

/// What helps where a registry wants a token: `registry login` knows only those that were added.
fn with_token(failure: Failure, name: &Origin) -> Failure {
    if failure.kind != Kind::Authentication {
        return failure;
    }
    let hint = format!("put its token into {} and run the command again", token_variable(name));
    Failure { hints: vec![hint], ..failure }
}

fn remember(
    ctx: &Context,
    session: &Session,
    origin: &Origin,
    config: &RegistryConfig,
    default: bool,
) -> Result<(), Failure> {
    ctx.with_watch("registry add", |watch| {
        ctx.applying(watch, |apply| {
            apply::remember_met(apply, session, |registries| {
                registries.registries.insert(origin.clone(), config.clone());
                if default {
                    registries.default = Some(origin.clone());
                }
            })
        })
    })
}

/// The registry that `--registry` names: one that was added, or a URL or folder, which is added to the session
/// after consent to its key.
pub(in super::super) fn named_or_added(
    ctx: &Context,
    session: &mut Session,
    text: &str,
    key: Option<&PublicKey>,
) -> Result<Origin, Failure> {
    if let Ok(origin) = text.parse::<Origin>()
        && session.config(&origin).is_ok()
    {
        return Ok(origin);
    }
    let url = address(text)?;
    let known = session.known().registries.iter().find(|(_, config)| config.url == url);
    if let Some((origin, config)) = known
        && key.is_none_or(|key| *key == config.root_key)
    {
        return Ok(origin.clone());
    }
    let root_key = match key {
        Some(key) => *key,
        None => agree(ctx, session, None, &url, &[])?,
    };
    Ok(session.meet(None, RegistryConfig { url, mirrors: Vec::new(), root_key, by_lock: false })?)
}

fn agree(
    ctx: &Context,
    session: &Session,
    name: Option<&Origin>,
    address: &Address,
    mirrors: &[BaseUrl],
) -> Result<PublicKey, Failure> {
    let source = session.source(name, address, mirrors)?;
    let key = source.offered_key()?;
    let new = NewKey { place: source.place(), key };
    if !ctx.ui.interactive {
        let hint = format!("if you know that key to be the right one, run `{} --key {key}`", ctx.invocation);
        let details = json!({ "root_key": { "place": new.place, "key": key } });
        return Err(Failure::new(Kind::Consent, new).hint(hint).details(details));
    }
    ctx.ui.ask(&format!("{} says that its root key is\n  {key}", new.place));
    prompt::agree("Did you compare it, and do you trust it?")?;
    Ok(key)
}

/// What a person typed: a URL, or a folder as seen from where the command runs.
fn address(text: &str) -> Result<Address, Failure> {
    if text.contains("://") {
        return text.parse().map(Address::Web).map_err(|error| {
            let hint = match error {
                BaseUrlError::Credentials => {
                    "`leahpm registry login NAME` takes a token once the registry is added"
                }
                _ => "it looks like `https://plugins.example.com/registry`",
            };
            Failure::new(Kind::Usage, NoAddress(error)).hint(hint)
        });
    }
    Ok(Address::Folder(fs::canonical(Path::new(text))?))
}
