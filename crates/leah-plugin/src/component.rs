//! WebAssembly of a plugin: whether it is a component, which interfaces it imports and exports, and whether that is
//! what its manifest says. Proves the structure of the component and leaves the bodies of functions to the host's
//! compiler, which proves them before it runs one.

use std::collections::BTreeSet;

use semver::Version;
use wasmparser::{BinaryReaderError, ComponentExternName, Parser, Payload, Validator, WasmFeatures};

use crate::{
    manifest::{Hook, Manifest, PermissionKind},
    version::parse_version,
};

/// The package of the plugin API.
const API: &str = "leah:plugin/";

/// The interface that every plugin exports.
const LIFECYCLE: &str = "lifecycle";

/// Most imports and exports at the top of a component; WASI has about fifty interfaces.
const MAX_NAMES: usize = 1000;

/// What a WebAssembly file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A core module, as compilers make it. It becomes a component when it is packed.
    Module,
    /// A component.
    Component,
}

/// What a component asks for and offers: names such as `leah:plugin/http@1.0.0`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surface {
    /// Its imports.
    pub imports: BTreeSet<String>,
    /// Its exports.
    pub exports: BTreeSet<String>,
}

/// Why WebAssembly is not the component of a plugin.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// Another kind of file.
    #[error("it is not a WebAssembly file")]
    NotWasm,
    /// A core module where a component has to be.
    #[error("it is a core module and not a component; `leahpm pack` makes one of it")]
    Module,
    /// The bytes break a rule of WebAssembly. The text is cleaned here, since names in it come from a stranger.
    #[error("it is not valid at byte {offset:#x}: {}", .reason.escape_debug())]
    Invalid {
        /// The place in the file.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// More than anything needs.
    #[error("it has more than {MAX_NAMES} imports or exports")]
    TooManyNames,
    /// An import that no host offers.
    #[error("it imports `{}`, and a plugin imports `leah:plugin` and `wasi` interfaces alone", .0.escape_debug())]
    ForeignImport(String),
    /// An interface of `leah:plugin` that there is not.
    #[error("it imports `{}`, which is not an interface of the plugin API", .0.escape_debug())]
    UnknownImport(String),
    /// An import that no declared permission covers.
    #[error("it imports `{import}`, and `permissions` of the manifest has no `{permission}`")]
    Undeclared {
        /// The import.
        import: String,
        /// The permission that would cover it; the first one where several would.
        permission: PermissionKind,
    },
    /// Built for a version that the manifest does not name.
    #[error("it was built with `{}`, and `api` of the manifest is `{api}`", .name.escape_debug())]
    Version {
        /// The import or export.
        name: String,
        /// The range of the manifest.
        api: String,
    },
    /// A plugin that cannot be started.
    #[error("it does not export `{API}{LIFECYCLE}`")]
    NoLifecycle,
    /// A hook of the manifest that is not there.
    #[error("the manifest has the hook `{hook}`, and it does not export `{API}{}`", .hook.interface())]
    MissingHook {
        /// The hook.
        hook: Hook,
    },
    /// An export that the manifest does not speak of.
    #[error("it exports `{}`, which is not a hook of its manifest", .0.escape_debug())]
    UndeclaredExport(String),
}

impl From<BinaryReaderError> for ComponentError {
    fn from(error: BinaryReaderError) -> Self {
        Self::Invalid { offset: error.offset(), reason: error.message().chars().take(400).collect() }
    }
}

/// Tells a component from a module by the first eight bytes.
///
/// # Errors
/// When they are of neither.
pub fn kind(wasm: &[u8]) -> Result<Kind, ComponentError> {
    match wasm.first_chunk::<8>() {
        Some(b"\0asm\x01\0\0\0") => Ok(Kind::Module),
        Some(b"\0asm\x0d\0\x01\0") => Ok(Kind::Component),
        _ => Err(ComponentError::NotWasm),
    }
}

/// Reads the imports and exports at the top of a component, and proves its structure on the way.
///
/// # Errors
/// When it is not a valid component.
pub fn surface(component: &[u8]) -> Result<Surface, ComponentError> {
    if kind(component)? == Kind::Module {
        return Err(ComponentError::Module);
    }
    let mut surface = Surface::default();
    // Every released feature of core modules, and of components those without async: what the host enables. In
    // particular no import under a name that is not its interface's (`implements`).
    let mut validator = Validator::new_with_features(WasmFeatures::WASM3 | WasmFeatures::COMPONENT_MODEL);
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        validator.payload(&payload)?;
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    add(&mut surface.imports, import?.name)?;
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    add(&mut surface.exports, export?.name)?;
                }
            }
            _ => {}
        }
    }
    Ok(surface)
}

fn add(names: &mut BTreeSet<String>, name: ComponentExternName<'_>) -> Result<(), ComponentError> {
    if names.len() == MAX_NAMES {
        return Err(ComponentError::TooManyNames);
    }
    names.insert(name.full_name().into_owned());
    Ok(())
}

/// Compares a component with its manifest: every import of ours is covered by a permission, and the exports of ours
/// are `lifecycle` and the hooks that are declared. Imports of WASI are taken, since the runtimes of some languages
/// import what they never use, and the host answers them with `denied`.
///
/// # Errors
/// At the first difference.
pub fn check(surface: &Surface, manifest: &Manifest) -> Result<(), ComponentError> {
    for import in &surface.imports {
        check_import(import, manifest)?;
    }
    let mut missing: BTreeSet<Hook> = manifest.hooks.clone();
    let mut lifecycle = false;
    for export in &surface.exports {
        match interface(export, manifest)? {
            Some(LIFECYCLE) => lifecycle = true,
            Some(name) => {
                let hook = missing.iter().find(|hook| hook.interface() == name).copied();
                let hook = hook.ok_or_else(|| ComponentError::UndeclaredExport(export.clone()))?;
                missing.remove(&hook);
            }
            // Nobody calls what is no interface of ours, and tools for other languages leave some of their own.
            None => {}
        }
    }
    if !lifecycle {
        return Err(ComponentError::NoLifecycle);
    }
    missing.first().map_or(Ok(()), |hook| Err(ComponentError::MissingHook { hook: *hook }))
}

fn check_import(import: &str, manifest: &Manifest) -> Result<(), ComponentError> {
    if import.starts_with("wasi:") {
        return Ok(());
    }
    let Some(interface) = interface(import, manifest)? else {
        return Err(ComponentError::ForeignImport(import.to_owned()));
    };
    let needs: &[PermissionKind] = match interface {
        "types" | "log" | "settings" | "store" => return Ok(()),
        "files" => &[PermissionKind::ReadFiles, PermissionKind::WriteFiles],
        "http" => &[PermissionKind::NetworkAccess],
        "model" => &[PermissionKind::UseModel],
        _ => return Err(ComponentError::UnknownImport(import.to_owned())),
    };
    if needs.iter().any(|kind| manifest.permissions.contains(*kind)) {
        return Ok(());
    }
    Err(ComponentError::Undeclared { import: import.to_owned(), permission: needs[0] })
}

/// The interface in a name of the plugin API, none for other names. Its version has to be one that the manifest
/// says, which the index and the resolver go by.
fn interface<'a>(name: &'a str, manifest: &Manifest) -> Result<Option<&'a str>, ComponentError> {
    let Some((interface, version)) = name.strip_prefix(API).and_then(|rest| rest.split_once('@')) else {
        return Ok(None);
    };
    let fits = |version: Version| manifest.api.matches(&version);
    if parse_version(version).is_ok_and(fits) {
        return Ok(Some(interface));
    }
    Err(ComponentError::Version { name: name.to_owned(), api: manifest.api.to_string() })
}

#[cfg(test)]
#[path = "../tests/fixture/mod.rs"]
pub(crate) mod fixture;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn manifest(permissions: &str, hooks: &str) -> Manifest {
        let text = format!(
            "name: a\nversion: 1.0.0\nauthor: b\ndescription: c\napi: ^1.0\npermissions: {permissions}\nhooks: {hooks}\n"
        );
        Manifest::read(text.as_bytes()).unwrap()
    }

    #[track_caller]
    fn check(imports: &[&str], exports: &[&str], expect: &str) {
        let manifest = manifest("[read_messages, use_model, write_files]", "[on_chat_message]");
        let full = |names: &[&str]| -> Vec<String> {
            names
                .iter()
                .map(|n| if n.contains(':') { (*n).into() } else { format!("leah:plugin/{n}@1.0.0") })
                .collect()
        };
        let component = fixture::component(&full(imports), &full(exports));
        let result = surface(&component).and_then(|surface| super::check(&surface, &manifest));
        assert_eq!(result.err().map_or("fits".into(), |error| error.to_string()), expect);
    }

    const EXPORTS: [&str; 2] = ["lifecycle", "on-chat-message"];

    #[test]
    fn takes_what_the_permissions_cover_and_wasi() {
        check(&["types", "log", "settings", "store", "files", "model"], &EXPORTS, "fits");
        check(&["wasi:cli/environment@0.2.6", "wasi:http/types@0.2.0"], &EXPORTS, "fits");
        check(&[], &EXPORTS, "fits");
    }

    #[test]
    fn refuses_imports_that_no_permission_covers() {
        check(
            &["http"],
            &EXPORTS,
            "it imports `leah:plugin/http@1.0.0`, and `permissions` of the manifest has no `network_access`",
        );
        check(
            &["spy"],
            &EXPORTS,
            "it imports `leah:plugin/spy@1.0.0`, which is not an interface of the plugin API",
        );
        let foreign = "and a plugin imports `leah:plugin` and `wasi` interfaces alone";
        check(&["evil:host/all@1.0.0"], &EXPORTS, &format!("it imports `evil:host/all@1.0.0`, {foreign}"));
        check(&["leah:plugin/http"], &EXPORTS, &format!("it imports `leah:plugin/http`, {foreign}"));
        check(
            &["leah:plugin/log@2.0.0"],
            &EXPORTS,
            "it was built with `leah:plugin/log@2.0.0`, and `api` of the manifest is `^1.0`",
        );
    }

    #[test]
    fn demands_the_exports_that_the_manifest_says() {
        check(&[], &["on-chat-message"], "it does not export `leah:plugin/lifecycle`");
        check(
            &[],
            &["lifecycle"],
            "the manifest has the hook `on_chat_message`, and it does not export `leah:plugin/on-chat-message`",
        );
        let undeclared = "it exports `leah:plugin/on-tool-call@1.0.0`, which is not a hook of its manifest";
        check(&[], &["lifecycle", "on-chat-message", "on-tool-call"], undeclared);
        check(&[], &["lifecycle", "on-chat-message", "wasi:cli/run@0.2.0"], "fits");
    }

    #[test]
    fn tells_components_from_modules_and_from_anything_else() {
        assert!(matches!(surface(b"\0asm\x01\0\0\0"), Err(ComponentError::Module)));
        assert!(matches!(surface(b"\x7fELF and so on"), Err(ComponentError::NotWasm)));
        assert!(matches!(surface(b""), Err(ComponentError::NotWasm)));
        assert_eq!(surface(b"\0asm\x0d\0\x01\0").unwrap(), Surface::default());
    }

    #[test]
    fn looks_at_the_top_alone_and_not_into_nested_components() {
        let inner = fixture::component(&["evil:host/all@1.0.0"], &["leah:plugin/on-tool-call@1.0.0"]);
        let mut outer = wasm_encoder::Component::new();
        outer.section(&wasm_encoder::RawSection { id: 4, data: &inner });
        assert_eq!(surface(&outer.finish()).unwrap(), Surface::default());
    }

    #[test]
    fn survives_components_nested_a_thousandfold() {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        for _ in 0..2000 {
            let mut outer = wasm_encoder::Component::new();
            outer.section(&wasm_encoder::RawSection { id: 4, data: &bytes });
            bytes = outer.finish();
        }
        assert!(matches!(surface(&bytes), Err(ComponentError::Invalid { .. })));
    }

    proptest! {
        #[test]
        fn takes_or_refuses_any_bytes_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = surface(&[b"\0asm\x0d\0\x01\0", &bytes[..]].concat());
        }

        #[test]
        fn takes_or_refuses_a_damaged_component_without_a_panic(at in 8..150_usize, byte in any::<u8>()) {
            let mut bytes = fixture::component(&["leah:plugin/http@1.0.0", "leah:plugin/log@1.0.0"], &["leah:plugin/lifecycle@1.0.0"]);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            if let Err(error) = surface(&bytes) {
                prop_assert!(!error.to_string().contains(char::is_control), "{error}");
            }
        }
    }
}
