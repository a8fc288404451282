//! Takes a signed package into a registry, after every check that a client will make: signature, form,
//! manifest, component. Nothing is parsed before its signature was verified.

mod error;

pub use self::error::PublishError;

use std::path::{Path, PathBuf};

use leah_plugin::{
    catalog::CatalogEntry,
    digest::Digest,
    key::{PublicKey, SecretKey},
    manifest::Manifest,
    name::PluginName,
    package::{Limits, Package},
    record::{Line, OwnerLine, Record, Release, Signer, VERSION_FORMAT, VersionLine},
    registry_layout::RegistryLayout,
    signature::{MAX_SIGNATURE_BYTES, SignatureBlock, package_comment},
    version::parse_version,
};
use semver::Version;

use crate::{change::Change, fs, similar};

/// What is published and on whose word.
#[derive(Debug)]
pub struct Publication<'a> {
    /// The archive, named as `leahpm pack` names it; its signature stands beside it as `.minisig`.
    pub package: &'a Path,
    /// Who owns the name when it is new.
    pub publisher: Option<Publisher<'a>>,
    /// Take a name that looks like another one's.
    pub similar_ok: bool,
}

/// The first owner of a name, who signs that.
#[derive(Debug)]
pub enum Publisher<'a> {
    /// Here, with this key.
    Key(&'a SecretKey),
    /// Elsewhere: the whole key, and what it signed (`owner_statement` with the comment of a first line).
    Signed(PublicKey, SignatureBlock),
}

impl Publisher<'_> {
    /// The key that owns the name.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        match self {
            Self::Key(key) => key.public(),
            Self::Signed(key, _) => *key,
        }
    }
}

/// What was published.
#[derive(Debug, Clone)]
pub struct Published {
    /// The plugin.
    pub name: PluginName,
    /// Its version.
    pub version: Version,
    /// Hash of the archive.
    pub sha256: Digest,
    /// The key that signed it.
    pub key: PublicKey,
    /// True for the first version of a name.
    pub new_name: bool,
    /// Of the head that brought it.
    pub serial: u64,
}

/// Publishes a package. `now` is in seconds since 1970.
///
/// # Errors
/// At the first check that fails; nothing of the registry has changed then.
pub fn publish(
    folder: &Path,
    index_key: &SecretKey,
    publication: &Publication,
    now: u64,
) -> Result<Published, PublishError> {
    let mut change = Change::begin(folder, index_key, now)?;
    let signed = Signed::read(publication.package)?;
    let before = change.record(&signed.name)?;
    let key = signed.verify(&change, before.as_ref(), publication)?;
    let package = Package::read(&signed.archive, &Limits::default())
        .map_err(|source| PublishError::Package { path: publication.package.to_owned(), source })?;
    signed.check_manifest(package.manifest())?;
    let record = match &before {
        Some(record) => record.clone(),
        None => {
            check_similar(&change, &signed.name, &key, publication)?;
            start(&change, &signed.name, publication)?
        }
    };
    signed.check_version(&record)?;
    let line = Line::Version(Box::new(signed.line(&package, key, &change)));
    let record = record.append(&line, change.registry().root_key())?;
    change.set_record(&record);
    if newest(&record).is_some_and(|release| release.line.version == signed.version) {
        change.set_catalog_entry(catalog_entry(package.manifest()));
    }
    let Signed { name, version, sha256, block, archive } = signed;
    change.add_file(RegistryLayout::archive(&name, &version), archive);
    change.add_file(RegistryLayout::signature(&name, &version), block.as_text().as_bytes().to_vec());
    let serial = change.commit()?.serial;
    Ok(Published { name, version, sha256, key, new_name: before.is_none(), serial })
}

/// What the catalog says of the version with this manifest.
#[must_use]
pub fn catalog_entry(manifest: &Manifest) -> CatalogEntry {
    CatalogEntry {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        author: manifest.author.clone(),
        description: manifest.description.clone(),
        category: manifest.category.clone(),
        tags: manifest.tags.clone(),
    }
}

/// The release that the catalog shows: the newest that is neither yanked nor revoked, and a pre-release
/// only where there is nothing else.
#[must_use]
pub fn newest(record: &Record) -> Option<Release<'_>> {
    let offered = record.versions().into_iter().filter(|release| !release.yanked && !release.revoked);
    offered.max_by_key(|release| (release.line.version.pre.is_empty(), release.line.version.clone()))
}

/// An archive with its signature, named but not yet verified.
struct Signed {
    name: PluginName,
    version: Version,
    archive: Vec<u8>,
    sha256: Digest,
    block: SignatureBlock,
}

impl Signed {
    fn read(path: &Path) -> Result<Self, PublishError> {
        let (name, version) = read_file_name(path)?;
        let archive = fs::read(path, Limits::default().archive)?;
        let beside = signature_path(path);
        let bytes = fs::read_if_there(&beside, MAX_SIGNATURE_BYTES as u64)?
            .ok_or_else(|| PublishError::Unsigned(beside.clone()))?;
        let block = SignatureBlock::read(&bytes)
            .map_err(|source| PublishError::Signature { path: beside, source })?;
        Ok(Self { name, version, sha256: Digest::of(&archive), archive, block })
    }

    /// Verifies the signature against the keys that may sign, and returns the one that did.
    fn verify(
        &self,
        change: &Change,
        record: Option<&Record>,
        publication: &Publication,
    ) -> Result<PublicKey, PublishError> {
        let owner = match (record, &publication.publisher) {
            (Some(record), _) => record.owner().keys.clone(),
            (None, Some(publisher)) => vec![publisher.public()],
            (None, None) => return Err(PublishError::NeedsPublisher(self.name.clone())),
        };
        let Some(key) = owner.iter().copied().find(|key| self.block.expect_key(key).is_ok()) else {
            return Err(PublishError::NotOwner {
                name: self.name.clone(),
                found: self.block.key_id(),
                owner,
            });
        };
        let size = self.archive.len() as u64;
        let comment =
            package_comment(change.registry().origin(), &self.name, &self.version, size, &self.sha256);
        self.block.verify(&key, &self.archive).and_then(|()| self.block.expect_comment(&comment)).map_err(
            |source| PublishError::Signature { path: signature_path(publication.package), source },
        )?;
        if record.is_some_and(|record| record.revoked().contains_key(&key)) {
            return Err(PublishError::Revoked(key));
        }
        Ok(key)
    }

    fn check_manifest(&self, manifest: &Manifest) -> Result<(), PublishError> {
        if (&manifest.name, &manifest.version) == (&self.name, &self.version) {
            return Ok(());
        }
        Err(PublishError::OtherManifest {
            expected: format!("{} {}", self.name, self.version),
            found: format!("{} {}", manifest.name, manifest.version),
        })
    }

    fn check_version(&self, record: &Record) -> Result<(), PublishError> {
        for Release { line, .. } in record.versions() {
            if line.version == self.version {
                return Err(PublishError::Exists { name: self.name.clone(), version: self.version.clone() });
            }
            if unmistakable(&line.version) == unmistakable(&self.version) {
                return Err(PublishError::SameVersion {
                    name: self.name.clone(),
                    version: self.version.clone(),
                    existing: line.version.clone(),
                });
            }
        }
        Ok(())
    }

    fn line(&self, package: &Package, key: PublicKey, change: &Change) -> VersionLine {
        VersionLine {
            format: VERSION_FORMAT,
            version: self.version.clone(),
            interface: package.manifest().interface(),
            size: self.archive.len() as u64,
            sha256: self.sha256,
            content: *package.content(),
            key,
            signature: self.block.clone(),
            serial: change.serial(),
            published: change.now(),
        }
    }
}

/// A record with its first owner, signed by the publisher.
fn start(change: &Change, name: &PluginName, publication: &Publication) -> Result<Record, PublishError> {
    let (origin, serial) = (change.registry().origin(), change.serial());
    let line = match &publication.publisher {
        None => return Err(PublishError::NeedsPublisher(name.clone())),
        Some(Publisher::Key(key)) => {
            let signer = (Signer::Publisher, *key);
            OwnerLine::sign([key.public()].into(), (origin, name, None), signer, serial)?
        }
        Some(Publisher::Signed(key, signature)) => OwnerLine {
            keys: vec![*key],
            previous: None,
            signer: Signer::Publisher,
            key: *key,
            signature: signature.clone(),
            serial,
        },
    };
    Ok(Record::start(line, origin, name)?)
}

/// Refuses a new name that could be taken for one of somebody else.
fn check_similar(
    change: &Change,
    name: &PluginName,
    key: &PublicKey,
    publication: &Publication,
) -> Result<(), PublishError> {
    if publication.similar_ok {
        return Ok(());
    }
    for existing in similar::look_alikes(name, change.names()?.keys()) {
        let record = change.record(existing)?;
        if !record.is_some_and(|record| record.owner().keys.contains(key)) {
            return Err(PublishError::Similar { name: name.clone(), existing: existing.clone() });
        }
    }
    Ok(())
}

/// Names and versions cannot be told apart by hyphens alone, but a name has no dot, and a version has one
/// before its first hyphen.
fn read_file_name(path: &Path) -> Result<(PluginName, Version), PublishError> {
    let unnamed = || PublishError::FileName(path.to_owned());
    let file = path.file_name().and_then(|name| name.to_str()).ok_or_else(unnamed)?;
    let stem = file.strip_suffix(".tar.gz").ok_or_else(unnamed)?;
    let dot = stem.find('.').ok_or_else(unnamed)?;
    let hyphen = stem[..dot].rfind('-').ok_or_else(unnamed)?;
    let name =
        stem[..hyphen].parse().map_err(|source| PublishError::Name { path: path.to_owned(), source })?;
    let version = parse_version(&stem[hyphen + 1..])
        .map_err(|source| PublishError::Version { path: path.to_owned(), source })?;
    Ok((name, version))
}

fn signature_path(archive: &Path) -> PathBuf {
    let mut path = archive.as_os_str().to_owned();
    path.push(".minisig");
    path.into()
}

/// What of a version tells it from others: build metadata orders nothing, and some file systems know no
/// difference between `-RC` and `-rc`.
fn unmistakable(version: &Version) -> (u64, u64, u64, String) {
    (version.major, version.minor, version.patch, version.pre.as_str().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, expect: Option<(&str, &str)>) {
        let read = read_file_name(Path::new(file)).ok();
        let read = read.map(|(name, version)| (name.to_string(), version.to_string()));
        assert_eq!(read, expect.map(|(name, version)| (name.into(), version.into())), "{file}");
    }

    #[test]
    fn reads_name_and_version_from_the_file_name() {
        check("dir/translator-1.0.0.tar.gz", Some(("translator", "1.0.0")));
        check("a-1-1.0.0.tar.gz", Some(("a-1", "1.0.0")));
        check("a-1.0.0-rc-1.0.0.tar.gz", Some(("a", "1.0.0-rc-1.0.0")));
        check("a-1.0.0+b-2.tar.gz", Some(("a", "1.0.0+b-2")));
        for file in [
            "",
            "a",
            "a.tar.gz",
            "a-1.tar.gz",
            "1.0.0.tar.gz",
            "-1.0.0.tar.gz",
            "A-1.0.0.tar.gz",
            "a-1.0.0.zip",
        ] {
            check(file, None);
        }
    }
}
