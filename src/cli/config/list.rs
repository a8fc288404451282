//! `leahpm config list`: every setting of a plugin, and how it stands.

use leah_plugin::{
    manifest::{SWITCH, Setting, SettingError},
    name::PluginName,
    settings::Effective,
};
use serde_json::{Value, json};

use super::super::{completions, context::Context, failure::Failure, ui};
use crate::{apply::Configured, settings::shown};

/// Show the settings of a plugin and their values
///
/// Of a secret only whether it is set.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm config list translator")]
pub(super) struct ListArgs {
    /// The plugin
    #[arg(value_name = "PLUGIN", add = completions::installed())]
    name: PluginName,
}

/// Where what a plugin gets for a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Set,
    Default,
    Unset,
    /// Without a value the plugin does not start.
    Missing,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Default => "default",
            Self::Unset => "unset",
            Self::Missing => "missing",
        }
    }
}

pub(super) fn run(ctx: &Context, args: &ListArgs) -> Result<(), Failure> {
    let live = ctx.live()?;
    let found = super::configured(ctx, live.as_ref(), &args.name)?;
    let effective = found.settings.effective(&found.declared);
    let all = found.declared.iter().filter(|(key, _)| *key != SWITCH);
    let unused = unused(&found);
    if ctx.ui.json {
        let settings: Vec<Value> =
            all.map(|(key, setting)| object(key, setting, &found, &effective)).collect();
        let unused: Vec<Value> =
            unused.iter().map(|(key, reason)| json!({ "key": key, "reason": reason })).collect();
        let object = json!({ "name": args.name, "version": found.locked.version, "settings": settings, "unused": unused });
        return ctx.ui.object("config list", object);
    }
    let rows: Vec<Vec<String>> = all.map(|(key, setting)| row(key, setting, &found, &effective)).collect();
    if rows.is_empty() {
        ctx.ui.done(format_args!("`{}` has no settings.", args.name));
    } else {
        ctx.ui.data(ui::table(&["key", "value", "", "type", "description"], rows))?;
    }
    for (key, reason) in unused {
        ctx.ui.note(format_args!("what was set for `{key}` is not used: {reason}"));
    }
    Ok(())
}

fn state(key: &str, setting: &Setting, found: &Configured, effective: &Effective) -> State {
    let is_set = found.settings.values.contains_key(key) && !effective.refused.contains_key(key);
    match (is_set, &setting.default, setting.required) {
        (true, ..) => State::Set,
        (false, Some(_), _) => State::Default,
        (false, None, true) => State::Missing,
        (false, None, false) => State::Unset,
    }
}

fn row(key: &str, setting: &Setting, found: &Configured, effective: &Effective) -> Vec<String> {
    let state = state(key, setting, found, effective);
    let value = match effective.values.get(key) {
        Some(_) if setting.secret => "set".to_owned(),
        Some(value) => shown(value),
        None => "not set".to_owned(),
    };
    let note = match state {
        State::Set => "",
        State::Default => "default",
        State::Unset => "",
        State::Missing => "required",
    };
    let mut kind = setting.kind.to_string();
    if setting.secret {
        kind.push_str(", secret");
    }
    let description = setting.description.as_deref().map(ui::escaped).unwrap_or_default();
    vec![key.to_owned(), value, note.into(), kind, description]
}

fn object(key: &str, setting: &Setting, found: &Configured, effective: &Effective) -> Value {
    let value = effective.values.get(key).filter(|_| !setting.secret);
    let stands = json!({ "key": key, "state": state(key, setting, found, effective).word(), "value": value });
    ui::merged(json!(setting), stands)
}

/// What is in the file and not given to the plugin, with the reason.
fn unused(found: &Configured) -> Vec<(String, String)> {
    let reason = |error: Option<SettingError>| match error {
        Some(error) => error.to_string(),
        None => format!("version {} has no such setting", found.locked.version),
    };
    found.unused().into_iter().map(|(key, error)| (ui::escaped(&key), reason(error))).collect()
}
