//! From the files of a plugin's folder to a package: turns a core module into a component, and gives an
//! archive only if a registry would take it. Pure; reading the folder and writing the archive are the command's.

use leah_plugin::{
    component::{self, ComponentError, Kind},
    digest::Digest,
    manifest::Manifest,
    package::{self, COMPONENT_FILE, Limits, Package, PackageError, PackagePath},
};
use wit_component::ComponentEncoder;

/// A finished package.
#[derive(Debug)]
pub struct Packed {
    /// The archive.
    pub archive: Vec<u8>,
    /// Its manifest.
    pub manifest: Manifest,
    /// Its content hash.
    pub content: Digest,
}

/// Why the files do not make a package.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file that must be there is missing, or a rule is broken.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// `plugin.wasm` is no WebAssembly.
    #[error("`{COMPONENT_FILE}` cannot be used")]
    Wasm(#[source] ComponentError),
    /// The core module cannot be made a component.
    #[error("the core module in `{COMPONENT_FILE}` cannot be turned into a component")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Makes a package of `files`, in any order, and reads it back as everybody else will.
///
/// # Errors
/// When a file is missing or a rule is broken, with the place and the rule.
pub fn pack(files: Vec<(PackagePath, Vec<u8>)>) -> Result<Packed, PackError> {
    let files = files
        .into_iter()
        .map(|(path, bytes)| {
            let bytes = if path.as_str() == COMPONENT_FILE { component(bytes)? } else { bytes };
            Ok((path, bytes))
        })
        .collect::<Result<Vec<_>, PackError>>()?;
    let archive = package::pack(files)?;
    let read = Package::read(&archive, &Limits::default())?;
    let (manifest, content) = (read.manifest().clone(), *read.content());
    Ok(Packed { archive, manifest, content })
}

/// A component as it is; a core module wrapped by what its bindings say of its imports and exports.
fn component(wasm: Vec<u8>) -> Result<Vec<u8>, PackError> {
    match component::kind(&wasm).map_err(PackError::Wasm)? {
        Kind::Component => Ok(wasm),
        Kind::Module => encode(&wasm),
    }
}

fn encode(module: &[u8]) -> Result<Vec<u8>, PackError> {
    let mut encoder = ComponentEncoder::default();
    encoder
        .validate(true)
        .module(module)
        .and_then(ComponentEncoder::encode)
        .map_err(|error| PackError::Encode(error.into()))
}
