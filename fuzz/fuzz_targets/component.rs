//! Any bytes as `plugin.wasm`.

#![no_main]

use leah_plugin::component;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    drop(component::kind(bytes));
    if let Err(error) = component::surface(bytes) {
        assert!(!error.to_string().contains(char::is_control));
    }
});
