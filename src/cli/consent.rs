//! Asking for permissions: shows what a plugin wants in plain words and takes a person's answer. Where
//! nobody can be asked it refuses, with the command that would grant.

use std::collections::{BTreeMap, BTreeSet};

use leah_plugin::{
    lock::{Lock, Locked},
    manifest::{PermissionKind, Permissions, Scope, plain_words},
    name::PluginName,
};
use semver::Version;
use serde_json::{Value, json};

use super::{
    context::Context,
    failure::{Failure, Kind},
    prompt, ui,
};
use crate::{
    consent::{self, Decision},
    plan::Chosen,
};

/// Somebody has to agree to permissions first.
#[derive(Debug, thiserror::Error)]
#[error("{}", said(.0))]
pub(super) struct NeedsConsent(Vec<Open>);

impl NeedsConsent {
    /// The plugins that ask.
    pub(super) fn plugins(&self) -> impl Iterator<Item = &PluginName> {
        self.0.iter().map(|open| &open.name)
    }
}

/// What a plugin asks for and nobody has decided on.
#[derive(Debug)]
struct Open {
    name: PluginName,
    version: Version,
    /// The installed version, and what was granted to it.
    before: Option<(Version, Permissions)>,
    /// The permissions, each with its whole scope.
    wanted: Permissions,
}

impl Open {
    /// Each permission in plain words; of one that is granted in part only what is new about it.
    fn lines(&self) -> Vec<String> {
        let none = Permissions::empty();
        let granted = self.before.as_ref().map_or(&none, |(_, granted)| granted);
        let also = |kind| match (granted.get(kind), self.wanted.get(kind)) {
            (Some(Scope::Only(_)), Some(Scope::Only(_))) => "also ",
            _ => "",
        };
        let more = granted.missing(&self.wanted);
        more.iter()
            .map(|(kind, scope)| format!("{kind} ({}{})", also(kind), plain_words(kind, scope)))
            .collect()
    }

    /// Each permission for a script, with its whole scope.
    fn objects(&self) -> Vec<Value> {
        objects(&self.name, &self.version, &self.wanted)
    }

    /// `mail`, and where a set is updated its way, `mail 1.0.0 -> 1.1.0`.
    fn subject(&self, is_update: bool) -> String {
        match &self.before {
            Some((from, _)) => format!("{} {from} -> {}", self.name, self.version),
            None if is_update => format!("{} {}, which is new", self.name, self.version),
            None => self.name.to_string(),
        }
    }
}

/// A line for each permission, below the sentence that says what is wrong with them.
pub(super) fn lines(permissions: &BTreeMap<PluginName, Permissions>) -> String {
    let line = |name, (kind, scope)| format!("\n  {name}: {kind} ({})", plain_words(kind, scope));
    permissions.iter().flat_map(|(name, asked)| asked.iter().map(move |it| line(name, it))).collect()
}

/// Permissions that a plugin asks for, as a script is told of them.
pub(super) fn objects(name: &PluginName, version: &Version, wanted: &Permissions) -> Vec<Value> {
    let object = |(kind, scope): (PermissionKind, &Scope)| {
        let entries = match scope {
            Scope::Bare => None,
            Scope::Only(entries) => Some(entries),
        };
        json!({
            "plugin": name, "version": version, "permission": kind, "scope": entries,
            "meaning": plain_words(kind, scope),
        })
    };
    wanted.iter().map(object).collect()
}

fn said(open: &[Open]) -> String {
    let is_update = open.iter().any(|open| open.before.is_some());
    let names = ui::listed(open.iter().map(|open| &open.name));
    let mut text = match (is_update, open.len()) {
        (false, 1) => format!("{names} is not granted what it asks for:"),
        (false, _) => format!("{names} are not granted what they ask for:"),
        (true, 1) => format!("{names} asks for more than it was granted:"),
        (true, _) => format!("{names} ask for more than they were granted:"),
    };
    for one in open {
        let subject = one.subject(is_update);
        one.lines().iter().for_each(|line| text.push_str(&format!("\n  {subject}: {line}")));
    }
    text
}

/// What follows for each plugin from what was said now and granted before.
pub(super) fn decisions(
    ctx: &Context,
    plugins: &BTreeMap<&PluginName, &Chosen>,
    live: Option<&Lock>,
) -> BTreeMap<PluginName, Decision> {
    let decide = |name: &PluginName, chosen: &Chosen| {
        let wanted = &chosen.line.interface.permissions;
        consent::decide(name, wanted, same_plugin(live, name, chosen), &ctx.config.choices)
    };
    plugins.iter().map(|(name, chosen)| ((*name).clone(), decide(name, chosen))).collect()
}

/// What a person is asked about and sees: of a permission that is granted in part, what is new about it.
pub(super) fn asked(
    ctx: &Context,
    plugins: &BTreeMap<&PluginName, &Chosen>,
    live: Option<&Lock>,
) -> BTreeMap<PluginName, Permissions> {
    let new = |(name, decision): (PluginName, Decision)| {
        let before = same_plugin(live, &name, plugins[&name]).map(|locked| &locked.granted);
        let new = before.map_or_else(|| decision.open.clone(), |granted| granted.missing(&decision.open));
        (name, new)
    };
    let asked = decisions(ctx, plugins, live).into_iter().map(new);
    asked.filter(|(_, permissions)| !permissions.is_empty()).collect()
}

/// What is locked of a plugin. One that comes from elsewhere now is another plugin: nothing was granted to it.
fn same_plugin<'a>(live: Option<&'a Lock>, name: &PluginName, chosen: &Chosen) -> Option<&'a Locked> {
    live?.plugins.get(name).filter(|locked| locked.registry == chosen.registry)
}

/// Decides on the permissions of each plugin, asking where something is open.
pub(super) fn settle(
    ctx: &Context,
    plugins: &BTreeMap<&PluginName, &Chosen>,
    live: Option<&Lock>,
) -> Result<BTreeMap<PluginName, Decision>, Failure> {
    let mut decisions = decisions(ctx, plugins, live);
    let open: Vec<Open> = plugins
        .iter()
        .map(|(name, chosen)| Open {
            name: (*name).clone(),
            version: chosen.line.version.clone(),
            before: same_plugin(live, name, chosen).map(|it| (it.version.clone(), it.granted.clone())),
            wanted: decisions[*name].open.clone(),
        })
        .filter(|open| !open.wanted.is_empty())
        .collect();
    if open.is_empty() {
        return Ok(decisions);
    }
    // `--yes` answers questions, but a permission is given by its name or not at all.
    if !ctx.ui.interactive || ctx.config.yes || ctx.config.dry_run {
        let grants = granting(ctx, open.iter().map(|open| (&open.name, &open.wanted)));
        let hint = format!("{grants}; `--deny` refuses one");
        let permissions: Vec<Value> = open.iter().flat_map(Open::objects).collect();
        return Err(Failure::new(Kind::Consent, NeedsConsent(open))
            .hint(hint)
            .details(json!({ "permissions": permissions })));
    }
    for open in open {
        let (wanted, granted) = (&open.wanted, ask(ctx, &open)?);
        if let Some(decision) = decisions.get_mut(&open.name) {
            let refused: BTreeSet<_> =
                wanted.iter().map(|(k, _)| k).filter(|k| !granted.contains(k)).collect();
            decision.granted = decision.granted.union(&wanted.without(&refused));
            decision.denied = decision.denied.union(&wanted.without(&granted));
            decision.open = Permissions::empty();
        }
    }
    Ok(decisions)
}

/// The command of this run with what would grant these permissions.
pub(super) fn granting<'a>(
    ctx: &Context,
    plugins: impl IntoIterator<Item = (&'a PluginName, &'a Permissions)>,
) -> String {
    let of = |(name, permissions): (&PluginName, &Permissions)| -> Vec<String> {
        permissions.iter().map(|(kind, _)| format!("{name}:{kind}")).collect()
    };
    let grants: Vec<String> = plugins.into_iter().flat_map(of).collect();
    format!("to agree, run `{} --grant {}`", ctx.invocation, grants.join(","))
}

fn ask(ctx: &Context, open: &Open) -> Result<BTreeSet<PermissionKind>, Failure> {
    let Open { name, wanted, .. } = open;
    let mut question = match &open.before {
        None => format!("{name} wants to:"),
        Some((from, _)) => format!("{name} {} wants more than {from} was granted:", open.version),
    };
    open.lines().iter().for_each(|line| question.push_str(&format!("\n  - {line}")));
    ctx.ui.ask(&question);
    match prompt::select("Your answer", &["to all of it", "let me choose", "to none of it", "cancel"])? {
        0 => Ok(wanted.iter().map(|(kind, _)| kind).collect()),
        1 => {
            let mut granted = BTreeSet::new();
            for (kind, scope) in wanted.iter() {
                if prompt::confirm(&format!("Let {name} {}?", plain_words(kind, scope)))? {
                    granted.insert(kind);
                }
            }
            Ok(granted)
        }
        2 => Ok(BTreeSet::new()),
        _ => Err(Failure::new(Kind::Consent, prompt::Cancelled)),
    }
}
