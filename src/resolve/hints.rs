//! Words for what would help when a resolution failed: the ways that were tried out, and commands that only show
//! something. Finds nothing itself.

use std::collections::{BTreeMap, BTreeSet};

use leah_plugin::name::PluginName;
use semver::{Version, VersionReq};

use super::{
    ResolveError,
    explain::{Explanation, Fact, joined},
    ways::{Change, Way},
};
use crate::requirements::{Place, PluginId, Requirements, Stays, Wanted};

/// The wish list that a command takes when it names none.
const USUAL_WISH_LIST: &str = "plugins.yaml";

/// The command that failed, in words as a program gets them, so that hints can repeat it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commands {
    /// The command: `install`.
    pub verb: String,
    /// Its own options.
    pub options: Vec<String>,
    /// The options that every command takes, but `--host-version`.
    pub globals: Vec<String>,
    /// Those of them that say which home is meant.
    pub home: Vec<String>,
    /// What it says of the host's version.
    pub host: Option<Version>,
    /// What it is about, such as `translator@^1`.
    pub operands: Vec<String>,
}

impl Commands {
    /// The commands without options.
    #[must_use]
    pub fn plain(place: &Place) -> Self {
        let verb = match place {
            Place::WishList { .. } => "lock",
            Place::Live { asked, .. } if asked.is_empty() => "update",
            Place::Live { .. } => "install",
        };
        let operands = place.asked().iter().map(ToString::to_string).collect();
        Self { verb: verb.to_owned(), operands, ..Self::default() }
    }

    /// The command that failed, once more, for this host.
    fn again(&self, host: Option<&Version>) -> String {
        let host = host.or(self.host.as_ref()).map(ToString::to_string);
        let host: Vec<String> =
            host.into_iter().flat_map(|host| ["--host-version".to_owned(), host]).collect();
        line(&self.verb, &[&self.options, &self.globals, &host, &self.operands])
    }

    /// Another command with the same options, as far as it takes them.
    fn other(&self, verb: &str, operands: &[String]) -> String {
        let own: &[String] = if verb == self.verb { &self.options } else { &[] };
        let host = self.host.iter().flat_map(|host| ["--host-version".to_owned(), host.to_string()]);
        line(verb, &[own, &self.globals, &host.collect::<Vec<_>>(), operands])
    }

    /// Asks for what was asked for but `without`, some of it in other ranges.
    fn install(
        &self,
        requirements: &Requirements,
        ranges: &BTreeMap<PluginId, VersionReq>,
        without: &BTreeSet<PluginName>,
    ) -> String {
        let Requirements { place, bare, .. } = requirements;
        let asked = place.asked().iter().filter(|wanted| !without.contains(&wanted.name));
        let asked = asked.map(|wanted| {
            let changed = ranges.iter().find(|(plugin, _)| plugin.name == wanted.name);
            changed.map_or_else(
                || wanted.to_string(),
                |(_, range)| with_range(&Wanted { range: None, ..wanted.clone() }.to_string(), range),
            )
        });
        let elsewhere = matches!(place, Place::Live { elsewhere: true, .. });
        let others = ranges.iter().filter(|(plugin, _)| !place.asks_for(&plugin.name));
        let others = others.map(|(plugin, range)| {
            let name = if elsewhere { plugin.to_string() } else { plugin.shown(bare) };
            with_range(&name, range)
        });
        self.other("install", &asked.chain(others).collect::<Vec<_>>())
    }

    /// Makes the lock anew with newer versions of these.
    fn lock(&self, file: &str, names: &BTreeSet<PluginName>) -> String {
        let names: Vec<&str> = names.iter().map(PluginName::as_str).collect();
        let update = format!("--update={}", names.join(","));
        let file = (file != USUAL_WISH_LIST).then(|| file.to_owned());
        self.other("lock", &std::iter::once(update).chain(file).collect::<Vec<_>>())
    }

    /// Another command about installed plugins.
    fn about<'a>(&self, verb: &str, names: impl IntoIterator<Item = &'a PluginName>) -> String {
        let names: Vec<String> = names.into_iter().map(ToString::to_string).collect();
        line(verb, &[&self.home, &names])
    }
}

fn line(verb: &str, words: &[&[String]]) -> String {
    let words = words.iter().flat_map(|words| words.iter()).map(|word| quoted(word));
    std::iter::once(format!("leahpm {verb}")).chain(words).collect::<Vec<_>>().join(" ")
}

fn with_range(plugin: &str, range: &VersionReq) -> String {
    format!("{plugin}@{}", bare_range(range))
}

/// What stands in a wish list for a plugin; the registry of one that is in it already is said there.
fn entry(requirements: &Requirements, plugin: &PluginId, range: &VersionReq) -> String {
    let PluginId { registry, name } = plugin;
    let range = bare_range(range);
    if requirements.wanted.contains_key(name) || registry == requirements.bare.registry(name) {
        format!("`{name}: {range}`")
    } else {
        format!("`{name}: {{ range: {range}, registry: {registry} }}`")
    }
}

/// A range as it is typed: a version that must be had alone stands without `=`.
fn bare_range(range: &VersionReq) -> String {
    let text = range.to_string();
    let bare = text.strip_prefix('=').map(str::to_owned);
    bare.unwrap_or(text)
}

/// In quotes where a shell would take it for something else.
fn quoted(text: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "@^/._=+-:,".contains(it);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

impl Way {
    /// The sentence that tells it.
    #[must_use]
    pub fn hint(&self, requirements: &Requirements, commands: &Commands) -> String {
        let with = self.with(requirements);
        let lines: Vec<String> =
            self.commands(requirements, commands).iter().map(|it| format!("`{it}`")).collect();
        let last = lines.last().cloned().unwrap_or_default();
        let steps = lines.join(", ");
        match (&self.change, &requirements.place) {
            (Change::Ask(ranges), Place::WishList { file }) => {
                let entry = |(plugin, range): (&PluginId, &VersionReq)| entry(requirements, plugin, range);
                let entries = joined(&ranges.iter().map(entry).collect::<Vec<_>>());
                format!("write {entries} into `{file}`; {last} would then work{with}")
            }
            (Change::Without(names), Place::WishList { file }) => {
                let names = joined(&names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>());
                format!("take {names} out of `{file}`; {last} would then work{with}")
            }
            (Change::Without(names), Place::Live { asked, .. }) if lines.len() == 1 && asked.is_empty() => {
                let it = if names.len() == 1 { "it" } else { "them" };
                format!("{last} takes {it} out")
            }
            (Change::Without(names), _) if lines.len() == 1 => {
                let left_out =
                    requirements.place.asked().iter().filter(|wanted| names.contains(&wanted.name));
                let left_out = left_out.map(|wanted| format!("`{wanted}`")).collect::<Vec<_>>();
                format!("without {}, {last} would work{with}", joined(&left_out))
            }
            (Change::LetGo(names), _) if lines.is_empty() => {
                let names: Vec<&str> = names.keys().map(PluginName::as_str).collect();
                format!("without `--exclude {}` it would work{with}", names.join(","))
            }
            (Change::LetGo(_) | Change::Without(_), _) => {
                format!("after {}, {last} would work{with}", lines[0])
            }
            (Change::Host(host), _) => {
                format!("a newer leah-host is needed: for {host}, {last} would work{with}")
            }
            (Change::Api(api), _) => {
                let set = with.trim_start_matches(", with ");
                format!(
                    "a newer leahpm and leah-host are needed, with plugin API {api}; then this would fit: {set}"
                )
            }
            (Change::Update(_), _) => format!("{steps} would work{with}"),
            (Change::Ask(_), Place::Live { .. }) => format!("{steps} would work{with}"),
        }
    }

    /// The commands, in the order in which they are to be run; none where no command is enough.
    #[must_use]
    pub fn commands(&self, requirements: &Requirements, commands: &Commands) -> Vec<String> {
        let nothing = BTreeMap::new();
        match (&self.change, &requirements.place) {
            (Change::Ask(ranges), Place::Live { .. }) => {
                vec![commands.install(requirements, ranges, &BTreeSet::new())]
            }
            (Change::Ask(_) | Change::Without(_), Place::WishList { .. }) => vec![commands.again(None)],
            (Change::Without(names), Place::Live { .. }) => {
                if !names.iter().any(|name| requirements.preferred.contains_key(name)) {
                    return vec![commands.install(requirements, &nothing, names)];
                }
                let uninstall = commands.about("uninstall", names);
                if self.set.is_empty() { vec![uninstall] } else { vec![uninstall, commands.again(None)] }
            }
            (Change::LetGo(names), _) => {
                if names.values().any(|why| *why == Stays::Excluded) {
                    return Vec::new();
                }
                vec![commands.about("unhold", names.keys()), commands.again(None)]
            }
            (Change::Host(host), _) => vec![commands.again(Some(host))],
            (Change::Api(_), _) => Vec::new(),
            (Change::Update(names), Place::WishList { file }) => vec![commands.lock(file, names)],
            (Change::Update(names), Place::Live { .. }) => vec![commands.about("update", names)],
        }
    }

    /// `, with a 1.5.0, b 2.0.0 and lib 1.3.0`: what is asked for otherwise, and what is not locked as it is.
    fn with(&self, requirements: &Requirements) -> String {
        const SHOWN: usize = 10;
        let is_other = |name: &PluginName| match &self.change {
            Change::Ask(ranges) => ranges.keys().any(|plugin| plugin.name == *name),
            _ => false,
        };
        let is_news = |(name, version): &(&PluginName, &Version)| {
            is_other(name)
                || requirements.preferred.get(*name).is_none_or(|locked| locked.version != **version)
        };
        let news: Vec<_> = self.set.iter().filter(is_news).collect();
        let more = news.len().saturating_sub(SHOWN);
        let shown = news.iter().take(SHOWN).map(|(name, version)| format!("{name} {version}"));
        let more = (more > 0).then(|| format!("{more} more"));
        let words: Vec<String> = shown.chain(more).collect();
        if words.is_empty() { String::new() } else { format!(", with {}", joined(&words)) }
    }
}

impl Explanation {
    /// Commands that show more of the plugins that the facts are about.
    fn hints(&self) -> Vec<String> {
        let mut hints: Vec<String> = self.facts.iter().filter_map(|fact| self.hint(fact)).collect();
        let mut seen = BTreeSet::new();
        hints.retain(|hint| seen.insert(hint.clone()));
        hints
    }

    fn hint(&self, fact: &Fact) -> Option<String> {
        let plugin = match fact {
            Fact::NoVersion { plugin, .. } => plugin,
            // Another version of who needs it may do without.
            Fact::Unknown { plugin: unknown } => self.facts.iter().find_map(|fact| match fact {
                Fact::Needs { plugin, dependency, .. } if dependency == unknown => Some(plugin),
                _ => None,
            })?,
            _ => return None,
        };
        Some(format!("`leahpm info {}` shows all its versions", self.shown(plugin)))
    }
}

impl ResolveError {
    /// What would help, three sentences at most: the ways that were found, else commands that show more. `known` are
    /// names that registries have, among which similar ones are looked for.
    #[must_use]
    pub fn hints(
        &self,
        requirements: &Requirements,
        ways: &[Way],
        known: &[PluginId],
        commands: &Commands,
    ) -> Vec<String> {
        const SHOWN: usize = 3;
        let ways = ways.iter().map(|way| way.hint(requirements, commands));
        ways.chain(self.looks(requirements, known)).take(SHOWN).collect()
    }

    fn looks(&self, requirements: &Requirements, known: &[PluginId]) -> Vec<String> {
        match self {
            Self::Needs(_) => Vec::new(),
            Self::Unknown(plugins) => {
                plugins.iter().flat_map(|plugin| suggestions(plugin, requirements, known)).collect()
            }
            Self::NoSolution(explanation) => explanation.hints(),
            Self::Cycle(ring) => {
                let name = ring.first().map(|name| format!("`leahpm info {name}` shows earlier versions"));
                name.into_iter().collect()
            }
            Self::Deadline { busiest } => {
                let exact = |(plugin, version): &(PluginId, Version)| match &requirements.place {
                    Place::Live { .. } => {
                        let plugin = plugin.shown(&requirements.bare);
                        format!("ask for an exact version, such as `leahpm install {plugin}@{version}`")
                    }
                    Place::WishList { file } => {
                        format!("ask for an exact version, such as `{}: {version}` in `{file}`", plugin.name)
                    }
                };
                busiest.first().map(exact).into_iter().collect()
            }
        }
    }
}

/// The names of `known` that `name` may be a slip of, the most similar first, three at most.
pub fn similar<'a>(
    name: &PluginName,
    known: impl IntoIterator<Item = &'a PluginName>,
) -> Vec<&'a PluginName> {
    const SHOWN: usize = 3;
    // One slip in every four letters; in very short names everything is similar to everything.
    let slips = name.as_str().len().div_ceil(4);
    let distance =
        |other: &'a PluginName| (strsim::damerau_levenshtein(name.as_str(), other.as_str()), other);
    let mut near: Vec<_> =
        known.into_iter().map(distance).filter(|(distance, _)| (1..=slips).contains(distance)).collect();
    near.sort();
    near.dedup();
    near.into_iter().map(|(_, name)| name).take(SHOWN).collect()
}

fn suggestions(plugin: &PluginId, requirements: &Requirements, known: &[PluginId]) -> Vec<String> {
    let Requirements { bare, place, .. } = requirements;
    let elsewhere = known.iter().filter(|it| it.name == plugin.name && it.registry != plugin.registry);
    let elsewhere = elsewhere.map(|it| match place {
        Place::Live { .. } => {
            format!("registry `{}` has one: `leahpm install {}`", it.registry, it.shown(bare))
        }
        Place::WishList { file } => format!(
            "registry `{}` has one; write `registry: {0}` for `{}` into `{file}`",
            it.registry, it.name
        ),
    });
    let here = known.iter().filter(|it| it.registry == plugin.registry).map(|it| &it.name);
    let similar = similar(&plugin.name, here).into_iter().map(|name| {
        let id = PluginId { registry: plugin.registry.clone(), name: name.clone() };
        match place {
            Place::Live { .. } => format!("did you mean `leahpm install {}`?", id.shown(bare)),
            Place::WishList { file } => format!("did you mean `{name}` in `{file}`?"),
        }
    });
    let mut hints: Vec<String> = elsewhere.chain(similar).collect();
    if hints.is_empty() {
        hints.push(format!("`leahpm search {}` looks in names and descriptions", plugin.name));
    }
    hints
}
