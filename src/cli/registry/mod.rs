//! `leahpm registry`: the registries that plugins may come from.

mod add;
mod login;

use leah_plugin::name::{Origin, PluginName};
use serde_json::{Value, json};

pub(super) use self::add::named_or_added;
use super::{
    context::Context,
    failure::{Failure, Kind},
    ui,
};
use crate::apply;

/// Show and change the registries that plugins may come from
///
/// A registry is trusted by its root key. Compare the key with what the registry's people publish elsewhere
/// before you agree to it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm registry list
  leahpm registry add hub https://plugins.example.com --key RW…
  leahpm registry add work ./registry --key RW… --default
  leahpm registry login work < token.txt
  leahpm registry remove work")]
pub(super) struct RegistryArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Add(add::AddArgs),
    /// Show the registries
    List,
    /// Forget a registry that nothing is installed from
    Remove {
        /// Its name
        name: Origin,
        /// Forget also what was seen of it: its state and its publishers, so that another registry can have the name
        #[arg(long)]
        forget: bool,
    },
    Login(login::LoginArgs),
    /// Forget the token for a private registry
    Logout {
        /// Its name
        name: Origin,
    },
}

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
        Action::Add(args) => add::run(ctx, args),
        Action::List => list(ctx),
        Action::Remove { name, forget } => remove(ctx, name, *forget),
        Action::Login(args) => login::run(ctx, args),
        Action::Logout { name } => login::forget(ctx, name),
    }
}

fn list(ctx: &Context) -> Result<(), Failure> {
    let session = ctx.session()?;
    let default = session.known().default_origin();
    let mut rows = Vec::new();
    let mut objects: Vec<Value> = Vec::new();
    for origin in session.origins() {
        let key = session.locked(&origin)?.root_key;
        let mark = if origin == default { "default" } else { "" };
        let config = session.config(&origin)?;
        let url = config.map(|config| config.url.to_string());
        let mirrors = config.map(|config| config.mirrors.as_slice()).unwrap_or_default();
        objects.push(json!({
            "name": origin, "url": url, "mirrors": mirrors, "root_key": key, "default": origin == default,
            "by_lock": config.is_some_and(|config| config.by_lock),
        }));
        let place = url.unwrap_or_else(|| "compiled in".into());
        let said = if config.is_some_and(|config| config.by_lock) { "\nknown from a lock alone" } else { "" };
        let also = mirrors.iter().map(|mirror| format!("\nor {mirror}")).collect::<String>();
        rows.push(vec![origin.to_string(), mark.into(), ui::escaped(&place) + &also + said, key.to_string()]);
    }
    if ctx.ui.json {
        return ctx.ui.object("registry list", json!({ "registries": objects }));
    }
    ctx.ui.data(ui::table(&["name", "", "place", "root key"], rows))
}

fn remove(ctx: &Context, name: &Origin, forget: bool) -> Result<(), Failure> {
    let session = ctx.session()?;
    // One that was removed before can still be forgotten.
    let is_known = session.known().registries.contains_key(name) || (forget && session.seen(name)?.is_some());
    if !is_known {
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
            })?;
            if forget {
                apply::forget_seen(apply, name)?;
            }
            // Another registry that is added under the same name must not get it.
            apply::remember_token(apply, name, None)
        })
    })?;
    if ctx.ui.json {
        return ctx.ui.object("registry remove", json!({ "name": name, "dry_run": ctx.config.dry_run }));
    }
    let removed = if ctx.config.dry_run { "Would remove" } else { "Removed" };
    let forgot = if forget { " and what was seen of it" } else { "" };
    ctx.ui.done(format_args!("{removed} registry {name}{forgot}."));
    Ok(())
}

fn installed_from(ctx: &Context, registry: &Origin) -> Result<Vec<PluginName>, Failure> {
    let live = ctx.live()?;
    let plugins = live.iter().flat_map(|live| &live.lock().plugins);
    Ok(plugins.filter(|(_, locked)| locked.registry == *registry).map(|(name, _)| name.clone()).collect())
}
