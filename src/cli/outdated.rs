//! `leahpm outdated`: for which plugins there is something newer, and why an update would not bring it.

use leah_plugin::{
    lock::{Lock, Locked},
    name::PluginName,
    record::Record,
};
use semver::Version;
use serde_json::{Value, json};

use super::{context::Context, failure::Failure, resolve, ui};
use crate::{
    consent,
    registry::{Session, SessionError},
    requirements::{PluginId, Update},
    resolve::{Resolution, Resolved, SkipReason, Unusable},
};

/// Show for which plugins there is a newer version, and what an update would bring
///
/// Reads the index of the registries and downloads no package. FITS is the version that `leahpm update` would
/// bring, NEWEST the newest release there is, and WHY says what stands between them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm outdated
  leahpm outdated --json | jq -r '.plugins[] | select(.revoked).name'")]
pub(super) struct OutdatedArgs {}

/// What there is to say of one installed plugin.
struct Row<'a> {
    name: &'a PluginName,
    locked: &'a Locked,
    /// The version that an update would bring; none where it would take the plugin out, or fail.
    fits: Option<Version>,
    /// The newest release that can be trusted.
    newest: Option<Version>,
    yanked: bool,
    revoked: bool,
    why: Vec<String>,
}

pub(super) fn run(ctx: &Context, _: &OutdatedArgs) -> Result<(), Failure> {
    let live = ctx.live()?;
    let lock = live.as_ref().map(|live| live.lock());
    let rows = lock.map_or_else(|| Ok(Vec::new()), |lock| rows(ctx, lock))?;
    for row in rows.iter().filter(|row| row.revoked) {
        ctx.ui.warn(format_args!(
            "`{}` {} is signed with a key that was revoked; `leahpm update {0}` looks for another version, \
             `leahpm uninstall {0}` takes it out",
            row.name, row.locked.version
        ));
    }
    if ctx.ui.json {
        let plugins: Vec<Value> = rows.iter().map(Row::json).collect();
        return ctx.ui.object("outdated", json!({ "plugins": plugins }));
    }
    if rows.is_empty() {
        ctx.ui.done(if lock.is_none_or(|lock| lock.plugins.is_empty()) {
            "No plugins are installed. `leahpm search` shows what there is."
        } else {
            "All plugins are up to date."
        });
        return Ok(());
    }
    ctx.ui.data(ui::table(&["name", "installed", "fits", "newest", "why"], rows.iter().map(Row::cells)))
}

/// The plugins of which there is something to say.
fn rows<'a>(ctx: &Context, lock: &'a Lock) -> Result<Vec<Row<'a>>, Failure> {
    let session = ctx.session()?;
    let requirements = resolve::requirements(ctx, &session, Some(lock), Update::All)?;
    let resolution = match session.resolve(&requirements) {
        Ok(resolution) => Some(resolution),
        // What there is can be shown all the same.
        Err(SessionError::Unsolved(unsolved)) => {
            ctx.ui.warn(format_args!("an update would fail: {unsolved}"));
            None
        }
        Err(error) => return Err(error.into()),
    };
    let mut rows = Vec::new();
    for (name, locked) in &lock.plugins {
        let id = PluginId { registry: locked.registry.clone(), name: name.clone() };
        let record = session.record(&id)?;
        let row = row(ctx, &session, (name, locked), record.as_deref(), resolution.as_ref())?;
        rows.extend(row.is_news().then_some(row));
    }
    Ok(rows)
}

fn row<'a>(
    ctx: &Context,
    session: &Session,
    (name, locked): (&'a PluginName, &'a Locked),
    record: Option<&Record>,
    resolution: Option<&Resolution>,
) -> Result<Row<'a>, Failure> {
    let release = record.and_then(|record| record.version(&locked.version));
    let chosen = resolution.and_then(|resolution| resolution.plugins.get(name));
    let mut row = Row {
        name,
        locked,
        fits: chosen.map(|chosen| chosen.version.clone()),
        newest: record.and_then(|record| newest(record, locked)),
        yanked: release.is_some_and(|release| release.yanked),
        revoked: release.is_some_and(|release| release.revoked),
        why: Vec::new(),
    };
    if row.revoked {
        row.why.push("REVOKED: the key of the installed version".into());
    }
    if row.yanked {
        row.why.push("the installed version is yanked".into());
    }
    if release.is_none() {
        row.why.push(format!("registry `{}` has no such version", locked.registry));
    }
    if locked.held {
        row.why.push("held".into());
    }
    if resolution.is_some() && chosen.is_none() {
        row.why.push("nothing needs it any more".into());
    }
    if let Some(chosen) = chosen {
        row.why.extend(wants(ctx, session, (name, locked), chosen)?);
        row.why.extend(row.newest.as_ref().and_then(|newest| stands_in_the_way(chosen, newest)));
    }
    Ok(row)
}

/// The newest release that is neither yanked nor revoked; a pre-release only for who has one, or where there is
/// nothing else.
fn newest(record: &Record, locked: &Locked) -> Option<Version> {
    let versions = record.versions();
    let usable = versions.iter().filter(|release| !release.yanked && !release.revoked);
    let release = usable.map(|release| &release.line.version);
    release
        .max_by_key(|version| (version.pre.is_empty() || !locked.version.pre.is_empty(), *version))
        .cloned()
}

/// What the version that fits asks for and was not granted.
fn wants(
    ctx: &Context,
    session: &Session,
    (name, locked): (&PluginName, &Locked),
    chosen: &Resolved,
) -> Result<Option<String>, Failure> {
    let id = PluginId { registry: chosen.registry.clone(), name: name.clone() };
    let wanted = session.chosen(&id, &chosen.version)?.line.interface.permissions;
    let before = Some(locked).filter(|locked| locked.registry == chosen.registry);
    let open = consent::decide(name, &wanted, before, &ctx.config.choices).open;
    let kinds: Vec<&str> = open.iter().map(|(kind, _)| kind.as_str()).collect();
    Ok((!kinds.is_empty()).then(|| format!("{} wants {}", chosen.version, kinds.join(", "))))
}

/// Why an update would not bring the newest version. That a plugin is held is said already.
fn stands_in_the_way(chosen: &Resolved, newest: &Version) -> Option<String> {
    let skipped = chosen.skipped.iter().find(|skipped| skipped.version == *newest)?;
    match &skipped.reason {
        SkipReason::Unusable(Unusable::Stays { .. }) => None,
        reason => Some(format!("{newest} {reason}")),
    }
}

impl Row<'_> {
    fn is_news(&self) -> bool {
        let newer = self.newest.as_ref().is_some_and(|newest| *newest > self.locked.version);
        let moves = self.fits.as_ref().is_some_and(|fits| *fits != self.locked.version);
        let only_held = self.locked.held && self.why.len() == 1;
        newer || moves || !(self.why.is_empty() || only_held)
    }

    fn cells(&self) -> Vec<String> {
        let shown = |version: &Option<Version>| version.as_ref().map_or("-".to_owned(), Version::to_string);
        vec![
            self.name.to_string(),
            self.locked.version.to_string(),
            shown(&self.fits),
            shown(&self.newest),
            self.why.join("; "),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name, "registry": self.locked.registry, "installed": self.locked.version,
            "fits": self.fits, "newest": self.newest, "held": self.locked.held, "yanked": self.yanked,
            "revoked": self.revoked, "why": self.why,
        })
    }
}
