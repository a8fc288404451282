//! One attempt to get a file: the question, the redirects, and what the answer's head says.

use std::{
    sync::atomic::AtomicU64,
    time::{Duration, SystemTime},
};

use reqwest::{
    Response, StatusCode,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use url::Url;

use crate::{
    address::NotPublic,
    body,
    client::LONGEST_CONNECT,
    engine::Engine,
    error::{Cause, Problem, find},
    redirect::{self, RedirectProblem},
    request::{Answer, Caches, Encoding, Request, Validators},
};

/// A file that changed within this time before it was sent may change again without its validators doing so.
const SETTLED: Duration = Duration::from_secs(2);

pub(crate) async fn attempt(
    engine: &Engine,
    request: &Request<'_>,
    received: &AtomicU64,
) -> Result<Answer, Problem> {
    let mut url = request.base.join(request.path);
    for _ in 0..=redirect::MOST {
        let response = ask(engine, request, &url).await?;
        if !is_redirect(response.status()) {
            return answer(engine, request, response, received).await;
        }
        let location = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
        url = redirect::follow(request.base, &url, location).map_err(Problem::Redirect)?;
    }
    Err(Problem::Redirect(RedirectProblem::TooMany))
}

/// Sends the question and waits for the whole head of the answer, connecting included.
async fn ask(engine: &Engine, request: &Request<'_>, url: &Url) -> Result<Response, Problem> {
    let timeout = engine.settings().timeout;
    let client = engine.client(url, request.base)?;
    let question = client.get(url.clone()).headers(headers(request, url)).send();
    match tokio::time::timeout(timeout, question).await {
        Ok(response) => response.map_err(|error| problem(error, timeout, url)),
        Err(_) => Err(timed_out(timeout)),
    }
}

fn headers(request: &Request<'_>, url: &Url) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let encoding = match request.encoding {
        Encoding::Identity => "identity",
        Encoding::Gzip => "gzip",
    };
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encoding));
    if let Some(token) = request.token.filter(|_| url.origin() == request.base.url().origin()) {
        headers.insert(header::AUTHORIZATION, token.header());
    }
    if request.caches == Caches::Bypass {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    }
    headers.extend(conditions(request));
    headers
}

/// What to say of the copy that is there. What is no header, since somebody changed the copy, is not said.
fn conditions(request: &Request<'_>) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let known = request.known.filter(|_| request.caches == Caches::Use);
    let etag = known.and_then(|known| known.etag.as_deref());
    let modified = known.and_then(|known| known.last_modified.as_deref());
    let both = [(header::IF_NONE_MATCH, etag), (header::IF_MODIFIED_SINCE, modified)];
    both.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::from_str(value?).ok()?)))
}

async fn answer(
    engine: &Engine,
    request: &Request<'_>,
    mut response: Response,
    received: &AtomicU64,
) -> Result<Answer, Problem> {
    let status = response.status();
    match status.as_u16() {
        200 => {}
        304 if conditions(request).next().is_some() => return Ok(Answer::Unchanged),
        404 | 410 => return Ok(Answer::Missing),
        401 | 403 => return Err(Problem::Denied(status.as_u16())),
        408 | 429 | 500 | 502 | 503 | 504 => {
            let retry_after = retry_after(response.headers(), SystemTime::now());
            return Err(Problem::Busy { status: status.as_u16(), retry_after });
        }
        other => return Err(Problem::Status(other)),
    }
    let unpack = body::is_packed(request.encoding, response.headers())?;
    let validators = validators(response.headers());
    let end = body::end(response.version(), response.headers());
    let bytes = body::read(&mut response, request.limit, engine.settings().timeout, received).await?;
    let bytes = if unpack { body::unpacked(&bytes, request.limit)? } else { bytes };
    Ok(Answer::Body { bytes, validators, end })
}

pub(crate) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Seconds from now, which the header gives as a number or as a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<u64> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        return Some(text.parse().unwrap_or(u64::MAX));
    }
    let then = httpdate::parse_http_date(text).ok()?;
    Some(then.duration_since(now).map_or(0, |left| left.as_secs()))
}

fn validators(headers: &HeaderMap) -> Option<Validators> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let time = |name| text(name).and_then(|text| httpdate::parse_http_date(text).ok());
    let modified = text(header::LAST_MODIFIED);
    if modified.is_some() {
        let age = time(header::DATE)?.duration_since(time(header::LAST_MODIFIED)?).ok()?;
        if age < SETTLED {
            return None;
        }
    }
    let [etag, last_modified] = [text(header::ETAG), modified].map(|text| text.map(str::to_owned));
    (etag.is_some() || last_modified.is_some()).then_some(Validators { etag, last_modified })
}

pub(crate) fn timed_out(timeout: Duration) -> Problem {
    Problem::Timeout { seconds: timeout.as_millis().div_ceil(1000) as u64 }
}

/// What an error of the client below means, with everything left out of it that may be a secret.
pub(crate) fn problem(error: reqwest::Error, timeout: Duration, url: &Url) -> Problem {
    let error = error.without_url();
    if find::<NotPublic>(&error).is_some() {
        return Problem::Redirect(RedirectProblem::Inward { to: redirect::shown(url) });
    }
    if error.is_timeout() {
        return timed_out(if error.is_connect() { timeout.min(LONGEST_CONNECT) } else { timeout });
    }
    let is_tls = find::<rustls::Error>(&error).is_some();
    let is_nonsense = find::<hyper::Error>(&error).is_some_and(|error| error.is_parse() || error.is_user());
    let (is_connect, is_settings) = (error.is_connect(), error.is_builder());
    let source = Cause::new(error);
    match () {
        () if is_settings => Problem::Settings { source },
        () if is_tls => Problem::Tls { source },
        () if is_connect => Problem::Connect { source },
        () if is_nonsense => Problem::Protocol { source },
        () => Problem::Cut { source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &[(&'static str, &str)]) -> HeaderMap {
        let header = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        lines.iter().map(header).collect()
    }

    #[track_caller]
    fn check_later(value: &str, expect: Option<u64>) {
        let now = httpdate::parse_http_date("Sun, 22 Nov 2026 12:00:00 GMT").unwrap();
        assert_eq!(retry_after(&head(&[("retry-after", value)]), now), expect, "{value}");
    }

    #[test]
    fn reads_when_to_ask_again_as_a_number_and_as_a_date() {
        check_later("7", Some(7));
        check_later("99999999999999999999999", Some(u64::MAX));
        check_later("Sun, 22 Nov 2026 12:00:09 GMT", Some(9));
        check_later("Sun, 22 Nov 2026 11:00:00 GMT", Some(0));
        check_later("-1", None);
        check_later("soon", None);
        check_later("", None);
    }

    #[track_caller]
    fn check_validators(lines: &[(&'static str, &str)], expect: Option<(Option<&str>, Option<&str>)>) {
        let found = validators(&head(lines));
        let found = found.as_ref().map(|found| (found.etag.as_deref(), found.last_modified.as_deref()));
        assert_eq!(found, expect);
    }

    #[test]
    fn keeps_validators_only_of_a_file_that_had_settled() {
        let (old, new) = ("Sun, 22 Nov 2026 12:00:00 GMT", "Sun, 22 Nov 2026 12:00:02 GMT");
        let just_before = "Sun, 22 Nov 2026 12:00:01 GMT";
        check_validators(&[("last-modified", old), ("date", new)], Some((None, Some(old))));
        check_validators(
            &[("last-modified", old), ("date", new), ("etag", "\"1\"")],
            Some((Some("\"1\""), Some(old))),
        );
        check_validators(&[("last-modified", just_before), ("date", new), ("etag", "\"1\"")], None);
        check_validators(&[("last-modified", new), ("date", old)], None);
        check_validators(&[("last-modified", old)], None);
        check_validators(&[("last-modified", "yesterday"), ("date", new)], None);
        check_validators(&[("etag", "\"1\"")], Some((Some("\"1\""), None)));
        check_validators(&[("date", new)], None);
    }
}
