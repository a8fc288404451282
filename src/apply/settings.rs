//! Settings as they lie in a home: read for a generation, worked out for a plan by the manifests of its packages, and
//! written for the next generation. What a change of them means is decided in `crate::settings`.

use std::collections::BTreeMap;

use leah_plugin::{
    layout::{Layout, SettingsFile},
    lock::{Lock, Locked},
    manifest::SettingError,
    name::PluginName,
    settings::Settings,
    yaml::MAX_YAML_BYTES,
};

use super::{
    Apply, ApplyError,
    deploy::in_use,
    maintain::manifest,
    trial::{About, MissingSetting},
};
use crate::{
    fs,
    generation::{Generation, Writer},
    plan::{Change, Plan},
    settings::{self, Altered, Declared, Now},
};

/// The files of a set's settings, and those of them that are new.
type Files = (BTreeMap<PluginName, SettingsFile>, Vec<SettingsFile>);

/// What an installed plugin declares, and what is set of it.
#[derive(Debug)]
pub struct Configured {
    /// What the lock says of the plugin.
    pub locked: Locked,
    /// The settings that its manifest declares.
    pub declared: Declared,
    /// What the user set.
    pub settings: Settings,
}

impl Configured {
    /// The required settings without a value.
    fn missing(&self) -> Vec<MissingSetting> {
        let is_secret = |key: &str| self.declared.get(key).is_some_and(|setting| setting.secret);
        let missing = self.settings.effective(&self.declared).missing.into_iter();
        missing.map(|key| MissingSetting { secret: is_secret(&key), key }).collect()
    }

    /// What is set and not given to the plugin, by key: the value breaks this rule, or no setting has the key.
    #[must_use]
    pub fn unused(&self) -> BTreeMap<String, Option<SettingError>> {
        let mut refused = self.settings.effective(&self.declared).refused;
        let keys = self.settings.values.keys();
        let unused = keys.filter(|key| refused.contains_key(*key) || !self.declared.contains_key(*key));
        unused
            .cloned()
            .collect::<Vec<_>>()
            .into_iter()
            .map(|key| (key.clone(), refused.remove(&key)))
            .collect()
    }
}

/// The settings of a plugin in a generation; none where it is not installed.
///
/// # Errors
/// When its manifest or its settings cannot be read.
pub fn configured(
    layout: &Layout,
    generation: &Generation,
    name: &PluginName,
) -> Result<Option<Configured>, ApplyError> {
    let Some(locked) = generation.lock().plugins.get(name) else { return Ok(None) };
    let declared = manifest(layout, name, locked)?.config;
    look(layout, locked, declared, generation.record().settings.get(name)).map(Some)
}

fn look(
    layout: &Layout,
    locked: &Locked,
    declared: Declared,
    file: Option<&SettingsFile>,
) -> Result<Configured, ApplyError> {
    let settings = file.map_or_else(|| Ok(Settings::default()), |file| read(layout, file))?;
    Ok(Configured { locked: locked.clone(), declared, settings })
}

/// What a change leaves to say about settings, each by plugin.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Enabled plugins that lack required settings, with the settings.
    pub(super) missing: BTreeMap<PluginName, Vec<MissingSetting>>,
    /// The keys of what is set and is not given to the plugin.
    pub(super) unused: BTreeMap<PluginName, Vec<String>>,
}

/// Looks at the plugins that a change is about. What cannot be read is left out: what is damaged is for `verify` to tell.
pub(super) fn left(layout: &Layout, about: &About<'_>) -> Left {
    let mut left = Left::default();
    for (name, locked) in about.lock.plugins.iter().filter(|(name, _)| about.names.contains(name)) {
        let declared = about.declared.get(name).cloned();
        let declared = declared.map_or_else(|| manifest(layout, name, locked).map(|it| it.config), Ok);
        let found = declared.and_then(|declared| look(layout, locked, declared, about.settings.get(name)));
        let Ok(found) = found else { continue };
        let missing = if locked.enabled { found.missing() } else { Vec::new() };
        let unused: Vec<String> = found.unused().into_keys().collect();
        if !missing.is_empty() {
            left.missing.insert(name.clone(), missing);
        }
        if !unused.is_empty() {
            left.unused.insert(name.clone(), unused);
        }
    }
    left
}

fn read(layout: &Layout, file: &SettingsFile) -> Result<Settings, ApplyError> {
    let path = layout.settings_file(file);
    let Some(bytes) = fs::read_if_any(&path, MAX_YAML_BYTES as u64)? else {
        return Err(ApplyError::SettingsGone { name: file.name().clone(), path });
    };
    Settings::read(&bytes).map_err(|source| ApplyError::Settings { path, source })
}

/// A plan with all that can be said of its settings before anything is fetched.
///
/// # Errors
/// As [`settle`].
pub(super) fn planned(
    apply: &Apply<'_>,
    live: Option<&Generation>,
    mut plan: Plan,
) -> Result<Plan, ApplyError> {
    note_left(live, &mut plan);
    settle(apply, live, &mut plan, |name, locked| in_use(live, name, locked))?;
    Ok(plan)
}

/// The settings files of a generation that can be read. Nobody has a second copy of the others.
pub(super) fn readable(layout: &Layout, generation: &Generation) -> BTreeMap<PluginName, SettingsFile> {
    let files = generation.record().settings.iter().filter(|(_, file)| read(layout, file).is_ok());
    files.map(|(name, file)| (name.clone(), file.clone())).collect()
}

/// Works out what a plan's orders mean for the plugins whose packages are there.
///
/// # Errors
/// When a plugin is not in the set, does not know a setting, or does not allow a value.
pub(super) fn settle(
    apply: &Apply<'_>,
    live: Option<&Generation>,
    plan: &mut Plan,
    is_there: impl Fn(&PluginName, &Locked) -> bool,
) -> Result<(), ApplyError> {
    let kept = kept(live, &plan.lock);
    for (name, orders) in std::mem::take(&mut plan.orders) {
        let locked = plan.lock.plugins.get(&name).ok_or_else(|| ApplyError::NotInSet(name.clone()))?;
        if !is_there(&name, locked) {
            plan.orders.insert(name, orders);
            continue;
        }
        let declared = manifest(apply.layout, &name, locked)?.config;
        let current =
            kept.get(&name).map_or_else(|| Ok(Settings::default()), |file| read(apply.layout, file))?;
        let Altered { settings, changed } = settings::alter(&name, &current, &declared, &orders)?;
        if !changed.is_empty() {
            plan.add_settings(&name, changed);
            plan.settings.insert(name, settings);
        }
    }
    Ok(())
}

/// What a dry run can say of orders that need a package which is not fetched.
pub(super) fn leave_open(plan: &mut Plan) {
    for (name, orders) in plan.orders.clone() {
        plan.add_settings(&name, orders.into_iter().map(|order| (order.key, Now::Later)).collect());
    }
}

/// The settings files of the plugins that stay what they are. Where another publisher's plugin takes the name, it is
/// not given the secrets of the one before.
pub(super) fn kept(live: Option<&Generation>, lock: &Lock) -> BTreeMap<PluginName, SettingsFile> {
    let files = live.into_iter().flat_map(|live| &live.record().settings);
    let stays = |name: &PluginName| is_same_owner(live, lock, name);
    files.filter(|(name, _)| stays(name)).map(|(name, file)| (name.clone(), file.clone())).collect()
}

fn is_same_owner(live: Option<&Generation>, lock: &Lock, name: &PluginName) -> bool {
    let before = live.and_then(|live| live.lock().plugins.get(name));
    before
        .zip(lock.plugins.get(name))
        .is_some_and(|(before, after)| before.registry == after.registry || before.key == after.key)
}

/// Notes in a plan which plugins leave their settings behind.
fn note_left(live: Option<&Generation>, plan: &mut Plan) {
    let set = live.into_iter().flat_map(|live| live.record().settings.keys());
    let left =
        |name: &&PluginName| plan.lock.plugins.contains_key(*name) && !is_same_owner(live, &plan.lock, name);
    let left: Vec<Change> = set.filter(left).map(|name| Change::SettingsLeft(name.clone())).collect();
    plan.changes.extend(left);
}

/// Writes the settings of a plan that change. Gives the files of the whole set, and those of them that are new.
pub(super) fn write(
    writer: &Writer<'_>,
    live: Option<&Generation>,
    plan: &Plan,
) -> Result<Files, ApplyError> {
    let (mut all, mut added) = (kept(live, &plan.lock), Vec::new());
    for (name, settings) in &plan.settings {
        all.remove(name);
        if !settings.values.is_empty() {
            let unwritable = |source| ApplyError::TooManySettings { name: name.clone(), source };
            let text = settings.to_text().map_err(unwritable)?;
            let file = writer.add_settings(name, text.as_bytes())?;
            added.push(file.clone());
            all.insert(name.clone(), file);
        }
    }
    Ok((all, added))
}

/// How the settings of the plugins in both generations differ. What cannot be read is left out: that is for `verify`
/// to tell.
#[must_use]
pub fn difference(layout: &Layout, before: &Generation, after: &Generation) -> Vec<Change> {
    let mut changes = Vec::new();
    for name in after.lock().plugins.keys().filter(|name| before.lock().plugins.contains_key(*name)) {
        let file = |generation: &Generation| generation.record().settings.get(name).cloned();
        if file(before) == file(after) {
            continue;
        }
        let read = |generation| configured(layout, generation, name).ok().flatten();
        let (Some(old), Some(new)) = (read(before), read(after)) else { continue };
        let changed = settings::difference((&old.settings, &old.declared), (&new.settings, &new.declared));
        let change = |(key, now)| Change::Setting { name: name.clone(), key, now };
        changes.extend(changed.into_iter().map(change));
    }
    changes
}
