//! The body of an answer: counted, timed, and unpacked within the same limit.

use std::{
    io::{ErrorKind, Read},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use flate2::read::MultiGzDecoder;
use reqwest::{
    Response, Version,
    header::{self, HeaderMap},
};

use crate::{
    attempt::{problem, timed_out},
    error::{Cause, Problem},
    request::{Encoding, End},
};

/// The least that a server must bring beyond the first `timeout`, in bytes a second on average.
const LEAST_PER_SECOND: u64 = 4096;

/// How a body is packed that is packed in a way nobody asked for.
#[derive(Debug, thiserror::Error)]
#[error("the body is packed as `{0}`, which was not asked for")]
struct UnknownEncoding(String);

/// Whether the body has to be unpacked.
pub(crate) fn is_packed(asked: Encoding, headers: &HeaderMap) -> Result<bool, Problem> {
    let stated = headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
    match (asked, stated.as_deref()) {
        (Encoding::Identity, _) | (Encoding::Gzip, None | Some(b"identity" | b"")) => Ok(false),
        (Encoding::Gzip, Some(b"gzip" | b"x-gzip")) => Ok(true),
        (Encoding::Gzip, Some(other)) => {
            let error = UnknownEncoding(other.escape_ascii().to_string());
            Err(Problem::Protocol { source: Cause::new(error) })
        }
    }
}

/// How the end of the body will be known (RFC 9112, 6.3): later versions than HTTP/1 have frames for it.
pub(crate) fn end(version: Version, headers: &HeaderMap) -> End {
    let stated = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
    if version > Version::HTTP_11 || stated.iter().any(|name| headers.contains_key(name)) {
        End::Stated
    } else {
        End::Closed
    }
}

/// Reads the body: at most `limit` bytes, never `timeout` without one, never slower than it must be. `received` is set
/// to how many there are so far.
pub(crate) async fn read(
    response: &mut Response,
    limit: u64,
    timeout: Duration,
    received: &AtomicU64,
) -> Result<Vec<u8>, Problem> {
    let stated = response.content_length().unwrap_or(0);
    if stated > limit {
        return Err(Problem::TooLarge { limit });
    }
    let started = Instant::now();
    let mut bytes = Vec::with_capacity(stated as usize);
    received.store(0, Ordering::Relaxed);
    loop {
        let left = allowance(bytes.len() as u64, timeout).saturating_sub(started.elapsed());
        let Ok(chunk) = tokio::time::timeout(left.min(timeout), response.chunk()).await else {
            return Err(if bytes.is_empty() || left > timeout { timed_out(timeout) } else { TOO_SLOW });
        };
        match chunk.map_err(|error| problem(error, timeout, response.url()))? {
            None => return Ok(bytes),
            Some(chunk) if bytes.len() as u64 + chunk.len() as u64 > limit => {
                return Err(Problem::TooLarge { limit });
            }
            Some(chunk) => bytes.extend_from_slice(&chunk),
        }
        received.store(bytes.len() as u64, Ordering::Relaxed);
        if started.elapsed() > allowance(bytes.len() as u64, timeout) {
            return Err(TOO_SLOW);
        }
    }
}

const TOO_SLOW: Problem = Problem::TooSlow { per_second: LEAST_PER_SECOND };

/// How long so many bytes may take.
fn allowance(received: u64, timeout: Duration) -> Duration {
    timeout + Duration::from_millis(received.saturating_mul(1000) / LEAST_PER_SECOND)
}

/// Undoes gzip, up to `limit` bytes: a small body can stand for an endless one.
pub(crate) fn unpacked(packed: &[u8], limit: u64) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let read = MultiGzDecoder::new(packed).take(limit.saturating_add(1)).read_to_end(&mut bytes);
    match read {
        Ok(_) if bytes.len() as u64 > limit => Err(Problem::TooLarge { limit }),
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Err(Problem::Cut { source: Cause::new(error) })
        }
        Err(error) => Err(Problem::Protocol { source: Cause::new(error) }),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use reqwest::header::HeaderValue;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_bomb_is_counted_as_it_unpacks() {
        let bomb = packed(&vec![0; 1 << 20]);
        assert!(bomb.len() < 2000);
        assert_eq!(unpacked(&bomb, 1 << 20).unwrap().len(), 1 << 20);
        assert!(matches!(unpacked(&bomb, (1 << 20) - 1), Err(Problem::TooLarge { limit: 1_048_575 })));
    }

    #[test]
    fn tells_a_packed_body_that_is_cut_from_one_that_is_none() {
        let whole = packed(b"the text of a record");
        assert_eq!(unpacked(&whole, 100).unwrap(), b"the text of a record");
        assert!(matches!(unpacked(&whole[..whole.len() - 5], 100), Err(Problem::Cut { .. })));
        assert!(matches!(unpacked(b"<html>not packed</html>", 100), Err(Problem::Protocol { .. })));
    }

    #[track_caller]
    fn check_packed(asked: Encoding, stated: &'static str, expect: Option<bool>) {
        let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_static(stated))]);
        assert_eq!(is_packed(asked, &headers).ok(), expect, "{stated}");
    }

    #[test]
    fn unpacks_only_what_it_asked_to_be_packed() {
        check_packed(Encoding::Gzip, "GZIP", Some(true));
        check_packed(Encoding::Gzip, "identity", Some(false));
        check_packed(Encoding::Gzip, "br", None);
        check_packed(Encoding::Identity, "x-gzip", Some(false));
    }
}
