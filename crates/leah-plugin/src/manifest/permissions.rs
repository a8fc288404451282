//! Permissions: what a plugin asks for, what a user grants, and whether the one is enough for the other. Written
//! as a list in which a permission stands alone or with its scope. Decides nothing about a single access.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, SeqAccess, Visitor},
    ser::SerializeSeq,
};

use super::{
    scope::{MAX_SCOPE_ENTRIES, Scope, ScopeError},
    word::UnknownWord,
};

/// What a permission is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum PermissionKind {
    /// Content of chat messages and answers.
    ReadMessages,
    /// Replace or reject what the user wrote.
    ModifyMessages,
    /// Replace or reject what the model answered.
    ModifyResponses,
    /// Read folders.
    ReadFiles,
    /// Write folders; bare: the plugin's own.
    WriteFiles,
    /// Requests over HTTP(S); bare: to any public host.
    NetworkAccess,
    /// Ask the host's chat model.
    UseModel,
}

impl PermissionKind {
    /// All permissions, in the order in which they are written and shown.
    pub const ALL: [Self; 7] = [
        Self::ReadMessages,
        Self::ModifyMessages,
        Self::ModifyResponses,
        Self::ReadFiles,
        Self::WriteFiles,
        Self::NetworkAccess,
        Self::UseModel,
    ];

    /// The name in manifests, locks and on the command line, as in `read_messages`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadMessages => "read_messages",
            Self::ModifyMessages => "modify_messages",
            Self::ModifyResponses => "modify_responses",
            Self::ReadFiles => "read_files",
            Self::WriteFiles => "write_files",
            Self::NetworkAccess => "network_access",
            Self::UseModel => "use_model",
        }
    }

    /// What it lets a plugin do, in the words of somebody who is asked for it.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::ReadMessages => "read your messages and the model's answers",
            Self::ModifyMessages => "change or hold back your messages",
            Self::ModifyResponses => "change or hold back the model's answers",
            Self::ReadFiles => "read files",
            Self::WriteFiles => "read and write files",
            Self::NetworkAccess => "send requests over the network",
            Self::UseModel => "ask your chat model",
        }
    }

    /// True for those that can be limited to hosts or folders.
    #[must_use]
    pub const fn takes_list(self) -> bool {
        matches!(self, Self::ReadFiles | Self::WriteFiles | Self::NetworkAccess)
    }
}

impl FromStr for PermissionKind {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| UnknownWord::new(text, "a permission", &Self::ALL.map(Self::as_str)))
    }
}

impl TryFrom<String> for PermissionKind {
    type Error = UnknownWord;
    fn try_from(text: String) -> Result<Self, UnknownWord> {
        text.parse()
    }
}

impl From<PermissionKind> for &'static str {
    fn from(kind: PermissionKind) -> Self {
        kind.as_str()
    }
}

impl fmt::Display for PermissionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A set of permissions, each with its scope. Every scope in it fits its permission.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permissions(BTreeMap<PermissionKind, Scope>);

impl Permissions {
    /// No permission at all.
    #[must_use]
    pub const fn empty() -> Self {
        Self(BTreeMap::new())
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The permissions with their scopes, in the order of [`PermissionKind::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (PermissionKind, &Scope)> {
        self.0.iter().map(|(kind, scope)| (*kind, scope))
    }

    /// The scope of a permission, if it is in the set.
    #[must_use]
    pub fn get(&self, kind: PermissionKind) -> Option<&Scope> {
        self.0.get(&kind)
    }

    /// True when the permission is in the set, with whatever scope.
    #[must_use]
    pub fn contains(&self, kind: PermissionKind) -> bool {
        self.0.contains_key(&kind)
    }

    /// Puts a permission into the set, in place of its earlier scope, which is returned.
    ///
    /// # Errors
    /// When the scope does not fit the permission.
    pub fn insert(&mut self, kind: PermissionKind, scope: Scope) -> Result<Option<Scope>, ScopeError> {
        let scope = match scope {
            Scope::Bare => Scope::bare(kind)?,
            Scope::Only(entries) => Scope::only(kind, entries)?,
        };
        Ok(self.0.insert(kind, scope))
    }

    /// True when nothing of `wanted` is missing here.
    #[must_use]
    pub fn covers(&self, wanted: &Self) -> bool {
        self.missing(wanted).is_empty()
    }

    /// What of `wanted` is not in this set: permissions that are not here, and entries that are not listed. A
    /// bare permission covers no list, since a list may name what bare leaves out (private addresses, folders of
    /// the user), and a list covers no bare one.
    #[must_use]
    pub fn missing(&self, wanted: &Self) -> Self {
        let left = |(kind, scope): (PermissionKind, &Scope)| match (self.get(kind), scope) {
            (Some(Scope::Bare), Scope::Bare) => None,
            (Some(Scope::Only(have)), Scope::Only(want)) => {
                let rest: BTreeSet<_> = want.difference(have).cloned().collect();
                (!rest.is_empty()).then_some((kind, Scope::Only(rest)))
            }
            _ => Some((kind, scope.clone())),
        };
        Self(wanted.iter().filter_map(left).collect())
    }

    /// What is in both sets: the same permission with the entries that both list, or bare in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let both = |(kind, scope): (PermissionKind, &Scope)| match (scope, other.get(kind)?) {
            (Scope::Bare, Scope::Bare) => Some((kind, Scope::Bare)),
            (Scope::Only(a), Scope::Only(b)) => {
                let both: BTreeSet<_> = a.intersection(b).cloned().collect();
                (!both.is_empty()).then_some((kind, Scope::Only(both)))
            }
            _ => None,
        };
        Self(self.iter().filter_map(both).collect())
    }

    /// Both sets together; lists are merged. Where one is bare and the other a list, the scope of `other` stands,
    /// since no scope means both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        for (kind, scope) in other.iter() {
            match (all.0.get_mut(&kind), scope) {
                (Some(Scope::Only(have)), Scope::Only(more)) => have.extend(more.iter().cloned()),
                _ => {
                    all.0.insert(kind, scope.clone());
                }
            }
        }
        all
    }

    /// The set without these permissions, whatever their scope.
    #[must_use]
    pub fn without(&self, kinds: &BTreeSet<PermissionKind>) -> Self {
        Self(self.iter().filter(|(kind, _)| !kinds.contains(kind)).map(|(k, s)| (k, s.clone())).collect())
    }
}

/// What a permission with its scope lets a plugin do, in the words of somebody who is asked for it.
#[must_use]
pub fn plain_words(kind: PermissionKind, scope: &Scope) -> String {
    let list: Vec<String> = scope.entries().map(plain_entry).collect();
    let list = list.join(", ");
    match (kind, scope) {
        (PermissionKind::WriteFiles, Scope::Bare) => "keep files in a folder of its own".into(),
        (PermissionKind::NetworkAccess, Scope::Bare) => "send requests to any public server".into(),
        (PermissionKind::NetworkAccess, Scope::Only(_)) => format!("send requests to {list}"),
        (_, Scope::Only(_)) => format!("{} in {list}", kind.describe()),
        (_, Scope::Bare) => kind.describe().into(),
    }
}

fn plain_entry(entry: &str) -> String {
    match entry.strip_prefix("setting:") {
        Some(key) => format!("what you enter for its setting `{key}`"),
        None => entry.escape_debug().to_string(),
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for (kind, scope) in &self.0 {
            match scope {
                Scope::Bare => list.serialize_element(kind)?,
                Scope::Only(entries) => list.serialize_element(&BTreeMap::from([(kind, entries)]))?,
            }
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = Permissions;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of permissions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Permissions, A::Error> {
        let mut permissions = Permissions::empty();
        while let Some(One(kind, scope)) = list.next_element()? {
            if permissions.0.insert(kind, scope).is_some() {
                return Err(de::Error::custom(format_args!("`{kind}` is listed twice")));
            }
        }
        Ok(permissions)
    }
}

struct One(PermissionKind, Scope);

impl<'de> Deserialize<'de> for One {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneVisitor)
    }
}

struct OneVisitor;

impl<'de> Visitor<'de> for OneVisitor {
    type Value = One;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a permission, or a permission with its list")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<One, E> {
        let kind: PermissionKind = text.parse().map_err(E::custom)?;
        Ok(One(kind, Scope::bare(kind).map_err(E::custom)?))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<One, A::Error> {
        let (kind, entries) = map
            .next_entry::<PermissionKind, Vec<String>>()?
            .ok_or_else(|| de::Error::invalid_length(0, &self))?;
        if map.next_key::<de::IgnoredAny>()?.is_some() {
            return Err(de::Error::custom("one permission an entry of the list"));
        }
        if entries.len() > MAX_SCOPE_ENTRIES {
            return Err(de::Error::custom(ScopeError::TooMany(kind)));
        }
        Ok(One(kind, Scope::only(kind, entries).map_err(de::Error::custom)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn read(json: &str) -> Permissions {
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
    }

    #[test]
    fn the_written_form_is_sorted_and_the_same_in_json_and_yaml() {
        let set = read(r#"["use_model", {"network_access": ["b.com", "a.com"]}, "read_messages"]"#);
        let written = serde_json::to_string(&set).unwrap();
        assert_eq!(written, r#"["read_messages",{"network_access":["a.com","b.com"]},"use_model"]"#);
        let yaml = crate::yaml::to_string(&set).unwrap();
        assert_eq!(crate::yaml::from_slice::<Permissions>(yaml.as_bytes()).unwrap(), set);
    }

    #[test]
    fn refuses_what_could_be_read_in_two_ways() {
        for json in [
            r#"["read_files"]"#,
            r#"["use_model", "use_model"]"#,
            r#"["write_files", {"write_files": ["/a"]}]"#,
            r#"[{"use_model": ["a"]}]"#,
            r#"[{"network_access": []}]"#,
            r#"[{"network_access": ["a.com"], "write_files": ["/a"]}]"#,
            r#"[{}]"#,
            r#"["read_everything"]"#,
            r#"[1]"#,
            r#"{}"#,
        ] {
            assert!(serde_json::from_str::<Permissions>(json).is_err(), "{json}");
        }
    }

    #[track_caller]
    fn check(have: &str, wanted: &str, missing: &str) {
        let (have, wanted) = (read(have), read(wanted));
        assert_eq!(have.missing(&wanted), read(missing));
        assert_eq!(have.covers(&wanted), missing == "[]");
        assert!(have.union(&wanted).covers(&wanted));
        assert!(wanted.covers(&have.intersection(&wanted)) && have.covers(&have.intersection(&wanted)));
    }

    #[test]
    fn an_update_must_ask_for_every_right_that_was_not_granted() {
        let some = r#"[{"network_access": ["a.com", "b.com"]}]"#;
        check(some, some, "[]");
        check(some, r#"[{"network_access": ["b.com", "c.com"]}]"#, r#"[{"network_access": ["c.com"]}]"#);
        check(some, r#"["network_access"]"#, r#"["network_access"]"#);
        check(r#"["network_access"]"#, some, some);
        check("[]", r#"["use_model"]"#, r#"["use_model"]"#);
        check(r#"["use_model"]"#, "[]", "[]");
    }

    #[test]
    fn leaves_out_what_is_denied() {
        let set = read(r#"["use_model", {"network_access": ["a.com"]}]"#);
        let denied = BTreeSet::from([PermissionKind::NetworkAccess]);
        assert_eq!(set.without(&denied), read(r#"["use_model"]"#));
    }

    #[test]
    fn says_in_plain_words_what_is_asked_for() {
        let set = read(
            r#"["read_messages", {"read_files": ["~/Books"]}, "write_files", {"network_access": ["a.com", "setting:server"]}]"#,
        );
        let words: Vec<_> = set.iter().map(|(kind, scope)| plain_words(kind, scope)).collect();
        insta::assert_snapshot!(words.join("\n"), @r"
        read your messages and the model's answers
        read files in ~/Books
        keep files in a folder of its own
        send requests to a.com, what you enter for its setting `server`
        ");
    }
}
