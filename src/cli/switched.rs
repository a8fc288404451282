//! What is said once a set is live: what the running host made of it, and which plugins wait for settings.

use leah_plugin::name::PluginName;
use serde_json::{Map, Value, json};

use super::{context::Context, failure, ui::escaped};
use crate::{
    apply::{Confirmed, MissingSetting, Switched},
    host::shortened,
};

/// Says what there is to say beyond that the generation is live.
pub(super) fn tell(ctx: &Context, switched: &Switched) {
    let number = switched.number;
    match &switched.host {
        Confirmed::NotAsked => {
            ctx.ui.step(format_args!("no host was asked: generation {number} is live and was not tried"));
        }
        Confirmed::Runs { failed } => {
            for one in failed {
                ctx.ui.warn(format_args!(
                    "`{}` was ready and did not come up after all: {}; `leahpm rollback` goes back to the set before",
                    one.plugin,
                    shortened(&one.reason)
                ));
            }
        }
        Confirmed::Unknown(error) => ctx.ui.note(format_args!(
            "Generation {number} is live, but {}. A host finds by itself what is live; `leahpm host status` shows what it runs.",
            failure::messages(error).join(": ")
        )),
    }
    for (name, missing) in &switched.needs_settings {
        ctx.ui.note(needs_settings(name, missing));
    }
    for (name, keys) in &switched.unused_settings {
        let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
        ctx.ui.note(format_args!(
            "`{name}` does not use what was set for {}; `leahpm config list {name}` tells why",
            keys.join(" and ")
        ));
    }
}

/// The sentence that says what a plugin waits for, with the commands that end the wait.
#[must_use]
pub(super) fn needs_settings(name: &PluginName, missing: &[MissingSetting]) -> String {
    let keys: Vec<String> = missing.iter().map(|one| format!("`{}`", escaped(&one.key))).collect();
    let commands: Vec<String> = missing.iter().map(|one| format!("`{}`", set_command(name, one))).collect();
    format!(
        "`{name}` does not start before {} {} set: {}",
        keys.join(" and "),
        if keys.len() == 1 { "is" } else { "are" },
        commands.join(", ")
    )
}

fn set_command(name: &PluginName, missing: &MissingSetting) -> String {
    // A secret is asked for: on the command line, others could read it.
    let value = if missing.secret { "" } else { " VALUE" };
    format!("leahpm config set {name} {}{value}", escaped(&missing.key))
}

/// The same for `--json`; nothing of what was not done.
pub(super) fn json(switched: Option<&Switched>) -> Value {
    let (host, failed) = match switched.map(|switched| &switched.host) {
        None => (None, None),
        Some(Confirmed::NotAsked) => (Some("not_asked"), None),
        Some(Confirmed::Runs { failed }) => (Some("runs"), Some(failed)),
        Some(Confirmed::Unknown(_)) => (Some("unconfirmed"), None),
    };
    let needs = switched.iter().flat_map(|switched| &switched.needs_settings);
    let needs: Map<String, Value> = needs
        .map(|(name, missing)| {
            let keys: Vec<&str> = missing.iter().map(|one| one.key.as_str()).collect();
            (name.to_string(), json!(keys))
        })
        .collect();
    json!({ "host": host, "failed": failed.map_or(&[][..], Vec::as_slice), "needs_settings": needs })
}
