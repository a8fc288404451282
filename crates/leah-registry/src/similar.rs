//! Names that people take for one another: what a typo or a look-alike would install instead.

use leah_plugin::name::PluginName;

/// Shortest name, without hyphens, in which a single other letter counts as a look-alike. Among shorter
/// ones every name is a letter away from many.
const TYPO_LENGTH: usize = 5;

/// All of `existing` that `name` could be taken for.
pub fn look_alikes<'a>(
    name: &PluginName,
    existing: impl Iterator<Item = &'a PluginName>,
) -> impl Iterator<Item = &'a PluginName> {
    let shape = shape(name);
    existing.filter(move |other| *other != name && is_similar(&shape, &self::shape(other)))
}

fn is_similar(one: &str, other: &str) -> bool {
    let typo = one.len().min(other.len()) >= TYPO_LENGTH;
    one == other || (typo && strsim::damerau_levenshtein(one, other) <= 1)
}

/// The name without what the eye skips: hyphens, and digits that look like letters.
fn shape(name: &PluginName) -> String {
    let look = |c| match c {
        '0' => 'o',
        '1' | 'i' => 'l',
        '5' => 's',
        c => c,
    };
    name.as_str().chars().filter(|c| *c != '-').map(look).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, existing: &str, similar: bool) {
        let (name, existing) = (name.parse().unwrap(), existing.parse().unwrap());
        assert_eq!(look_alikes(&name, [existing].iter()).count(), usize::from(similar), "{name}");
        assert_eq!(look_alikes(&name, [name.clone()].iter()).count(), 0);
    }

    #[test]
    fn sees_names_that_are_taken_for_one_another() {
        check("text-tools", "texttools", true);
        check("translater", "translator", true);
        check("translatr", "translator", true);
        check("tranlsator", "translator", true);
        check("trans1ator", "translator", true);
        check("n0tes", "notes", true);
        check("a-b", "ab", true);
    }

    #[test]
    fn leaves_other_names_alone() {
        check("translator", "transcriber", false);
        check("tts", "tls", false);
        check("notes", "votings", false);
        check("weather", "weather-map", false);
    }
}
