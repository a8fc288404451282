//! `leahpm registry`: the registries that plugins may come from.

use std::path::Path;

use leah_plugin::{
    key::PublicKey,
    name::{Origin, PluginName},
};
use serde_json::{Value, json};

use super::{
    context::{Context, now},
    failure::{Failure, Kind},
    prompt, ui,
};
use crate::{
    apply,
    config::RegistryConfig,
    registry::{Registry, Session, Source},
};

/// Show and change the registries that plugins may come from
///
/// A registry is trusted by its root key. Compare the key with what the registry's people publish elsewhere
/// before you agree to it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm registry list
  leahpm registry add work ./registry --key RW…
  leahpm registry remove work")]
pub(super) struct RegistryArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Add a registry
    Add {
        /// Its name, as its own root states it
        name: Origin,
        /// A folder
        url: String,
        /// Its root key [default: shown and asked for]
        #[arg(long, value_name = "KEY")]
        key: Option<PublicKey>,
        /// Take bare names from it from now on
        #[arg(long)]
        default: bool,
    },
    /// Show the registries
    List,
    /// Forget a registry that nothing is installed from
    Remove {
        /// Its name
        name: Origin,
    },
}

/// Somebody has to agree to a root key first.
#[derive(Debug, thiserror::Error)]
#[error("the root key of {place} is `{key}`, and nobody agreed to it yet")]
struct NewKey {
    place: String,
    key: PublicKey,
}

/// The name is taken.
#[derive(Debug, thiserror::Error)]
#[error("there is a registry `{0}` already, with another folder or key")]
struct Taken(Origin);

/// Plugins of the live set come from it, and no change could be planned without it.
#[derive(Debug, thiserror::Error)]
#[error("plugins of registry `{registry}` are installed: {}", ui::listed(.plugins))]
struct InUse {
    registry: Origin,
    plugins: Vec<PluginName>,
}

/// There is no registry of that name.
#[derive(Debug, thiserror::Error)]
#[error("no registry `{0}` was added")]
struct NotAdded(Origin);

pub(super) fn run(ctx: &Context, args: &RegistryArgs) -> Result<(), Failure> {
    match &args.action {
        Action::Add { name, url, key, default } => add(ctx, name, url, key.as_ref(), *default),
        Action::List => list(ctx),
        Action::Remove { name } => remove(ctx, name),
    }
}

fn add(
    ctx: &Context,
    name: &Origin,
    url: &str,
    key: Option<&PublicKey>,
    default: bool,
) -> Result<(), Failure> {
    let mut session = ctx.session()?;
    let origin = add_to(ctx, &mut session, url, key, Some(name))?;
    let added = session.known().registries.get(&origin);
    ctx.with_watch("registry add", |watch| {
        ctx.applying(watch, |apply| {
            apply::remember_registries(apply, |registries| {
                // Into the list as it is now: another process may have added one since ours was read.
                if let Some(config) = added {
                    registries.registries.entry(origin.clone()).or_insert_with(|| config.clone());
                }
                if default {
                    registries.default = Some(origin.clone());
                }
            })
        })
    })?;
    if ctx.ui.json {
        return ctx.ui.object("registry add", json!({ "name": origin, "dry_run": ctx.config.dry_run }));
    }
    let added = if ctx.config.dry_run { "Would add" } else { "Added" };
    ctx.ui.done(format_args!("{added} registry {origin}."));
    Ok(())
}

fn list(ctx: &Context) -> Result<(), Failure> {
    let session = ctx.session()?;
    let default = session.known().default_origin();
    let mut rows = Vec::new();
    let mut objects: Vec<Value> = Vec::new();
    for origin in session.origins() {
        let (_, key) = session.locate(&origin)?;
        let mark = if origin == default { "default" } else { "" };
        let url = session.known().registries.get(&origin).map(|config| config.url.as_str());
        let place = url.unwrap_or("compiled in");
        objects.push(json!({ "name": origin, "url": url, "root_key": key, "default": origin == default }));
        rows.push(vec![origin.to_string(), mark.into(), ui::escaped(place), key.to_string()]);
    }
    if ctx.ui.json {
        return ctx.ui.object("registry list", json!({ "registries": objects }));
    }
    ctx.ui.data(ui::table(&["name", "", "place", "root key"], rows))
}

fn remove(ctx: &Context, name: &Origin) -> Result<(), Failure> {
    let session = ctx.session()?;
    if !session.known().registries.contains_key(name) {
        let failure = Failure::new(Kind::NotFound, NotAdded(name.clone()));
        return Err(failure.hint("`leahpm registry list` shows the registries"));
    }
    let plugins = installed_from(ctx, name)?;
    if !plugins.is_empty() {
        let names: Vec<&str> = plugins.iter().map(PluginName::as_str).collect();
        let hint = format!("`leahpm uninstall {}` takes them out", names.join(" "));
        return Err(Failure::new(Kind::Refused, InUse { registry: name.clone(), plugins }).hint(hint));
    }
    ctx.with_watch("registry remove", |watch| {
        ctx.applying(watch, |apply| {
            apply::remember_registries(apply, |registries| {
                registries.registries.remove(name);
                registries.default.take_if(|default| default == name);
            })
        })
    })?;
    if ctx.ui.json {
        return ctx.ui.object("registry remove", json!({ "name": name, "dry_run": ctx.config.dry_run }));
    }
    let removed = if ctx.config.dry_run { "Would remove" } else { "Removed" };
    ctx.ui.done(format_args!("{removed} registry {name}."));
    Ok(())
}

fn installed_from(ctx: &Context, registry: &Origin) -> Result<Vec<PluginName>, Failure> {
    let live = ctx.live()?;
    let plugins = live.iter().flat_map(|live| &live.lock().plugins);
    Ok(plugins.filter(|(_, locked)| locked.registry == *registry).map(|(name, _)| name.clone()).collect())
}

/// The registry that `--registry` names: one that was added, or a folder, which is added to the session
/// after consent to its key.
pub(super) fn named_or_added(
    ctx: &Context,
    session: &mut Session,
    text: &str,
    key: Option<&PublicKey>,
) -> Result<Origin, Failure> {
    if let Ok(origin) = text.parse::<Origin>()
        && session.locate(&origin).is_ok()
    {
        return Ok(origin);
    }
    let url = absolute(text)?;
    let known = session.known().registries.iter().find(|(_, config)| config.url == url);
    if let Some((origin, config)) = known
        && key.is_none_or(|key| *key == config.root_key)
    {
        return Ok(origin.clone());
    }
    add_to(ctx, session, text, key, None)
}

fn add_to(
    ctx: &Context,
    session: &mut Session,
    url: &str,
    key: Option<&PublicKey>,
    name: Option<&Origin>,
) -> Result<Origin, Failure> {
    let url = absolute(url)?;
    let source = Source::folder(Path::new(&url));
    let key = match key {
        Some(key) => *key,
        None => agree(ctx, &source)?,
    };
    let registry = Registry::open(source, &key)?;
    let origin = registry.origin().clone();
    if let Some(name) = name.filter(|name| **name != origin) {
        let expected = name.clone();
        return Err(crate::trust::TrustError::Origin { expected, found: origin }.into());
    }
    registry.check_not_older(session.seen(&origin)?.as_ref())?;
    registry.check_fresh(now())?;
    let config = RegistryConfig { url, root_key: key };
    let taken =
        origin.is_bundled() || session.known().registries.get(&origin).is_some_and(|old| *old != config);
    if taken {
        let hint = format!("`leahpm registry remove {origin}` forgets the one that is there");
        return Err(Failure::new(Kind::Trust, Taken(origin)).hint(hint));
    }
    session.add(origin.clone(), config);
    Ok(origin)
}

fn agree(ctx: &Context, source: &Source) -> Result<PublicKey, Failure> {
    let key = source.offered_key()?;
    let new = NewKey { place: source.place(), key };
    if !ctx.ui.interactive {
        let hint = format!("if you know that key to be the right one, run `{} --key {key}`", ctx.invocation);
        return Err(Failure::new(Kind::Consent, new).hint(hint));
    }
    ctx.ui.ask(&format!("{} says that its root key is\n  {key}", new.place));
    if prompt::confirm("Did you compare it, and do you trust it?")? {
        Ok(key)
    } else {
        Err(Failure::new(Kind::Consent, prompt::Cancelled))
    }
}

/// There is no way to such a registry yet.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a folder, and registries over the network are not supported yet")]
struct NoNetwork(String);

fn absolute(text: &str) -> Result<String, Failure> {
    if text.contains("://") {
        return Err(Failure::new(Kind::Usage, NoNetwork(text.to_owned())).hint("give the folder of a copy"));
    }
    let path = crate::fs::canonical(Path::new(text))?;
    Ok(path.display().to_string())
}
