//! `leahpm why`: why a plugin is installed, from the lock alone; with `--trust`, why it is believed.

mod trust;

use std::collections::BTreeSet;

use leah_plugin::{lock::Lock, name::PluginName};
use serde_json::{Value, json};
use termtree::Tree;

use super::{
    context::Context,
    failure::{Failure, Kind},
};
use crate::{plan::PlanError, resolve::similar};

/// Show why a plugin is installed
///
/// Every way from what was asked for to the plugin, from the lock alone. With `--trust` what stands behind it, looked at
/// again step by step: the root key that is pinned, the state of the registry, the record of the plugin, its publisher,
/// the package and its files, and what it may do. Nothing is downloaded for that but what the registry says; with
/// `--offline` what is in the cache is shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm why translator
  leahpm why translator --trust
  leahpm tree             the other way round: what each plugin needs")]
pub(super) struct WhyArgs {
    /// Plugin that is installed
    #[arg(value_name = "NAME", add = super::completions::installed())]
    name: PluginName,
    /// Show why it is believed: from the pinned root key down to what it may do
    #[arg(long)]
    trust: bool,
}

pub(super) fn run(ctx: &Context, args: &WhyArgs) -> Result<(), Failure> {
    let (live, name) = (ctx.installed()?, &args.name);
    let lock = live.lock();
    let locked = lock.plugins.get(name).ok_or_else(|| not_installed(lock, name))?;
    if args.trust {
        return trust::run(ctx, &live, (name, locked));
    }
    if ctx.ui.json {
        let above: Vec<Value> = above(lock, name).into_iter().map(|name| node(lock, name)).collect();
        let object = json!({ "generation": live.number(), "name": name, "plugins": above });
        return ctx.ui.object("why", object);
    }
    let mut grown = Grown { lock, shown: BTreeSet::new() };
    let root = format!("{name} {} ({})", locked.version, locked.registry);
    ctx.ui.data(grown.grow(name, root).to_string().trim_end())?;
    if locked.held {
        ctx.ui.done(format_args!("It is held at {}; `leahpm unhold {name}` lets it move.", locked.version));
    }
    if !locked.enabled {
        ctx.ui.done(format_args!("It is switched off; `leahpm enable {name}` switches it on."));
    }
    Ok(())
}

/// The failure for a plugin that is not there, with the installed one that was probably meant.
fn not_installed(lock: &Lock, name: &PluginName) -> Failure {
    let hint = match similar(name, lock.plugins.keys()).first() {
        Some(meant) => format!("did you mean `leahpm why {meant}`?"),
        None => "`leahpm list` shows what is installed".to_owned(),
    };
    Failure::new(Kind::NotFound, PlanError::NotInstalled(name.clone())).hint(hint)
}

/// A plugin and all that need it, through others too.
fn above<'a>(lock: &'a Lock, name: &'a PluginName) -> BTreeSet<&'a PluginName> {
    lock.dependents(name, |_| true).into_iter().chain([name]).collect()
}

fn node(lock: &Lock, name: &PluginName) -> Value {
    let locked = &lock.plugins[name];
    let needed_by: Vec<Value> = lock
        .direct_dependents(name)
        .map(|(by, locked)| json!({ "name": by, "range": locked.dependencies[name] }))
        .collect();
    json!({
        "name": name, "version": locked.version, "registry": locked.registry, "enabled": locked.enabled,
        "held": locked.held, "range": lock.requested.get(name).map(|request| &request.range),
        "needed_by": needed_by,
    })
}

/// The tree that grows from a plugin to those that need it; what was shown once is not shown again.
struct Grown<'a> {
    lock: &'a Lock,
    shown: BTreeSet<&'a PluginName>,
}

impl<'a> Grown<'a> {
    fn grow(&mut self, name: &'a PluginName, mut root: String) -> Tree<String> {
        if !self.shown.insert(name) {
            root.push_str(", shown above");
            return Tree::new(root);
        }
        let lock = self.lock;
        let asked = lock.requested.get(name).map(|request| format!("asked for as {}", request.range));
        let mut leaves: Vec<Tree<String>> = asked.into_iter().map(Tree::new).collect();
        for (by, locked) in lock.direct_dependents(name) {
            let range = &locked.dependencies[name];
            leaves.push(self.grow(by, format!("needed by {by} {} as {range}", locked.version)));
        }
        if leaves.is_empty() {
            leaves.push(Tree::new("nothing that is installed needs it, and nobody asked for it".into()));
        }
        Tree::new(root).with_leaves(leaves)
    }
}
