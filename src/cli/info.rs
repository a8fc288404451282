//! `leahpm info`: what a registry says of a plugin, and what is installed of it.

use leah_plugin::{manifest::plain_words, record::Release};
use serde_json::{Value, json};

use super::{
    context::Context,
    failure::{Failure, Kind},
    resolve, ui,
};
use crate::{
    requirements::{PluginId, Wanted},
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
    registry: leah_plugin::name::Origin,
}

pub(super) fn run(ctx: &Context, args: &InfoArgs) -> Result<(), Failure> {
    let mut session = ctx.session()?;
    let registry = match &args.plugin.registry {
        Some(registry) => registry.clone(),
        None => args.from.registry(ctx, &mut session)?,
    };
    let id = PluginId { registry, name: args.plugin.name.clone() };
    let not_there = |what: String, hint: String| {
        Failure::new(Kind::NotFound, NotThere { what, registry: id.registry.clone() }).hint(hint)
    };
    let record = session.record(&id)?.ok_or_else(|| {
        let names = session.names(&id.registry);
        let hint = match similar(&id.name, &names).first() {
            Some(name) => format!("did you mean `leahpm info {name}`?"),
            None => "`leahpm search` shows what there is".into(),
        };
        not_there(format!("plugin `{}`", id.name), hint)
    })?;
    let mut versions = record.versions();
    versions.sort_by(|a, b| b.line.version.cmp(&a.line.version));
    let fits = |release: &&Release| {
        args.plugin.range.as_ref().is_none_or(|range| range.matches(&release.line.version))
    };
    let newest = |release: &&Release| (!release.yanked && !release.revoked, release.line.version.clone());
    let release = versions
        .iter()
        .filter(fits)
        .max_by_key(|release| (release.line.version.pre.is_empty(), newest(release)))
        .ok_or_else(|| {
            let hint = format!("`leahpm info {}` shows its versions", id.name);
            not_there(format!("version of `{}`", args.plugin), hint)
        })?;
    let catalog = session.registry(&id.registry)?.catalog()?;
    let entry = catalog.get(&id.name);
    let live = ctx.live()?;
    let installed = live.as_ref().and_then(|live| live.lock().plugins.get(&id.name));
    let line = release.line;
    if ctx.ui.json {
        let versions: Vec<Value> = versions
            .iter()
            .map(|r| json!({ "version": r.line.version, "yanked": r.yanked, "revoked": r.revoked }))
            .collect();
        return ctx.ui.object(
            "info",
            json!({
                "name": id.name, "registry": id.registry, "version": line.version,
                "description": entry.map(|e| &e.description), "author": entry.map(|e| &e.author),
                "category": entry.map(|e| &e.category), "tags": entry.map(|e| &e.tags),
                "interface": line.interface, "size": line.size, "sha256": line.sha256, "content": line.content,
                "key": line.key, "published": line.published, "yanked": release.yanked,
                "versions": versions, "installed": installed.map(|locked| &locked.version),
            }),
        );
    }
    let mut lines = vec![format!("{} {} ({})", id.name, line.version, id.registry)];
    if let Some(entry) = entry {
        lines.push(ui::escaped(&entry.description));
        lines.push(String::new());
        lines.push(format!("author       {}", ui::escaped(&entry.author)));
        lines.extend(
            entry.category.as_ref().map(|category| format!("category     {}", ui::escaped(category))),
        );
    }
    lines.push(format!("plugin API   {}", line.interface.api));
    lines.extend(line.interface.host.as_ref().map(|host| format!("host         {host}")));
    for (name, range) in &line.interface.dependencies {
        lines.push(format!("needs        {name} {range}"));
    }
    for (kind, scope) in line.interface.permissions.iter() {
        lines.push(format!("asks for     {kind}: {}", plain_words(kind, scope)));
    }
    for tool in &line.interface.tools {
        lines.push(format!("tool         {tool}"));
    }
    lines.push(format!("size         {}", indicatif::HumanBytes(line.size)));
    lines.push(format!("publisher    {}", line.key));
    let all: Vec<String> = versions.iter().map(describe).collect();
    lines.push(format!("versions     {}", all.join(", ")));
    lines.extend(installed.map(|locked| format!("installed    {}", locked.version)));
    ctx.ui.data(lines.join("\n"))
}

fn describe(release: &Release) -> String {
    let note = match (release.revoked, release.yanked) {
        (true, _) => " (revoked)",
        (_, true) => " (yanked)",
        _ => "",
    };
    format!("{}{note}", release.line.version)
}
