//! Keys and values as they stand on a command line: KEY VALUE, KEY=VALUE, and PLUGIN.KEY=VALUE of `install --set`. What
//! is written here may be a secret, so no error repeats a value.

use std::{collections::BTreeMap, convert::Infallible, fmt, str::FromStr};

use leah_plugin::name::PluginName;

use super::super::{
    context::Context,
    failure::{Failure, Kind},
    prompt, ui,
};
use crate::settings::{self, Declared, Order, OrderError, Wish};

/// In place of a value: it is to be asked for.
pub(super) const ASK: &str = "-";

/// A word of the command line that may be a secret, and is shown to nobody.
#[derive(Clone)]
pub(in crate::cli) struct Given(String);

/// A setting and the text that it got for a value.
#[derive(Debug)]
pub(in crate::cli) struct Assignment {
    name: PluginName,
    key: String,
    value: Given,
}

/// The words of `config set` are neither KEY VALUE nor KEY=VALUE ….
#[derive(Debug, thiserror::Error)]
#[error("give either one key and its value, or any number of KEY=VALUE")]
struct NoPairs;

/// There is no `=` in a word that `--set` got.
#[derive(Debug, thiserror::Error)]
#[error("`--set` takes KEY=VALUE, or PLUGIN.KEY=VALUE")]
struct NoPair;

/// It is not said for which of several plugins a setting is.
#[derive(Debug, thiserror::Error)]
#[error("the setting `{}` could be one of each of {}", key.escape_debug(), ui::listed(names))]
struct WhichPlugin {
    key: String,
    names: Vec<PluginName>,
}

/// There is one standard input.
#[derive(Debug, thiserror::Error)]
#[error("more than one value is to come from standard input")]
struct OneInput;

impl Assignment {
    /// Looks whether there is such a setting.
    pub(super) fn check(&self, declared: &Declared) -> Result<(), OrderError> {
        settings::find(&self.name, declared, &self.key).map(|_| ())
    }
}

/// Reads the words of `config set`.
pub(super) fn pairs(name: &PluginName, first: &Given, rest: &[Given]) -> Result<Vec<Assignment>, Failure> {
    let assign = |key: &str, value: &str| Assignment {
        name: name.clone(),
        key: key.to_owned(),
        value: Given(value.to_owned()),
    };
    if first.0.contains('=') {
        let pair = |word: &Given| word.0.split_once('=').map(|(key, value)| assign(key, value));
        let all: Option<Vec<Assignment>> = std::iter::once(first).chain(rest).map(pair).collect();
        return all.ok_or_else(|| no_pairs(name));
    }
    match rest {
        [] => Ok(vec![assign(&first.0, ASK)]),
        [value] => Ok(vec![assign(&first.0, &value.0)]),
        _ => Err(no_pairs(name)),
    }
}

fn no_pairs(name: &PluginName) -> Failure {
    Failure::new(Kind::Usage, NoPairs)
        .hint("a value with spaces stands in quotes")
        .hint(format!("`leahpm config list {name}` shows the keys"))
}

/// Reads what `--set` got; `names` are the plugins that the command names.
pub(in crate::cli) fn of_install(given: &[Given], names: &[PluginName]) -> Result<Vec<Assignment>, Failure> {
    let read = |Given(text): &Given| {
        let (setting, value) = text
            .split_once('=')
            .ok_or_else(|| Failure::new(Kind::Usage, NoPair).hint("`--set KEY=-` asks for the value"))?;
        let (name, key) = match (setting.split_once('.'), names) {
            (Some((name, key)), _) => (name.parse().map_err(|error| Failure::new(Kind::Usage, error))?, key),
            (None, [name]) => (name.clone(), setting),
            (None, names) => {
                let error = WhichPlugin { key: setting.to_owned(), names: names.to_vec() };
                return Err(Failure::new(Kind::Usage, error).hint("write `--set PLUGIN.KEY=VALUE`"));
            }
        };
        Ok(Assignment { name, key: key.to_owned(), value: Given(value.to_owned()) })
    };
    given.iter().map(read).collect()
}

/// What is ordered with that, by plugin; asks for the values that are not there.
pub(in crate::cli) fn orders(
    ctx: &Context,
    assignments: Vec<Assignment>,
) -> Result<BTreeMap<PluginName, Vec<Order>>, Failure> {
    let asked = assignments.iter().filter(|one| one.value.0 == ASK).count();
    if asked > 1 && !ctx.ui.interactive {
        return Err(Failure::new(Kind::Usage, OneInput)
            .hint("`leahpm config set PLUGIN KEY < FILE` sets one at a time"));
    }
    let mut orders: BTreeMap<PluginName, Vec<Order>> = BTreeMap::new();
    for Assignment { name, key, value: Given(value) } in assignments {
        let wish = match value {
            value if value == ASK => Wish::Handed(prompt::value(&ctx.ui, &format!("`{key}` of {name}"))?),
            value => Wish::Said(value),
        };
        orders.entry(name).or_default().push(Order { key, wish });
    }
    Ok(orders)
}

/// The word as a hint may repeat it: with `-` for the value.
pub(in crate::cli) fn hidden(word: &str) -> String {
    let key = word.split_once('=').map_or("KEY", |(key, _)| key);
    format!("{key}={ASK}")
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

// Refused are words later, in sentences of ours: those of the parser would repeat them.
impl FromStr for Given {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}
