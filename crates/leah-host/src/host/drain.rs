//! What is done behind the calls: plugins that left the set are shut down here, one after the other, so that no call
//! waits for it.

use std::{
    io,
    sync::mpsc::{Sender, channel},
    thread,
    time::Duration,
};

use crate::plugin::Job;

/// Starts the thread. It ends when nobody can send to it any more.
pub(super) fn start() -> io::Result<Sender<Job>> {
    let (jobs, queue) = channel::<Job>();
    thread::Builder::new().name("drain".into()).spawn(move || queue.into_iter().for_each(|job| job()))?;
    Ok(jobs)
}

/// Waits until all is done that was sent up to now, at most so long.
pub(super) fn wait(jobs: &Sender<Job>, patience: Duration) {
    let (done, all) = channel::<()>();
    if jobs.send(Box::new(move || drop(done))).is_ok() {
        // The other end is dropped when it is reached, and otherwise time is up: nothing more can be done then.
        let _ = all.recv_timeout(patience);
    }
}
