//! How plugins are, as the running host reports it, in words and for `--json`.

use std::collections::BTreeMap;

use leah_plugin::{
    lock::Locked,
    message::{PluginState, PluginStatus},
    name::PluginName,
};
use serde_json::{Value, json};

use crate::{
    apply::MissingSetting,
    cli::{context::Context, switched::needs_settings, ui},
    host::shortened,
};

/// What the running host says of each plugin; nothing where none runs.
#[derive(Debug, Default)]
pub(in crate::cli) struct States(Option<BTreeMap<PluginName, PluginStatus>>);

impl States {
    /// Asks the running host; one that cannot be asked is warned of and left out.
    pub(in crate::cli) fn of_running_host(ctx: &Context) -> Self {
        let list = ctx.host_for_looks(|mut host| host.plugins());
        Self(list.map(|list| list.plugins.into_iter().map(|one| (one.name.clone(), one)).collect()))
    }

    /// The state of the version that is installed. Another version that the host still runs says nothing of it.
    fn of(&self, name: &PluginName, locked: &Locked) -> Option<&PluginState> {
        let status = self.0.as_ref()?.get(name)?;
        (status.version == locked.version).then_some(&status.state)
    }

    /// One word or two for how an installed plugin is.
    pub(in crate::cli) fn word(&self, name: &PluginName, locked: &Locked) -> &'static str {
        match (locked.enabled, self.of(name, locked)) {
            (false, _) => "disabled",
            (true, Some(state)) => word(state),
            (true, None) if self.0.is_some() => "not loaded",
            (true, None) => "enabled",
        }
    }

    /// The same for `--json`: `state`, and `reason` or `missing` where it belongs to that; `state` is null where no host
    /// runs, and for what is switched off.
    pub(in crate::cli) fn json(&self, name: &PluginName, locked: &Locked) -> Value {
        match self.of(name, locked) {
            Some(state) if locked.enabled => json!(state),
            None if locked.enabled && self.0.is_some() => json!({ "state": "not_loaded" }),
            _ => json!({ "state": null }),
        }
    }
}

/// The word for a state.
pub(super) fn word(state: &PluginState) -> &'static str {
    match state {
        PluginState::Running => "running",
        PluginState::NeedsSettings { .. } => "needs settings",
        PluginState::Failed { .. } => "failed",
        PluginState::Quarantined { .. } => "quarantined",
    }
}

/// What there is to say beyond the word.
fn why(state: &PluginState) -> String {
    match state {
        PluginState::Running => String::new(),
        PluginState::NeedsSettings { missing } => ui::escaped(&missing.join(", ")),
        PluginState::Failed { reason } | PluginState::Quarantined { reason } => shortened(reason),
    }
}

/// True for a plugin that is called.
pub(super) fn runs(plugin: &PluginStatus) -> bool {
    plugin.state == PluginState::Running
}

/// What the user can do for a plugin that does not run.
pub(super) fn advice(plugin: &PluginStatus) -> Option<String> {
    let name = &plugin.name;
    match &plugin.state {
        PluginState::Running => None,
        PluginState::NeedsSettings { missing } => {
            let secret =
                |key: &String| plugin.config.get(key).is_some_and(|declared| declared["secret"] == true);
            let missing = missing.iter().map(|key| MissingSetting { secret: secret(key), key: key.clone() });
            Some(needs_settings(name, &missing.collect::<Vec<_>>()))
        }
        PluginState::Failed { .. } | PluginState::Quarantined { .. } => Some(format!(
            "`leahpm host logs {name}` shows what `{name}` logged; `leahpm host reload` tries it again"
        )),
    }
}

/// A row for each plugin, with what was called and how often that went wrong.
pub(super) fn table(plugins: &[PluginStatus]) -> String {
    let rows = plugins.iter().map(|plugin| {
        let hooks: Vec<&str> = plugin.hooks.iter().map(|hook| hook.as_str()).collect();
        vec![
            plugin.name.to_string(),
            plugin.version.to_string(),
            word(&plugin.state).to_owned(),
            plugin.faults.to_string(),
            hooks.join(", "),
            why(&plugin.state),
        ]
    });
    ui::table(&["name", "version", "state", "faults", "hooks", "why"], rows)
}

/// The same for `--json`.
pub(super) fn objects(plugins: &[PluginStatus]) -> Vec<Value> {
    let object = |plugin: &PluginStatus| {
        let object = json!({
            "name": plugin.name, "version": plugin.version, "faults": plugin.faults,
            "hooks": plugin.hooks, "tools": plugin.tools,
        });
        ui::merged(object, json!(plugin.state))
    };
    plugins.iter().map(object).collect()
}
