//! The secret that a private registry asks for. It is shown nowhere and sent to one server alone.

use std::{fmt, str::FromStr};

use reqwest::header::HeaderValue;

/// A secret text of visible ASCII characters, sent as `Authorization: Bearer`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Why a text is not a token. The text is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is nothing.
    #[error("a token is not empty")]
    Empty,
    /// More than a web server takes in a header.
    #[error("a token has at most {} characters", Token::LONGEST)]
    TooLong,
    /// A character that cannot be part of a header.
    #[error("a token has letters, digits and signs of ASCII only, without spaces")]
    Character,
}

impl Token {
    /// The longest token, in bytes.
    pub const LONGEST: usize = 4096;

    /// The secret itself, for the file that keeps it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The value of the header `Authorization`, marked as a secret.
    pub(crate) fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0))
            .expect("a token has visible ASCII characters only");
        value.set_sensitive(true);
        value
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Err(TokenError::Empty),
            _ if text.len() > Self::LONGEST => Err(TokenError::TooLong),
            _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => Err(TokenError::Character),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_visible_ascii_alone() {
        let token = |text: &str| text.parse::<Token>();
        assert_eq!(token("s3cret/+=~").unwrap().reveal(), "s3cret/+=~");
        assert_eq!(token("").unwrap_err(), TokenError::Empty);
        assert_eq!(token("two words").unwrap_err(), TokenError::Character);
        assert_eq!(token("line\r\nHost: x").unwrap_err(), TokenError::Character);
        assert_eq!(token("schlüssel").unwrap_err(), TokenError::Character);
        assert!(token(&"a".repeat(4096)).is_ok());
        assert_eq!(token(&"a".repeat(4097)).unwrap_err(), TokenError::TooLong);
    }

    #[test]
    fn shows_nothing_of_itself() {
        let token: Token = "hunter2".parse().unwrap();
        assert!(!format!("{token:?} {:?} {:?}", token.header(), Some(&token)).contains("hunter2"));
    }
}
