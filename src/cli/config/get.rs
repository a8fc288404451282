//! `leahpm config get`: one value, for a script.

use leah_plugin::{manifest::Setting, name::PluginName};
use serde_json::{Value, json};

use super::super::{
    completions,
    context::Context,
    failure::{Failure, Kind},
};
use crate::settings;

/// Print the value of one setting
///
/// Prints what the plugin gets: the value that was set, or the default. A list is printed as JSON. The value of a
/// secret is never printed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm config get translator target")]
pub(super) struct GetArgs {
    /// The plugin
    #[arg(value_name = "PLUGIN", add = completions::installed())]
    name: PluginName,
    /// Key of the setting
    #[arg(value_name = "KEY", add = completions::settings())]
    key: String,
}

/// A secret was asked for.
#[derive(Debug, thiserror::Error)]
#[error("`{key}` of `{name}` is a secret, which is never shown")]
struct NeverShown {
    name: PluginName,
    key: String,
}

/// There is neither a value nor a default.
#[derive(Debug, thiserror::Error)]
#[error("`{key}` of `{name}` is not set, and has no default")]
struct NotSet {
    name: PluginName,
    key: String,
}

pub(super) fn run(ctx: &Context, args: &GetArgs) -> Result<(), Failure> {
    let GetArgs { name, key } = args;
    let live = ctx.live()?;
    let found = super::configured(ctx, live.as_ref(), name)?;
    let Setting { secret, .. } = settings::find(name, &found.declared, key)?;
    if *secret {
        let error = NeverShown { name: name.clone(), key: key.clone() };
        return Err(Failure::new(Kind::Refused, error)
            .hint(format!("`leahpm config list {name}` tells whether it is set")));
    }
    let mut effective = found.settings.effective(&found.declared);
    if let Some(error) = effective.refused.get(key) {
        ctx.ui.warn(format_args!("the value that was set is not used: {error}"));
    }
    let value = effective.values.remove(key).ok_or_else(|| {
        let error = NotSet { name: name.clone(), key: key.clone() };
        Failure::new(Kind::NotFound, error).hint(format!("`leahpm config set {name} {key}` asks for it"))
    })?;
    if ctx.ui.json {
        return ctx.ui.object("config get", json!({ "name": name, "key": key, "value": value }));
    }
    match value {
        Value::String(text) => ctx.ui.value(&text),
        other => ctx.ui.value(&other.to_string()),
    }
}
