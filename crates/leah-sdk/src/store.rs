//! Small values that outlive a restart and an update. Needs no permission.
//!
//! The host runs several instances of a plugin, so two may write one key at the same time: [`update`] and
//! [`add`] lose nothing, [`get`] and then [`set`] might.
//!
//! ```
//! use leah_sdk::{Error, Result, store};
//!
//! /// Counts a message of a conversation; answers how many there were.
//! fn count(conversation: &str) -> Result<i64> {
//!     store::add(&format!("messages/{conversation}"), 1)
//! }
//!
//! /// Forgets all conversations.
//! fn forget() -> Result<()> {
//!     store::keys("messages/")?.iter().try_for_each(|key| store::delete(key))
//! }
//! # assert_eq!((count("c"), forget()), (Err(Error::Unavailable), Err(Error::Unavailable)));
//! ```

use serde::{Serialize, de::DeserializeOwned};

use crate::bindings::{imports::leah::plugin::store as host, inside_host};
use crate::{Error, Result, types::parse_json};

/// How often [`update`] starts over before it gives up. Instances are few, so losing that often means
/// something is wrong.
const ATTEMPTS: usize = 16;

/// The value of a key, `None` if it has none.
pub fn get(key: &str) -> Result<Option<Vec<u8>>> {
    inside_host()?;
    host::get(key)
}

/// The value of a key as a type of the plugin's own, which was written as JSON. [`Error::Invalid`] if it is other
/// JSON, or none.
pub fn get_json<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    get(key)?.map(|value| parse_json(&value)).transpose()
}

/// Gives a key a value of any type, as JSON. [`Error::Invalid`] if it cannot be written as JSON.
pub fn set_json(key: &str, value: &impl Serialize) -> Result<()> {
    let json = serde_json::to_vec(value).map_err(|error| Error::invalid(error.to_string()))?;
    set(key, json)
}

/// The value of a key as text. [`Error::Invalid`] if it is not UTF-8.
pub fn get_text(key: &str) -> Result<Option<String>> {
    get(key)?.map(|value| String::from_utf8(value).map_err(|_| not_text())).transpose()
}

/// Gives a key a value, whatever it had before.
pub fn set(key: &str, value: impl AsRef<[u8]>) -> Result<()> {
    inside_host()?;
    host::set(key, value.as_ref())
}

/// Gives a key a value if what it has now is `expected`; answers whether it did.
pub fn compare_and_set(key: &str, expected: Option<&[u8]>, value: impl AsRef<[u8]>) -> Result<bool> {
    inside_host()?;
    host::compare_and_set(key, expected, value.as_ref())
}

/// Removes a key and its value. Not an error if there is none.
pub fn delete(key: &str) -> Result<()> {
    inside_host()?;
    host::delete(key)
}

/// The keys that begin with a prefix, sorted. An empty prefix means all.
pub fn keys(prefix: &str) -> Result<Vec<String>> {
    inside_host()?;
    host::list_keys(prefix)
}

/// Computes a value from the one before and stores it, also when other instances do the same; answers the new
/// value.
pub fn update(key: &str, mut change: impl FnMut(Option<&[u8]>) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    for _ in 0..ATTEMPTS {
        let before = get(key)?;
        let after = change(before.as_deref())?;
        if compare_and_set(key, before.as_deref(), &after)? {
            return Ok(after);
        }
    }
    Err(Error::failed(format!("`{key}` kept changing while it was updated")))
}

/// Adds to a number, kept as decimal text and 0 at first; answers the sum. [`Error::Invalid`] if the value is
/// no number.
pub fn add(key: &str, amount: i64) -> Result<i64> {
    let mut sum = 0;
    update(key, |before| {
        sum = number(before)?.saturating_add(amount);
        Ok(sum.to_string().into_bytes())
    })?;
    Ok(sum)
}

fn number(value: Option<&[u8]>) -> Result<i64> {
    let Some(value) = value else { return Ok(0) };
    let text = std::str::from_utf8(value).map_err(|_| not_text())?;
    text.parse().map_err(|_| Error::invalid(format!("`{text}` is not a number")))
}

fn not_text() -> Error {
    Error::invalid("the value is not UTF-8 text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: Option<&[u8]>, expect: &Result<i64>) {
        assert_eq!(&number(value), expect);
    }

    #[test]
    fn a_number_is_decimal_text_and_zero_at_first() {
        check(None, &Ok(0));
        check(Some(b"41"), &Ok(41));
        check(Some(b"-1"), &Ok(-1));
    }

    #[test]
    fn refuses_to_count_on_from_what_is_no_number() {
        check(Some(b"many"), &Err(Error::Invalid("`many` is not a number".to_owned())));
        check(Some(b"\xff"), &Err(not_text()));
    }

    #[test]
    fn nothing_is_stored_outside_a_host() {
        assert_eq!(add("messages", 1), Err(Error::Unavailable));
    }
}
