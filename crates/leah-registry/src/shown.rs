//! What the catalog shows of a plugin after its versions were withdrawn, offered again or refused: the newest
//! that is left. What it shows is read from that version's archive.

use leah_plugin::{
    catalog::CatalogEntry,
    digest::Digest,
    name::PluginName,
    package::{Limits, Package, PackageError},
    record::{Record, VersionLine},
    registry_layout::RegistryLayout,
};

use crate::{
    change::Change,
    fs::{self, FsError},
    publish::{catalog_entry, newest},
};

/// Why the catalog cannot show a version.
#[derive(Debug, thiserror::Error)]
pub enum ShownError {
    /// The archive cannot be read.
    #[error(transparent)]
    File(#[from] FsError),
    /// The archive is not what its line says.
    #[error("`{path}` is not the archive that was published; run `check`")]
    Archive {
        /// In the registry.
        path: String,
    },
    /// The archive is no package.
    #[error("`{path}` is not a valid package")]
    Package {
        /// In the registry.
        path: String,
        /// Why.
        source: PackageError,
    },
}

/// Makes the catalog show what is the newest version after a change of a record, or nothing when none is
/// left.
///
/// # Errors
/// When the archive of that version is not what its line says.
pub(crate) fn update_catalog(change: &mut Change, before: &Record, after: &Record) -> Result<(), ShownError> {
    let shown = newest(before).map(|release| &release.line.version);
    let newest = newest(after).map(|release| release.line);
    if shown == newest.map(|line| &line.version) {
        return Ok(());
    }
    match newest {
        Some(line) => change.set_catalog_entry(entry(change, after.name(), line)?),
        None => change.remove_catalog_entry(after.name()),
    }
    Ok(())
}

fn entry(change: &Change, name: &PluginName, line: &VersionLine) -> Result<CatalogEntry, ShownError> {
    let path = RegistryLayout::archive(name, &line.version);
    let archive = fs::read(&change.registry().folder().join(&path), line.size)?;
    if Digest::of(&archive) != line.sha256 {
        return Err(ShownError::Archive { path });
    }
    let package =
        Package::read(&archive, &Limits::default()).map_err(|source| ShownError::Package { path, source })?;
    Ok(catalog_entry(package.manifest()))
}
