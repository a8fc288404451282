//! The trusted comments: composed from what was asked for, compared as bytes. Splitting happens only
//! after a comparison failed, to say in words what differs.

use semver::Version;

use super::SignatureError;
use crate::{
    digest::Digest,
    name::{Origin, PluginName},
};

/// What a publisher signs with an archive.
#[must_use]
pub fn package_comment(
    origin: &Origin,
    name: &PluginName,
    version: &Version,
    size: u64,
    sha256: &Digest,
) -> String {
    let file = archive_file_name(name, version);
    format!(
        "leahpm:package:1\tregistry:{origin}\tname:{name}\tversion:{version}\tfile:{file}\tsize:{size}\tsha256:{sha256}"
    )
}

/// What the index key signs with a head.
#[must_use]
pub fn head_comment(origin: &Origin, epoch: u64, serial: u64, expires: u64) -> String {
    format!("leahpm:head:1\tregistry:{origin}\tepoch:{epoch}\tserial:{serial}\texpires:{expires}")
}

/// What the root key signs with a root.
#[must_use]
pub fn root_comment(origin: &Origin, serial: u64) -> String {
    format!("leahpm:root:1\tregistry:{origin}\tserial:{serial}")
}

/// What a publisher, or the root key for a lost one, signs with an owner line. `previous` is the digest
/// of the owner line before; the first has none and says `-`.
#[must_use]
pub fn owner_comment(origin: &Origin, name: &PluginName, previous: Option<&Digest>) -> String {
    let previous = previous.map_or_else(|| "-".to_owned(), Digest::to_string);
    format!("leahpm:owner:1\tregistry:{origin}\tname:{name}\tprevious:{previous}")
}

/// The file name of a package's archive.
#[must_use]
pub fn archive_file_name(name: &PluginName, version: &Version) -> String {
    format!("{name}-{version}.tar.gz")
}

/// The error for two comments that are not equal: the first field that differs, if it has a name.
pub(super) fn explain(expected: &str, found: &str) -> SignatureError {
    let first = expected.split('\t').zip(found.split('\t')).find(|(expected, found)| expected != found);
    let field = first.and_then(|(expected, found)| {
        let (name, expected) = expected.split_once(':')?;
        let (found_name, found) = found.split_once(':')?;
        (name == found_name).then(|| (name, expected.to_owned(), found.to_owned()))
    });
    match field {
        Some(("registry", expected, found)) => SignatureError::OtherRegistry { expected, found },
        Some(("name", expected, found)) => SignatureError::OtherName { expected, found },
        Some(("version", expected, found)) => SignatureError::OtherVersion { expected, found },
        _ => SignatureError::OtherComment { expected: expected.to_owned(), found: found.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(origin: &str, name: &str, version: &str, data: &[u8]) -> String {
        package_comment(
            &origin.parse().unwrap(),
            &name.parse().unwrap(),
            &version.parse().unwrap(),
            data.len() as u64,
            &Digest::of(data),
        )
    }

    #[test]
    fn composes_what_the_format_says() {
        assert_eq!(
            comment("hub", "translator", "1.0.0-rc.1", b"abc"),
            "leahpm:package:1\tregistry:hub\tname:translator\tversion:1.0.0-rc.1\
             \tfile:translator-1.0.0-rc.1.tar.gz\tsize:3\
             \tsha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let hub = "hub".parse().unwrap();
        assert_eq!(
            head_comment(&hub, 1, 7, 99),
            "leahpm:head:1\tregistry:hub\tepoch:1\tserial:7\texpires:99"
        );
        assert_eq!(root_comment(&hub, 2), "leahpm:root:1\tregistry:hub\tserial:2");
        let owner = owner_comment(&hub, &"translator".parse().unwrap(), None);
        assert_eq!(owner, "leahpm:owner:1\tregistry:hub\tname:translator\tprevious:-");
    }

    #[test]
    fn says_what_differs() {
        let asked = comment("hub", "translator", "1.0.0", b"abc");
        let says = |found: &str| explain(&asked, found).to_string();
        assert_eq!(
            says(&comment("bub", "translator", "1.0.0", b"abc")),
            "the signature is for the registry `bub`, not for `hub`"
        );
        assert_eq!(
            says(&comment("hub", "translater", "1.0.0", b"abc")),
            "the signature is for the plugin `translater`, not for `translator`"
        );
        assert_eq!(
            says(&comment("hub", "translator", "0.9.0", b"abc")),
            "the signature is for version `0.9.0`, not for `1.0.0`"
        );
        for other in
            ["", "timestamp:1\tfile:x", &format!("{asked}\t"), &comment("hub", "translator", "1.0.0", b"abd")]
        {
            assert!(matches!(explain(&asked, other), SignatureError::OtherComment { .. }), "{other}");
        }
    }
}
