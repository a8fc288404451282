//! A new head for a registry in which nothing happened, before the old one expires; merges the catalog.

use std::path::Path;

use leah_plugin::{head::Head, key::SecretKey};

use crate::change::{Change, ChangeError};

/// Signs a new head with a new expiry and merges the segments of the catalog into one. `now` is in
/// seconds since 1970.
///
/// # Errors
/// When the registry cannot be read or written.
pub fn refresh(folder: &Path, index_key: &SecretKey, now: u64) -> Result<Head, ChangeError> {
    let mut change = Change::begin(folder, index_key, now)?;
    let catalog = change.registry().catalog()?;
    change.set_catalog(&catalog);
    change.commit()
}
