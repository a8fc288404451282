//! What a failed resolution says of what would work: the command that failed is taken apart, so that hints can repeat
//! it with its options.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use clap::{Arg, Command};
use leah_plugin::name::PluginName;
use semver::Version;
use serde_json::{Value, json};

use super::{context::Context, failure::Failure, project::Project, relock};
use crate::{
    registry::{Session, Unsolved},
    requirements::{Requirements, Update},
    resolve::{Change, Commands, Way},
    restore::{Package, RestoreError},
};

/// The same failure with hints that repeat the command of this run.
pub(super) fn told(ctx: &Context, failure: Failure) -> Failure {
    let Some(unsolved) = failure.source.downcast_ref::<Unsolved>() else { return failure };
    let commands = commands(ctx);
    let hints = unsolved.hints(&commands);
    let details = details(&unsolved.ways, &unsolved.requirements, &commands);
    Failure { hints, ..failure }.details(details)
}

/// Says in a failure about plugins of a lock that cannot be used as they are what would work in their place, if that
/// can be found out. `requirements` are what the lock is made from, with its versions preferred.
pub(super) fn of_update(
    ctx: &Context,
    session: &Session,
    requirements: &Requirements,
    names: &BTreeSet<PluginName>,
    failure: Failure,
) -> Failure {
    let ways = session.ways_of_update(requirements, names);
    if ways.is_empty() {
        return failure;
    }
    let mut commands = commands(ctx);
    if matches!(failure.source.downcast_ref(), Some(RestoreError::Host { .. })) {
        // The lock was made for another host, and would be again.
        commands.host = Some(requirements.host.clone());
    }
    let hints = ways.iter().map(|way| way.hint(requirements, &commands)).collect();
    let details = details(&ways, requirements, &commands);
    Failure { hints, ..failure }.details(details)
}

/// The same for the failed sync with a lock, where a wish list is beside it.
pub(super) fn of_lock(ctx: &Context, session: &Session, file: &Path, failure: Failure) -> Failure {
    let Some((package, host)) = failure.source.downcast_ref().and_then(unusable) else { return failure };
    let names = BTreeSet::from([package.name.clone()]);
    let Ok(project) = Project::of_lock(file, None) else { return failure };
    let Some(wishes) = &project.wishes else { return failure };
    let wishes = (project.wishes_path.as_path(), wishes);
    let requirements = relock::requirements(ctx, session, wishes, project.lock.as_ref(), &Update::None);
    let Ok(mut requirements) = requirements else { return failure };
    requirements.host = host.unwrap_or(requirements.host);
    of_update(ctx, session, &requirements, &names, failure)
}

/// The package that a lock names and that cannot be used, and the host for which there must be another.
fn unusable(error: &RestoreError) -> Option<(&Package, Option<Version>)> {
    match error {
        RestoreError::Revoked(package)
        | RestoreError::Missing(package)
        | RestoreError::NeedsNewer(package)
        | RestoreError::Api { package, .. } => Some((package, None)),
        RestoreError::Host { package, has, .. } => Some((package, Some(has.clone()))),
        _ => None,
    }
}

/// What a script is told.
fn details(ways: &[Way], requirements: &Requirements, commands: &Commands) -> Value {
    let way = |way: &Way| {
        let (mut ranges, mut names, mut version) = (BTreeMap::new(), Vec::new(), None);
        let change = match &way.change {
            Change::Ask(asked) => {
                ranges.extend(asked.iter().map(|(plugin, range)| (&plugin.name, range)));
                "ask"
            }
            Change::LetGo(free) => {
                names.extend(free.keys());
                "let-go"
            }
            Change::Without(gone) => {
                names.extend(gone);
                "without"
            }
            Change::Update(moved) => {
                names.extend(moved);
                "update"
            }
            Change::Host(host) => {
                version = Some(host);
                "host"
            }
            Change::Api(api) => {
                version = Some(api);
                "api"
            }
        };
        json!({
            "change": change, "ranges": ranges, "names": names, "version": version, "set": way.set,
            "commands": way.commands(requirements, commands),
        })
    };
    if ways.is_empty() { json!({}) } else { json!({ "ways": ways.iter().map(way).collect::<Vec<_>>() }) }
}

/// The command of this run, taken apart.
fn commands(ctx: &Context) -> Commands {
    let mut words = shlex::split(&ctx.invocation).unwrap_or_default().into_iter().skip(1);
    let whole = super::command();
    let mut commands = Commands::default();
    while let Some(word) = words.next() {
        let known = whole.find_subcommand(&commands.verb).unwrap_or(&whole);
        match option(known, &word) {
            Some((option, has_value)) => {
                let value = if has_value { None } else { words.next() };
                add(&mut commands, option, std::iter::once(word).chain(value).collect());
            }
            None if word == "--" => commands.operands.extend(words.by_ref()),
            None if commands.verb.is_empty() => commands.verb = word,
            None => commands.operands.push(word),
        }
    }
    commands
}

/// The option that a word names, and whether the word is all there is of it.
fn option<'a>(command: &'a Command, word: &str) -> Option<(&'a Arg, bool)> {
    let (option, is_whole) = match word.strip_prefix("--") {
        Some(long) => {
            let name = long.split('=').next();
            let option = command.get_arguments().find(|option| option.get_long() == name)?;
            (option, long.contains('='))
        }
        None => {
            let mut letters = word.strip_prefix('-')?.chars();
            let letter = letters.next();
            let option = command.get_arguments().find(|option| option.get_short() == letter)?;
            (option, letters.next().is_some())
        }
    };
    Some((option, is_whole || !option.get_action().takes_values()))
}

fn add(commands: &mut Commands, option: &Arg, words: Vec<String>) {
    match option.get_id().as_str() {
        "host_version" => {
            let value = words.last().and_then(|word| word.split('=').next_back()?.parse().ok());
            commands.host = value.or_else(|| commands.host.take());
        }
        id if option.is_global_set() => {
            if ["home", "cache"].contains(&id) {
                commands.home.extend(words.iter().cloned());
            }
            commands.globals.extend(words);
        }
        _ => commands.options.extend(words),
    }
}
