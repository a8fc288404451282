//! Asking before a plugin comes from another registry than so far. Whoever has the name there may be somebody else,
//! so that nobody moves a plugin, or what it needs, without a word.

use std::{collections::BTreeMap, fmt};

use leah_plugin::{
    lock::Lock,
    name::{Origin, PluginName},
};
use semver::Version;
use serde_json::{Value, json};

use super::{
    context::Context,
    failure::{Failure, Kind},
    prompt, ui,
};
use crate::plan::Chosen;

/// Plugins would move to another registry, and nobody agreed to that.
#[derive(Debug, thiserror::Error)]
#[error("{} would come from another registry, where somebody else may have the name:{}", ui::listed(.0.iter().map(|it| &it.name)), lines(.0))]
struct NeedsMove(Vec<Move>);

/// A plugin on its way to another registry.
#[derive(Debug)]
struct Move {
    name: PluginName,
    from: (Version, Origin),
    to: (Version, Origin),
    /// The plugins of the new set that need it.
    by: Vec<PluginName>,
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, from, to, by } = self;
        write!(f, "{name} {} ({}) -> {} ({})", from.0, from.1, to.0, to.1)?;
        if by.is_empty() { Ok(()) } else { write!(f, ", needed by {}", ui::listed(by)) }
    }
}

impl Move {
    fn object(&self) -> Value {
        let place =
            |(version, registry): &(Version, Origin)| json!({ "version": version, "registry": registry });
        json!({ "name": self.name, "from": place(&self.from), "to": place(&self.to), "by": self.by })
    }
}

fn lines(moves: &[Move]) -> String {
    moves.iter().map(|it| format!("\n  {it}")).collect()
}

/// Asks whether the plugins that would come from another registry may; `--yes` says so in a script.
pub(super) fn agree(
    ctx: &Context,
    chosen: &BTreeMap<PluginName, Chosen>,
    live: Option<&Lock>,
) -> Result<(), Failure> {
    let moves: Vec<Move> = chosen.iter().filter_map(|(name, one)| moved(name, one, chosen, live?)).collect();
    if moves.is_empty() || ctx.config.yes {
        return Ok(());
    }
    let needs = NeedsMove(moves);
    if !ctx.ui.interactive || ctx.config.dry_run {
        let hint = format!("to agree, run `{} --yes`", ctx.invocation);
        let moves: Vec<Value> = needs.0.iter().map(Move::object).collect();
        return Err(Failure::new(Kind::Consent, needs).hint(hint).details(json!({ "moves": moves })));
    }
    ctx.ui.ask(&format!("{needs}"));
    prompt::agree("Do you want that?")
}

fn moved(
    name: &PluginName,
    one: &Chosen,
    chosen: &BTreeMap<PluginName, Chosen>,
    live: &Lock,
) -> Option<Move> {
    let before = live.plugins.get(name).filter(|before| before.registry != one.registry)?;
    let needs_it = |(_, one): &(_, &Chosen)| one.line.interface.dependencies.contains_key(name);
    Some(Move {
        name: name.clone(),
        from: (before.version.clone(), before.registry.clone()),
        to: (one.line.version.clone(), one.registry.clone()),
        by: chosen.iter().filter(needs_it).map(|(name, _)| name.clone()).collect(),
    })
}
