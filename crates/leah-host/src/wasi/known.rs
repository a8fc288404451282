//! The functions of WASI that do what they say: clocks, waiting, random bytes, the standard outputs, and `exit`, which
//! is a trap. What is written goes to the plugin's log.

use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use leah_plugin::message::Level;
use wasmtime::{StoreContextMut, component::Val};

use super::{
    Reach, handle,
    handles::{Handles, OUTPUT},
};
use crate::functions::Caller;

/// Most random bytes at a time.
const RANDOM: u64 = 64 << 10;

/// Bytes that may be written at a time.
const WRITE: u64 = 4096;

/// The longest that anybody sleeps: a year, which no call lasts. Longer ones are beyond the clocks of some systems.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// How often it is looked whether anybody still waits for somebody who sleeps.
const LOOK: Duration = Duration::from_millis(5);

/// A function that does what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Elapsed,
    Resolution,
    UntilInstant,
    UntilDuration,
    Now,
    WallResolution,
    RandomBytes,
    RandomNumber,
    RandomSeed,
    Output,
    MayWrite,
    Write,
    Flush,
    Ready,
    Block,
    Poll,
    Exit,
}

impl Known {
    /// The function of this name in an interface, if it does what it says.
    pub(super) fn find(interface: &str, name: &str) -> Option<Self> {
        Some(match (interface, name) {
            ("clocks/monotonic-clock", "now") => Self::Elapsed,
            ("clocks/monotonic-clock", "resolution") => Self::Resolution,
            ("clocks/monotonic-clock", "subscribe-instant") => Self::UntilInstant,
            ("clocks/monotonic-clock", "subscribe-duration") => Self::UntilDuration,
            ("clocks/wall-clock", "now") => Self::Now,
            ("clocks/wall-clock", "resolution") => Self::WallResolution,
            ("random/random", "get-random-bytes") => Self::RandomBytes,
            ("random/insecure", "get-insecure-random-bytes") => Self::RandomBytes,
            ("random/random", "get-random-u64") => Self::RandomNumber,
            ("random/insecure", "get-insecure-random-u64") => Self::RandomNumber,
            ("random/insecure-seed", "insecure-seed") => Self::RandomSeed,
            ("cli/stdout", "get-stdout") | ("cli/stderr", "get-stderr") => Self::Output,
            ("io/streams", "[method]output-stream.check-write") => Self::MayWrite,
            ("io/streams", "[method]output-stream.write") => Self::Write,
            ("io/streams", "[method]output-stream.blocking-write-and-flush") => Self::Write,
            ("io/streams", "[method]output-stream.flush") => Self::Flush,
            ("io/streams", "[method]output-stream.blocking-flush") => Self::Flush,
            ("io/poll", "[method]pollable.ready") => Self::Ready,
            ("io/poll", "[method]pollable.block") => Self::Block,
            ("io/poll", "poll") => Self::Poll,
            ("cli/exit", "exit" | "exit-with-code") => Self::Exit,
            _ => return None,
        })
    }

    /// Its answer; none where it says no after all. `numbers` are those of the handles among its arguments.
    pub(super) fn answer<T: 'static>(
        self,
        store: &mut StoreContextMut<'_, T>,
        reach: Reach<T>,
        arguments: &[Val],
        numbers: &[u32],
    ) -> wasmtime::Result<Option<Val>> {
        let writes = numbers.first() == Some(&OUTPUT);
        Ok(match (self, arguments) {
            (Self::Elapsed, _) => Some(Val::U64(elapsed(Instant::now()))),
            (Self::Resolution, _) => Some(Val::U64(1)),
            (Self::UntilInstant, [Val::U64(at)]) => {
                let moment = beginning() + Duration::from_nanos(*at).min(LONGEST);
                let number = (reach.handles)(store.data_mut()).moment(moment);
                Some(handle(store, number)?)
            }
            (Self::UntilDuration, [Val::U64(time)]) => {
                let moment = Instant::now() + Duration::from_nanos(*time).min(LONGEST);
                let number = (reach.handles)(store.data_mut()).moment(moment);
                Some(handle(store, number)?)
            }
            (Self::Now, _) => Some(moment(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())),
            (Self::WallResolution, _) => Some(moment(Duration::from_nanos(1))),
            (Self::RandomBytes, [Val::U64(count)]) => Some(random_bytes(*count)?),
            (Self::RandomNumber, _) => Some(Val::U64(random_number()?)),
            (Self::RandomSeed, _) => {
                Some(Val::Tuple(vec![Val::U64(random_number()?), Val::U64(random_number()?)]))
            }
            (Self::Output, _) => Some(handle(store, OUTPUT)?),
            (Self::MayWrite, _) => writes.then(|| done(Some(Val::U64(WRITE)))),
            (Self::Write, [_, Val::List(bytes)]) if writes => {
                write(&(reach.caller)(store.data_mut()), bytes);
                Some(done(None))
            }
            (Self::Flush, _) => writes.then(|| done(None)),
            (Self::Ready, _) => {
                Some(Val::Bool(!ready((reach.handles)(store.data_mut()), numbers).is_empty()))
            }
            (Self::Block, _) => {
                wait(store, reach, numbers);
                None
            }
            (Self::Poll, _) if numbers.is_empty() => {
                wasmtime::bail!("it waits for nothing, which never ends")
            }
            (Self::Poll, _) => {
                Some(Val::List(wait(store, reach, numbers).into_iter().map(Val::U32).collect()))
            }
            (Self::Exit, _) => wasmtime::bail!("it ended itself with `exit`"),
            _ => None,
        })
    }
}

/// What a plugin's clock counts from. Not the start of the machine, which is nobody's business.
fn beginning() -> Instant {
    static BEGINNING: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *BEGINNING.get_or_init(Instant::now)
}

fn elapsed(now: Instant) -> u64 {
    u64::try_from(now.saturating_duration_since(beginning()).as_nanos()).unwrap_or(u64::MAX)
}

fn moment(time: Duration) -> Val {
    Val::Record(vec![
        ("seconds".to_owned(), Val::U64(time.as_secs())),
        ("nanoseconds".to_owned(), Val::U32(time.subsec_nanos())),
    ])
}

fn random_bytes(count: u64) -> wasmtime::Result<Val> {
    if count > RANDOM {
        wasmtime::bail!("it asks for {count} random bytes, of which there are {RANDOM} at a time");
    }
    let mut bytes = vec![0; usize::try_from(count)?];
    getrandom::fill(&mut bytes)?;
    Ok(Val::List(bytes.into_iter().map(Val::U8).collect()))
}

fn random_number() -> wasmtime::Result<u64> {
    Ok(getrandom::u64()?)
}

fn done(value: Option<Val>) -> Val {
    Val::Result(Ok(value.map(Box::new)))
}

/// Each write is a line of the log; what is longer than lines are is cut there.
fn write(caller: &Caller<'_>, bytes: &[Val]) {
    let bytes: Vec<u8> =
        bytes.iter().map_while(|byte| if let Val::U8(byte) = byte { Some(*byte) } else { None }).collect();
    for line in String::from_utf8_lossy(&bytes).lines().filter(|line| !line.trim().is_empty()) {
        caller.note(Level::Debug, line);
    }
}

/// The places of those that need not be waited for.
fn ready(handles: &Handles, numbers: &[u32]) -> Vec<u32> {
    let now = Instant::now();
    let is_ready = |number: &u32| handles.until(*number).is_none_or(|moment| moment <= now);
    (0..).zip(numbers).filter(|(_, number)| is_ready(number)).map(|(place, _)| place).collect()
}

/// Waits until one of them is ready, or the call is over: then whoever waits is stopped soon after.
fn wait<T: 'static>(store: &mut StoreContextMut<'_, T>, reach: Reach<T>, numbers: &[u32]) -> Vec<u32> {
    loop {
        let ready = ready((reach.handles)(store.data_mut()), numbers);
        let caller = (reach.caller)(store.data_mut());
        if !ready.is_empty() || caller.control.interrupt().is_some() {
            return ready;
        }
        caller.control.going_slow();
        let next = numbers.iter().filter_map(|number| (reach.handles)(store.data_mut()).until(*number)).min();
        let left = next.map_or(LOOK, |next| next.saturating_duration_since(Instant::now()));
        thread::sleep(left.min(LOOK));
    }
}
