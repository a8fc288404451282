//! Several things at a time on a few threads, for work that waits for a disk or a network. Stops at the first error.

use std::{
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Threads for work that keeps processors busy: as many as there are.
#[must_use]
pub fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Calls `work` for each of `items`, at most `threads` at a time, and gives the results in their order. With one
/// item or one thread nothing is started.
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
    thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(|| {
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
            });
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
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
