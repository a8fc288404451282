//! The twin of a lock: the same in JSON, which is read in a tenth of the time. It lies beside a lock that never changes, is
//! worth nothing without it, and counts only for the very text that it was made of.

use serde::{Deserialize, Serialize};

use super::{Lock, LockError, Wire, WireRef};
use crate::digest::Digest;

#[derive(Serialize)]
struct TwinRef<'a> {
    /// Of the text.
    sha256: Digest,
    lock: WireRef<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Twin {
    sha256: Digest,
    lock: Wire,
}

impl Lock {
    /// The twin of this lock, whose text has this digest.
    ///
    /// # Errors
    /// As [`Lock::to_text`].
    pub fn to_twin(&self, text: &Digest) -> Result<Vec<u8>, LockError> {
        let twin = TwinRef { sha256: *text, lock: self.wire()? };
        Ok(serde_json::to_vec(&twin).expect("a lock has keys that are texts"))
    }

    /// The lock whose text has this digest, read from its twin. None where this is no twin, that of another text, or one
    /// that another release has made; the text then has to be read.
    #[must_use]
    pub fn read_twin(twin: &[u8], text: &Digest) -> Option<Self> {
        let twin: Twin = serde_json::from_slice(twin).ok()?;
        let lock = Self::from(twin.lock);
        (twin.sha256 == *text && lock.check().is_ok()).then_some(lock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::tests::lock;

    #[test]
    fn says_what_the_text_says() {
        let lock = lock();
        let text = lock.to_text().unwrap();
        let digest = Digest::of(text.as_bytes());
        assert_eq!(Lock::read_twin(&lock.to_twin(&digest).unwrap(), &digest), Some(lock.clone()));
        assert_eq!(Lock::read(text.as_bytes()).unwrap(), lock);
    }

    #[test]
    fn counts_for_its_own_text_alone_and_only_as_it_was_made() {
        let digest = Digest::of(b"a text");
        let twin = lock().to_twin(&digest).unwrap();
        assert_eq!(Lock::read_twin(&twin, &Digest::of(b"another text")), None);
        assert_eq!(Lock::read_twin(&twin[..twin.len() - 1], &digest), None);
        assert_eq!(Lock::read_twin(b"", &digest), None);
        let text = String::from_utf8(twin).unwrap();
        let newer = text.replacen("{\"", "{\"new\":1,\"", 1);
        assert_eq!(Lock::read_twin(newer.as_bytes(), &digest), None);
        let unfit = text.replacen("^1.2", "^9.2", 1);
        assert_ne!(unfit, text);
        assert_eq!(Lock::read_twin(unfit.as_bytes(), &digest), None);
    }
}
