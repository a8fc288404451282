//! Secret keys: read from minisign's key files, plain or protected by a password, and made anew.
//! The secret is never printed; who stores a key file makes it readable for its owner alone.

use std::fmt;

use curve25519_dalek::EdwardsPoint;
use sha2::{Digest as _, Sha512};

use super::{KeyError, PublicKey, decode_base64, file_lines};

/// Length of the second line of a key file, decoded: algorithms, key derivation, id, key, checksum.
const BYTES: usize = 158;
const NO_DERIVATION: &[u8] = &[0, 0];
const SCRYPT: &[u8] = b"Sc";

/// What minisign's scrypt parameters are allowed to be. libsodium's own lie between 16 MiB and 1 GiB;
/// below them the crate would choose a parallelism that takes all memory.
const SCRYPT_MEMORY: std::ops::RangeInclusive<u64> = 16 << 20..=1 << 30;
const SCRYPT_OPERATIONS: std::ops::RangeInclusive<u64> = 1 << 15..=1 << 25;

/// A minisign secret key, decrypted.
#[derive(Clone)]
pub struct SecretKey {
    secret: minisign::SecretKey,
    public: PublicKey,
}

impl SecretKey {
    /// Makes a new key from the system's randomness.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = minisign::KeyPair::generate_unencrypted_keypair()
            .map_err(|source| KeyError::Generate { source })?;
        Self::new(pair.sk)
    }

    /// Makes a new key and the text of its file, protected by `password`.
    ///
    /// # Errors
    /// When the system has no randomness or `comment` is not one printable line.
    pub fn generate_protected(comment: &str, password: &str) -> Result<(Self, String), KeyError> {
        check_comment(comment)?;
        let failed = |source| KeyError::Generate { source };
        let pair =
            minisign::KeyPair::generate_encrypted_keypair(Some(password.to_owned())).map_err(failed)?;
        let text = pair.sk.to_box(Some(comment)).map_err(failed)?.into_string();
        Ok((Self::read(&text, Some(password))?, text))
    }

    /// Reads a key file. A password that is not needed is ignored.
    ///
    /// # Errors
    /// When the text is no key file, a password is needed or wrong, or the key is damaged.
    pub fn read(text: &str, password: Option<&str>) -> Result<Self, KeyError> {
        let bytes = decode(text)?;
        if &bytes[2..4] == NO_DERIVATION {
            // Not through the crate's reader: minisign writes no checksum into plain files, and the
            // crate demands one. `new` finds damage all the same.
            return Self::new(open(&bytes)?);
        }
        let password = password.ok_or(KeyError::PasswordNeeded)?;
        check_derivation(&bytes)?;
        let sealed = minisign::SecretKeyBox::from(text.to_owned());
        let secret = sealed
            .into_secret_key(Some(password.to_owned()))
            .map_err(|source| KeyError::WrongPassword { source })?;
        let mut bytes = secret.to_bytes();
        // What is decrypted says so, or it would be written out as if it were not.
        bytes[2..4].fill(0);
        bytes[6..54].fill(0);
        Self::new(open(&bytes)?)
    }

    /// True for a key file that needs a password; false as well for what is no key file.
    #[must_use]
    pub fn is_encrypted(text: &str) -> bool {
        decode(text).is_ok_and(|bytes| &bytes[2..4] != NO_DERIVATION)
    }

    /// The text of a key file without a password.
    ///
    /// # Errors
    /// When `comment` is not one printable line.
    pub fn to_file_text(&self, comment: &str) -> Result<String, KeyError> {
        check_comment(comment)?;
        let text = self.secret.to_box(Some(comment)).map_err(|source| KeyError::Generate { source })?;
        Ok(text.into_string())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.public
    }

    pub(crate) fn inner(&self) -> &minisign::SecretKey {
        &self.secret
    }

    fn new(secret: minisign::SecretKey) -> Result<Self, KeyError> {
        let bytes = secret.to_bytes();
        let mut public = [0; 42];
        public[..2].copy_from_slice(b"Ed");
        public[2..10].copy_from_slice(&bytes[54..62]);
        public[10..].copy_from_slice(&bytes[94..126]);
        let public = PublicKey::from_bytes(public)?;
        // Signing with a public half that is not its own gives the secret away.
        let seed = Sha512::digest(&bytes[62..94]);
        let scalar = std::array::from_fn(|i| seed[i]);
        if EdwardsPoint::mul_base_clamped(scalar).compress().to_bytes() != public.point() {
            return Err(KeyError::Damaged);
        }
        Ok(Self { secret, public })
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public.id())
    }
}

fn decode(text: &str) -> Result<[u8; BYTES], KeyError> {
    let bytes: [u8; BYTES] = decode_base64(file_lines(text)?.1).ok_or(KeyError::Base64)?;
    let derivation = &bytes[2..4];
    if &bytes[..2] != b"Ed" || &bytes[4..6] != b"B2" || (derivation != NO_DERIVATION && derivation != SCRYPT)
    {
        return Err(KeyError::Algorithm);
    }
    Ok(bytes)
}

fn open(bytes: &[u8]) -> Result<minisign::SecretKey, KeyError> {
    minisign::SecretKey::from_bytes(bytes).map_err(|source| KeyError::Generate { source })
}

fn check_derivation(bytes: &[u8; BYTES]) -> Result<(), KeyError> {
    let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
    if SCRYPT_OPERATIONS.contains(&number(38)) && SCRYPT_MEMORY.contains(&number(46)) {
        return Ok(());
    }
    Err(KeyError::Derivation)
}

fn check_comment(comment: &str) -> Result<(), KeyError> {
    let printable = comment.len() <= 256 && comment.bytes().all(|b| (b' '..=b'~').contains(&b));
    if printable { Ok(()) } else { Err(KeyError::Comment) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::encode_base64;

    fn file(bytes: &[u8]) -> String {
        format!("untrusted comment: test\n{}\n", encode_base64(bytes))
    }

    #[test]
    fn reads_back_what_it_writes() {
        let key = SecretKey::generate().unwrap();
        let text = key.to_file_text("the root key").unwrap();
        assert!(text.starts_with("untrusted comment: the root key\nRWQAAEIy"), "{text}");
        assert!(!SecretKey::is_encrypted(&text));
        assert_eq!(SecretKey::read(&text, None).unwrap().public(), key.public());
        assert_eq!(SecretKey::read(&text, Some("not needed")).unwrap().public(), key.public());
    }

    #[test]
    fn opens_a_protected_key_with_its_password_alone() {
        let (key, text) = SecretKey::generate_protected("x", "hunter2").unwrap();
        assert!(SecretKey::is_encrypted(&text));
        assert_eq!(SecretKey::read(&text, Some("hunter2")).unwrap().public(), key.public());
        assert!(matches!(SecretKey::read(&text, None), Err(KeyError::PasswordNeeded)));
        assert!(matches!(SecretKey::read(&text, Some("hunter3")), Err(KeyError::WrongPassword { .. })));
        // Once opened it can be written plain, and says so.
        assert!(!SecretKey::is_encrypted(&key.to_file_text("x").unwrap()));
    }

    #[test]
    fn refuses_a_key_whose_halves_do_not_belong_together() {
        let bytes = SecretKey::generate().unwrap().secret.to_bytes();
        let other = SecretKey::generate().unwrap().secret.to_bytes();
        for part in [62..94, 94..126] {
            let mut mixed = bytes.clone();
            mixed[part.clone()].copy_from_slice(&other[part]);
            assert!(matches!(SecretKey::read(&file(&mixed), None), Err(KeyError::Damaged)));
        }
    }

    #[test]
    fn refuses_derivations_that_would_take_all_memory() {
        let mut bytes = SecretKey::generate().unwrap().secret.to_bytes();
        bytes[2..4].copy_from_slice(SCRYPT);
        for (operations, memory) in [(u64::MAX, 1 << 25), (1 << 20, 0), (1 << 20, u64::MAX), (0, 1 << 25)] {
            bytes[38..46].copy_from_slice(&operations.to_le_bytes());
            bytes[46..54].copy_from_slice(&memory.to_le_bytes());
            assert!(matches!(SecretKey::read(&file(&bytes), Some("")), Err(KeyError::Derivation)));
        }
    }

    #[test]
    fn refuses_what_is_no_key_file_and_comments_of_two_lines() {
        let key = SecretKey::generate().unwrap();
        assert!(matches!(key.to_file_text("a\nb"), Err(KeyError::Comment)));
        let public = key.public().to_file_text();
        for text in ["", "x", public.as_str(), &file(&[0; 157]), &file(&[0; 158]), &file(&[7; 159])] {
            assert!(SecretKey::read(text, None).is_err(), "{text}");
        }
    }

    #[test]
    fn keeps_the_secret_out_of_debug_output() {
        let key = SecretKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("SecretKey({})", key.public().id()));
    }
}
