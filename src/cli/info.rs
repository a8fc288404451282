//! `leahpm info`: what a registry says of a plugin, and what is installed of it.

use leah_plugin::{
    catalog::{Catalog, CatalogEntry},
    lock::Locked,
    manifest::plain_words,
    name::Origin,
    record::Release,
};
use serde_json::{Value, json};

use super::{
    context::Context,
    failure::{Failure, Kind},
    host::States,
    resolve, ui,
};
use crate::{
    registry::{RegistryError, Session},
    requirements::{BareNames, PluginId, Wanted},
    resolve::similar,
};

/// Show a plugin: its versions, what it asks for, who publishes it
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm info translator\n  leahpm info translator@1.0.0")]
pub(super) struct InfoArgs {
    /// Plugin: NAME, NAME@RANGE or REGISTRY/NAME
    #[arg(value_name = "PLUGIN", add = super::completions::available())]
    plugin: Wanted,
    #[command(flatten)]
    from: resolve::FromArgs,
}

/// The registry has no such plugin, or no such version of it.
#[derive(Debug, thiserror::Error)]
#[error("there is no {what} in registry `{registry}`")]
struct NotThere {
    what: String,
    registry: Origin,
}

/// All that is shown of a plugin.
struct Shown<'a> {
    id: &'a PluginId,
    /// The release that is meant: the newest that fits and can be used.
    release: &'a Release<'a>,
    /// All releases, the newest first.
    all: &'a [Release<'a>],
    entry: Option<&'a CatalogEntry>,
    installed: Option<&'a Locked>,
    /// How what is installed is.
    states: States,
}

pub(super) fn run(ctx: &Context, args: &InfoArgs) -> Result<(), Failure> {
    let mut session = ctx.session()?;
    let live = ctx.live()?;
    let registry = match &args.plugin.registry {
        Some(registry) => Some(registry.clone()),
        None => args.from.registry(ctx, &mut session)?,
    };
    let bare = BareNames::new(session.known().default_origin(), live.as_ref().map(|live| live.lock()));
    let registry = registry.unwrap_or_else(|| bare.registry(&args.plugin.name).clone());
    let id = PluginId { registry, name: args.plugin.name.clone() };
    let record = session.record(&id)?.ok_or_else(|| no_plugin(&session, &id))?;
    let mut all = record.versions();
    all.sort_by(|a, b| b.line.version.cmp(&a.line.version));
    let fits = |release: &&Release| {
        args.plugin.range.as_ref().is_none_or(|range| range.matches(&release.line.version))
    };
    let usable =
        |release: &&Release| (!release.yanked && !release.revoked, release.line.version.pre.is_empty());
    // Of equals the last counts, so the newest comes last.
    let release = all.iter().rev().filter(fits).max_by_key(usable).ok_or_else(|| {
        let not_there =
            NotThere { what: format!("version of `{}`", args.plugin), registry: id.registry.clone() };
        let hint = format!("`leahpm info {}` shows its versions", id.name);
        Failure::new(Kind::NotFound, not_there).hint(hint)
    })?;
    let catalog = match session.registry(&id.registry)?.catalog() {
        // What only the catalog has is left out where there is none.
        Err(RegistryError::NoCatalog(_)) => Catalog::new(),
        catalog => catalog?,
    };
    let installed = live.as_ref().and_then(|live| live.lock().plugins.get(&id.name));
    // Without what is installed there is nothing to ask the host for.
    let states = if installed.is_some() { States::of_running_host(ctx) } else { States::default() };
    let shown = Shown { id: &id, release, all: &all, entry: catalog.get(&id.name), installed, states };
    if ctx.ui.json { ctx.ui.object("info", shown.json()) } else { ctx.ui.data(shown.lines().join("\n")) }
}

fn no_plugin(session: &Session, id: &PluginId) -> Failure {
    let names = session.names(&id.registry);
    let hint = match similar(&id.name, &names).first() {
        Some(name) => format!("did you mean `leahpm info {name}`?"),
        None => "`leahpm search` shows what there is".into(),
    };
    let not_there = NotThere { what: format!("plugin `{}`", id.name), registry: id.registry.clone() };
    Failure::new(Kind::NotFound, not_there).hint(hint)
}

impl Shown<'_> {
    fn json(&self) -> Value {
        let (line, entry) = (self.release.line, self.entry);
        let version =
            |r: &Release| json!({ "version": r.line.version, "yanked": r.yanked, "revoked": r.revoked });
        let versions: Vec<Value> = self.all.iter().map(version).collect();
        let object = json!({
            "name": self.id.name, "registry": self.id.registry, "version": line.version,
            "description": entry.map(|e| &e.description), "author": entry.map(|e| &e.author),
            "category": entry.map(|e| &e.category), "tags": entry.map(|e| &e.tags),
            "interface": line.interface, "size": line.size, "sha256": line.sha256, "content": line.content,
            "key": line.key, "published": line.published, "yanked": self.release.yanked,
            "versions": versions, "installed": self.installed.map(|locked| &locked.version),
        });
        let state = self.installed.map(|locked| self.states.json(&self.id.name, locked));
        ui::merged(object, state.unwrap_or_else(|| json!({ "state": null })))
    }

    fn lines(&self) -> Vec<String> {
        let (line, interface) = (self.release.line, &self.release.line.interface);
        let mut lines = vec![format!("{} {} ({})", self.id.name, line.version, self.id.registry)];
        if let Some(entry) = self.entry {
            lines.push(ui::escaped(&entry.description));
            lines.push(String::new());
            lines.push(format!("author       {}", ui::escaped(&entry.author)));
            lines.extend(entry.category.as_ref().map(|word| format!("category     {}", ui::escaped(word))));
        }
        lines.push(format!("plugin API   {}", interface.api));
        lines.extend(interface.host.as_ref().map(|host| format!("host         {host}")));
        lines.extend(
            interface.dependencies.iter().map(|(name, range)| format!("needs        {name} {range}")),
        );
        let permissions = interface.permissions.iter();
        lines.extend(
            permissions.map(|(kind, scope)| format!("asks for     {kind}: {}", plain_words(kind, scope))),
        );
        lines.extend(interface.tools.iter().map(|tool| format!("tool         {tool}")));
        lines.push(format!("size         {}", indicatif::HumanBytes(line.size)));
        lines.push(format!("publisher    {}", line.key));
        let all: Vec<String> = self.all.iter().map(describe).collect();
        lines.push(format!("versions     {}", all.join(", ")));
        lines.extend(self.installed.map(|locked| {
            format!("installed    {}, {}", locked.version, self.states.word(&self.id.name, locked))
        }));
        lines
    }
}

fn describe(release: &Release) -> String {
    let note = match (release.revoked, release.yanked) {
        (true, _) => " (revoked)",
        (_, true) => " (yanked)",
        _ => "",
    };
    format!("{}{note}", release.line.version)
}
