//! What a client without a cache reads to find one name, in bytes of bodies: roots, head and the nodes on
//! the way. It goes as `docs/formats.md` says a client goes, over the registry's own code.

use leah_plugin::{
    head::Head,
    key::PublicKey,
    name::PluginName,
    record::Record,
    registry_layout::RegistryLayout,
    root::RootChain,
    tree::{Step, step},
};

/// Looks `name` up. `get` gives a file of the registry by its path, none where there is none. Returns the
/// bytes that were read, and those of the record if there is one.
pub fn look_up(
    mut get: impl FnMut(&str) -> Option<Vec<u8>>,
    pinned: &PublicKey,
    name: &PluginName,
) -> (usize, Option<usize>) {
    let mut read = 0;
    let mut get = |path: String| {
        let bytes = get(&path)?;
        read += bytes.len();
        Some(bytes)
    };
    let mut roots = RootChain::start(&get(RegistryLayout::root(1)).unwrap(), pinned).unwrap();
    while let Some(next) = get(RegistryLayout::root(roots.newest().serial + 1)) {
        roots.extend(&next).unwrap();
    }
    let head = Head::read(&get(RegistryLayout::HEAD.into()).unwrap(), &roots.newest().index_key).unwrap();
    let mut node = get(RegistryLayout::object(&head.tree)).unwrap();
    for level in 0.. {
        match step(head.depth, level, &node, name).unwrap() {
            Step::Descend(child) => node = get(RegistryLayout::object(&child)).unwrap(),
            Step::Absent => return (read, None),
            Step::Found(at) => {
                let record = get(RegistryLayout::object(&at.record)).unwrap();
                Record::read(&record, &head.origin, name, roots.root_key()).unwrap();
                return (read - record.len(), Some(record.len()));
            }
        }
    }
    unreachable!("a walk ends at the depth of the directory")
}
