//! `settings`: what the user set for this plugin, and the defaults of its manifest.

use super::Caller;
use crate::bindings::leah::plugin::{settings::Host, types::Error};

impl Host for Caller<'_> {
    fn get(&mut self, key: String) -> Result<Option<String>, Error> {
        if !self.plugin.declared.contains(&key) {
            return Err(Error::NotFound);
        }
        Ok(self.plugin.settings.get(&key).map(ToString::to_string))
    }
}
