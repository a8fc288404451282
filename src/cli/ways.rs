//! What a failed resolution says of what would work: the command that failed is taken apart, so that hints can repeat
//! it with its options.

use std::collections::BTreeSet;

use clap::{Arg, Command};
use leah_plugin::name::PluginName;

use super::{context::Context, failure::Failure};
use crate::{
    registry::{Session, Unsolved},
    requirements::Requirements,
    resolve::Commands,
};

/// The same failure with hints that repeat the command of this run.
pub(super) fn told(ctx: &Context, failure: Failure) -> Failure {
    let Some(unsolved) = failure.source.downcast_ref::<Unsolved>() else { return failure };
    let hints = unsolved.hints(&commands(ctx));
    Failure { hints, ..failure }
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
    let commands = commands(ctx);
    Failure { hints: ways.iter().map(|way| way.hint(requirements, &commands)).collect(), ..failure }
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
