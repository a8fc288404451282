//! Packages of the plugins in `tests/plugins/`, that do something when a host runs them, and that their committed
//! components are those of their sources.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use leah_plugin::digest::Digest;

use crate::fixture::{PackageSpec, hub};

/// What the components of `good` and `fault` export.
const HOOKS: [&str; 4] = ["on_chat_message", "on_tool_call", "on_before_response", "on_after_response"];

/// A file in `tests/plugins/`.
fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plugins").join(file)
}

/// The committed component of a test plugin, such as `good`.
pub fn component(plugin: &str) -> Vec<u8> {
    fs::read(path(&format!("{plugin}.wasm"))).unwrap()
}

/// A package of a test plugin under any name, with all four hooks and no tool.
pub fn package(plugin: &str, name: &str, version: &str) -> PackageSpec {
    let spec = PackageSpec::new(name, version).component(component(plugin));
    HOOKS.into_iter().fold(spec, PackageSpec::hook)
}

fn polite(plugin: &str, name: &str, version: &str) -> PackageSpec {
    // A set has no two tools of one name, so only `good` itself has its tools under their plain names.
    let tool = |tool: &str| if name == "good" { tool.into() } else { format!("{name}_{tool}") };
    package(plugin, name, version)
        .permission("read_messages")
        .permission("modify_messages")
        .permission("modify_responses")
        .tool(&tool("echo"))
        .tool(&tool("seen"))
        .manifest(&format!("config:\n  word: {{ type: string, default: {name} }}\n"))
}

/// A plugin that behaves: a message `hi` becomes `NAME: hi`, an answer `hi` becomes `hi (NAME)`. The tools `NAME_echo`
/// and `NAME_seen` (`echo` and `seen` where the name is `good`) answer their arguments, and how many answers were
/// shown. The setting `word` is what stands for NAME in the texts.
pub fn good(name: &str, version: &str) -> PackageSpec {
    polite("good", name, version)
}

/// A plugin that fails as its setting `mode` says, with this default; `tests/plugins/README.md` has the modes.
/// Otherwise as [`good`].
pub fn fault(name: &str, version: &str, mode: &str) -> PackageSpec {
    polite("fault", name, version).manifest(&format!("  mode: {{ type: string, default: {mode} }}\n"))
}

/// A plugin that tries what the arguments of its tool `probe` say, with these permissions. The component imports all
/// interfaces, so a package needs one permission for files, `network_access` and `use_model`.
pub fn probe(permissions: &[&str]) -> PackageSpec {
    let spec = package("probe", "probe", "1.0.0").tool("probe").manifest(
        "config:\n  readable: { type: string }\n  writable: { type: string }\n  server: { type: string }\n",
    );
    permissions.iter().fold(spec, |spec, permission| spec.permission(permission))
}

/// A plugin written in JavaScript: a message `hi` becomes `javascript: hi (user)`; the tool `count` answers
/// `2 letters in call 1` for the argument `text`: `hi`.
pub fn javascript() -> PackageSpec {
    PackageSpec::new("javascript", "1.0.0")
        .component(component("javascript"))
        .permission("read_messages")
        .permission("modify_messages")
        .hook("on_chat_message")
        .tool("count")
        .manifest("config:\n  word: { type: string, default: javascript }\n")
}

/// A plugin without a permission that tries all of WASI when its tool `wasi` is called.
pub fn wasi() -> PackageSpec {
    PackageSpec::new("wasi", "1.0.0").component(component("wasi")).tool("wasi")
}

/// A plugin built with another version of the plugin API: `older` with 0.9.0, `newer` with 2.0.0.
pub fn other_api(plugin: &str, version: &str) -> PackageSpec {
    let api = if plugin == "older" { "^0.9" } else { "^2.0" };
    PackageSpec::new(plugin, version)
        .api(api)
        .component(component(plugin))
        .permission("read_messages")
        .hook("on_chat_message")
}

/// What `find -L PLUGIN -type f | LC_ALL=C sort | xargs sha256sum | sha256sum` says in `tests/plugins`.
fn sum_of_sources(plugin: &str) -> Digest {
    let mut files = BTreeMap::new();
    let mut open = vec![plugin.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(path(&folder)).unwrap() {
            let file = format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap());
            if path(&file).is_dir() {
                open.push(file);
            } else {
                files.insert(file.clone(), Digest::of(&fs::read(path(&file)).unwrap()));
            }
        }
    }
    let lines = files.iter().map(|(file, digest)| format!("{digest}  {file}\n"));
    Digest::of(lines.collect::<String>().as_bytes())
}

/// The plugin API without its comments, which may be made better.
fn plugin_api() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("wit");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let code = texts.lines().map(|line| line.split("//").next().unwrap().trim());
    code.filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_published_plugin_api_never_changes() {
    assert_eq!(
        Digest::of(plugin_api().as_bytes()).to_string(),
        "e5d3c5e2bc0a9ab19af1892f5d2350cc133849243fa52a2024e0392d229a5fca",
        "leah:plugin@1.0.0 is published: every plugin was built with what stands in wit/, and one type that is not as \
         it was means that none of them starts any more. A new interface or function is version 1.1.0, marked \
         `@since`, and the sum of all takes the place of this one; a break is a folder and a version of its own."
    );
}

#[test]
fn the_committed_components_are_those_of_the_sources() {
    let sums = fs::read_to_string(path("built.sha256")).unwrap();
    let mut plugins = Vec::new();
    for line in sums.lines() {
        let [sources, wasm, plugin] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let again = format!("run tests/plugins/build.sh {plugin}, and commit what it makes");
        assert_eq!(
            sum_of_sources(plugin).to_string(),
            sources,
            "tests/plugins/{plugin} has changed: {again}"
        );
        assert_eq!(Digest::of(&component(plugin)).to_string(), wasm, "{plugin}.wasm was not built: {again}");
        plugins.push(plugin.to_owned());
    }
    let manifests = fs::read_dir(path("")).unwrap().map(|entry| entry.unwrap().path());
    let mut there: Vec<_> = manifests
        .filter(|folder| folder.join("plugin.yaml").exists())
        .map(|folder| folder.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    there.sort();
    assert_eq!(plugins, there);
}

#[test]
fn every_test_plugin_can_be_installed_but_those_of_another_api() {
    let (sandbox, hub) = hub();
    let everything = ["read_messages", "write_files", "network_access", "use_model"];
    let specs =
        [good("good", "1.0.0"), fault("fault", "1.0.0", "none"), probe(&everything), wasi(), javascript()];
    for spec in &specs {
        hub.publish(spec);
    }
    let names: Vec<String> = specs.iter().map(|spec| spec.name().to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    sandbox.run(&[&["install", "--grant", "all"], &names[..]].concat()).ok();
    for plugin in ["older", "newer"] {
        hub.publish(&other_api(plugin, "1.0.0"));
        sandbox.run(&["install", plugin, "--grant", "all"]).fails(10);
    }
    insta::assert_snapshot!(sandbox.live_line(), @"fault 1.0.0, good 1.0.0, javascript 1.0.0, probe 1.0.0, wasi 1.0.0");
}
