//! The scope of a permission: hosts or folders, or nothing but the permission itself. An entry has one spelling,
//! so that equal rights are equal text and a wider one cannot pass for one that was granted.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, Ipv6Addr},
};

use super::permissions::PermissionKind;

/// Most entries of one scope.
pub const MAX_SCOPE_ENTRIES: usize = 64;

/// Longest entry of a scope in bytes: a host name of 253 with its port fits, and any sensible folder.
pub const MAX_SCOPE_BYTES: usize = 512;

/// How far a permission reaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The permission as such: for `network_access` any public host, for `write_files` the plugin's own folder.
    Bare,
    /// These hosts or folders, never none. An entry `setting:<key>` stands for the value of that setting.
    Only(BTreeSet<String>),
}

/// Why a scope is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// A permission that is whole or not there at all, with a list.
    #[error("`{0}` takes no list")]
    Listless(PermissionKind),
    /// A permission that means nothing without a list.
    #[error("`{0}` needs the list of its folders, as in `{0}: [~/Documents]`")]
    NeedsList(PermissionKind),
    /// An empty list could be taken for nothing or for everything.
    #[error("the list of `{0}` is empty")]
    Empty(PermissionKind),
    /// More than [`MAX_SCOPE_ENTRIES`].
    #[error("the list of `{0}` has more than {MAX_SCOPE_ENTRIES} entries")]
    TooMany(PermissionKind),
    /// The same entry again.
    #[error("`{}` is listed twice", .0.escape_debug())]
    Twice(String),
    /// Neither `host`, `host:port` nor `setting:<key>`.
    #[error("`{}` is not a host: {rule}", .entry.escape_debug())]
    Host {
        /// The entry as given.
        entry: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// Neither an absolute folder, one in the home folder nor `setting:<key>`.
    #[error("`{}` is not a folder: {rule}", .entry.escape_debug())]
    Folder {
        /// The entry as given.
        entry: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// `setting:` with something that cannot be a key.
    #[error("`{}` does not name a setting", .0.escape_debug())]
    Setting(String),
}

impl Scope {
    /// The scope of `kind` with these entries.
    ///
    /// # Errors
    /// When the permission takes no list, or an entry is not one of its hosts or folders or stands twice.
    pub fn only<T: AsRef<str>>(
        kind: PermissionKind,
        entries: impl IntoIterator<Item = T>,
    ) -> Result<Self, ScopeError> {
        if !kind.takes_list() {
            return Err(ScopeError::Listless(kind));
        }
        let mut set = BTreeSet::new();
        for entry in entries {
            check_entry(kind, entry.as_ref())?;
            if !set.insert(entry.as_ref().to_owned()) {
                return Err(ScopeError::Twice(entry.as_ref().to_owned()));
            }
            if set.len() > MAX_SCOPE_ENTRIES {
                return Err(ScopeError::TooMany(kind));
            }
        }
        if set.is_empty() { Err(ScopeError::Empty(kind)) } else { Ok(Self::Only(set)) }
    }

    /// The bare scope of `kind`.
    ///
    /// # Errors
    /// When the permission means nothing without a list.
    pub fn bare(kind: PermissionKind) -> Result<Self, ScopeError> {
        if kind == PermissionKind::ReadFiles { Err(ScopeError::NeedsList(kind)) } else { Ok(Self::Bare) }
    }

    /// The entries of the list; none when bare.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        let list = match self {
            Self::Bare => None,
            Self::Only(entries) => Some(entries.iter()),
        };
        list.into_iter().flatten().map(String::as_str)
    }

    /// The keys of the settings whose values belong to the scope.
    pub fn settings(&self) -> impl Iterator<Item = &str> {
        self.entries().filter_map(|entry| entry.strip_prefix("setting:"))
    }
}

/// Checks one entry of a list: a host or a folder as `kind` asks for, or the name of a setting. The value of
/// such a setting is checked with this too before it is used, and may not name a setting again.
///
/// # Errors
/// When it is neither.
pub fn check_entry(kind: PermissionKind, entry: &str) -> Result<(), ScopeError> {
    match entry.strip_prefix("setting:") {
        Some(key) if super::settings::is_key(key) => Ok(()),
        Some(_) => Err(ScopeError::Setting(cut(entry))),
        None => check_place(kind, entry),
    }
}

/// Checks a host or a folder, as it may also stand in a setting.
///
/// # Errors
/// When it is none, or the permission has neither hosts nor folders.
pub fn check_place(kind: PermissionKind, place: &str) -> Result<(), ScopeError> {
    match kind {
        PermissionKind::NetworkAccess => {
            host(place).map_err(|rule| ScopeError::Host { entry: cut(place), rule })
        }
        PermissionKind::ReadFiles | PermissionKind::WriteFiles => {
            folder(place).map_err(|rule| ScopeError::Folder { entry: cut(place), rule })
        }
        _ => Err(ScopeError::Listless(kind)),
    }
}

/// The entry that stands in a scope for `setting:<key>` while the setting has this value. A host may be written as the
/// URL of a server, as people copy it; then its host counts, with the port if it names one.
///
/// # Errors
/// When it is neither, or the permission has neither hosts nor folders. Such a value adds nothing to the scope.
pub fn entry_of_setting(kind: PermissionKind, value: &str) -> Result<String, ScopeError> {
    let scheme = ["https://", "http://"].into_iter().find(|scheme| value.starts_with(scheme));
    let place = match scheme {
        Some(scheme) if kind == PermissionKind::NetworkAccess => {
            let rest = &value[scheme.len()..];
            rest.split(['/', '?', '#']).next().unwrap_or(rest).to_ascii_lowercase()
        }
        _ => value.to_owned(),
    };
    check_place(kind, &place).map(|()| place)
}

fn cut(entry: &str) -> String {
    entry.chars().take(120).collect()
}

fn host(entry: &str) -> Result<(), &'static str> {
    if entry.contains(['/', '@']) {
        return Err("write it without scheme, user and path, as in `example.com`");
    }
    if let Some(rest) = entry.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or("an IPv6 address ends with `]`")?;
        let parsed: Ipv6Addr = address.parse().map_err(|_| "it is not an IPv6 address")?;
        if parsed.to_string() != address {
            return Err("an IPv6 address is written in its shortest form");
        }
        return if rest.is_empty() { Ok(()) } else { port(rest.strip_prefix(':')) };
    }
    match entry.split_once(':') {
        Some((name, digits)) => name_or_ipv4(name).and_then(|()| port(Some(digits))),
        None => name_or_ipv4(entry),
    }
}

fn port(digits: Option<&str>) -> Result<(), &'static str> {
    let digits = digits.ok_or("after the address there can only be `:port`")?;
    match digits.parse::<u16>() {
        Ok(port) if port != 0 && port.to_string() == digits => Ok(()),
        _ => Err("a port is a number from 1 to 65535; an IPv6 address stands in `[` `]`"),
    }
}

fn name_or_ipv4(name: &str) -> Result<(), &'static str> {
    if name.is_empty() || name.len() > 253 {
        return Err("a host name has 1 to 253 characters");
    }
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if !name.split('.').all(label) {
        return Err("write the name alone, in lower case, as in `example.com` or `example.com:8443`");
    }
    // URL parsers take `127.1`, `0x7f.1` and `2130706433` for addresses, so what ends like a number must be one.
    let last = name.rsplit('.').next().unwrap_or(name);
    let numeric = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
    match name.parse::<Ipv4Addr>() {
        Err(_) if numeric => Err("an IPv4 address has four decimal parts"),
        _ => Ok(()),
    }
}

fn folder(entry: &str) -> Result<(), &'static str> {
    if entry.len() > MAX_SCOPE_BYTES {
        return Err("it is longer than 512 bytes");
    }
    if entry.chars().any(|c| c.is_control() || c == '\\') {
        return Err("it has a backslash or a control character");
    }
    let Some(rest) = entry.strip_prefix("~/").or_else(|| entry.strip_prefix('/')) else {
        return Err("it begins neither with `/` nor with `~/`");
    };
    if rest.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err("a part of it is empty, `.` or `..`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: PermissionKind, good: &[&str], bad: &[&str]) {
        for entry in good {
            assert_eq!(check_entry(kind, entry), Ok(()), "{entry}");
        }
        for entry in bad {
            assert!(check_entry(kind, entry).is_err(), "{entry}");
        }
    }

    #[test]
    fn takes_hosts_in_their_one_spelling() {
        let good = [
            "example.com",
            "localhost",
            "localhost:11434",
            "127.0.0.1",
            "10.0.0.1:80",
            "[::1]",
            "[fe80::1]:443",
            "xn--bcher-kva.example",
            "setting:server",
        ];
        let bad = [
            "",
            "Example.com",
            "example.com.",
            "https://example.com",
            "example.com/path",
            "user@example.com",
            "*.example.com",
            "*",
            "bücher.example",
            "a..b",
            "-a.com",
            "127.1",
            "0x7f.0x1",
            "2130706433",
            "1.2.3.256",
            "01.2.3.4",
            "::1",
            "[::1",
            "[0:0::1]",
            "[::1]x",
            "example.com:0",
            "example.com:080",
            "example.com:65536",
            "example.com:",
            ":80",
            "setting:",
            "setting:a b",
            "a\u{1b}b",
        ];
        check(PermissionKind::NetworkAccess, &good, &bad);
    }

    #[test]
    fn takes_absolute_folders_and_those_of_the_home_folder() {
        let good = ["/srv/books", "~/Documents", "~/My Books/ä", "setting:folder"];
        let bad = [
            "",
            "/",
            "~",
            "~/",
            "~x/y",
            "books",
            "./books",
            "/srv/../etc",
            "/srv//x",
            "/srv/",
            "C:\\x",
            "/a\nb",
        ];
        check(PermissionKind::ReadFiles, &good, &bad);
        check(PermissionKind::UseModel, &[], &["/srv"]);
    }

    #[test]
    fn takes_the_host_of_a_url_where_a_setting_names_one() {
        let host = |value: &str| entry_of_setting(PermissionKind::NetworkAccess, value).ok();
        for (value, expect) in [
            ("example.com:8443", "example.com:8443"),
            ("https://Example.com", "example.com"),
            ("http://localhost:5000/translate?a=b", "localhost:5000"),
            ("https://[::1]:443#x", "[::1]:443"),
        ] {
            assert_eq!(host(value).as_deref(), Some(expect), "{value}");
        }
        for value in
            ["", "https://", "https://user@example.com", "ftp://example.com", "setting:other", "a\\b"]
        {
            assert_eq!(host(value), None, "{value}");
        }
        assert!(entry_of_setting(PermissionKind::ReadFiles, "https://example.com").is_err());
        assert_eq!(entry_of_setting(PermissionKind::WriteFiles, "~/Notes").unwrap(), "~/Notes");
    }

    #[test]
    fn refuses_lists_that_say_nothing_or_too_much() {
        let none: [&str; 0] = [];
        let kind = PermissionKind::NetworkAccess;
        assert_eq!(Scope::only(kind, none), Err(ScopeError::Empty(kind)));
        assert_eq!(Scope::only(kind, ["a", "a"]), Err(ScopeError::Twice("a".into())));
        assert_eq!(Scope::only(kind, (0..100).map(|n| format!("a{n}.com"))), Err(ScopeError::TooMany(kind)));
        let kind = PermissionKind::ReadMessages;
        assert_eq!(Scope::only(kind, ["a"]), Err(ScopeError::Listless(kind)));
        let kind = PermissionKind::ReadFiles;
        assert_eq!(Scope::bare(kind), Err(ScopeError::NeedsList(kind)));
    }
}
