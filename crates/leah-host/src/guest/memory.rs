//! What an instance has of the host's memory: the bytes of all its linear memories together, and the elements of all
//! its tables.

use wasmtime::ResourceLimiter;

/// Counts what one store has.
#[derive(Debug)]
pub(super) struct Memory {
    bytes: Count,
    elements: Count,
    modules: usize,
}

#[derive(Debug)]
struct Count {
    used: u64,
    most: u64,
    /// What was allowed last, in case it does not come about.
    last: u64,
    refused: bool,
}

impl Memory {
    pub(super) fn new(bytes: u64, elements: u64, modules: usize) -> Self {
        Self { bytes: Count::new(bytes), elements: Count::new(elements), modules }
    }

    /// A call begins: what was refused before has nothing to do with it.
    pub(super) fn forget_refusal(&mut self) {
        self.bytes.refused = false;
    }

    /// The bytes there may be, if more were asked for.
    pub(super) fn refused(&self) -> Option<u64> {
        self.bytes.refused.then_some(self.bytes.most)
    }
}

impl Count {
    fn new(most: u64) -> Self {
        Self { used: 0, most, last: 0, refused: false }
    }

    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let more = desired.saturating_sub(current) as u64;
        let fits = self.used.checked_add(more).is_some_and(|used| used <= self.most);
        if fits {
            self.used += more;
            self.last = more;
        } else {
            self.refused = true;
            self.last = 0;
        }
        fits
    }

    fn failed(&mut self) {
        self.used -= std::mem::take(&mut self.last);
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.bytes.grow(current, desired))
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.bytes.failed();
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.elements.grow(current, desired))
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.elements.failed();
        Ok(())
    }

    fn instances(&self) -> usize {
        self.modules
    }

    fn tables(&self) -> usize {
        self.modules
    }

    fn memories(&self) -> usize {
        self.modules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_all_memories_together() {
        let mut memory = Memory::new(100, 10, 1);
        assert!(memory.memory_growing(0, 60, None).unwrap());
        assert!(!memory.memory_growing(0, 50, None).unwrap());
        assert_eq!(memory.refused(), Some(100));
        assert!(memory.memory_growing(60, 100, None).unwrap());
        assert!(!memory.memory_growing(0, 1, None).unwrap());
        assert!(memory.table_growing(0, 10, None).unwrap());
        assert!(!memory.table_growing(10, 11, None).unwrap());
    }

    #[test]
    fn counts_nothing_that_did_not_come_about() {
        let mut memory = Memory::new(100, 10, 1);
        assert!(memory.memory_growing(0, 60, None).unwrap());
        memory.memory_grow_failed(wasmtime::Error::msg("no address space")).unwrap();
        assert!(memory.memory_growing(0, 100, None).unwrap());
        assert!(!memory.memory_growing(100, 101, None).unwrap());
        // The engine tells of a refusal in the same way, and what was refused was never counted.
        memory.memory_grow_failed(wasmtime::Error::msg("refused")).unwrap();
        assert!(!memory.memory_growing(100, 101, None).unwrap());
        assert_eq!(memory.refused(), Some(100));
        memory.forget_refusal();
        assert_eq!(memory.refused(), None);
    }
}
