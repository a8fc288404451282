//! Any text as a name, a version, a range, a path, a digest, and as what the command line takes; what is taken is
//! shown as it was read.

#![no_main]

use leah_plugin::{
    digest::Digest,
    layout::{EntryName, SettingsFile},
    name::{Origin, PluginName},
    package::PackagePath,
    version::{MAX_VERSION_BYTES, parse_range, parse_version},
};
use leahpm::{consent::Choice, requirements::Wanted};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    fn same<T: std::str::FromStr + ToString>(text: &str) {
        if let Ok(value) = text.parse::<T>() {
            assert_eq!(value.to_string(), text);
        }
    }
    same::<PluginName>(text);
    same::<Origin>(text);
    same::<PackagePath>(text);
    same::<Digest>(text);
    same::<EntryName>(text);
    same::<SettingsFile>(text);
    drop((parse_version(text), parse_range(text), text.parse::<Choice>()));
    // A range is shown with spaces, so a long one can be too long to be typed in again.
    if let Ok(wanted) = text.parse::<Wanted>()
        && wanted.to_string().len() <= MAX_VERSION_BYTES
    {
        assert_eq!(wanted.to_string().parse::<Wanted>().unwrap(), wanted);
    }
});
