//! The order in which plugins are made ready: dependencies first, otherwise by name. Where plugins need
//! each other in a ring there is no such order, and the ring is named.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
};

use leah_plugin::name::PluginName;

/// Each plugin with what it needs; every name stands as a key.
type Graph<'a> = BTreeMap<&'a PluginName, Vec<&'a PluginName>>;

/// All plugins, dependencies first.
///
/// # Errors
/// The shortest way around a ring that a walk finds, starting at its first name.
pub(super) fn order(graph: &Graph<'_>) -> Result<Vec<PluginName>, Vec<PluginName>> {
    // Numbers in the order of names stand for the names, which are slow to compare.
    let names: Vec<&PluginName> = graph.keys().copied().collect();
    let numbers: HashMap<&PluginName, usize> =
        names.iter().enumerate().map(|(number, name)| (*name, number)).collect();
    let mut open: Vec<usize> = graph.values().map(Vec::len).collect();
    let mut needed_by = vec![Vec::new(); names.len()];
    for (number, needs) in graph.values().enumerate() {
        needs.iter().for_each(|needed| needed_by[numbers[needed]].push(number));
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..names.len()).filter(|number| open[*number] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(names.len());
    while let Some(Reverse(number)) = ready.pop() {
        order.push(names[number].clone());
        for dependent in &needed_by[number] {
            open[*dependent] -= 1;
            if open[*dependent] == 0 {
                ready.push(Reverse(*dependent));
            }
        }
    }
    if order.len() == names.len() {
        return Ok(order);
    }
    let waiting: Vec<&PluginName> =
        names.iter().zip(open).filter(|(_, open)| *open > 0).map(|(name, _)| *name).collect();
    Err(ring(graph, &waiting))
}

/// Every plugin that still waits needs another that does, so walking on must come back to one.
/// `waiting` is sorted.
fn ring(graph: &Graph<'_>, waiting: &[&PluginName]) -> Vec<PluginName> {
    let mut path = vec![waiting[0]];
    let mut place = BTreeMap::from([(waiting[0], 0)]);
    loop {
        let last = path[path.len() - 1];
        let waits_for = graph[last].iter().find(|needed| waiting.binary_search(needed).is_ok());
        let next = *waits_for.expect("it waits for something");
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
