//! The same work for many things, several at a time: most of it is waiting for a server or a disk.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

/// How many files are asked for at once.
const THREADS: usize = 8;

/// Does `work` for each of `items` and returns what came of them, in no particular order.
///
/// # Errors
/// With one of the errors; nothing new is begun after the first.
pub(super) fn map<T: Sync, R: Send, E: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let results = Mutex::new(Ok(Vec::with_capacity(items.len())));
    thread::scope(|scope| {
        for _ in 0..THREADS.min(items.len()) {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    let result = work(item);
                    failed.fetch_or(result.is_err(), Ordering::Relaxed);
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    match (&mut *results, result) {
                        (Ok(done), Ok(value)) => done.push(value),
                        (Ok(_), Err(error)) => *results = Err(error),
                        (Err(_), _) => {}
                    }
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn does_each_once_and_stops_at_an_error() {
        let items: Vec<_> = (0..1000).collect();
        let mut doubled = map(&items, |item| Ok::<_, ()>(item * 2)).unwrap();
        doubled.sort_unstable();
        assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        let begun = AtomicUsize::new(0);
        let result = map(&items, |item| {
            begun.fetch_add(1, Ordering::Relaxed);
            if *item == 3 { Err("three") } else { Ok(()) }
        });
        assert_eq!(result, Err("three"));
        assert!(map(&[], |_: &u8| Err::<(), _>("never")).is_ok());
    }
}
