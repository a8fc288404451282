//! Several things at a time on a few threads, and others begun meanwhile. Stops at the first error.

use std::{
    num::NonZero,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Most items that are begun and not done.
const MOST_AHEAD: usize = 64;

/// How items are begun before it is their turn, so that they are on their way over a network while others are worked on.
pub struct Ahead<'a, T> {
    /// Most bytes of memory that items take which are begun and not done.
    pub bytes: u64,
    /// How many bytes of memory an item takes once it is begun.
    pub size: &'a (dyn Fn(&T) -> u64 + Sync),
    /// Begins an item, without waiting for anything.
    pub begin: &'a (dyn Fn(&T) + Sync),
}

/// What is begun and not done.
#[derive(Default)]
struct Window {
    /// Index of the next item to begin.
    next: usize,
    items: usize,
    bytes: u64,
}

/// Threads for work that keeps processors busy: as many as there are.
#[must_use]
pub fn processors() -> usize {
    // It is asked for in every round of the solver, and the system answers with three files.
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get))
}

/// Calls `work` for each of `items`, at most `threads` at a time, and gives the results in their order. One of the
/// threads is that of the caller.
///
/// # Errors
/// The first error that came; what had begun by then is finished, the rest is not begun.
pub fn try_map<T: Sync, R: Send, E: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    if threads.min(items.len()) <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let failed = Mutex::new(None);
    let work_through = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            match work(item) {
                Ok(result) => locked(&results).push((index, result)),
                Err(error) => {
                    // The others stop at their next item.
                    next.store(items.len(), Ordering::Relaxed);
                    locked(&failed).get_or_insert(error);
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(items.len()) {
            scope.spawn(work_through);
        }
        work_through();
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// The same, with items begun before it is their turn.
///
/// # Errors
/// As [`try_map`]; what was begun by then is left to whoever began it.
pub fn try_map_ahead<T: Sync, R: Send, E: Send>(
    items: &[T],
    threads: usize,
    ahead: &Ahead<'_, T>,
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let window = Mutex::new(Window::default());
    let numbered: Vec<(usize, &T)> = items.iter().enumerate().collect();
    try_map(&numbered, threads, |(index, item)| {
        locked(&window).advance(items, *index, ahead);
        let result = work(item);
        let mut window = locked(&window);
        window.items -= 1;
        window.bytes -= (ahead.size)(item);
        result
    })
}

impl Window {
    /// Begins the item at `index`, unless it is begun, and what else there is room for.
    fn advance<T>(&mut self, items: &[T], index: usize, ahead: &Ahead<'_, T>) {
        while let Some(item) = items.get(self.next) {
            let size = (ahead.size)(item);
            let has_room = self.items < MOST_AHEAD && self.bytes.saturating_add(size) <= ahead.bytes;
            if self.next > index && !has_room {
                break;
            }
            (ahead.begin)(item);
            self.next += 1;
            self.items += 1;
            self.bytes += size;
        }
    }
}

/// Nothing panics while one of these locks is held.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_whatever_ends_first() {
        for threads in [0, 1, 3, 100] {
            let doubled: Result<Vec<u32>, ()> = try_map(&[1, 2, 3, 4, 5], threads, |n| Ok(n * 2));
            assert_eq!(doubled, Ok(vec![2, 4, 6, 8, 10]));
        }
    }

    #[test]
    fn begins_nothing_more_after_an_error() {
        let begun = AtomicUsize::new(0);
        let items: Vec<u32> = (0..1_000).collect();
        let work = |n: &u32| {
            begun.fetch_add(1, Ordering::Relaxed);
            if *n == 3 { Err(*n) } else { Ok(()) }
        };
        assert_eq!(try_map(&items, 1, work), Err(3));
        assert_eq!(begun.load(Ordering::Relaxed), 4);
        assert_eq!(try_map(&items, 4, work), Err(3));
    }
}
