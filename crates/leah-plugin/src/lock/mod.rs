//! `leah.lock`: which plugins a user wants, which packages they got, and what those may do. Sorted and
//! stable, so that the same state has the same bytes; it holds no path, no time and no secret.
//! A lock does not vouch for itself: whether its keys are trusted is decided by who reads it.

mod check;

use std::collections::BTreeMap;

use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

pub use self::check::LockError;
use crate::{
    digest::Digest,
    key::PublicKey,
    layout::EntryName,
    manifest::Permissions,
    name::{Origin, PluginName},
    yaml::{self, FormatError},
};

/// The newest format of `leah.lock` that this release reads; it writes it for a set with plugins that are held, and
/// format 1, which knows none, for all others.
pub const LOCK_FORMAT: u64 = 2;

/// What a `leah.lock` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// What the user asked for, by name; the other plugins are there because these need them.
    pub requested: BTreeMap<PluginName, Request>,
    /// Every plugin of the set.
    pub plugins: BTreeMap<PluginName, Locked>,
    /// Every registry that a plugin came from.
    pub registries: BTreeMap<Origin, LockedRegistry>,
    /// What the set was resolved for.
    pub resolved_for: ResolvedFor,
}

/// One wish of the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The versions that are welcome.
    pub range: VersionReq,
    /// Where the plugin comes from.
    pub registry: Origin,
}

/// One plugin of the set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Its version.
    pub version: Version,
    /// Where it came from.
    pub registry: Origin,
    /// Of the archive.
    pub sha256: Digest,
    /// Of the canonical tar in the archive; it names the entry in the store.
    pub content: Digest,
    /// Of the archive, in bytes.
    pub size: u64,
    /// Who signed the archive.
    pub key: PublicKey,
    /// Hash of the owner line of its record that was in force when it was locked.
    pub owner: Digest,
    /// What it needs.
    pub dependencies: BTreeMap<PluginName, VersionReq>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Whether it stays at this version and registry until the user lets it go.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// What it may do.
    pub granted: Permissions,
    /// What it asked for and may not do.
    pub denied: Permissions,
}

/// One registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedRegistry {
    /// Its address, http or https, without credentials; none for a folder and for what is built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The root key that was pinned for it.
    pub root_key: PublicKey,
}

/// The versions that the set was resolved for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedFor {
    /// Of the plugin API.
    pub api: Version,
    /// Of the host.
    pub host: Version,
}

impl Lock {
    /// A lock of no plugins.
    #[must_use]
    pub fn empty(resolved_for: ResolvedFor) -> Self {
        Self {
            requested: BTreeMap::new(),
            plugins: BTreeMap::new(),
            registries: BTreeMap::new(),
            resolved_for,
        }
    }

    /// Reads a `leah.lock`.
    ///
    /// # Errors
    /// When the text is not YAML of this shape, of a newer format, or contradicts itself.
    pub fn read(bytes: &[u8]) -> Result<Self, LockError> {
        let wire = yaml::from_slice_of_format::<Wire>(bytes, LOCK_FORMAT).map_err(|error| match error {
            FormatError::Newer(format) => LockError::Format(format),
            FormatError::Yaml(error) => error.into(),
        })?;
        let Wire { requested, plugins, registries, resolved_for, .. } = wire;
        let lock = Self { requested, plugins, registries, resolved_for };
        lock.check()?;
        Ok(lock)
    }

    /// The text of the file; the same lock always gives the same bytes.
    ///
    /// # Errors
    /// When the lock contradicts itself and could not be read again.
    pub fn to_text(&self) -> Result<String, LockError> {
        self.check()?;
        let wire = WireRef {
            format: if self.plugins.values().any(|locked| locked.held) { LOCK_FORMAT } else { 1 },
            requested: &self.requested,
            plugins: &self.plugins,
            registries: &self.registries,
            resolved_for: &self.resolved_for,
        };
        Ok(yaml::to_string(&wire)?)
    }
}

impl Locked {
    /// The entry in the store that holds this package; `name` is the plugin's.
    #[must_use]
    pub fn entry(&self, name: &PluginName) -> EntryName {
        EntryName::new(name.clone(), self.version.clone(), &self.content)
    }
}

/// The lock as it is read, in the order of its keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(rename = "format")]
    _format: u64,
    requested: BTreeMap<PluginName, Request>,
    plugins: BTreeMap<PluginName, Locked>,
    registries: BTreeMap<Origin, LockedRegistry>,
    resolved_for: ResolvedFor,
}

/// The lock as it is written, in the same order.
#[derive(Serialize)]
struct WireRef<'a> {
    format: u64,
    requested: &'a BTreeMap<PluginName, Request>,
    plugins: &'a BTreeMap<PluginName, Locked>,
    registries: &'a BTreeMap<Origin, LockedRegistry>,
    resolved_for: &'a ResolvedFor,
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::manifest::{PermissionKind, Scope};

    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    fn plugin(version: &str) -> Locked {
        Locked {
            version: version.parse().unwrap(),
            registry: Origin::bundled(),
            sha256: Digest::of(b"archive"),
            content: Digest::of(b"content"),
            size: 48_211,
            key: KEY.parse().unwrap(),
            owner: Digest::of(b"owner"),
            dependencies: BTreeMap::new(),
            enabled: true,
            held: false,
            granted: Permissions::empty(),
            denied: Permissions::empty(),
        }
    }

    fn lock() -> Lock {
        let version = |text: &str| Version::parse(text).unwrap();
        let mut translator = plugin("1.0.0");
        translator.dependencies.insert("text-tools".parse().unwrap(), "^1.2".parse().unwrap());
        translator.granted.insert(PermissionKind::ReadMessages, Scope::Bare).unwrap();
        let hosts = ["libretranslate.com".to_owned(), "setting:server".to_owned()];
        translator.granted.insert(PermissionKind::NetworkAccess, Scope::Only(hosts.into())).unwrap();
        translator.denied.insert(PermissionKind::WriteFiles, Scope::Bare).unwrap();
        let request = Request { range: "^1.0".parse().unwrap(), registry: Origin::bundled() };
        Lock {
            requested: BTreeMap::from([("translator".parse().unwrap(), request)]),
            plugins: BTreeMap::from([
                ("translator".parse().unwrap(), translator),
                ("text-tools".parse().unwrap(), plugin("1.2.3")),
            ]),
            registries: BTreeMap::from([(
                Origin::bundled(),
                LockedRegistry { url: None, root_key: KEY.parse().unwrap() },
            )]),
            resolved_for: ResolvedFor { api: version("1.0.0"), host: version("0.1.0") },
        }
    }

    #[track_caller]
    fn check_error(from: &str, to: &str, expect: &str) {
        let text = lock().to_text().unwrap();
        assert!(text.contains(from), "{text}");
        let error = Lock::read(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expect);
    }

    #[track_caller]
    fn check_url(url: &str, shareable: bool) {
        let mut lock = lock();
        for registry in lock.registries.values_mut() {
            registry.url = Some(url.to_owned());
        }
        assert_eq!(lock.to_text().is_ok(), shareable, "{url}");
    }

    #[test]
    fn is_pleasant_to_read_in_a_diff() {
        assert_snapshot!(lock().to_text().unwrap(), @r#"
        format: 1
        requested:
          translator:
            range: ^1.0
            registry: bundled
        plugins:
          text-tools:
            version: "1.2.3"
            registry: bundled
            sha256: 0eb3e36bfb24dcd9bb1d1bece1531216b59539a8fde17ee80224af0653c92aa3
            content: ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73
            size: 48211
            key: RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3
            owner: 4c1029697ee358715d3a14a2add817c4b01651440de808371f78165ac90dc581
            dependencies: {}
            enabled: true
            granted: []
            denied: []
          translator:
            version: "1.0.0"
            registry: bundled
            sha256: 0eb3e36bfb24dcd9bb1d1bece1531216b59539a8fde17ee80224af0653c92aa3
            content: ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73
            size: 48211
            key: RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3
            owner: 4c1029697ee358715d3a14a2add817c4b01651440de808371f78165ac90dc581
            dependencies:
              text-tools: ^1.2
            enabled: true
            granted:
            - read_messages
            - network_access:
              - libretranslate.com
              - setting:server
            denied:
            - write_files
        registries:
          bundled:
            root_key: RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3
        resolved_for:
          api: "1.0.0"
          host: "0.1.0"
        "#);
    }

    #[test]
    fn keeps_what_was_written_byte_for_byte() {
        let text = lock().to_text().unwrap();
        let again = Lock::read(text.as_bytes()).unwrap();
        assert_eq!(again, lock());
        assert_eq!(again.to_text().unwrap(), text);
        let empty = Lock::empty(lock().resolved_for);
        assert_eq!(Lock::read(empty.to_text().unwrap().as_bytes()).unwrap(), empty);
    }

    #[test]
    fn quotes_what_would_be_read_as_something_else() {
        let mut lock = lock();
        for name in ["1e3", "123", "null", "true", "0x1f", "yes"] {
            lock.plugins.insert(name.parse().unwrap(), plugin("1.0.0"));
        }
        // Hexadecimal digits that are a number in decimal, in octal and with an exponent.
        let exponent = |i: usize| if i == 1 { 0xe1 } else { 0x11 };
        for bytes in [[0x12; 32], [0x01; 32], std::array::from_fn(exponent)] {
            lock.plugins.insert(
                "digits".parse().unwrap(),
                Locked { sha256: Digest::from_bytes(bytes), ..plugin("1.0.0") },
            );
            assert_eq!(Lock::read(lock.to_text().unwrap().as_bytes()).unwrap(), lock);
        }
        for range in ["1", "1.0", "*", ">=1, <3", "~1", "=1.0.0-rc.1", "<2"] {
            let request = Request { range: range.parse().unwrap(), registry: Origin::bundled() };
            lock.requested.insert("null".parse().unwrap(), request);
            assert_eq!(Lock::read(lock.to_text().unwrap().as_bytes()).unwrap(), lock, "{range}");
        }
    }

    #[test]
    fn says_of_a_plugin_that_it_is_held_and_nothing_of_one_that_is_not() {
        let mut held = lock();
        held.plugins.get_mut("text-tools").unwrap().held = true;
        let text = held.to_text().unwrap();
        assert!(text.starts_with("format: 2\n"));
        let same = text.replacen("    held: true\n", "", 1).replacen("format: 2", "format: 1", 1);
        assert_eq!(same, lock().to_text().unwrap());
        assert_eq!(Lock::read(text.as_bytes()).unwrap(), held);
        let free = text.replace("held: true", "held: false");
        assert_eq!(Lock::read(free.as_bytes()).unwrap(), lock());
    }

    #[test]
    fn refuses_a_newer_format_before_anything_else() {
        check_error("format: 1", "format: 3\nnew: x", "the lock is of format 3, which needs a newer leahpm");
    }

    #[test]
    fn refuses_what_contradicts_itself() {
        check_error(
            "  translator:\n    range",
            "  other:\n    range",
            "`other` is requested, but the lock has no version of it",
        );
        check_error(
            "registries:\n  bundled:",
            "registries:\n  hub:",
            "`text-tools` comes from the registry `bundled`, which the lock does not list",
        );
        check_error(
            "      text-tools: ^1.2",
            "      other: ^1.2",
            "`translator` needs `other`, which is not in the lock",
        );
        check_error(
            "      text-tools: ^1.2",
            "      text-tools: ^1.3",
            "`translator` needs `text-tools` ^1.3, but the lock has 1.2.3",
        );
        check_error(
            "- write_files",
            "- read_messages",
            "`read_messages` is both granted to `translator` and denied to it",
        );
    }

    #[test]
    fn tells_line_and_column_of_what_it_does_not_understand() {
        check_error(
            "enabled: true",
            "enabled: yes",
            "line 16, column 14: invalid boolean (strict mode expects true/false)",
        );
        check_error(
            "enabled: true",
            "enabeld: true",
            "line 16, column 5: `enabeld` is not a key that is known here; did you mean `enabled`?",
        );
        check_error("size: 48211", "size: -1", "line 12, column 11: invalid u64");
    }

    #[test]
    fn keeps_paths_and_credentials_out() {
        check_url("https://plugins.example.org/leah", true);
        check_url("http://127.0.0.1:8080", true);
        for url in [
            "file:///home/me/registry",
            "/home/me/registry",
            "https://",
            "https://me:secret@example.org",
            "https://example.org?token=secret",
            "https://example.org\\@other",
            "https://example.org/\u{1b}[0m",
        ] {
            check_url(url, false);
        }
    }

    #[test]
    fn refuses_a_version_that_no_folder_can_be_called() {
        let mut lock = lock();
        lock.plugins.insert("long".parse().unwrap(), plugin(&format!("1.0.0-{}", "x".repeat(200))));
        assert_eq!(
            lock.to_text().unwrap_err().to_string(),
            "the lock holds a version of `long` that cannot be used"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(at in 0_usize..1_400, bytes in proptest::collection::vec(any::<u8>(), 0..8)) {
            let mut text = lock().to_text().unwrap().into_bytes();
            let at = at.min(text.len());
            text.splice(at..(at + bytes.len()).min(text.len()), bytes);
            let _ = Lock::read(&text);
        }
    }
}
