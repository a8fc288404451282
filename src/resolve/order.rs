//! The order in which plugins are made ready: dependencies first, otherwise by name. Where plugins need
//! each other in a ring there is no such order, and the ring is named.

use std::collections::{BTreeMap, BTreeSet};

use leah_plugin::name::PluginName;

/// Each plugin with what it needs; every name stands as a key.
type Graph<'a> = BTreeMap<&'a PluginName, Vec<&'a PluginName>>;

/// All plugins, dependencies first.
///
/// # Errors
/// The shortest way around a ring that a walk finds, starting at its first name.
pub(super) fn order(graph: &Graph<'_>) -> Result<Vec<PluginName>, Vec<PluginName>> {
    let mut waiting: BTreeMap<&PluginName, usize> =
        graph.iter().map(|(name, it)| (*name, it.len())).collect();
    let mut needed_by: BTreeMap<&PluginName, Vec<&PluginName>> = BTreeMap::new();
    for (name, needs) in graph {
        needs.iter().for_each(|needed| needed_by.entry(needed).or_default().push(name));
    }
    let mut ready: BTreeSet<&PluginName> =
        waiting.iter().filter(|(_, open)| **open == 0).map(|(name, _)| *name).collect();
    let mut order = Vec::with_capacity(graph.len());
    while let Some(name) = ready.pop_first() {
        waiting.remove(name);
        order.push(name.clone());
        for dependent in needed_by.get(name).into_iter().flatten() {
            let open = waiting.get_mut(dependent).expect("a plugin waits until all it needs is ready");
            *open -= 1;
            if *open == 0 {
                ready.insert(dependent);
            }
        }
    }
    match waiting.keys().next() {
        None => Ok(order),
        Some(start) => Err(ring(graph, &waiting, start)),
    }
}

/// Every plugin that still waits needs another that does, so walking on must come back to one.
fn ring(graph: &Graph<'_>, waiting: &BTreeMap<&PluginName, usize>, start: &PluginName) -> Vec<PluginName> {
    let mut path = vec![start];
    let mut place = BTreeMap::from([(start, 0)]);
    loop {
        let last = path[path.len() - 1];
        let next = *graph[last].iter().find(|it| waiting.contains_key(*it)).expect("it waits for something");
        if let Some(begin) = place.insert(next, path.len()) {
            let mut ring: Vec<PluginName> = path[begin..].iter().map(|name| (*name).clone()).collect();
            let first = ring.iter().enumerate().min_by_key(|(_, name)| *name).map_or(0, |(i, _)| i);
            ring.rotate_left(first);
            return ring;
        }
        path.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `edges` reads `a>b` as: a needs b.
    #[track_caller]
    fn check(edges: &str, expect: Result<&str, &str>) {
        let name = |text: &str| text.parse::<PluginName>().unwrap();
        let edges: Vec<(PluginName, PluginName)> = edges
            .split_whitespace()
            .map(|edge| edge.split_once('>').map(|(from, to)| (name(from), name(to))).unwrap())
            .collect();
        let mut graph = Graph::new();
        for (from, to) in &edges {
            graph.entry(from).or_default().push(to);
            graph.entry(to).or_default();
        }
        let words =
            |names: Vec<PluginName>| names.iter().map(PluginName::as_str).collect::<Vec<_>>().join(" ");
        let expect = expect.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(order(&graph).map(words).map_err(words), expect);
    }

    #[test]
    fn puts_what_is_needed_first_and_else_goes_by_name() {
        check("", Ok(""));
        check("a>b b>c", Ok("c b a"));
        check("z>a y>a x>b", Ok("a b x y z"));
        check("a>c b>c c>d a>d", Ok("d c a b"));
    }

    #[test]
    fn names_the_ring_and_nothing_beside_it() {
        check("a>b b>a", Err("a b"));
        check("b>c c>a a>b", Err("a b c"));
        check("a>m m>p p>m p>z", Err("m p"));
        check("a>a", Err("a"));
    }
}
