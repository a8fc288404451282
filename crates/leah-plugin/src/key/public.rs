//! Public keys: 42 bytes that are compared whole. That the point is a sound one is checked when a person gives
//! a key, and again before a signature is verified with one.

use std::{fmt, str::FromStr};

use curve25519_dalek::edwards::CompressedEdwardsY;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{KeyError, decode_base64, encode_base64, file_lines};

/// Length of a public key as text: the base64 of 42 bytes.
const TEXT_LEN: usize = 56;

/// A minisign public key: `Ed`, 8 bytes of id, 32 bytes of Ed25519 (RFC 8032).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 42]);

impl PublicKey {
    /// Takes the 42 bytes of a key that was read or made.
    ///
    /// # Errors
    /// When the bytes are no sound key.
    pub(super) fn from_bytes(bytes: [u8; 42]) -> Result<Self, KeyError> {
        let key = Self::of_shape(bytes)?;
        key.check_point()?;
        Ok(key)
    }

    /// Checks all but the point, which takes longer than reading a whole lock does.
    fn of_shape(bytes: [u8; 42]) -> Result<Self, KeyError> {
        if &bytes[..2] != b"Ed" {
            return Err(KeyError::Algorithm);
        }
        if bytes[2..10] == [0; 8] {
            return Err(KeyError::ZeroId);
        }
        Ok(Self(bytes))
    }

    /// Demands a point of the curve, not of small order and in its one spelling. Done for what a person
    /// gives, and before anything is verified; keys in files that are only compared go without.
    pub(crate) fn check_point(&self) -> Result<(), KeyError> {
        let compressed = CompressedEdwardsY(self.point());
        let point = compressed.decompress().ok_or(KeyError::NotOnCurve)?;
        if point.is_small_order() {
            return Err(KeyError::SmallOrder);
        }
        if point.compress() != compressed {
            return Err(KeyError::NotCanonical);
        }
        Ok(())
    }

    /// The id as minisign prints it: 16 upper-case hexadecimal digits. For people only; it proves nothing.
    #[must_use]
    pub fn id(&self) -> String {
        format_id(self.id_bytes())
    }

    /// Reads a `.pub` file: a comment line and the key.
    ///
    /// # Errors
    /// When the text is not two lines or the second is no sound key.
    pub fn from_file_text(text: &str) -> Result<Self, KeyError> {
        file_lines(text)?.1.parse()
    }

    /// The text of a `.pub` file, as minisign writes it.
    #[must_use]
    pub fn to_file_text(&self) -> String {
        format!("untrusted comment: minisign public key {}\n{self}\n", self.id())
    }

    pub(crate) fn id_bytes(&self) -> [u8; 8] {
        std::array::from_fn(|i| self.0[2 + i])
    }

    pub(super) fn point(&self) -> [u8; 32] {
        std::array::from_fn(|i| self.0[10 + i])
    }
}

/// The id of a key or signature as minisign prints it.
pub(crate) fn format_id(id: [u8; 8]) -> String {
    format!("{:016X}", u64::from_le_bytes(id))
}

impl FromStr for PublicKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let key = read_shape(text)?;
        key.check_point()?;
        Ok(key)
    }
}

fn read_shape(text: &str) -> Result<PublicKey, KeyError> {
    if text.len() != TEXT_LEN {
        return Err(KeyError::Length(text.chars().count()));
    }
    PublicKey::of_shape(decode_base64(text).ok_or(KeyError::Base64)?)
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&encode_base64(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_shape(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // The key of minisign's own releases.
    const MINISIGN: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    fn with_point(point: [u8; 32]) -> Result<PublicKey, KeyError> {
        let mut bytes = [0; 42];
        bytes[..10].copy_from_slice(b"Ed12345678");
        bytes[10..].copy_from_slice(&point);
        encode_base64(&bytes).parse()
    }

    fn point(hex: &str) -> [u8; 32] {
        let mut bytes = [0; 32];
        hex::decode_to_slice(hex, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn reads_and_writes_what_minisign_does() {
        let key: PublicKey = MINISIGN.parse().unwrap();
        assert_eq!((key.to_string().as_str(), key.id().as_str()), (MINISIGN, "E7620F1842B4E81F"));
        assert_eq!(PublicKey::from_file_text(&key.to_file_text()).unwrap(), key);
        assert_eq!(serde_json::to_string(&key).unwrap(), format!("\"{MINISIGN}\""));
    }

    #[test]
    fn refuses_the_points_of_small_order_in_every_spelling() {
        for hex in [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000080",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ] {
            assert!(matches!(with_point(point(hex)), Err(KeyError::SmallOrder)), "{hex}");
        }
    }

    #[test]
    fn refuses_a_second_spelling_of_a_point() {
        // y from p on stands for y - p; those of the curve that are not of small order must fall here.
        let refused = (0xf0..=0xff_u8).filter(|low| {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (*low, 0x7f);
            matches!(with_point(bytes), Err(KeyError::NotCanonical))
        });
        assert!(refused.count() > 0);
    }

    #[test]
    fn refuses_what_is_no_key() {
        let check = |text: &str, expect: fn(&KeyError) -> bool| {
            let error = text.parse::<PublicKey>().unwrap_err();
            assert!(expect(&error), "{text}: {error}");
        };
        check("", |e| matches!(e, KeyError::Length(0)));
        check(&format!("{MINISIGN}\n"), |e| matches!(e, KeyError::Length(57)));
        check(&MINISIGN.replace('+', " ").replace("Qf6", "Q 6"), |e| matches!(e, KeyError::Base64));
        check(&MINISIGN.replacen("RW", "RU", 1), |e| matches!(e, KeyError::Algorithm));
        check(&format!("RWQ{}", "A".repeat(53)), |e| matches!(e, KeyError::ZeroId));
    }

    #[test]
    fn refuses_key_files_of_another_shape() {
        for text in [
            "",
            MINISIGN,
            &format!("comment\n{MINISIGN}\n"),
            &format!("untrusted comment: x\r\n{MINISIGN}\r\n"),
        ] {
            assert!(matches!(PublicKey::from_file_text(text), Err(KeyError::Lines)), "{text:?}");
        }
        assert!(PublicKey::from_file_text(&"x".repeat(5000)).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,60}", key in "RW[QRST][A-Za-z0-9+/]{53}") {
            let _ = text.parse::<PublicKey>();
            if let Ok(read) = key.parse::<PublicKey>() {
                prop_assert_eq!(read.to_string(), key);
            }
        }
    }
}
