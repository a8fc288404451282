//! Keeps what a registry was caught with: what it signed before and what it signs now, which contradict each other. For
//! people, who can show it to others; nothing reads it.

use std::path::PathBuf;

use leah_plugin::{digest::Digest, layout::Layout, yaml};
use serde::Serialize;

use crate::{
    fs::{self, Access, Durability},
    trust::{Demands, Seen, Shown, TrustError},
};

#[derive(Serialize)]
struct Evidence<'a> {
    format: u32,
    found: Option<u64>,
    place: String,
    what: String,
    seen: &'a Seen,
    shown_head: String,
    shown_roots: Vec<String>,
}

/// Writes down what was shown beside what was seen, and gives the file; none where nothing proves anything, or where
/// it cannot be written: the refusal is what counts, and that does not change it.
pub(super) fn keep(
    error: &TrustError,
    shown: &Shown,
    place: String,
    demands: &Demands<'_>,
    layout: &Layout,
) -> Option<PathBuf> {
    // Each of these is said of a head that the shown roots vouch for, so nobody without a key can fill the disk.
    let (TrustError::Rollback { origin, .. }
    | TrustError::Equivocation { origin, .. }
    | TrustError::RootFork { origin, .. }) = error
    else {
        return None;
    };
    // One file a head: the same lie told twice is written once.
    let path = layout.evidence_of(origin, &Digest::of(&shown.head));
    if fs::kind(&path).ok()?.is_some() {
        return Some(path);
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let evidence = Evidence {
        format: 1,
        found: demands.now,
        place,
        what: error.to_string(),
        // What was pinned says what is installed here, and is nobody's business.
        seen: &Seen { owners: Default::default(), records: Default::default(), ..demands.seen?.clone() },
        shown_head: text(&shown.head),
        shown_roots: shown.roots.iter().map(|root| text(root)).collect(),
    };
    let yaml = yaml::to_string(&evidence).ok()?;
    fs::create_folders(&layout.evidence()).ok()?;
    fs::replace(&path, yaml.as_bytes(), Access::Private, Durability::Synced).ok()?;
    Some(path)
}
