//! When to ask again, and when to stop asking.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable};

use crate::{
    attempt::attempt,
    engine::Engine,
    error::{HttpError, Problem},
    request::{Answer, Request, Retries},
};

const MOST_RETRIES: usize = 3;
/// The first pause; shorter for those who are not ready to wait two seconds for an answer either.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// So long after the first attempt another may begin, even with a short timeout.
const LEAST_SPAN: Duration = Duration::from_secs(20);

pub(crate) async fn get(
    engine: &Engine,
    request: &Request<'_>,
    received: &AtomicU64,
) -> Result<Answer, HttpError> {
    // Nobody closes the semaphore.
    let _turn = engine.turns().acquire().await;
    let attempts = AtomicU32::new(0);
    let next = || {
        attempts.fetch_add(1, Ordering::Relaxed);
        attempt(engine, request, received)
    };
    let answer = patiently(engine.settings().timeout, request.retries, next).await;
    answer.map_err(|source| failed(request, attempts.into_inner(), source))
}

/// The error of a question that was asked so many times.
pub(crate) fn failed(request: &Request<'_>, attempts: u32, source: Problem) -> HttpError {
    HttpError { url: request.base.join(request.path).into(), attempts, source }
}

async fn patiently<A: Future<Output = Result<Answer, Problem>>>(
    timeout: Duration,
    retries: Retries,
    next: impl FnMut() -> A,
) -> Result<Answer, Problem> {
    let started = Instant::now();
    let span = LEAST_SPAN.max(timeout * 2);
    let first = FIRST_PAUSE.min(timeout / 10);
    let most = if retries == Retries::None { 0 } else { MOST_RETRIES };
    let pauses = ExponentialBuilder::default().with_min_delay(first).with_max_times(most).with_jitter();
    next.retry(pauses)
        .sleep(tokio::time::sleep)
        .when(Problem::may_pass)
        .adjust(|problem, planned| pause(problem, planned?, span.saturating_sub(started.elapsed())))
        .await
}

/// How long to wait before the next attempt, at most `left`; none if there should be no other.
fn pause(problem: &Problem, planned: Duration, left: Duration) -> Option<Duration> {
    let wanted = match problem {
        Problem::Busy { retry_after: Some(seconds), .. } => Duration::from_secs(*seconds),
        _ => Duration::ZERO,
    };
    (wanted <= LONGEST_PAUSE && wanted.max(planned) <= left).then_some(wanted.max(planned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(retry_after: Option<u64>, left: u64, expect: Option<u64>) {
        let problem = Problem::Busy { status: 429, retry_after };
        let found = pause(&problem, Duration::from_secs(1), Duration::from_secs(left));
        assert_eq!(found, expect.map(Duration::from_secs));
    }

    #[test]
    fn waits_as_long_as_the_server_asks_but_not_shorter_than_planned() {
        check(None, 60, Some(1));
        check(Some(0), 60, Some(1));
        check(Some(7), 60, Some(7));
        check(Some(30), 60, Some(30));
    }

    #[test]
    fn gives_up_where_the_server_asks_for_too_much() {
        check(Some(31), 60, None);
        check(Some(u64::MAX), 60, None);
        check(Some(21), 20, None);
        check(None, 0, None);
    }
}
