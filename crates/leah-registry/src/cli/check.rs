//! `leah-registry check`: reads everything and says what does not hold.

use std::path::PathBuf;

use leah_plugin::{key::PublicKey, name::Origin};
use serde::Serialize;

use super::{
    context::{Context, SCHEMA},
    failure::{Failure, Kind},
};
use crate::{
    check::{Problem, Report, Warning, check},
    fs::show,
};

/// Check everything a registry holds
///
/// Verifies the roots, the head, the directory, every record, archive and signature, and the catalog.
/// Files that nothing names are listed; they are no error, and neither is what expires soon. Ends with 7 when
/// something does not hold, with 3 when only the head or the root has expired.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  leah-registry check ./hub
  leah-registry check ./hub --root-key RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3")]
pub(super) struct CheckArgs {
    /// Folder of the registry
    dir: PathBuf,
    /// Root key to begin with [default: the one in the folder]
    #[arg(long, value_name = "KEY")]
    root_key: Option<PublicKey>,
}

#[derive(Serialize)]
struct Sound<'a> {
    schema: u32,
    origin: Option<&'a Origin>,
    serial: u64,
    plugins: usize,
    versions: usize,
    warnings: Vec<String>,
    unreferenced: &'a [String],
}

pub(super) fn run(ctx: &Context, args: &CheckArgs) -> Result<(), Failure> {
    let report = check(&args.dir, args.root_key.as_ref(), ctx.now())?;
    if !report.problems.is_empty() {
        return Err(failure(args, &report));
    }
    let Report { origin, serial, plugins, versions, warnings, unreferenced, .. } = &report;
    let warnings: Vec<String> = warnings.iter().map(Warning::to_string).collect();
    let mut sentence = format!("Everything holds: {plugins} plugins, {versions} versions, head {serial}");
    for warning in &warnings {
        sentence.push_str(&format!("\nwarning: {warning}"));
    }
    if !unreferenced.is_empty() {
        sentence.push_str("\nFiles that nothing names:");
    }
    for file in unreferenced {
        sentence.push_str(&format!("\n  {}", show(file.as_ref())));
    }
    let (origin, serial, plugins, versions) = (origin.as_ref(), *serial, *plugins, *versions);
    ctx.done(&Sound { schema: SCHEMA, origin, serial, plugins, versions, warnings, unreferenced }, &sentence)
}

fn failure(args: &CheckArgs, report: &Report) -> Failure {
    let age = report.problems.iter().all(Problem::is_age);
    let kind = if age { Kind::Drift } else { Kind::Trust };
    let count = match report.problems.len() {
        1 => "1 problem".to_owned(),
        more => format!("{more} problems"),
    };
    let failure = Failure::message(kind, format!("{count} in `{}`", show(&args.dir)));
    report.problems.iter().fold(failure, |failure, problem| failure.problem(problem))
}
