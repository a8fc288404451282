//! Machine code on disk: 32 bytes of sha256, then what the compiler made. The digest covers the component and the engine
//! too, so a file under another's name is as damaged as one with a flipped bit. Damaged files are made anew, never run.

use std::path::Path;

use leah_home::fs::{self, Access, Durability, FsError};
use leah_plugin::digest::{Digest, Hasher};
use wasmtime::component::Component;

use crate::engine::Engine;

/// Largest file in bytes.
const LIMIT: u64 = 512 << 20;

const HEAD: usize = 32;

/// What machine code was made from, and by what.
pub(super) struct Key {
    pub(super) engine: Digest,
    pub(super) component: Digest,
}

/// Machine code as the compiler made it. There is no way to have one of bytes that were not compared with their digest.
pub(super) struct Artifact {
    bytes: Vec<u8>,
}

impl Artifact {
    /// What the compiler just made.
    pub(super) fn new(key: &Key, code: &[u8]) -> Self {
        let mut bytes = key.digest(code).as_bytes().to_vec();
        bytes.extend_from_slice(code);
        Self { bytes }
    }

    /// What was kept under `path`; none where there is nothing, or nothing that is whole.
    pub(super) fn read(key: &Key, path: &Path) -> Option<Self> {
        // A cache that cannot be read is an empty one: what is in it can be made again.
        // A digest is no signature, so what somebody else can have written is as good as damaged.
        let bytes = fs::read_own(path, LIMIT).ok()?;
        let (head, code) = bytes.split_first_chunk::<HEAD>()?;
        (Digest::from_bytes(*head) == key.digest(code)).then_some(Self { bytes })
    }

    /// Keeps it under `path`.
    pub(super) fn write(&self, path: &Path) -> Result<(), FsError> {
        if let Some(folder) = path.parent() {
            fs::create_folders(folder)?;
        }
        fs::replace(path, &self.bytes, Access::Private, Durability::Synced)
    }

    /// The component, ready to be linked.
    pub(super) fn component(&self, engine: &Engine) -> wasmtime::Result<Component> {
        let code = self.bytes.get(HEAD..).unwrap_or_default();
        #[expect(unsafe_code, reason = "machine code cannot be proven, only recognized")]
        // SAFETY: these bytes are what `Engine::precompile_component` of this very version and configuration returned:
        // every constructor of `Artifact` either got them from the compiler or compared them, with the engine's digest,
        // with the sha256 written then. They are copied before they are run, so no file changes beneath.
        unsafe {
            Component::deserialize(engine.wasmtime(), code)
        }
    }
}

impl Key {
    fn digest(&self, code: &[u8]) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(self.engine.as_bytes());
        hasher.update(self.component.as_bytes());
        hasher.update(code);
        hasher.finish()
    }
}
