//! A question that was asked and whose answer is still to come. It is worked on whether or not somebody waits, by the
//! thread that moves bytes: whoever waits is woken when all of it is there, and not for each piece.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

use tokio::task::AbortHandle;

use crate::{
    base::BaseUrl,
    engine::Engine,
    error::HttpError,
    request::{Answer, Caches, Encoding, Request, Retries, Validators},
    retry,
    token::Token,
};

/// How often who waits is told how far the answer has come.
const TICK: Duration = Duration::from_millis(50);

/// An answer on its way. Dropping it takes the question back.
#[derive(Debug)]
pub struct Pending {
    answer: mpsc::Receiver<Result<Answer, HttpError>>,
    received: Arc<AtomicU64>,
    task: Option<AbortHandle>,
}

/// A [`Request`] that outlives whoever made it.
struct Owned {
    base: BaseUrl,
    path: String,
    limit: u64,
    token: Option<Token>,
    known: Option<Validators>,
    caches: Caches,
    encoding: Encoding,
    retries: Retries,
}

impl Pending {
    pub(crate) fn begin(engine: &Arc<Engine>, request: &Request<'_>) -> Self {
        let (sender, answer) = mpsc::channel();
        let received = Arc::new(AtomicU64::new(0));
        let runtime = match engine.runtime() {
            Ok(runtime) => runtime,
            Err(problem) => {
                // It cannot fail: the other end is right here.
                drop(sender.send(Err(retry::failed(request, 0, problem))));
                return Self { answer, received, task: None };
            }
        };
        let (engine, owned, counted) = (Arc::clone(engine), Owned::of(request), Arc::clone(&received));
        let task = runtime.spawn(async move {
            let answer = retry::get(&engine, &owned.request(), &counted).await;
            // Where this fails nobody waits any more.
            drop(sender.send(answer));
        });
        Self { answer, received, task: Some(task.abort_handle()) }
    }

    /// Waits for the answer, telling `received` now and then how many bytes of the body have come so far; an attempt that
    /// begins anew begins at 0.
    ///
    /// # Errors
    /// Says what went wrong with the last attempt.
    ///
    /// # Panics
    /// When the task that asks has panicked.
    pub fn wait(self, received: &dyn Fn(u64)) -> Result<Answer, HttpError> {
        let mut told = None;
        loop {
            let answer = self.answer.recv_timeout(TICK);
            let now = self.received.load(Ordering::Relaxed);
            if told != Some(now) {
                received(now);
                told = Some(now);
            }
            match answer {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("who asks is only stopped by who does not wait")
                }
            }
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Owned {
    fn of(request: &Request<'_>) -> Self {
        let Request { base, path, limit, token, known, caches, encoding, retries } = *request;
        let (base, path) = (base.clone(), path.to_owned());
        Self { base, path, limit, token: token.cloned(), known: known.cloned(), caches, encoding, retries }
    }

    fn request(&self) -> Request<'_> {
        let Self { base, path, limit, token, known, caches, encoding, retries } = self;
        let (limit, token, known) = (*limit, token.as_ref(), known.as_ref());
        Request { base, path, limit, token, known, caches: *caches, encoding: *encoding, retries: *retries }
    }
}
