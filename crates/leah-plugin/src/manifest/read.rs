//! Reads a manifest from its tree: field by field, then the rules that hold between fields.

use std::collections::{BTreeMap, BTreeSet};

use semver::VersionReq;

use super::{
    CATEGORIES, Hook, Manifest, ManifestError, Permissions, Problem, SWITCH, Scope, Setting, SettingType,
    Tool,
    node::{Fields, Node, Value},
    settings::{self, ItemType},
    text::{self, Lines},
    tools,
    word::UnknownWord,
};
use crate::{
    name::PluginName,
    version::{parse_range, parse_version},
};

const KEYS: [&str; 17] = [
    "name",
    "version",
    "author",
    "description",
    "license",
    "homepage",
    "repository",
    "category",
    "tags",
    "api",
    "host",
    "dependencies",
    "permissions",
    "hooks",
    "priority",
    "tools",
    "config",
];

const MAX_TAGS: usize = 10;
const MAX_DEPENDENCIES: usize = 64;
const MAX_TOOLS: usize = 64;
const MAX_SETTINGS: usize = 64;
const PRIORITIES: std::ops::RangeInclusive<i64> = -1000..=1000;

/// Reads the whole manifest.
pub(super) fn manifest(root: &Node) -> Result<Manifest, ManifestError> {
    let fields = root.fields("a key of a manifest", &KEYS)?;
    let manifest = Manifest {
        name: fields.require("name")?.parse(str::parse::<PluginName>)?,
        version: fields.require("version")?.parse(parse_version)?,
        author: fields.require("author")?.checked(text::SHORT, Lines::One)?,
        description: fields.require("description")?.checked(text::LONG, Lines::One)?,
        license: fields.read("license", |node| node.parse(text::check_license).map(str::to_owned))?,
        homepage: fields.read("homepage", |node| node.parse(text::check_url).map(str::to_owned))?,
        repository: fields.read("repository", |node| node.parse(text::check_url).map(str::to_owned))?,
        category: fields.read("category", category)?,
        tags: fields.read_or_default("tags", tags)?,
        api: fields.require("api")?.parse(parse_range)?,
        host: fields.read("host", |node| node.parse(parse_range))?,
        dependencies: fields.read_or_default("dependencies", dependencies)?,
        permissions: fields.read_or_default("permissions", permissions)?,
        hooks: fields.read_or_default("hooks", hooks)?,
        priority: fields.read_or_default("priority", priority)?,
        tools: fields.read_or_default("tools", tools)?,
        config: fields.read_or_default("config", config)?,
    };
    check_dependencies(&fields, &manifest)?;
    check_hooks(&fields, &manifest)?;
    check_scopes(&fields, &manifest)?;
    Ok(manifest)
}

fn category(node: &Node) -> Result<String, ManifestError> {
    let text = node.text()?;
    if CATEGORIES.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(node.place.error(UnknownWord::new(text, "a category", &CATEGORIES)))
}

fn tags(node: &Node) -> Result<Vec<String>, ManifestError> {
    let mut tags: Vec<String> = Vec::new();
    for item in node.list(MAX_TAGS)? {
        let tag: PluginName = item.parse(str::parse)?;
        if tags.iter().any(|other| other == tag.as_str()) {
            return Err(item.place.error(Problem::Twice(tag.to_string())));
        }
        tags.push(tag.as_str().to_owned());
    }
    Ok(tags)
}

fn dependencies(node: &Node) -> Result<BTreeMap<PluginName, VersionReq>, ManifestError> {
    let read = |(key, range): &(super::node::Key, Node)| {
        let name = key.text.parse::<PluginName>().map_err(|error| key.place.error(error))?;
        Ok((name, range.parse(parse_range)?))
    };
    node.map(MAX_DEPENDENCIES)?.iter().map(read).collect()
}

fn permissions(node: &Node) -> Result<Permissions, ManifestError> {
    let mut permissions = Permissions::empty();
    for item in node.list(super::PermissionKind::ALL.len())? {
        let (kind, scope) = permission(item)?;
        let earlier = permissions.insert(kind, scope).map_err(|error| item.place.error(error))?;
        if earlier.is_some() {
            return Err(item.place.error(Problem::Twice(kind.to_string())));
        }
    }
    Ok(permissions)
}

fn permission(node: &Node) -> Result<(super::PermissionKind, Scope), ManifestError> {
    if let Value::Text(_) = node.value {
        return Ok((node.parse(str::parse)?, Scope::Bare));
    }
    let [(key, list)] = node.map(usize::MAX)? else { return Err(node.place.error(Problem::OnePermission)) };
    let kind = key.text.parse().map_err(|error: UnknownWord| key.place.error(error))?;
    let items = list.list(super::scope::MAX_SCOPE_ENTRIES)?;
    // One by one first, so that an error stands where its entry stands.
    for item in items {
        item.parse(|entry| Scope::only(kind, [entry]))?;
    }
    let entries = items.iter().map(Node::text).collect::<Result<Vec<_>, _>>()?;
    Ok((kind, Scope::only(kind, entries).map_err(|error| list.place.error(error))?))
}

fn hooks(node: &Node) -> Result<BTreeSet<Hook>, ManifestError> {
    let mut hooks = BTreeSet::new();
    for item in node.list(Hook::ALL.len())? {
        let hook: Hook = item.parse(str::parse)?;
        if !hooks.insert(hook) {
            return Err(item.place.error(Problem::Twice(hook.to_string())));
        }
    }
    Ok(hooks)
}

fn priority(node: &Node) -> Result<i32, ManifestError> {
    let (min, max) = PRIORITIES.into_inner();
    let number = node.integer()?;
    let outside = || node.place.error(Problem::Number { min, max });
    if !PRIORITIES.contains(&number) {
        return Err(outside());
    }
    number.try_into().map_err(|_| outside())
}

fn tools(node: &Node) -> Result<Vec<Tool>, ManifestError> {
    let mut tools: Vec<Tool> = Vec::new();
    for item in node.list(MAX_TOOLS)? {
        let fields = item.fields("a key of a tool", &["name", "description", "parameters"])?;
        let name = fields.require("name")?;
        let parameters = fields.require("parameters")?;
        let tool = Tool {
            name: name.parse(str::parse)?,
            description: fields.require("description")?.checked(text::TOOL, Lines::Many)?,
            parameters: parameters.to_json(),
        };
        tools::check_schema(&tool.parameters).map_err(|error| parameters.place.error(error))?;
        if tools.iter().any(|other| other.name == tool.name) {
            return Err(name.place.error(Problem::Twice(tool.name.to_string())));
        }
        tools.push(tool);
    }
    Ok(tools)
}

fn config(node: &Node) -> Result<BTreeMap<String, Setting>, ManifestError> {
    let mut config = BTreeMap::new();
    for (key, declaration) in node.map(MAX_SETTINGS)? {
        if !settings::is_key(&key.text) {
            let text = key.text.chars().take(80).collect();
            return Err(key.place.error(Problem::SettingKey(text)));
        }
        let read = if key.text == SWITCH { settings::read_switch } else { settings::read };
        config.insert(key.text.clone(), read(declaration)?);
    }
    Ok(config)
}

fn check_dependencies(fields: &Fields<'_>, manifest: &Manifest) -> Result<(), ManifestError> {
    match fields.get("dependencies") {
        Some(node) if manifest.dependencies.contains_key(&manifest.name) => {
            Err(node.place.error(Problem::DependsOnItself))
        }
        _ => Ok(()),
    }
}

/// The table of hooks and permissions: nobody is handed a conversation without the right to read it.
fn check_hooks(fields: &Fields<'_>, manifest: &Manifest) -> Result<(), ManifestError> {
    let items = fields.get("hooks").map_or(Ok(&[][..]), |node| node.list(Hook::ALL.len()))?;
    for item in items {
        let hook: Hook = item.parse(str::parse)?;
        if let Some(permission) = hook.needs().filter(|kind| !manifest.permissions.contains(*kind)) {
            return Err(item.place.error(Problem::HookNeeds { hook, permission }));
        }
        let reads = manifest.permissions.contains(super::PermissionKind::ReadMessages);
        if hook == Hook::OnToolCall && manifest.tools.is_empty() && !reads {
            return Err(item.place.error(Problem::ToolCallWithoutTools));
        }
    }
    match fields.get("tools") {
        Some(node) if !manifest.tools.is_empty() && !manifest.hooks.contains(&Hook::OnToolCall) => {
            Err(node.place.error(Problem::ToolsWithoutHook))
        }
        _ => Ok(()),
    }
}

/// A scope may be the value of a setting, which has to be there, a single string, and the user's alone: who granted
/// "what you enter" did not grant what an update has for a default.
fn check_scopes(fields: &Fields<'_>, manifest: &Manifest) -> Result<(), ManifestError> {
    let string = SettingType::One(ItemType::String);
    let problem = |key: &str| match manifest.config.get(key).filter(|setting| setting.kind == string) {
        None => Some(Problem::ScopeSetting(key.to_owned())),
        Some(setting) if setting.default.is_some() => Some(Problem::ScopeDefault(key.to_owned())),
        Some(_) => None,
    };
    let mut named = manifest.permissions.iter().flat_map(|(_, scope)| scope.settings());
    let found = named.find_map(|key| Some((key, problem(key)?)));
    let (Some((key, problem)), Some(list)) = (found, fields.get("permissions")) else { return Ok(()) };
    let place = find_text(list, &format!("setting:{key}")).unwrap_or(list).place;
    Err(place.error(problem))
}

fn find_text<'a>(node: &'a Node, wanted: &str) -> Option<&'a Node> {
    match &node.value {
        Value::Text(text) => (text == wanted).then_some(node),
        Value::List(items) => items.iter().find_map(|item| find_text(item, wanted)),
        Value::Map(entries) => entries.iter().find_map(|(_, item)| find_text(item, wanted)),
        _ => None,
    }
}
