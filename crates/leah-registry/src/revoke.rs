//! Revokes a publisher's key that was stolen: what it signed from a head on is refused by every client, and
//! it signs nothing more.

use std::path::Path;

use leah_plugin::{
    head::Head,
    key::{PublicKey, SecretKey},
    name::PluginName,
    record::{Line, RecordError, RevokeLine},
};
use semver::Version;

use crate::{
    change::{Change, ChangeError},
    shown::{ShownError, update_catalog},
};

/// What was revoked.
#[derive(Debug)]
pub struct Revoked {
    /// From which serial on.
    pub from: u64,
    /// All versions that are refused now, of this key and of others.
    pub refused: Vec<Version>,
    /// True when no key is left that can publish.
    pub ownerless: bool,
    /// The new head; none when all of that was said before.
    pub head: Option<Head>,
}

/// Why a key cannot be revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// The registry cannot be read or written.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The catalog cannot be changed.
    #[error(transparent)]
    Shown(#[from] ShownError),
    /// Nobody has published under that name.
    #[error("the registry has no plugin `{0}`")]
    NoSuchName(PluginName),
    /// A key that never had a say.
    #[error("key {id} (`{0}`) never owned the plugin", id = .0.id())]
    NeverOwned(PublicKey),
    /// A bound that is still to come.
    #[error("serial {from} is still to come; the next head has serial {next}")]
    Ahead {
        /// As given.
        from: u64,
        /// The largest that could be.
        next: u64,
    },
    /// The record with the new line would not hold.
    #[error("the record would not hold")]
    Record(#[from] RecordError),
}

/// Revokes a key for a name, from a serial on; without one from now on, so that what was published stays.
/// `now` is in seconds since 1970.
///
/// # Errors
/// When there is no such name or key, or the registry cannot be read or written.
pub fn revoke(
    folder: &Path,
    index_key: &SecretKey,
    (name, key): (&PluginName, &PublicKey),
    from: Option<u64>,
    now: u64,
) -> Result<Revoked, RevokeError> {
    let mut change = Change::begin(folder, index_key, now)?;
    let before = change.record(name)?.ok_or_else(|| RevokeError::NoSuchName(name.clone()))?;
    if !before.owners().iter().any(|owner| owner.keys.contains(key)) {
        return Err(RevokeError::NeverOwned(*key));
    }
    let serial = change.serial();
    let earlier = before.revoked().get(key).copied();
    let from = from.or(earlier).unwrap_or(serial);
    if from > serial {
        return Err(RevokeError::Ahead { from, next: serial });
    }
    let news = earlier.is_none_or(|earlier| from < earlier);
    let line = Line::Revoke(RevokeLine { key: *key, from, serial });
    let after = if news { before.append(&line, change.registry().root_key())? } else { before.clone() };
    let ownerless = after.owner().keys.iter().all(|key| after.revoked().contains_key(key));
    let releases = after.versions().into_iter().filter(|release| release.revoked);
    let refused = releases.map(|release| release.line.version.clone()).collect();
    let head = if news {
        change.set_record(&after);
        update_catalog(&mut change, &before, &after)?;
        Some(change.commit()?)
    } else {
        None
    };
    Ok(Revoked { from, refused, ownerless, head })
}
