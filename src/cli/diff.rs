//! `leahpm diff`: what differs between two sets, be they generations, lock files or bundles.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr};

use leah_plugin::lock::{Lock, LockedRegistry};
use serde_json::{Value, json};

use super::{
    context::Context,
    failure::{Failure, Kind},
    project, render, ui,
};
use crate::{
    apply,
    bundle::{self, Bundle},
    fs::{self, FsError},
    generation::Generation,
    plan::{self, Around, Change, RegistryChange},
};

/// Show what differs between two sets of plugins
///
/// A set is a generation, by its number, a lock file, or a bundle. Without any, the live generation is compared with its parent:
/// what the last change did. With one, that one with the live generation. Between two generations settings are compared
/// as well; the values of secrets are never shown. Of a plugin that comes it is told what it may do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm diff              what the last change did
  leahpm diff 3            what changed since generation 3
  leahpm diff leah.lock    how what is installed differs from a lock file
  leahpm diff 3 5")]
pub(super) struct DiffArgs {
    /// Set to start from: a generation, a lock file or a bundle [default: the parent of the live generation]
    #[arg(value_name = "FROM", add = super::completions::sets())]
    from: Option<Named>,
    /// Set to compare it with [default: the live generation]
    #[arg(value_name = "TO", add = super::completions::sets())]
    to: Option<Named>,
}

/// A set as it is named on the command line.
#[derive(Debug, Clone)]
enum Named {
    Generation(u64),
    File(PathBuf),
}

impl FromStr for Named {
    type Err = Infallible;

    /// What is a number is a generation; `./3` is the file.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.parse().map_or_else(|_| Self::File(text.into()), Self::Generation))
    }
}

/// A set that was read.
enum Side {
    Generation(Generation),
    File(PathBuf, Lock),
}

pub(super) fn run(ctx: &Context, args: &DiffArgs) -> Result<(), Failure> {
    let to = match &args.to {
        Some(named) => read(ctx, named)?,
        None => Side::Generation(ctx.installed()?),
    };
    let from = match &args.from {
        Some(named) => Some(read(ctx, named)?),
        None => {
            to.parent().map(|parent| Generation::read(&ctx.layout, parent)).transpose()?.map(Side::Generation)
        }
    };
    let before = from.as_ref().map(Side::lock);
    let mut changes = plan::difference_with_grants(before, to.lock());
    if let (Some(Side::Generation(from)), Side::Generation(to)) = (&from, &to) {
        changes.extend(apply::settings_difference(&ctx.layout, from, to));
        changes.sort_by(|a, b| a.name().cmp(b.name()));
    }
    let around = Around::between(before, to.lock());
    if ctx.ui.json {
        return ctx.ui.object("diff", json(from.as_ref(), &to, &changes, &around));
    }
    let lines: Vec<String> = changes.iter().map(ToString::to_string).chain(around.lines()).collect();
    if !lines.is_empty() {
        ctx.ui.data(lines.join("\n"))?;
    }
    let from = from.map_or_else(|| "nothing".into(), |from| from.to_string());
    let found =
        if lines.is_empty() { "no difference".into() } else { ui::counted(lines.len(), "difference") };
    ctx.ui.done(format_args!("From {from} to {to}: {found}."));
    Ok(())
}

fn read(ctx: &Context, named: &Named) -> Result<Side, Failure> {
    match named {
        Named::Generation(number) => Ok(Side::Generation(Generation::read(&ctx.layout, *number)?)),
        Named::File(path) => {
            if !bundle::is_bundle(path).map_err(no_set)? {
                return Ok(Side::File(path.clone(), project::named_lock(path)?.0));
            }
            Ok(Side::File(path.clone(), project::carried_lock(&Bundle::open(path)?)?))
        }
    }
}

/// What is no number is a file, and may have been meant for something else.
fn no_set(error: FsError) -> Failure {
    let failure = project::no_file(error);
    match failure.kind {
        Kind::NotFound => failure
            .hint("name a lock file, a bundle, or a generation by its number, as `leahpm history` shows it"),
        _ => failure,
    }
}

impl Side {
    fn lock(&self) -> &Lock {
        match self {
            Self::Generation(generation) => generation.lock(),
            Self::File(_, lock) => lock,
        }
    }

    fn parent(&self) -> Option<u64> {
        match self {
            Self::Generation(generation) => generation.record().parent,
            Self::File(..) => None,
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Generation(generation) => json!({ "generation": generation.number(), "file": null }),
            Self::File(path, _) => json!({ "generation": null, "file": fs::shown(path) }),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generation(generation) => write!(f, "generation {}", generation.number()),
            Self::File(path, _) => write!(f, "`{}`", fs::shown(path)),
        }
    }
}

fn json(from: Option<&Side>, to: &Side, changes: &[Change], around: &Around) -> Value {
    let locked =
        |it: &Option<LockedRegistry>| it.as_ref().map(|it| json!({ "url": it.url, "root_key": it.root_key }));
    let registry = |it: &RegistryChange| json!({ "name": it.origin, "from": locked(&it.before), "to": locked(&it.after) });
    let registries: Vec<Value> = around.registries.iter().map(registry).collect();
    let resolved = around.resolved_for.as_ref().map(|(from, to)| json!({ "from": from, "to": to }));
    json!({
        "from": from.map(Side::json), "to": to.json(), "changes": render::changes_json(changes),
        "registries": registries, "resolved_for": resolved,
    })
}
