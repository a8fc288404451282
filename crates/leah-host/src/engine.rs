//! The engine that plugins run on: what code it takes, what machine code it makes, and the pulse by which code that
//! runs on and on is noticed.

use std::{
    hash::{Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

use leah_plugin::digest::Digest;

/// Raised with every change to what is called with which arguments: machine code made before is made anew.
const CALLS: u8 = 1;

/// Stack of guest code. Threads that call plugins have to have twice as much.
const STACK: usize = 512 << 10;

/// Address space of a linear memory: all that an index of 32 bits can reach. It costs nothing but addresses, of which
/// there are enough for thousands of instances, and machine code has no bounds to check: it is smaller and faster.
const RESERVED: u64 = 4 << 30;

/// Address space behind it that faults, for the constant part of an address.
const GUARD: u64 = 32 << 20;

/// Between two beats of the pulse while guests run.
pub(crate) const BEAT: Duration = Duration::from_millis(1);

/// Beats that nobody needs before the pulse stops, so that a host at rest does not wake up.
const REST: u32 = 50;

/// The system cannot run plugins.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The processor or the system lacks something.
    #[error("this system cannot run WebAssembly: {reason}")]
    Unsupported {
        /// What the engine says.
        reason: String,
    },
    /// No thread for the pulse.
    #[error("cannot start a thread")]
    Thread(#[from] std::io::Error),
}

impl From<wasmtime::Error> for EngineError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Unsupported { reason: format!("{error:#}") }
    }
}

/// The engine.
pub(crate) struct Engine {
    engine: wasmtime::Engine,
    digest: Digest,
    pulse: Arc<Pulse>,
    beating: Thread,
}

/// Guest code runs as long as this lives.
pub(crate) struct Inside<'a>(&'a Pulse);

struct Pulse {
    inside: AtomicU64,
    resting: AtomicBool,
    over: AtomicBool,
}

impl Engine {
    /// An engine with its pulse.
    pub(crate) fn start() -> Result<Self, EngineError> {
        let engine = compiler()?;
        let digest = digest(&engine);
        let pulse = Arc::new(Pulse {
            inside: AtomicU64::new(0),
            resting: AtomicBool::new(false),
            over: AtomicBool::new(false),
        });
        let (beat, on) = (engine.weak(), Arc::clone(&pulse));
        let beating = thread::Builder::new().name("pulse".into()).spawn(move || {
            on.run(|| {
                if let Some(engine) = beat.upgrade() {
                    engine.increment_epoch();
                }
            });
        })?;
        Ok(Self { engine, digest, pulse, beating: beating.thread().clone() })
    }

    /// The engine itself.
    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// Everything that machine code depends on beside the component it was made from.
    pub(crate) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// To be held while guest code runs: the engine's epoch goes on every [`BEAT`] meanwhile.
    pub(crate) fn enter(&self) -> Inside<'_> {
        // These two and the two in `Pulse::rest` are one order for all threads: either the pulse sees that somebody
        // is inside, or who is inside sees that it rests.
        self.pulse.inside.fetch_add(1, Ordering::SeqCst);
        if self.pulse.resting.load(Ordering::SeqCst) {
            self.beating.unpark();
        }
        Inside(&self.pulse)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Release);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.pulse.over.store(true, Ordering::Release);
        self.beating.unpark();
    }
}

impl Pulse {
    fn run(&self, beat: impl Fn()) {
        let mut unneeded = 0;
        while !self.over.load(Ordering::Acquire) {
            thread::sleep(BEAT);
            beat();
            unneeded = if self.inside.load(Ordering::Acquire) > 0 { 0 } else { unneeded + 1 };
            if unneeded > REST {
                self.rest();
                unneeded = 0;
            }
        }
    }

    fn rest(&self) {
        self.resting.store(true, Ordering::SeqCst);
        while self.inside.load(Ordering::SeqCst) == 0 && !self.over.load(Ordering::Acquire) {
            thread::park();
        }
        self.resting.store(false, Ordering::SeqCst);
    }
}

/// An engine for compiling alone.
pub(crate) fn compiler() -> Result<wasmtime::Engine, EngineError> {
    Ok(wasmtime::Engine::new(&settings())?)
}

fn settings() -> wasmtime::Config {
    let mut settings = wasmtime::Config::new();
    settings
        .epoch_interruption(true)
        .concurrency_support(false)
        .wasm_memory64(false)
        .max_wasm_stack(STACK)
        .memory_reservation(RESERVED)
        .memory_reservation_for_growth(RESERVED)
        .memory_guard_size(GUARD)
        .guard_before_linear_memory(false)
        .memory_init_cow(true)
        // None is looked at: a plugin is told by name, not by line, and no panic unwinds through guest code.
        .native_unwind_info(false)
        .generate_address_map(false)
        .wasm_backtrace_max_frames(None);
    settings
}

fn digest(engine: &wasmtime::Engine) -> Digest {
    let mut bytes = Bytes(vec![CALLS]);
    engine.precompile_compatibility_hash().hash(&mut bytes);
    Digest::of(&bytes.0)
}

/// Keeps what is hashed: the standard library's hashes are too short to name files by.
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc::channel, time::Instant};

    use super::*;

    #[test]
    fn two_engines_of_one_host_run_each_others_code() {
        assert_eq!(digest(&compiler().unwrap()), digest(&compiler().unwrap()));
        let mut other = settings();
        other.max_wasm_stack(STACK * 2).epoch_interruption(false);
        assert_ne!(digest(&compiler().unwrap()), digest(&wasmtime::Engine::new(&other).unwrap()));
    }

    #[test]
    fn beats_while_somebody_is_inside_and_rests_else() {
        let pulse = Arc::new(Pulse {
            inside: AtomicU64::new(0),
            resting: AtomicBool::new(false),
            over: AtomicBool::new(false),
        });
        let (beats, seen) = channel();
        let on = Arc::clone(&pulse);
        // Who listens is gone at the end, which is nothing to the pulse.
        let thread = thread::spawn(move || on.run(|| beats.send(()).unwrap_or_default()));
        let patience = Duration::from_secs(10);
        let began = Instant::now();
        while !pulse.resting.load(Ordering::SeqCst) {
            assert!(began.elapsed() < patience);
            thread::yield_now();
        }
        while seen.try_recv().is_ok() {}
        pulse.inside.fetch_add(1, Ordering::SeqCst);
        thread.thread().unpark();
        for _ in 0..2 * REST {
            seen.recv_timeout(patience).unwrap();
        }
        pulse.over.store(true, Ordering::SeqCst);
        thread.join().unwrap();
    }
}
