//! One version: its archive and signature against its line in the record, in the order of a client.
//! Nothing of the archive is read before hash and signature hold.

use std::path::Path;

use leah_plugin::{
    digest::Digest,
    manifest::Manifest,
    name::PluginName,
    package::{Limits, Package},
    record::VersionLine,
    registry_layout::RegistryLayout,
    signature::MAX_SIGNATURE_BYTES,
};

use super::Problem;
use crate::fs;

/// Checks a version and returns its manifest.
pub(super) fn check(folder: &Path, name: &PluginName, line: &VersionLine) -> Result<Manifest, Problem> {
    let signature = RegistryLayout::signature(name, &line.version);
    let text = fs::read(&folder.join(&signature), MAX_SIGNATURE_BYTES as u64)?;
    if text != line.signature.as_text().as_bytes() {
        return Err(Problem::SignatureFile { path: signature });
    }
    let path = RegistryLayout::archive(name, &line.version);
    let archive = fs::read(&folder.join(&path), Limits::default().archive)?;
    if archive.len() as u64 != line.size || Digest::of(&archive) != line.sha256 {
        return Err(Problem::Archive { path });
    }
    if let Err(source) = line.signature.verify(&line.key, &archive) {
        return Err(Problem::Signature { path, source });
    }
    let package = match Package::read(&archive, &Limits::default()) {
        Ok(package) => package,
        Err(source) => return Err(Problem::Package { path, source }),
    };
    match difference(name, line, &package) {
        Some(field) => Err(Problem::Line { path, field }),
        None => Ok(package.manifest().clone()),
    }
}

fn difference(name: &PluginName, line: &VersionLine, package: &Package) -> Option<&'static str> {
    let manifest = package.manifest();
    match () {
        () if manifest.name != *name => Some("name"),
        () if manifest.version != line.version => Some("version"),
        () if *package.content() != line.content => Some("content"),
        () => manifest.interface().difference(&line.interface),
    }
}
