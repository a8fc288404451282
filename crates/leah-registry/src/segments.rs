//! How a change goes into the catalog. It writes a small segment and a short list; what is small is merged
//! when there is too much of it, in the measure in which it has grown, and all of it by `refresh`.

use leah_plugin::{
    catalog::{self, Catalog, CatalogEntry, Segment, SegmentRef},
    digest::Digest,
    name::PluginName,
};

use crate::registry::{Registry, RegistryError};

/// The newest segment takes entries up to so many bytes: about ten of them. Then one is begun.
const SMALL: u64 = 3_000;

/// Most segments in a list: its 24 lines are 2.2 kB, which every change writes anew.
const MOST: usize = 24;

/// A change of the catalog in the making.
#[derive(Debug, Default)]
pub(crate) struct CatalogChange {
    whole: bool,
    says: Segment,
}

/// What a change of the catalog writes.
#[derive(Debug)]
pub(crate) struct Segments {
    list: Vec<SegmentRef>,
    objects: Vec<(Digest, Vec<u8>)>,
}

impl CatalogChange {
    /// From here on the catalog shows this of a name, or nothing.
    pub(crate) fn set(&mut self, name: PluginName, entry: Option<CatalogEntry>) {
        self.says.insert(name, entry);
    }

    /// From here on the catalog shows this and nothing else.
    pub(crate) fn set_all(&mut self, catalog: &Catalog) {
        self.whole = true;
        self.says = catalog.iter().map(|(name, entry)| (name.clone(), Some(entry.clone()))).collect();
    }

    /// The segments with this change.
    ///
    /// # Errors
    /// When a segment that is to be changed does not hold.
    pub(crate) fn write(self, registry: &Registry) -> Result<Segments, RegistryError> {
        let mut segments = Segments::empty();
        if !self.whole {
            segments.list = registry.segments()?;
        }
        // Without any segment the list would say that there is no catalog.
        if segments.list.is_empty() || !self.says.is_empty() {
            segments.append(registry, self.says)?;
        }
        Ok(segments)
    }
}

impl Segments {
    /// No catalog.
    pub(crate) fn empty() -> Self {
        Self { list: Vec::new(), objects: Vec::new() }
    }

    /// The objects to write, and which of them is the list.
    pub(crate) fn into_objects(mut self) -> (Digest, Vec<(Digest, Vec<u8>)>) {
        let list = catalog::write_list(&self.list);
        let digest = Digest::of(&list);
        self.objects.push((digest, list));
        (digest, self.objects)
    }

    fn append(&mut self, registry: &Registry, says: Segment) -> Result<(), RegistryError> {
        let mut last = says;
        if let Some(newest) = self.list.last().filter(|newest| newest.size < SMALL) {
            let mut joined = registry.segment(newest)?;
            joined.extend(last.clone());
            if catalog::write_segment(&joined).len() as u64 <= SMALL {
                self.list.pop();
                last = joined;
            }
        }
        if self.list.len() == MOST {
            let from = merged_from(&self.list);
            let mut merged = Segment::new();
            for old in self.list.drain(from..) {
                merged.extend(registry.segment(&old)?);
            }
            merged.extend(last);
            last = merged;
        }
        if self.list.is_empty() {
            // There is nothing before it from which a name could be removed.
            last.retain(|_, entry| entry.is_some());
        }
        self.add(&last);
        Ok(())
    }

    fn add(&mut self, segment: &Segment) {
        let bytes = catalog::write_segment(segment);
        let (digest, size) = (Digest::of(&bytes), bytes.len() as u64);
        self.list.push(SegmentRef { segment: digest, size });
        self.objects.push((digest, bytes));
    }
}

/// From where on segments are merged: a large one only when as much has come after it as half of it, so
/// that an entry is not written again with every merge.
fn merged_from(list: &[SegmentRef]) -> usize {
    let (mut from, mut size) = (list.len(), SMALL);
    while from > 0 && list[from - 1].size <= 2 * size {
        from -= 1;
        size += list[from].size;
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sizes: &[u64], from: usize) {
        let segment = |size: &u64| SegmentRef { segment: Digest::of(b""), size: *size };
        assert_eq!(merged_from(&sizes.iter().map(segment).collect::<Vec<_>>()), from);
    }

    #[test]
    fn small_segments_are_merged_and_large_ones_when_as_much_has_come_after_them() {
        check(&[2_900; 24], 0);
        check(&[2_500_000, 2_900, 2_900, 100], 1);
        check(&[2_500_000, 66_000, 2_900, 2_900], 2);
        check(&[2_500_000, 10_000, 2_900, 2_900], 1);
        check(&[5_000, 2_900], 0);
    }
}
