//! The paths of a registry, relative to its URL or folder, always with `/`. Clients over HTTP, folders
//! and the tool that writes a registry all take them from here.

use semver::Version;

use crate::{digest::Digest, name::PluginName, signature::archive_file_name};

/// The paths of a registry. There is one layout; the type gives the functions a name.
#[derive(Debug, Clone, Copy)]
pub struct RegistryLayout;

impl RegistryLayout {
    /// The state of the registry, signed by the index key. The only file that is ever replaced.
    pub const HEAD: &'static str = "head";
    /// The first root key, for a person to compare; never trusted by itself.
    pub const ROOT_KEY: &'static str = "root.pub";
    /// Downloads and ratings, unsigned and optional.
    pub const STATS: &'static str = "stats.json";
    /// Folder of the roots.
    pub const ROOTS: &'static str = "root";
    /// Folder of the content-addressed objects.
    pub const OBJECTS: &'static str = "objects";
    /// Folder of the archives and their signatures.
    pub const PACKAGES: &'static str = "packages";

    /// A root, by its serial from 1.
    #[must_use]
    pub fn root(serial: u64) -> String {
        format!("root/{serial}")
    }

    /// A directory node, package record or catalog, by its hash.
    #[must_use]
    pub fn object(digest: &Digest) -> String {
        let hex = digest.to_string();
        format!("objects/{}/{hex}", &hex[..2])
    }

    /// The archive of a package.
    #[must_use]
    pub fn archive(name: &PluginName, version: &Version) -> String {
        format!("packages/{name}/{}", archive_file_name(name, version))
    }

    /// The publisher's signature of the archive.
    #[must_use]
    pub fn signature(name: &PluginName, version: &Version) -> String {
        format!("{}.minisig", Self::archive(name, version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_files_of_a_registry() {
        let (name, version) = ("translator".parse().unwrap(), Version::new(1, 2, 0));
        assert_eq!(RegistryLayout::root(3), "root/3");
        assert_eq!(RegistryLayout::archive(&name, &version), "packages/translator/translator-1.2.0.tar.gz");
        assert_eq!(
            RegistryLayout::signature(&name, &version),
            "packages/translator/translator-1.2.0.tar.gz.minisig"
        );
        let object = RegistryLayout::object(&Digest::of(b"abc"));
        assert!(object.starts_with("objects/ba/ba7816bf"), "{object}");
    }
}
