//! The part of the index that a resolution has looked at, numbered for the solver. Fixes which
//! versions can be used at all, and which of several that fit is the best.

use std::{cmp::Reverse, collections::HashMap};

use leah_plugin::name::{Origin, PluginName};
use semver::{Version, VersionReq};

use super::{
    index::{Candidate, Index, Record, Unusable, is_locked, registries},
    versions::Positions,
};
use crate::requirements::{PluginId, Requirements};

/// A plugin, and what of it can be used.
#[derive(Debug)]
pub(super) struct Plugin<'a> {
    pub(super) registry: &'a Origin,
    pub(super) name: &'a PluginName,
    pub(super) record: &'a Record,
    /// The versions that can be used, ascending; their positions are the solver's versions.
    pub(super) usable: Vec<&'a Candidate>,
    /// The locked version, where there is one that can be used.
    locked: Option<u32>,
    /// True when it was asked for by name.
    pub(super) asked: bool,
    /// How often it took part in a conflict.
    pub(super) conflicts: u32,
}

/// The plugins looked at so far.
#[derive(Debug)]
pub(super) struct Universe<'a> {
    pub(super) requirements: &'a Requirements,
    index: &'a Index,
    plugins: Vec<Plugin<'a>>,
    numbers: HashMap<(&'a Origin, &'a PluginName), u32>,
    /// Numbers of names, in use only when two registries could bring the same name.
    names: HashMap<&'a PluginName, u32>,
    registries: Vec<&'a Origin>,
}

impl<'a> Universe<'a> {
    pub(super) fn new(requirements: &'a Requirements, index: &'a Index) -> Self {
        Self {
            requirements,
            index,
            plugins: Vec::new(),
            numbers: HashMap::new(),
            names: HashMap::new(),
            registries: registries(requirements).into_iter().collect(),
        }
    }

    /// The number of a plugin; none while its record is not in the index.
    pub(super) fn number(&mut self, registry: &'a Origin, name: &'a PluginName) -> Option<u32> {
        if let Some(number) = self.numbers.get(&(registry, name)) {
            return Some(*number);
        }
        let plugin = Plugin::new(self.requirements, registry, name, self.index.record(registry, name)?);
        let number = u32::try_from(self.plugins.len()).expect("fewer plugins than four billion");
        self.plugins.push(plugin);
        self.numbers.insert((registry, name), number);
        Some(number)
    }

    pub(super) fn plugin(&self, number: u32) -> &Plugin<'a> {
        &self.plugins[number as usize]
    }

    pub(super) fn plugin_mut(&mut self, number: u32) -> &mut Plugin<'a> {
        &mut self.plugins[number as usize]
    }

    /// The plugins that were asked for and that their registry does not have.
    pub(super) fn unknown_wanted(&self) -> impl Iterator<Item = PluginId> {
        let unknown = self.plugins.iter().filter(|it| it.asked && *it.record == Record::Unknown);
        unknown.map(Plugin::id)
    }

    /// The plugins that took part in most conflicts, and their newest usable versions.
    pub(super) fn busiest(&self) -> Vec<(PluginId, Version)> {
        const SHOWN: usize = 3;
        let mut busy: Vec<_> = self.plugins.iter().filter(|it| it.conflicts > 0).collect();
        busy.sort_by_key(|plugin| (Reverse(plugin.conflicts), plugin.name));
        let newest = |plugin: &Plugin<'_>| Some((plugin.id(), plugin.usable.last()?.version.clone()));
        busy.into_iter().filter_map(newest).take(SHOWN).collect()
    }

    /// The number of the plugin's name and the place of its registry, when two registries take part
    /// and could bring the same name.
    pub(super) fn name_claim(&mut self, number: u32) -> Option<(u32, u32)> {
        if self.registries.len() < 2 {
            return None;
        }
        let Plugin { registry, name, .. } = *self.plugin(number);
        let next = self.names.len() as u32;
        let place = self.registries.binary_search(&registry).ok()?;
        Some((*self.names.entry(name).or_insert(next), place as u32))
    }
}

impl<'a> Plugin<'a> {
    fn new(
        requirements: &'a Requirements,
        registry: &'a Origin,
        name: &'a PluginName,
        record: &'a Record,
    ) -> Self {
        let lock = requirements.preferred.get(name);
        let can_be_used =
            |candidate: &&Candidate| Unusable::check(candidate, registry, name, lock, requirements).is_none();
        // Of most plugins all versions can be used.
        let mut usable = Vec::with_capacity(record.versions().len());
        usable.extend(record.versions().iter().filter(can_be_used));
        let locked = usable.iter().position(|it| is_locked(it, registry, lock));
        let asked = requirements.wanted.get(name).is_some_and(|wanted| wanted.registry == *registry);
        Self {
            registry,
            name,
            record,
            usable,
            locked: locked.map(|position| position as u32),
            asked,
            conflicts: 0,
        }
    }

    pub(super) fn id(&self) -> PluginId {
        PluginId { registry: self.registry.clone(), name: self.name.clone() }
    }

    pub(super) fn at(&self, position: u32) -> &'a Candidate {
        self.usable[position as usize]
    }

    /// The usable versions that `range` matches.
    pub(super) fn fitting(&self, range: &VersionReq) -> Positions {
        Positions::of(self.usable.iter().map(|candidate| range.matches(&candidate.version)))
    }

    /// The locked version, if it `fits` and the plugin is not to be updated.
    pub(super) fn kept(&self, fits: impl Fn(u32) -> bool, requirements: &Requirements) -> Option<u32> {
        self.locked.filter(|locked| self.is_kept(*locked, requirements) && fits(*locked))
    }

    /// True when `position` is the locked version, and stays for that reason.
    pub(super) fn is_kept(&self, position: u32, requirements: &Requirements) -> bool {
        self.locked == Some(position) && !requirements.update.moves(self.name)
    }

    /// The best that `fits`: the locked version, else the newest. A locked version that was yanked is the
    /// last resort of an update.
    pub(super) fn best(&self, fits: impl Fn(u32) -> bool, requirements: &Requirements) -> Option<u32> {
        let newest = || (0..self.usable.len() as u32).rev();
        self.kept(&fits, requirements)
            .or_else(|| newest().find(|position| !self.at(*position).yanked && fits(*position)))
            .or_else(|| newest().find(|position| fits(*position)))
    }
}
