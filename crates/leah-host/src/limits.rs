//! What one plugin may use up. The defaults are here, `host.yaml` changes them.

use std::time::Duration;

/// The limits of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all linear memories of one instance together.
    pub memory: u64,
    /// Elements of all its tables together.
    pub table_elements: u64,
    /// Execution of guest code in one hook or tool call; waiting in a function of the host does not count.
    pub guest_time: Duration,
    /// The same for `initialize` and for `activate`.
    pub start_time: Duration,
    /// One call with all that it waits for.
    pub call_time: Duration,
    /// One start with all that it waits for.
    pub start_call_time: Duration,
    /// Bytes of one answer of a plugin: a text, a tool's result.
    pub answer: usize,
    /// Bytes of one answer from the network.
    pub response: u64,
    /// Bytes that a plugin keeps on disk: its files, its keys and values.
    pub disk: u64,
    /// Instances of one plugin that run side by side.
    pub instances: usize,
    /// Lines that a plugin may log in a second, after a burst of ten times as many.
    pub log_lines: u32,
    /// Faults within a minute after which a plugin is not called any more.
    pub faults: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            table_elements: 100_000,
            guest_time: Duration::from_millis(50),
            start_time: Duration::from_secs(2),
            call_time: Duration::from_secs(30),
            start_call_time: Duration::from_secs(5),
            answer: 1 << 20,
            response: 8 << 20,
            disk: 100 << 20,
            instances: 4,
            log_lines: 20,
            faults: 5,
        }
    }
}
