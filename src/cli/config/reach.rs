//! What a change of settings opens and closes: hosts and folders that a permission leaves to a setting. Who granted
//! "what you enter" has agreed to what is entered now, so nothing is asked again; it is said.

use leah_plugin::{
    manifest::{Scope, plain_words},
    name::PluginName,
};
use serde_json::Value;

use super::super::context::Context;
use crate::{
    plan::{Change, Plan},
    settings::{self, Now},
};

/// Says what plugins reach from now on by the settings that were changed.
pub(in crate::cli) fn tell(ctx: &Context, plan: &Plan) {
    for change in &plan.changes {
        if let Change::Setting { name, key, now } = change {
            lines(plan, name, key, now).into_iter().for_each(|line| ctx.ui.note(line));
        }
    }
}

fn lines(plan: &Plan, name: &PluginName, key: &str, now: &Now) -> Vec<String> {
    let Some(locked) = plan.lock.plugins.get(name) else { return Vec::new() };
    let value = match now {
        Now::Value(Value::String(text)) => text,
        _ => "",
    };
    let line = |(kind, place)| match (now, place) {
        (Now::Value(_), Ok(place)) => match Scope::only(kind, [place]) {
            Ok(scope) => {
                format!("`{name}` may now {}, as its setting `{key}` says.", plain_words(kind, &scope))
            }
            Err(error) => format!("`{name}` reaches nothing by its setting `{key}`: {error}"),
        },
        (Now::Value(_), Err(error)) => format!("`{name}` reaches nothing by its setting `{key}`: {error}"),
        (Now::Secret | Now::Later, _) => format!("`{name}` may now reach what its setting `{key}` names."),
        (Now::Default(_) | Now::Nothing, _) => {
            format!("`{name}` reaches nothing by its setting `{key}` any more.")
        }
    };
    settings::reach(&locked.granted, key, value).into_iter().map(line).collect()
}
