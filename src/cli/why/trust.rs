//! `leahpm why NAME --trust`: each step of the proof in words, and as an object for scripts.

use std::{error::Error, time::Duration};

use leah_plugin::{
    lock::Locked,
    manifest::{Permissions, plain_words},
    name::PluginName,
    record::{Owner, Signer},
};
use serde_json::{Value, json};

use crate::{
    cli::{
        context::{Context, now},
        failure::{Failure, Kind},
        ui,
    },
    fs,
    generation::Generation,
    proof::{self, Archive, Grant, Head, Index, Package, Proof, ProofError, Publisher, Root, Step},
    restore::RestoreError,
};

/// How far one got.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    /// A step does not hold.
    #[error("why `{name}` is believed does not hold at the step `{step}`")]
    Broken { name: PluginName, step: &'static str, source: Box<dyn Error + Send + Sync> },
    /// What a step needs cannot be had now; that says nothing about whether it holds.
    #[error("cannot look at why `{name}` is believed: the step `{step}`")]
    Unseen { name: PluginName, step: &'static str, source: Box<dyn Error + Send + Sync> },
}

/// Shows why an installed plugin is believed.
pub(super) fn run(
    ctx: &Context,
    live: &Generation,
    (name, locked): (&PluginName, &Locked),
) -> Result<(), Failure> {
    let Proof { steps, broken } = proof::prove(&ctx.layout, &ctx.session()?, live, (name, locked));
    let objects: Vec<Value> = steps.iter().map(object).collect();
    if !ctx.ui.json {
        let lines: Vec<String> = steps.iter().flat_map(|step| paragraph(name, step)).collect();
        if !lines.is_empty() {
            ctx.ui.data(lines.join("\n"))?;
        }
    }
    if let Some((step, error)) = broken {
        let failure: Failure = error.into();
        let (name, step, source) = (name.clone(), step.as_str(), failure.source);
        let stopped = match failure.kind {
            Kind::Trust | Kind::CheckFailed => Stopped::Broken { name, step, source },
            _ => Stopped::Unseen { name, step, source },
        };
        let so_far = json!({ "trust": { "step": step, "steps": objects } });
        return Err(Failure { source: Box::new(stopped), ..failure }.details(so_far));
    }
    if ctx.ui.json {
        let object = json!({
            "generation": live.number(), "name": name, "version": locked.version, "registry": locked.registry,
            "steps": objects,
        });
        return ctx.ui.object("why", object);
    }
    ctx.ui.done(format_args!("Every step holds."));
    Ok(())
}

impl From<ProofError> for Failure {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Session(error) => error.into(),
            ProofError::Archive(error) => (*error).into(),
            ProofError::File(error) => error.into(),
            ProofError::Read(error) => error.into(),
            ProofError::Damaged(_) => Self::new(Kind::CheckFailed, error)
                .hint("`leahpm verify --repair` fetches the damaged plugins again"),
            ProofError::OtherRoot { .. } => Self::new(Kind::Trust, error)
                .hint("`leahpm registry list` shows the root keys that are pinned here"),
            ProofError::Restore(error) => restore(error),
        }
    }
}

/// A lock and a record that do not agree.
fn restore(error: RestoreError) -> Failure {
    let (kind, hint) = match &error {
        RestoreError::NeedsNewer(_) => (Kind::Incompatible, None),
        RestoreError::Revoked(package) => (
            Kind::Trust,
            Some(format!("`leahpm update {}` looks for a version that was not revoked", package.name)),
        ),
        RestoreError::Missing(package) => {
            (Kind::Trust, Some(format!("`leahpm info {}` shows the versions that are there", package.name)))
        }
        _ => (Kind::Trust, None),
    };
    Failure::new(kind, error).hint_if_any(hint)
}

/// The name of a step, and what there is to say of it below.
fn paragraph(name: &PluginName, step: &Step) -> Vec<String> {
    let lines = match step {
        Step::Root(root) => root_lines(root),
        Step::Head(head) => head_lines(head),
        Step::Record(index) => record_lines(index),
        Step::Publisher(publisher) => publisher_lines(publisher),
        Step::Package(package) => package_lines(name, package),
        Step::Grant(grant) => grant_lines(grant),
    };
    let below = lines.into_iter().map(|line| format!("  {}", ui::escaped(&line)));
    std::iter::once(step.name().as_str().to_owned()).chain(below).collect()
}

fn root_lines(step: &Root) -> Vec<String> {
    let Root { origin, key, pinned_in, in_lock, roots } = step;
    let place = match pinned_in {
        Some(file) => format!("is pinned in `{}`", fs::shown(file)),
        None => "is compiled into this leahpm".to_owned(),
    };
    let mut lines = vec![format!("the root key {key} of registry `{origin}` {place}")];
    if in_lock != key {
        lines.push(format!("the lock names another one that signed a root below: {in_lock}"));
    }
    for (at, (signer, root)) in roots.iter().enumerate() {
        let on = match at {
            0 => "signed with it".to_owned(),
            _ => format!("signed with {signer}, as the root before says"),
        };
        let next = if root.next_root_key == *signer {
            String::new()
        } else {
            format!("; hands over to the root key {}", root.next_root_key)
        };
        lines.push(format!("root {}, epoch {}: {on}{next}", root.serial, root.epoch));
    }
    lines.extend(roots.last().map(|(_, newest)| expiry("root", newest.serial, newest.expires)));
    lines
}

fn head_lines(step: &Head) -> Vec<String> {
    let Head { head, sha256, key, place, from_cache, seen } = step;
    let read = if *from_cache {
        format!("read from the cache; whether {place} has a newer one was not asked")
    } else {
        format!("read just now from {place}")
    };
    let seen = match seen {
        Some((epoch, serial)) if (*epoch, *serial) == head.order() => {
            "the newest state seen so far".to_owned()
        }
        Some((epoch, serial)) => format!("the newest state seen before was {epoch}.{serial}"),
        None => "no state was remembered before".to_owned(),
    };
    vec![
        format!("state {}.{} (epoch.serial), sha256 {sha256}", head.epoch, head.serial),
        format!("signed with the index key {key}, which root {} names", head.root),
        expiry("head", head.serial, head.expires),
        format!("{read}; {seen}"),
    ]
}

/// Whether a root or a head is still good. One that is not serves what is installed all the same.
fn expiry(what: &str, serial: u64, expires: u64) -> String {
    if now() < expires {
        format!("{what} {serial} is good until {}", time(expires))
    } else {
        format!("{what} {serial} is past its time since {}: nothing new is chosen from it", time(expires))
    }
}

fn record_lines(step: &Index) -> Vec<String> {
    let Index { sha256, size, lines, tree, seen } = step;
    let seen = match seen {
        Some(seen) if seen == size => "all of it was seen before and is the same".to_owned(),
        Some(seen) => format!("its first {seen} bytes were seen before and are the same"),
        None => "what was seen of it before is not kept".to_owned(),
    };
    vec![
        format!("sha256 {sha256}, {size} bytes, {}", ui::counted(*lines, "line")),
        format!("named by this hash in the directory, whose top the head names: {tree}"),
        seen,
    ]
}

fn publisher_lines(step: &Publisher) -> Vec<String> {
    let Publisher { owners, locked, published, pinned } = step;
    let mut lines = Vec::new();
    for (at, owner) in owners.iter().enumerate() {
        let marks = [
            (at == *published, "when this version was published"),
            (at == *locked, "when it was chosen for this installation"),
            (at + 1 == owners.len(), "now"),
        ];
        let marks: Vec<&str> = marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark).collect();
        let force = if marks.is_empty() { String::new() } else { format!("; in force {}", marks.join(", ")) };
        lines.push(format!("{}{force}", owner_line(at, owner)));
    }
    let pin = match (pinned, owners.len()) {
        (false, _) => "nothing is pinned of it but the line in the lock",
        (true, 1) => "first seen when it was installed, on the word of the registry, and pinned since",
        (true, _) => "pinned since it was installed; the chain of changes is unbroken",
    };
    lines.push(pin.to_owned());
    lines
}

fn owner_line(at: usize, owner: &Owner) -> String {
    let keys: Vec<String> = owner.keys.iter().map(ToString::to_string).collect();
    let keys = keys.join(", ");
    match (at, owner.signer) {
        (0, _) => format!("the first owner of the name: {keys}"),
        (_, Signer::Publisher) => {
            format!("then {keys}, signed with {}, a key of the owner before", owner.key)
        }
        (_, Signer::Root) => {
            format!("then {keys}, signed with the root key {}, as for a lost key", owner.key)
        }
    }
}

fn package_lines(name: &PluginName, step: &Package) -> Vec<String> {
    let Package { line, comment, yanked, files, archive } = step;
    let mut lines = vec![
        format!("{name} {}, {} bytes, published {}", line.version, line.size, time(line.published)),
        format!("sha256 {}, signed with {}", line.sha256, line.key),
        format!("trusted comment: {}", comment.replace('\t', " ")),
        format!("content hash {}", line.content),
        format!("the files in `{}` were hashed just now and have it", fs::shown(files)),
        match archive {
            Archive::Verified => "the archive was verified again just now, signature and all".to_owned(),
            Archive::NotAtHand => {
                "the archive was verified when it was installed; it is not at hand to do that again"
                    .to_owned()
            }
        },
    ];
    lines.extend(yanked.then(|| "its people have withdrawn this version since".to_owned()));
    lines
}

fn grant_lines(step: &Grant) -> Vec<String> {
    let Grant { granted, denied, since, or_earlier } = step;
    let said = |permissions: &Permissions, word: &str| {
        let lines =
            permissions.iter().map(|(kind, scope)| format!("{word}: {kind}: {}", plain_words(kind, scope)));
        lines.collect::<Vec<_>>()
    };
    let mut lines = said(granted, "granted");
    lines.extend(said(denied, "denied"));
    if lines.is_empty() {
        lines.push("it asks for nothing, and nothing was granted".to_owned());
    }
    let names: Vec<&str> = since.names.iter().map(PluginName::as_str).collect();
    let what = format!("{} {}", since.verb, names.join(" "));
    let earlier = if *or_earlier { " or earlier; what was before is gone" } else { "" };
    lines.push(format!(
        "since generation {} ({}, {}){earlier}",
        since.number,
        what.trim(),
        time(since.created)
    ));
    lines
}

fn object(step: &Step) -> Value {
    let more = match step {
        Step::Root(it) => {
            let root = |(signer, root): &(_, leah_plugin::root::Root)| {
                json!({ "serial": root.serial, "epoch": root.epoch, "signed_by": signer,
                    "index_key": root.index_key, "next_root_key": root.next_root_key, "expires": root.expires })
            };
            json!({ "registry": it.origin, "key": it.key, "pinned_in": it.pinned_in.as_deref().map(fs::shown),
                "lock_key": it.in_lock, "roots": it.roots.iter().map(root).collect::<Vec<_>>() })
        }
        Step::Head(it) => json!({
            "epoch": it.head.epoch, "serial": it.head.serial, "sha256": it.sha256, "key": it.key,
            "expires": it.head.expires, "expired": it.head.is_expired(now()), "place": it.place.trim_matches('`'),
            "from_cache": it.from_cache,
            "seen": it.seen.map(|(epoch, serial)| json!({ "epoch": epoch, "serial": serial })),
        }),
        Step::Record(it) => json!({
            "sha256": it.sha256, "size": it.size, "lines": it.lines, "tree": it.tree, "seen": it.seen,
        }),
        Step::Publisher(it) => {
            let owner = |(at, owner): (usize, &Owner)| {
                json!({ "line": owner.digest, "keys": owner.keys, "signer": owner.signer, "key": owner.key,
                    "serial": owner.serial, "at_publication": at == it.published, "in_lock": at == it.locked })
            };
            json!({ "pinned": it.pinned, "owners": it.owners.iter().enumerate().map(owner).collect::<Vec<_>>() })
        }
        Step::Package(it) => json!({
            "version": it.line.version, "sha256": it.line.sha256, "size": it.line.size,
            "content": it.line.content, "key": it.line.key, "comment": it.comment,
            "published": it.line.published, "yanked": it.yanked, "files": fs::shown(&it.files),
            "archive": match it.archive { Archive::Verified => "verified", Archive::NotAtHand => "not_at_hand" },
        }),
        Step::Grant(it) => json!({
            "granted": it.granted, "denied": it.denied,
            "since": { "generation": it.since.number, "created": it.since.created, "or_earlier": it.or_earlier },
        }),
    };
    ui::merged(json!({ "step": step.name().as_str() }), more)
}

fn time(seconds: u64) -> String {
    ui::time(Duration::from_secs(seconds), humantime::format_rfc3339_seconds)
}
