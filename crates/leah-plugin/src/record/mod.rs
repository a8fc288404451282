//! The record of a plugin: every owner and every version it ever had, one line each, only ever appended
//! to. Reading checks that the lines fit together: who may sign, what was signed, and in which order.

mod line;
mod owner;

pub use self::{
    line::{Line, OwnerLine, RevokeLine, Signer, UnyankLine, VERSION_FORMAT, VersionLine, YankLine},
    owner::{MAX_OWNER_KEYS, Owner, OwnerError, owner_statement},
};

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use self::line::{Parsed, parse_line};
use crate::{
    digest::Digest,
    json::{self, JsonError},
    key::PublicKey,
    name::{Origin, PluginName},
    signature::{SignatureError, package_comment},
};

/// Largest record in bytes: 8,000 versions at 2 KiB a line.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

/// Longest line in bytes; one with every permission, 100 dependencies and 100 tools has 20 KiB.
pub const MAX_LINE_BYTES: usize = 64 << 10;

/// A record that does not hold together.
#[derive(Debug, thiserror::Error)]
#[error("{}the record of `{name}` is refused", place(*.line))]
pub struct RecordError {
    /// The plugin.
    pub name: PluginName,
    /// From 1; 0 when it concerns the whole record.
    pub line: usize,
    /// The rule that it breaks.
    pub source: Box<RecordProblem>,
}

fn place(line: usize) -> String {
    if line == 0 { String::new() } else { format!("line {line} of ") }
}

/// The rule that a record breaks.
#[derive(Debug, thiserror::Error)]
pub enum RecordProblem {
    /// Not lines, or a line of no known kind.
    #[error(transparent)]
    Text(#[from] JsonError),
    /// Nothing at all.
    #[error("a record has at least one owner and one line that says so")]
    Empty,
    /// The first line is not that of the first owner.
    #[error("the first line of a record must be that of its owner")]
    OwnerFirst,
    /// A chain of owners that is broken.
    #[error("the change of owners does not count")]
    Owner(#[from] OwnerError),
    /// A serial that is smaller than the one before.
    #[error("serial {serial} follows serial {before}; serials never fall")]
    SerialFell {
        /// Of this line.
        serial: u64,
        /// Of the line before.
        before: u64,
    },
    /// A version that is there already; a version is never replaced.
    #[error("version {0} is there already")]
    Duplicate(Version),
    /// Signed by somebody who did not own the name then.
    #[error("version {version} is signed by key {} (`{key}`), which does not own the plugin", key.id())]
    NotOwner {
        /// The version.
        version: Version,
        /// The key that it names.
        key: PublicKey,
    },
    /// A signature of something else, or by another key than the line names.
    #[error("the signature of version {version} does not fit its line")]
    Signature {
        /// The version.
        version: Version,
        /// What does not fit.
        source: SignatureError,
    },
    /// A revocation that begins later than it was said.
    #[error(
        "the key is revoked from serial {from} on, which is after the serial {serial} of the line itself"
    )]
    RevokedAhead {
        /// From where on.
        from: u64,
        /// Of the line.
        serial: u64,
    },
    /// A line about a version that is not there.
    #[error("version {0} is not in the record")]
    NoSuchVersion(Version),
}

/// A version with what was said about it later.
#[derive(Debug, Clone, Copy)]
pub struct Release<'a> {
    /// Its line.
    pub line: &'a VersionLine,
    /// Withdrawn: only for those who have it locked.
    pub yanked: bool,
    /// Why it was withdrawn, if somebody said so.
    pub yank_reason: Option<&'a str>,
    /// Signed by a key that was revoked from this serial or an earlier one on: refused, locked or not.
    pub revoked: bool,
}

/// A record that was read and holds together.
#[derive(Debug, Clone)]
pub struct Record {
    origin: Origin,
    name: PluginName,
    text: Vec<u8>,
    lines: Vec<Line>,
    owners: Vec<Owner>,
    has_newer_versions: bool,
}

impl Record {
    /// Reads a record and checks all of it. `root_key` is the root key in force; it signed, or has since
    /// confirmed, every change of owners for a lost key.
    ///
    /// # Errors
    /// With the line and the rule that it breaks.
    pub fn read(
        bytes: &[u8],
        origin: &Origin,
        name: &PluginName,
        root_key: &PublicKey,
    ) -> Result<Self, RecordError> {
        Self::read_on(bytes, 0, origin, name, root_key)
    }

    /// The same, of a record of which the first `known` bytes are those of one that was read before, by whoever kept their
    /// digest: the signatures of owner lines are not verified again in them, which takes most of the time. Everything else
    /// is checked.
    ///
    /// # Errors
    /// As [`Record::read`].
    pub fn read_on(
        bytes: &[u8],
        known: usize,
        origin: &Origin,
        name: &PluginName,
        root_key: &PublicKey,
    ) -> Result<Self, RecordError> {
        let mut reader = Reader { origin, name, state: State::default() };
        let mut end = 0;
        let fail =
            |line, source: RecordProblem| RecordError { name: name.clone(), line, source: Box::new(source) };
        let lines = json::lines(bytes, MAX_RECORD_BYTES).map_err(|error| fail(0, error.into()))?;
        let mut by_root = None;
        for (line, text) in (1..).zip(lines) {
            end += text.len() + 1;
            let proof = if end <= known { Proof::Known } else { Proof::Needed };
            let signer = reader.take(text, proof).map_err(|problem| fail(line, problem))?;
            by_root = signer.map(|key| (line, key)).or(by_root);
        }
        if let Some((line, key)) = by_root {
            owner::check_root(key, root_key).map_err(|error| fail(line, error.into()))?;
        }
        let State { lines, owners, skipped: has_newer_versions, .. } = reader.state;
        if owners.is_empty() {
            return Err(fail(0, RecordProblem::Empty));
        }
        let (origin, name, text) = (origin.clone(), name.clone(), bytes.to_vec());
        Ok(Self { origin, name, text, lines, owners, has_newer_versions })
    }

    /// Whether it has versions that only a newer leahpm can read.
    #[must_use]
    pub fn has_newer_versions(&self) -> bool {
        self.has_newer_versions
    }

    /// A new record with its first owner.
    ///
    /// # Errors
    /// When the line does not hold.
    pub fn start(owner: OwnerLine, origin: &Origin, name: &PluginName) -> Result<Self, RecordError> {
        // The first line is the publisher's, so no root key has a part in it.
        let no_root = owner.key;
        Self::read(&json::to_line(&Line::Owner(owner)), origin, name, &no_root)
    }

    /// The record with one more line, checked as a client will check it.
    ///
    /// # Errors
    /// When the line does not hold.
    pub fn append(&self, line: &Line, root_key: &PublicKey) -> Result<Self, RecordError> {
        let text = [&self.text[..], &json::to_line(line)].concat();
        Self::read(&text, &self.origin, &self.name, root_key)
    }

    /// The bytes, as they are stored and hashed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// The plugin.
    #[must_use]
    pub fn name(&self) -> &PluginName {
        &self.name
    }

    /// All lines that this release knows, in their order.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Every owner there ever was, the one in force last.
    #[must_use]
    pub fn owners(&self) -> &[Owner] {
        &self.owners
    }

    /// The owner in force.
    ///
    /// # Panics
    /// Never: a record has an owner.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        self.owners.last().expect("a record that was read has an owner")
    }

    /// The changes of owner since the one that a client pinned by the digest of its line. None when the
    /// pinned line is not in the record: the chain from it is broken.
    #[must_use]
    pub fn owners_since(&self, pinned: &Digest) -> Option<&[Owner]> {
        let at = self.owners.iter().position(|owner| owner.digest == *pinned)?;
        Some(&self.owners[at + 1..])
    }

    /// The owner in force when a version was published, and those that came later: a name that changed hands since may be
    /// had from either, but not from an owner of before.
    #[must_use]
    pub fn owners_from(&self, version: &Version) -> &[Owner] {
        let is_it = |line: &Line| matches!(line, Line::Version(line) if line.version == *version);
        let before = self.lines.iter().take_while(|line| !is_it(line));
        let owners_before = before.filter(|line| matches!(line, Line::Owner(_))).count();
        &self.owners[owners_before.saturating_sub(1)..]
    }

    /// The keys that were revoked, each with the serial from which on its versions are refused.
    #[must_use]
    pub fn revoked(&self) -> BTreeMap<&PublicKey, u64> {
        let mut revoked = BTreeMap::new();
        for line in &self.lines {
            if let Line::Revoke(RevokeLine { key, from, .. }) = line {
                // A second revocation may only reach further back.
                revoked
                    .entry(key)
                    .and_modify(|earlier: &mut u64| *earlier = *from.min(earlier))
                    .or_insert(*from);
            }
        }
        revoked
    }

    /// All versions in the order of their publication, with what was said about them since.
    #[must_use]
    pub fn versions(&self) -> Vec<Release<'_>> {
        let mut yanked: BTreeMap<&Version, Option<&str>> = BTreeMap::new();
        let revoked = self.revoked();
        for line in &self.lines {
            match line {
                Line::Yank(line) => drop(yanked.insert(&line.version, line.reason.as_deref())),
                Line::Unyank(line) => drop(yanked.remove(&line.version)),
                Line::Owner(_) | Line::Version(_) | Line::Revoke(_) => {}
            }
        }
        let lines = self.lines.iter().filter_map(|line| match line {
            Line::Version(line) => Some(&**line),
            _ => None,
        });
        lines
            .map(|line| Release {
                line,
                yanked: yanked.contains_key(&line.version),
                yank_reason: yanked.get(&line.version).copied().flatten(),
                revoked: revoked.get(&line.key).is_some_and(|from| line.serial >= *from),
            })
            .collect()
    }

    /// One version, if the record has it.
    #[must_use]
    pub fn version(&self, version: &Version) -> Option<Release<'_>> {
        self.versions().into_iter().find(|release| release.line.version == *version)
    }
}

/// Whether the signature of a line has to be verified.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    Needed,
    /// It was, when these very bytes were read before.
    Known,
}

struct Reader<'a> {
    origin: &'a Origin,
    name: &'a PluginName,
    state: State,
}

#[derive(Default)]
struct State {
    lines: Vec<Line>,
    owners: Vec<Owner>,
    versions: BTreeSet<Version>,
    revoked: BTreeSet<PublicKey>,
    serial: u64,
    skipped: bool,
}

impl Reader<'_> {
    /// Takes one line, and returns the key of an owner line that a root signed.
    fn take(&mut self, text: &[u8], proof: Proof) -> Result<Option<PublicKey>, RecordProblem> {
        let Parsed::Line(line) = parse_line(text, MAX_LINE_BYTES)? else {
            self.state.skipped = true;
            return if self.state.owners.is_empty() { Err(RecordProblem::OwnerFirst) } else { Ok(None) };
        };
        if line.serial() < self.state.serial {
            return Err(RecordProblem::SerialFell { serial: line.serial(), before: self.state.serial });
        }
        self.state.serial = line.serial();
        match &*line {
            Line::Owner(line) => self.take_owner(line, text, proof)?,
            _ if self.state.owners.is_empty() => return Err(RecordProblem::OwnerFirst),
            Line::Version(line) => self.take_version(line)?,
            Line::Yank(YankLine { version, .. }) | Line::Unyank(UnyankLine { version, .. }) => {
                self.need_version(version)?;
            }
            Line::Revoke(line) => self.take_revoke(line)?,
        }
        let by_root = match &*line {
            Line::Owner(line) if line.signer == Signer::Root => Some(line.key),
            _ => None,
        };
        self.state.lines.push(*line);
        Ok(by_root)
    }

    fn take_owner(&mut self, line: &OwnerLine, text: &[u8], proof: Proof) -> Result<(), RecordProblem> {
        owner::check(line, self.state.owners.last(), &self.state.revoked)?;
        if proof == Proof::Needed {
            owner::verify(line, self.origin, self.name)?;
        }
        self.state.owners.push(Owner::new(line, text));
        Ok(())
    }

    fn take_version(&mut self, line: &VersionLine) -> Result<(), RecordProblem> {
        let version = || line.version.clone();
        let owner = self.state.owners.last().ok_or(RecordProblem::OwnerFirst)?;
        if !owner.keys.contains(&line.key) {
            return Err(RecordProblem::NotOwner { version: version(), key: line.key });
        }
        let expected = package_comment(self.origin, self.name, &line.version, line.size, &line.sha256);
        line.signature
            .expect_key(&line.key)
            .and_then(|()| line.signature.expect_comment(&expected))
            .map_err(|source| RecordProblem::Signature { version: version(), source })?;
        if !self.state.versions.insert(version()) {
            return Err(RecordProblem::Duplicate(version()));
        }
        Ok(())
    }

    /// Were the bound of a revocation still to come, the key could go on publishing up to it.
    fn take_revoke(&mut self, line: &RevokeLine) -> Result<(), RecordProblem> {
        if line.from > line.serial {
            return Err(RecordProblem::RevokedAhead { from: line.from, serial: line.serial });
        }
        self.state.revoked.insert(line.key);
        Ok(())
    }

    /// A version of a newer format was skipped, so a line about an unknown one may be about that.
    fn need_version(&self, version: &Version) -> Result<(), RecordProblem> {
        if self.state.versions.contains(version) || self.state.skipped {
            return Ok(());
        }
        Err(RecordProblem::NoSuchVersion(version.clone()))
    }
}

#[cfg(test)]
mod tests;
