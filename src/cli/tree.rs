//! `leahpm tree`: what is installed, each plugin below those that need it.

use std::collections::BTreeSet;

use leah_plugin::{
    lock::{Lock, Locked},
    name::{Origin, PluginName},
};
use semver::VersionReq;
use serde_json::{Value, json};
use termtree::Tree;

use super::{context::Context, failure::Failure};
use crate::plan::PlanError;

/// Show what is installed as a tree: below each plugin what it needs
///
/// At the top stands what was asked for. A plugin that several others need is shown with what it needs itself only the
/// first time.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm tree
  leahpm tree translator    that plugin and what it needs
  leahpm why translator     the other way round: what needs it")]
pub(super) struct TreeArgs {
    /// Plugins to show with what they need [default: all that was asked for]
    #[arg(value_name = "NAME", add = super::completions::installed())]
    names: Vec<PluginName>,
}

pub(super) fn run(ctx: &Context, args: &TreeArgs) -> Result<(), Failure> {
    let live = ctx.live()?;
    let lock = live.as_ref().map(|live| live.lock());
    let is_there = |name: &PluginName| lock.is_some_and(|lock| lock.plugins.contains_key(name));
    if let Some(name) = args.names.iter().find(|name| !is_there(name)) {
        return Err(PlanError::NotInstalled(name.clone()).into());
    }
    let roots = lock.map(|lock| if args.names.is_empty() { tops(lock) } else { args.names.iter().collect() });
    let roots = roots.unwrap_or_default();
    if ctx.ui.json {
        let plugins = lock.map(|lock| nodes(lock, &roots)).unwrap_or_default();
        let number = live.as_ref().map(|live| live.number());
        return ctx.ui.object("tree", json!({ "generation": number, "roots": roots, "plugins": plugins }));
    }
    let Some(lock) = lock.filter(|_| !roots.is_empty()) else {
        ctx.ui.done("No plugins are installed. `leahpm search` shows what there is.");
        return Ok(());
    };
    let mut grown = Grown { lock, shown: BTreeSet::new() };
    let trees: Vec<String> =
        roots.into_iter().map(|name| grown.top(name).to_string().trim_end().to_owned()).collect();
    ctx.ui.data(trees.join("\n"))
}

/// What was asked for, and what is there without a reason: nobody asked for it, and nothing that was asked for leads to
/// it.
fn tops(lock: &Lock) -> Vec<&PluginName> {
    let mut tops: Vec<&PluginName> = lock.requested.keys().collect();
    let mut found = lock.with_dependencies(tops.iter().copied());
    for name in lock.plugins.keys() {
        if !found.contains(name) {
            tops.push(name);
            found.extend(lock.with_dependencies([name]));
        }
    }
    tops
}

/// The trees of one run; what was shown once is not shown below again.
struct Grown<'a> {
    lock: &'a Lock,
    shown: BTreeSet<&'a PluginName>,
}

impl<'a> Grown<'a> {
    fn top(&mut self, name: &'a PluginName) -> Tree<String> {
        let locked = &self.lock.plugins[name];
        let mut words = vec![locked.registry.to_string()];
        words.extend(self.lock.requested.get(name).map(|request| format!("asked for as {}", request.range)));
        self.grow(name, locked, words)
    }

    fn below(&mut self, name: &'a PluginName, range: &VersionReq, parent: &Origin) -> Tree<String> {
        let locked = &self.lock.plugins[name];
        let foreign = (locked.registry != *parent).then(|| locked.registry.to_string());
        let words = foreign.into_iter().chain([format!("needed as {range}")]).collect();
        self.grow(name, locked, words)
    }

    fn grow(&mut self, name: &'a PluginName, locked: &'a Locked, mut words: Vec<String>) -> Tree<String> {
        words.extend((!locked.enabled).then(|| "disabled".to_owned()));
        words.extend(locked.held.then(|| "held".to_owned()));
        let is_first = self.shown.insert(name);
        if !is_first && !locked.dependencies.is_empty() {
            words.push("shown above".to_owned());
        }
        let root = format!("{name} {} ({})", locked.version, words.join(", "));
        let needs = if is_first { Some(&locked.dependencies) } else { None };
        let leaves: Vec<Tree<String>> = needs
            .into_iter()
            .flatten()
            .map(|(name, range)| self.below(name, range, &locked.registry))
            .collect();
        Tree::new(root).with_leaves(leaves)
    }
}

/// The roots and all that they need, each once.
fn nodes(lock: &Lock, roots: &[&PluginName]) -> Vec<Value> {
    let node = |name: &PluginName| {
        let locked = &lock.plugins[name];
        let request = lock.requested.get(name);
        json!({
            "name": name, "version": locked.version, "registry": locked.registry, "enabled": locked.enabled,
            "held": locked.held, "range": request.map(|request| &request.range),
            "dependencies": locked.dependencies,
        })
    };
    lock.with_dependencies(roots.iter().copied()).into_iter().map(node).collect()
}
