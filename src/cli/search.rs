//! `leahpm search`: find plugins by a word or a category, in the catalog of each registry.

use leah_plugin::{catalog::CatalogEntry, name::Origin};
use serde_json::{Value, json};

use super::{
    context::Context,
    failure::{Failure, Kind},
    ui,
};

/// Find plugins by a word or a category
///
/// Without a word, shows all. Looks into names, descriptions and tags.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  leahpm search\n  leahpm search translate\n  leahpm search --category language"
)]
pub(super) struct SearchArgs {
    /// Part of a name, description or tag
    word: Option<String>,
    /// Only plugins of this category
    #[arg(long, value_name = "CATEGORY")]
    category: Option<String>,
    /// Only plugins of this registry [default: all]
    #[arg(long, value_name = "NAME")]
    registry: Option<Origin>,
}

pub(super) fn run(ctx: &Context, args: &SearchArgs) -> Result<(), Failure> {
    let session = ctx.session()?;
    let origins = args.registry.clone().map_or_else(|| session.origins(), |origin| vec![origin]);
    let (mut found, mut unavailable) = (Vec::new(), Vec::new());
    for origin in origins {
        let entries = match session.registry(&origin).and_then(|registry| Ok(registry.catalog()?)) {
            Ok(entries) => entries,
            Err(error) => {
                let failure = Failure::from(error);
                if args.registry.is_some() {
                    return Err(failure);
                }
                // One that lies is no matter of a warning.
                if failure.kind == Kind::Trust {
                    return Err(failure.hint("`leahpm search --registry NAME` searches another one"));
                }
                // The others can still be searched.
                ctx.ui
                    .warn(format_args!("cannot search registry {origin}: {}", failure.messages().join(": ")));
                unavailable.push(origin);
                continue;
            }
        };
        found.extend(
            entries.into_values().filter(|entry| args.fits(entry)).map(|entry| (origin.clone(), entry)),
        );
    }
    if ctx.ui.json {
        let plugins: Vec<Value> = found
            .iter()
            .map(|(origin, entry)| {
                json!({
                    "name": entry.name, "version": entry.version, "registry": origin, "author": entry.author,
                    "description": entry.description, "category": entry.category, "tags": entry.tags,
                })
            })
            .collect();
        return ctx.ui.object("search", json!({ "plugins": plugins, "unavailable": unavailable }));
    }
    if found.is_empty() {
        ctx.ui.done("No plugin fits.");
        return Ok(());
    }
    let rows = found.into_iter().map(|(origin, entry)| {
        let description = ui::escaped(&entry.description);
        vec![entry.name.to_string(), entry.version.to_string(), origin.to_string(), description]
    });
    ctx.ui.data(ui::table(&["name", "version", "registry", "description"], rows))
}

impl SearchArgs {
    fn fits(&self, entry: &CatalogEntry) -> bool {
        let word = self.word.as_deref().unwrap_or_default().to_lowercase();
        let texts = [entry.name.as_str(), entry.description.as_str()];
        let mut texts = texts.into_iter().chain(entry.tags.iter().map(String::as_str));
        let category = self.category.as_deref().is_none_or(|c| entry.category.as_deref() == Some(c));
        category && texts.any(|text| text.to_lowercase().contains(&word))
    }
}
