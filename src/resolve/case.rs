//! Small indexes written as text, for the tests of the resolver: one line a version.

use leah_plugin::version::{parse_range, parse_version};

use super::*;
use crate::requirements::{BareNames, Place, Preferred, Requirement, Stays, Update, Wanted};

pub(super) const IN_TIME: &dyn Fn() -> bool = &|| false;

/// An index and what is wanted of it, for a host 0.1.0 with plugin API 1.0.0.
pub(super) struct Case {
    pub(super) index: Index,
    pub(super) requirements: Requirements,
}

/// A line a version: `a 1.0.0; b ^1; api ^2; host >=1; yanked; revoked`, where all parts after the
/// version are optional and any other word is a dependency. `corp/a 1.0.0` is from another registry.
pub(super) fn case(lines: &str) -> Case {
    let mut plugins: BTreeMap<PluginId, Vec<Candidate>> = BTreeMap::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut parts = line.split("; ");
        let (plugin, version) = parts.next().and_then(|head| head.split_once(' ')).unwrap();
        plugins.entry(id(plugin)).or_default().push(candidate(version, parts));
    }
    let mut index = Index::default();
    plugins.into_iter().for_each(|(plugin, candidates)| index.add(plugin, candidates));
    let requirements = Requirements {
        wanted: BTreeMap::new(),
        api: Version::new(1, 0, 0),
        host: Version::new(0, 1, 0),
        preferred: BTreeMap::new(),
        update: Update::None,
        bare: BareNames::new("hub".parse().unwrap(), None),
        place: Place::default(),
    };
    Case { index, requirements }
}

pub(super) fn id(text: &str) -> PluginId {
    let Wanted { registry, name, .. } = text.parse().unwrap();
    PluginId { registry: registry.unwrap_or_else(|| "hub".parse().unwrap()), name }
}

pub(super) fn candidate<'a>(version: &str, parts: impl Iterator<Item = &'a str>) -> Candidate {
    let mut candidate = Candidate {
        version: parse_version(version).unwrap(),
        dependencies: BTreeMap::new(),
        api: parse_range("^1").unwrap(),
        host: None,
        yanked: false,
        revoked: false,
    };
    for part in parts {
        let range = |text: &str| parse_range(text).unwrap();
        match part.split_once(' ') {
            None if part == "yanked" => candidate.yanked = true,
            None => candidate.revoked = part == "revoked",
            Some(("api", it)) => candidate.api = range(it),
            Some(("host", it)) => candidate.host = Some(range(it)),
            Some((name, it)) => drop(candidate.dependencies.insert(name.parse().unwrap(), range(it))),
        }
    }
    candidate
}

impl Case {
    pub(super) fn want(mut self, texts: &str) -> Self {
        for text in texts.split(' ') {
            let wanted: Wanted = text.parse().unwrap();
            if let Place::Live { asked, .. } = &mut self.requirements.place {
                asked.push(wanted.clone());
            }
            let requirement =
                Requirement { registry: id(text).registry, range: wanted.range.unwrap_or(VersionReq::STAR) };
            self.requirements.wanted.insert(wanted.name, requirement);
        }
        self
    }

    /// `lib 1.0.0, app 2.0.0 held`: what is locked.
    pub(super) fn lock(mut self, texts: &str) -> Self {
        for text in texts.split(", ") {
            let (plugin, version) = text.split_once(' ').unwrap();
            let PluginId { registry, name } = id(plugin);
            let (version, stays) = match version.split_once(' ') {
                Some((version, "held")) => (version, Some(Stays::Held)),
                Some((version, _)) => (version, Some(Stays::Excluded)),
                None => (version, None),
            };
            let preferred = Preferred { registry, version: parse_version(version).unwrap(), stays };
            self.requirements.preferred.insert(name, preferred);
        }
        self
    }

    pub(super) fn update(mut self, update: Update) -> Self {
        self.requirements.update = update;
        self
    }

    /// What is wanted stands in a wish list.
    pub(super) fn written(mut self) -> Self {
        self.requirements.place = Place::WishList { file: "plugins.yaml".to_owned() };
        self
    }

    pub(super) fn unknown(mut self, plugin: &str) -> Self {
        self.index.add_unknown(id(plugin));
        self
    }

    pub(super) fn resolve(&self) -> Result<Resolution, ResolveError> {
        resolve(&self.requirements, &self.index, IN_TIME)
    }

    /// The versions in the order of getting ready, each with what it passed over; or the failure with
    /// its hints.
    pub(super) fn said(&self) -> String {
        let resolution = match self.resolve() {
            Ok(resolution) => resolution,
            Err(error) => {
                let known = [id("translator"), id("text-tools"), id("corp/weather")];
                let ways = ways(&self.requirements, &self.index, &error, IN_TIME).ways;
                let commands = Commands::plain(&self.requirements.place);
                let hints = error.hints(&self.requirements, &ways, &known, &commands);
                let hints: String = hints.iter().map(|hint| format!("\nhint: {hint}")).collect();
                return format!("error: {error}{hints}");
            }
        };
        let line = |name: &PluginName| {
            let resolved = &resolution.plugins[name];
            let skipped = resolved.skipped.iter().map(|it| format!("\n  {} {}", it.version, it.reason));
            format!("{name} {}{}", resolved.version, skipped.collect::<String>())
        };
        resolution.order.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

pub(super) fn names(names: &str) -> Update {
    Update::Names(names.split(' ').map(|name| name.parse().unwrap()).collect())
}
