//! The wish list as it is written. A wish is a range or a map; numbers are refused where a range belongs, since YAML
//! takes `1.10` for `1.1`.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fmt,
};

use leah_plugin::{
    manifest::PermissionKind,
    name::{Origin, PluginName},
    version::parse_version,
};
use semver::{Version, VersionReq};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{Picked, WISHES_FORMAT, Wish, Wishes};
use crate::requirements::range_or_version;

/// A wish list as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    #[serde(rename = "format")]
    _format: u64,
    host: Option<Host>,
    plugins: BTreeMap<PluginName, ShortOrLong>,
}

impl List {
    pub(super) fn wishes(self) -> Wishes {
        let plugins = self.plugins.into_iter().map(|(name, ShortOrLong(wish))| (name, wish));
        Wishes { host: self.host.map(|Host(version)| version), plugins: plugins.collect() }
    }
}

struct Host(Version);

struct ShortOrLong(Wish);

struct Range(VersionReq);

/// A wish with all that can be said of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    #[serde(default)]
    range: Range,
    registry: Option<Origin>,
    grant: Option<Picked>,
    deny: Option<Picked>,
}

impl Default for Range {
    fn default() -> Self {
        Self(VersionReq::STAR)
    }
}

/// An error with its causes, as one line for YAML to put a place in front of.
fn told<E: de::Error>(error: &dyn Error) -> E {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    E::custom(format_args!("{error}{cause}"))
}

fn a_number<E: de::Error>(what: &str) -> E {
    E::custom(format_args!("{what} is a number here; put it into quotes"))
}

impl<'de> Deserialize<'de> for Host {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_version(&text).map(Self).map_err(|error| told(&error))
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Range;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a range such as ^1.2")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Range, E> {
                range_or_version(text).map(Range).map_err(|error| told(&error))
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Range, E> {
                Err(a_number("the range"))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Range, E> {
                Err(a_number("the range"))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl<'de> Deserialize<'de> for ShortOrLong {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ShortOrLong;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a range such as ^1.2, or a map of range, registry, grant and deny")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ShortOrLong, E> {
                let range = range_or_version(text).map_err(|error| told(&error))?;
                Ok(ShortOrLong(Wish { range, registry: None, grant: None, deny: None }))
            }

            fn visit_unit<E: de::Error>(self) -> Result<ShortOrLong, E> {
                Ok(ShortOrLong(Wish { range: VersionReq::STAR, registry: None, grant: None, deny: None }))
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<ShortOrLong, E> {
                Err(a_number("the range"))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<ShortOrLong, E> {
                Err(a_number("the range"))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ShortOrLong, A::Error> {
                let Long { range: Range(range), registry, grant, deny } =
                    Long::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ShortOrLong(Wish { range, registry, grant, deny }))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for Picked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AllOrList;
        impl<'de> Visitor<'de> for AllOrList {
            type Value = Picked;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`all` or a list of permissions")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Picked, E> {
                if text == "all" {
                    return Ok(Picked::All);
                }
                Err(E::custom("write `all` or a list of permissions, such as `[read_messages]`"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Picked, A::Error> {
                let mut kinds = BTreeSet::new();
                while let Some(kind) = list.next_element::<PermissionKind>()? {
                    if !kinds.insert(kind) {
                        return Err(de::Error::custom(format_args!("`{kind}` stands here twice")));
                    }
                }
                Ok(Picked::These(kinds))
            }
        }
        deserializer.deserialize_any(AllOrList)
    }
}

/// A wish list as it is written, in the order of its keys.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    format: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a Version>,
    plugins: BTreeMap<&'a PluginName, WrittenWish<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum WrittenWish<'a> {
    Short(&'a VersionReq),
    Long {
        range: &'a VersionReq,
        #[serde(skip_serializing_if = "Option::is_none")]
        registry: Option<&'a Origin>,
        #[serde(skip_serializing_if = "Option::is_none")]
        grant: Option<&'a Picked>,
        #[serde(skip_serializing_if = "Option::is_none")]
        deny: Option<&'a Picked>,
    },
}

pub(super) fn written(wishes: &Wishes) -> Written<'_> {
    let plugins = wishes.plugins.iter().map(|(name, wish)| (name, written_wish(wish)));
    Written { format: WISHES_FORMAT, host: wishes.host.as_ref(), plugins: plugins.collect() }
}

fn written_wish(wish: &Wish) -> WrittenWish<'_> {
    let Wish { range, registry, grant, deny } = wish;
    if registry.is_none() && !wish.decides() {
        return WrittenWish::Short(range);
    }
    let (registry, grant, deny) = (registry.as_ref(), grant.as_ref(), deny.as_ref());
    WrittenWish::Long { range, registry, grant, deny }
}

impl Serialize for Picked {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::These(kinds) => serializer.collect_seq(kinds),
        }
    }
}
