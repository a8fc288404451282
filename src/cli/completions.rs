//! `leahpm completions`, and the answers that the shell asks for while a user types: they know the names of installed
//! plugins and of those in every registry, without asking a server.

use std::ffi::OsStr;

use clap_complete::{
    CompletionCandidate,
    engine::{ArgValueCompleter, PathCompleter, ValueCompleter},
    env::{CompleteEnv, EnvCompleter, Shells},
};
use leah_plugin::{
    layout::{CacheLayout, Layout},
    lock::Locked,
    manifest::{SWITCH, SettingType, settings::ItemType},
    name::Origin,
};
use serde_json::{Value, json};

use super::{
    context::{Context, now},
    failure::{Failure, Kind},
};
use crate::{
    apply,
    config::{self, NetworkConfig},
    generation::{self, Generation},
    registry::Session,
    requirements::{BareNames, PluginId},
    settings::Declared,
};

/// Variable by which the shell's script asks for candidates.
const VARIABLE: &str = "LEAHPM_COMPLETE";

/// Print the script that completes commands and plugin names in your shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm completions bash > ~/.local/share/bash-completion/completions/leahpm
  leahpm completions zsh > ~/.zfunc/_leahpm
  leahpm completions fish > ~/.config/fish/completions/leahpm.fish")]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_parser = ["bash", "elvish", "fish", "powershell", "zsh"])]
    shell: String,
}

/// The script could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a completion script for `{0}`")]
struct NoScript(String);

pub(super) fn run(ctx: &Context, args: &CompletionsArgs) -> Result<(), Failure> {
    let script =
        script(&args.shell).ok_or_else(|| Failure::new(Kind::Unexpected, NoScript(args.shell.clone())))?;
    if ctx.ui.json {
        return ctx.ui.object("completions", json!({ "shell": args.shell, "script": script }));
    }
    ctx.ui.data(script.trim_end())
}

/// The script for a shell: it asks `leahpm` for candidates each time. `None` for an unknown shell.
#[must_use]
pub(super) fn script(shell: &str) -> Option<String> {
    let shells = Shells::builtins();
    let completer: &dyn EnvCompleter = shells.completer(shell)?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, "leahpm", "leahpm", "leahpm", &mut script).ok()?;
    String::from_utf8(script).ok()
}

/// Answers the shell and ends the process, if it is the shell that asks.
pub(super) fn answer_shell() {
    CompleteEnv::with_factory(super::command).var(VARIABLE).complete();
}

/// Completes the names of installed plugins.
pub(super) fn installed() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| candidates(typed, names(|_| true).unwrap_or_default()))
}

/// Completes the numbers of the generations that were live, and files.
pub(super) fn sets() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let mut all = candidates(typed, numbers().unwrap_or_default());
        all.extend(PathCompleter::file().complete(typed));
        all
    })
}

/// Completes the names of plugins that are held.
pub(super) fn held() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| candidates(typed, names(|locked| locked.held).unwrap_or_default()))
}

/// Completes the names of plugins that can be installed, as far as they are known without asking a server.
pub(super) fn available() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| candidates(typed, available_names().unwrap_or_default()))
}

fn candidates(typed: &OsStr, names: Vec<String>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    names.into_iter().filter(|name| name.starts_with(&*typed)).map(CompletionCandidate::new).collect()
}

/// Completes the keys of the settings of the plugin that is named before on the line.
pub(super) fn settings() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        candidates(typed, declared().unwrap_or_default().into_keys().collect())
    })
}

/// Completes the values that the setting named before on the line can have, where they are few.
pub(super) fn values() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| candidates(typed, choices().unwrap_or_default()))
}

/// The words behind `leahpm config set` and the like that are no flags.
fn words_behind_config() -> Vec<String> {
    let words = std::env::args_os().skip_while(|word| word != "config").skip(2);
    words.map(|word| word.to_string_lossy().into_owned()).filter(|word| !word.starts_with('-')).collect()
}

fn declared() -> Option<Declared> {
    let layout = layout()?;
    let live = Generation::live(&layout).ok()??;
    let name = words_behind_config().first()?.parse().ok()?;
    let mut declared = apply::configured(&layout, &live, &name).ok()??.declared;
    declared.remove(SWITCH);
    Some(declared)
}

fn choices() -> Option<Vec<String>> {
    let words = words_behind_config();
    let declared = declared()?;
    let setting = declared.get(words.get(1)?)?;
    let spelled = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(match setting.kind {
        SettingType::One(ItemType::Boolean) => vec!["true".into(), "false".into()],
        _ => setting.choices.iter().map(spelled).collect(),
    })
}

// A completion has nowhere to report an error to; without an answer the shell offers nothing.
fn names(which: impl Fn(&Locked) -> bool) -> Option<Vec<String>> {
    let live = Generation::live(&layout()?).ok()??;
    let plugins = live.lock().plugins.iter().filter(|(_, locked)| which(locked));
    Some(plugins.map(|(name, _)| name.to_string()).collect())
}

/// The newest first, as `leahpm history` shows them.
fn numbers() -> Option<Vec<String>> {
    let history = generation::history(&layout()?).ok()?;
    Some(history.iter().map(|past| past.record.number.to_string()).collect())
}

fn available_names() -> Option<Vec<String>> {
    let (home, cache) = config::places_of_environment().ok()?;
    let network = NetworkConfig::cache_alone(CacheLayout::new(cache));
    let session = Session::new(Layout::new(home), now(), network).ok()?;
    let bare = BareNames::new(session.known().default_origin(), None);
    let names = |registry: Origin| {
        session
            .names(&registry)
            .into_iter()
            .map(|name| PluginId { registry: registry.clone(), name })
            .collect::<Vec<_>>()
    };
    Some(session.origins().into_iter().flat_map(names).map(|id| id.shown(&bare)).collect())
}

fn layout() -> Option<Layout> {
    config::places_of_environment().ok().map(|(home, _)| Layout::new(home))
}
