//! From a component to machine code: from the cache if it is there and whole, else by a process of its own with limits
//! on memory and time, since a compiler can be made to run on and on by who writes the code. Never on a chat's path.

mod cache;
mod child;

use std::{
    io::{self, Read, Write},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};

use leah_plugin::{digest::Digest, layout::CacheLayout, message::Level};
use rustix::process::{Resource, Rlimit, setrlimit};
use wasmtime::component::Component;

use self::cache::{Artifact, Key};
use crate::{
    config::Config,
    control::{Control, Interrupt},
    engine::{self, Engine, EngineError},
    journal::Journal,
};

/// Largest component in bytes; no package holds a larger one.
const MAX_COMPONENT: u64 = 64 << 20;

/// Address space of a process that compiles, in bytes.
const MEMORY: u64 = 2 << 30;

/// Processor time of a process that compiles, in seconds.
const SECONDS: u64 = 120;

/// Between two looks whether anybody still waits.
const LOOK: Duration = Duration::from_millis(20);

/// Why a component does not become machine code.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The system cannot do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The process that compiles could not be started or spoken with.
    #[error("cannot run the compiler `{}`", .path.display())]
    Process {
        /// Its program.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Input or output of the process that compiles.
    #[error("cannot pass on what is compiled")]
    Pipe(#[from] io::Error),
    /// It is no component, or one that needs what plugins do not get.
    #[error("it does not compile: {reason}")]
    Refused {
        /// What the compiler says.
        reason: String,
    },
    /// The compiler needed more memory or time than it may have.
    #[error("it needs more memory or time to compile than allowed")]
    TooMuch,
    /// What was compiled cannot be run.
    #[error("what was compiled of it cannot be run; if `leah-host` was updated, start it anew: {reason}")]
    Unusable {
        /// What the engine says.
        reason: String,
    },
    /// Nobody waits for it any more, or its time is up.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

/// Compiles in processes of their own, a bounded number at a time.
pub(crate) struct Compiler {
    binary: PathBuf,
    cache: CacheLayout,
    journal: Arc<Journal>,
    free: Mutex<usize>,
    freed: Condvar,
}

/// The right to run one process.
struct Turn<'a>(&'a Compiler);

impl Compiler {
    pub(crate) fn new(config: &Config, journal: Arc<Journal>) -> Self {
        // One core is left to those who chat meanwhile.
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            binary: config.compiler.clone(),
            cache: config.cache.clone(),
            journal,
            free: Mutex::new(cores.saturating_sub(1).max(1)),
            freed: Condvar::new(),
        }
    }

    /// The machine code of a component, from the cache or fresh.
    ///
    /// # Errors
    /// When it does not compile within the limits, or the call is interrupted.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        wasm: &[u8],
        control: &Control,
    ) -> Result<Component, CompileError> {
        let key = Key { engine: *engine.digest(), component: Digest::of(wasm) };
        let path = self.cache.compiled(&key.engine, &key.component);
        if let Some(component) = Artifact::read(&key, &path).and_then(|kept| kept.component(engine).ok()) {
            return Ok(component);
        }
        let artifact = {
            let _turn = self.turn(control)?;
            control.going_slow();
            Artifact::new(&key, &child::compile(&self.binary, wasm, control)?)
        };
        let component = artifact
            .component(engine)
            .map_err(|error| CompileError::Unusable { reason: format!("{error:#}") })?;
        if let Err(error) = artifact.write(&path) {
            let why = format!("{error}: {}; a plugin is compiled again at the next start", error.source);
            self.journal.log(None, Level::Warn, why);
        }
        Ok(component)
    }

    fn turn(&self, control: &Control) -> Result<Turn<'_>, Interrupt> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            if let Some(why) = control.interrupt() {
                return Err(why);
            }
            control.going_slow();
            (free, _) = self.freed.wait_timeout(free, LOOK).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Ok(Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

/// What the process that compiles does: limits itself, reads a component, writes machine code.
///
/// # Errors
/// When it is no component that plugins may be, or the limits do not suffice.
pub fn serve(input: impl Read, mut output: impl Write) -> Result<(), CompileError> {
    limit(Resource::As, MEMORY)?;
    limit(Resource::Cpu, SECONDS)?;
    limit(Resource::Core, 0)?;
    let mut wasm = Vec::new();
    input.take(MAX_COMPONENT).read_to_end(&mut wasm)?;
    output.write_all(&compile(&wasm)?)?;
    Ok(output.flush()?)
}

/// Compiles in this process.
///
/// # Errors
/// When it is no component that plugins may be.
pub(crate) fn compile(wasm: &[u8]) -> Result<Vec<u8>, CompileError> {
    let compiled = engine::compiler()?.precompile_component(wasm);
    compiled.map_err(|error| CompileError::Refused { reason: format!("{error:#}") })
}

/// Puts machine code where the host looks for it.
#[cfg(test)]
pub(crate) fn keep(cache: &CacheLayout, engine: &Engine, wasm: &[u8], code: &[u8]) {
    let key = Key { engine: *engine.digest(), component: Digest::of(wasm) };
    Artifact::new(&key, code).write(&cache.compiled(&key.engine, &key.component)).unwrap();
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}

#[cfg(test)]
mod tests;
