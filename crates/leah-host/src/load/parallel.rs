//! The same work on many things, on as many threads as there are cores.

use std::{
    sync::{Mutex, PoisonError},
    thread,
};

/// Does `work` on each of `items`, several at a time. The results are in no order.
pub(super) fn in_parallel<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let workers = items.len().min(cores);
    if workers < 2 {
        return items.into_iter().map(work).collect();
    }
    let items = Mutex::new(items.into_iter());
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(item) = next else { break };
                    let result = work(item);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
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
    fn works_on_each_once() {
        for many in [0, 1, 2, 100] {
            let mut done = in_parallel((0..many).collect(), |number| number * 2);
            done.sort_unstable();
            assert_eq!(done, (0..many).map(|number| number * 2).collect::<Vec<_>>());
        }
    }
}
