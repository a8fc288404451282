//! The file `host.yaml`: what a user may tell the host, key by key. What is not known is an error, since a limit with a
//! typing error would be none.

use std::{collections::BTreeMap, fmt, num::NonZeroUsize, str::FromStr, time::Duration};

use leah_plugin::{
    manifest::Permissions,
    message::Level,
    name::PluginName,
    yaml::{self, Format, YamlError},
};
use serde::{Deserialize, Deserializer, de};
use url::Url;

use super::{Model, PluginConfig};
use crate::limits::Limits;

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HostFile {
    /// Number of the file's format.
    #[serde(rename = "format")]
    _format: Format<1>,
    pub(super) log_level: Option<Level>,
    pub(super) model: Option<ModelEntry>,
    pub(super) ceiling: Option<Permissions>,
    limits: LimitsEntry,
    plugins: BTreeMap<PluginName, PluginEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelEntry {
    #[serde(deserialize_with = "parsed")]
    url: ModelUrl,
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PluginEntry {
    priority: Option<i32>,
    limits: Option<LimitsEntry>,
}

/// Limits by name; what is not named is as it is without the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsEntry {
    memory: Option<Size>,
    table_elements: Option<u64>,
    guest_time: Option<Time>,
    start_time: Option<Time>,
    call_time: Option<Time>,
    start_call_time: Option<Time>,
    answer: Option<Size>,
    response: Option<Size>,
    disk: Option<Size>,
    instances: Option<NonZeroUsize>,
    log_lines: Option<u32>,
    faults: Option<NonZeroUsize>,
}

impl HostFile {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, YamlError> {
        yaml::from_slice(bytes)
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits.over(&Limits::default())
    }

    /// What plugins have of their own; `limits` are those of the others.
    pub(super) fn plugins(&self, limits: &Limits) -> BTreeMap<PluginName, PluginConfig> {
        let config = |entry: &PluginEntry| PluginConfig {
            priority: entry.priority,
            limits: entry.limits.as_ref().map(|entry| entry.over(limits)),
        };
        self.plugins.iter().map(|(name, entry)| (name.clone(), config(entry))).collect()
    }
}

impl LimitsEntry {
    fn over(&self, base: &Limits) -> Limits {
        let time = |named: &Option<Time>, base| named.as_ref().map_or(base, |time| time.0);
        let size = |named: &Option<Size>, base| named.as_ref().map_or(base, |size| size.0);
        let answer = usize::try_from(size(&self.answer, base.answer as u64)).unwrap_or(usize::MAX);
        Limits {
            memory: size(&self.memory, base.memory),
            table_elements: self.table_elements.unwrap_or(base.table_elements),
            guest_time: time(&self.guest_time, base.guest_time),
            start_time: time(&self.start_time, base.start_time),
            call_time: time(&self.call_time, base.call_time),
            start_call_time: time(&self.start_call_time, base.start_call_time),
            answer,
            response: size(&self.response, base.response),
            disk: size(&self.disk, base.disk),
            instances: self.instances.map_or(base.instances, NonZeroUsize::get),
            log_lines: self.log_lines.unwrap_or(base.log_lines),
            faults: self.faults.map_or(base.faults, NonZeroUsize::get),
        }
    }
}

impl From<ModelEntry> for Model {
    fn from(entry: ModelEntry) -> Self {
        Self { url: entry.url.0, name: entry.name }
    }
}

/// The endpoint of a model, which is asked over HTTP.
#[derive(Debug, Clone)]
pub struct ModelUrl(pub Url);

/// Not the endpoint of a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a URL such as `http://127.0.0.1:11434`")]
pub struct ModelUrlError;

impl FromStr for ModelUrl {
    type Err = ModelUrlError;
    fn from_str(text: &str) -> Result<Self, ModelUrlError> {
        let url: Url = text.parse().map_err(|_| ModelUrlError)?;
        // A request with a user name or a password in its URL is never sent.
        let is_open = url.username().is_empty() && url.password().is_none();
        let fits = matches!(url.scheme(), "http" | "https") && url.host().is_some() && is_open;
        if fits { Ok(Self(url)) } else { Err(ModelUrlError) }
    }
}

/// A time such as `50ms`, `2s` or `1m 30s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub Duration);

/// Not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a time such as `50ms` or `30s`")]
pub struct TimeError;

impl FromStr for Time {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        // A day is more than anything here may take, and far from where a point in time overflows.
        let most = Duration::from_secs(24 * 60 * 60);
        match humantime::parse_duration(text) {
            Ok(time) if !time.is_zero() && time <= most => Ok(Self(time)),
            _ => Err(TimeError),
        }
    }
}

/// Bytes, such as `64 MiB` or `1048576`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size(u64);

/// Not a number of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a size such as `64 MiB`, `512 KiB` or `1048576`")]
struct SizeError;

impl FromStr for Size {
    type Err = SizeError;
    fn from_str(text: &str) -> Result<Self, SizeError> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let factor = match unit.trim_start() {
            "" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(SizeError),
        };
        let bytes = number.parse().ok().and_then(|number: u64| number.checked_mul(factor));
        bytes.map(Self).ok_or(SizeError)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A number is read as the text it is.
        parsed(deserializer)
    }
}

fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_says_nothing() {
        let file = HostFile::read(b"{}").unwrap();
        assert_eq!(file.limits(), Limits::default());
        assert!(file.model.is_none() && file.ceiling.is_none() && file.log_level.is_none());
    }

    #[test]
    fn limits_of_a_plugin_stand_over_those_of_all() {
        let file = HostFile::read(
            b"limits: {memory: 128 MiB, guest_time: 20ms, answer: 4096}\n\
            plugins:\n  slow: {priority: -5, limits: {guest_time: 2s}}\n  other: {priority: 7}\n",
        )
        .unwrap();
        let limits = file.limits();
        let all = Limits {
            memory: 128 << 20,
            guest_time: Duration::from_millis(20),
            answer: 4096,
            ..Limits::default()
        };
        assert_eq!(limits, all);
        let plugins = file.plugins(&limits);
        let slow = &plugins["slow"];
        assert_eq!(slow.priority, Some(-5));
        assert_eq!(slow.limits, Some(Limits { guest_time: Duration::from_secs(2), ..all }));
        assert_eq!(plugins["other"].limits, None);
    }

    #[test]
    fn takes_a_model_a_ceiling_and_a_level() {
        let file = HostFile::read(
            b"format: 1\nlog_level: debug\nmodel:\n  url: http://127.0.0.1:11434\n  name: llama3.2\n\
            ceiling:\n- read_messages\n- network_access: [api.example.org]\n",
        )
        .unwrap();
        let model = Model::from(file.model.unwrap());
        assert_eq!((model.url.port(), model.name.as_str()), (Some(11434), "llama3.2"));
        assert_eq!(file.log_level, Some(Level::Debug));
        assert_eq!(file.ceiling.unwrap().iter().count(), 2);
    }

    /// What is said to people about the file.
    const PAGE: &str = include_str!("../../../../docs/host.md");

    #[test]
    fn the_example_on_the_page_is_one_of_all_keys() {
        let example = PAGE.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
        let file = HostFile::read(example.as_bytes()).unwrap();
        assert!(file.log_level.is_some() && file.model.is_some() && file.ceiling.is_some());
        assert_eq!(file.limits(), Limits::default());
        let plugins = file.plugins(&file.limits());
        assert_eq!(plugins["translator"].limits.unwrap().call_time, Duration::from_secs(120));
    }

    #[test]
    fn the_table_on_the_page_has_every_limit_with_its_default() {
        let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let rows: Vec<_> = rows.map(|(key, rest)| (key, rest.split(" |").next().unwrap())).collect();
        let limits: String = rows.iter().map(|(key, value)| format!("  {key}: {value}\n")).collect();
        let stated = HostFile::read(format!("limits:\n{limits}").as_bytes()).unwrap().limits;
        let told = format!("{stated:?}");
        assert!(!told.contains("None"), "{told}");
        assert_eq!(stated.over(&Limits { faults: 0, ..Limits::default() }), Limits::default());
    }

    #[track_caller]
    fn refuses(text: &str, expect: &str) {
        assert_eq!(HostFile::read(text.as_bytes()).unwrap_err().to_string(), expect);
    }

    #[test]
    fn refuses_what_it_does_not_know_with_its_place() {
        refuses(
            "limit: {}\n",
            "line 1, column 1: `limit` is not a key that is known here; did you mean `limits`?",
        );
        refuses(
            "limits:\n  memroy: 1 MiB\n",
            "line 2, column 3: `memroy` is not a key that is known here; did you mean `memory`?",
        );
        refuses(
            "limits:\n  memory: 64 MB\n",
            "line 2, column 11: expected a size such as `64 MiB`, `512 KiB` or `1048576`",
        );
        refuses("limits:\n  guest_time: 50\n", "line 2, column 15: expected a time such as `50ms` or `30s`");
        refuses("limits:\n  call_time: 0s\n", "line 2, column 14: expected a time such as `50ms` or `30s`");
        refuses(
            "limits:\n  instances: 0\n",
            "line 2, column 3: invalid value: integer `0`, expected a nonzero usize",
        );
        refuses(
            "model: {url: 'file:///x', name: a}\n",
            "line 1, column 14: expected a URL such as `http://127.0.0.1:11434`",
        );
        refuses(
            "model: {url: 'http://ann:secret@127.0.0.1/', name: a}\n",
            "line 1, column 14: expected a URL such as `http://127.0.0.1:11434`",
        );
        refuses("model: {name: a}\n", "line 1, column 9: missing field `url`");
        refuses(
            "plugins:\n  Bad_Name: {}\n",
            "line 2, column 3: `Bad_Name` is not a name: use lower-case letters and digits, with single hyphens between them",
        );
        refuses(
            "format: 2\n",
            "line 1, column 9: format 2 is not known, this leahpm knows format 1; a newer leahpm may have written it",
        );
    }
}
