//! Any bytes as a line on the host's socket: a message that is taken is a line again, and what is none has an answer that
//! is one.

#![no_main]

use leah_plugin::message::{read_line, write_line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let message = match read_line(bytes) {
        Ok(message) => message,
        Err(error) => match error.response() {
            Some(response) => response,
            None => return,
        },
    };
    if let Ok(line) = write_line(&message) {
        read_line(&line).unwrap();
    }
});
