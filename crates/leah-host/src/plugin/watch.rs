//! Answers that a plugin observes: nobody waits for what it does with them, so they queue up and are shown to it one by
//! one on a thread of its own, which ends with the queue. A plugin that is too slow misses some.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use leah_plugin::message::Level;

use super::Plugin;
use crate::{bindings::leah::plugin::types::Response, control::Control};

/// Answers that wait for one plugin.
const MOST: usize = 100;

/// Bytes of them all; one alone may be larger.
const MOST_BYTES: usize = 8 << 20;

/// What a plugin is still to see.
#[derive(Default)]
pub(super) struct Watch {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    queue: VecDeque<Arc<Response>>,
    watching: bool,
    missed: u64,
}

impl Plugin {
    /// Shows it an answer, sometime soon.
    pub(crate) fn observe(self: &Arc<Self>, response: &Arc<Response>) {
        let mut inner = self.watch.inner();
        if inner.is_full_for(response) {
            inner.missed += 1;
            return;
        }
        inner.queue.push_back(Arc::clone(response));
        if inner.watching {
            return;
        }
        let plugin = Arc::clone(self);
        match thread::Builder::new().name(self.name().to_string()).spawn(move || plugin.run_watch()) {
            Ok(_) => inner.watching = true,
            Err(error) => {
                inner.queue.clear();
                drop(inner);
                self.log_unwatched(&error);
            }
        }
    }

    fn run_watch(&self) {
        while let Some(response) = self.next_watched() {
            let control = Arc::new(Control::new(self.identity().limits.call_time));
            // What goes wrong is logged and counted by the call, and nobody waits for more.
            let _ = self.call(&control, |instance, control| instance.after_response(&response, control));
        }
    }

    fn next_watched(&self) -> Option<Arc<Response>> {
        let mut inner = self.watch.inner();
        let next = inner.queue.pop_front();
        inner.watching = next.is_some();
        let missed = if next.is_none() { std::mem::take(&mut inner.missed) } else { 0 };
        drop(inner);
        if missed > 0 {
            self.log(Level::Warn, format!("it was too slow to see {missed} answers"));
        }
        next
    }

    fn log_unwatched(&self, error: &io::Error) {
        self.log(Level::Error, format!("it cannot be shown an answer: {error}"));
    }
}

impl Inner {
    fn is_full_for(&self, response: &Response) -> bool {
        let bytes = |Response { content, prompt, meta, .. }: &Response| {
            let meta = meta.iter().map(|(name, value)| name.len() + value.len());
            content.len() + prompt.len() + meta.sum::<usize>()
        };
        let waiting: usize = self.queue.iter().map(|waiting| bytes(waiting)).sum();
        let is_too_much = waiting.saturating_add(bytes(response)) > MOST_BYTES;
        self.queue.len() == MOST || (!self.queue.is_empty() && is_too_much)
    }
}

impl Watch {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Every change is one push, one pop or one number, so a panic leaves nothing half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
