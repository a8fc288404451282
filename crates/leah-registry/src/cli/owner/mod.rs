//! `leah-registry owner`: who may publish under a name. One file a command; what they share is here.

mod add;
mod list;
mod recover;
mod remove;
mod rotate;

use std::path::PathBuf;

use clap::Subcommand;
use leah_plugin::{key::PublicKey, name::PluginName};
use serde::Serialize;

use super::{
    context::{Context, SCHEMA, read_signature},
    failure::{Failure, Kind},
};
use crate::{
    fs::{self, show},
    owner::{Signing, Statement, Wish, change, statement},
};

/// List and change who owns a name
///
/// Each change is signed by an owner, or by the root key where the keys of the owner are lost.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  leah-registry owner list ./hub notes")]
pub(super) struct OwnerArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::ListArgs),
    Add(add::AddArgs),
    Remove(remove::RemoveArgs),
    Rotate(rotate::RotateArgs),
    Recover(recover::RecoverArgs),
}

pub(super) fn run(ctx: &Context, args: &OwnerArgs) -> Result<(), Failure> {
    match &args.command {
        Command::List(args) => list::run(ctx, args),
        Command::Add(args) => add::run(ctx, args),
        Command::Remove(args) => remove::run(ctx, args),
        Command::Rotate(args) => rotate::run(ctx, args),
        Command::Recover(args) => recover::run(ctx, args),
    }
}

/// Whose name.
#[derive(Debug, clap::Args)]
struct Place {
    /// Folder of the registry
    dir: PathBuf,
    /// Name of the plugin
    name: PluginName,
    /// Key file that signs the head of the registry
    #[arg(long, value_name = "FILE", env = "LEAH_REGISTRY_INDEX_KEY", required_unless_present = "statement")]
    index_key: Option<PathBuf>,
}

/// A signature that is made elsewhere.
#[derive(Debug, clap::Args)]
struct Elsewhere {
    /// Signature of the change, made elsewhere with minisign
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Change nothing; write what is to be signed elsewhere, and say how
    #[arg(long, value_name = "FILE", conflicts_with = "signature")]
    statement: Option<PathBuf>,
}

#[derive(Serialize)]
struct Done<'a> {
    schema: u32,
    name: &'a PluginName,
    keys: &'a [PublicKey],
    signer: PublicKey,
    serial: u64,
}

#[derive(Serialize)]
struct ToSign<'a> {
    schema: u32,
    name: &'a PluginName,
    keys: &'a [PublicKey],
    statement: &'a PathBuf,
    comment: &'a str,
}

/// Carries a wish out, or writes down what is to be signed for it. `key` is the file of the key that signs
/// here, `who` the one that signs elsewhere.
fn settle(
    ctx: &Context,
    place: &Place,
    wish: &Wish,
    (key, elsewhere): (Option<&PathBuf>, &Elsewhere),
    who: &str,
) -> Result<(), Failure> {
    if let Some(file) = &elsewhere.statement {
        let statement = statement(&place.dir, &place.name, wish, ctx.now())?;
        return write_statement(ctx, &place.name, &statement, file, who);
    }
    let index_key = place.index_key.as_ref().expect("the command line demands it");
    let index_key = ctx.secret_key(index_key)?;
    let here = key.map(|file| ctx.secret_key(file)).transpose()?;
    let signing = match &here {
        Some(key) => Signing::Key(key),
        None => {
            let file = elsewhere.signature.as_ref().expect("the command line demands one of three");
            Signing::Signature(read_signature(file)?)
        }
    };
    let changed = change(&place.dir, &index_key, (&place.name, wish), &signing, ctx.now())?;
    let mut sentence = format!("{} is owned by (head {})", place.name, changed.serial);
    for key in &changed.keys {
        sentence.push_str(&format!("\n  {key}"));
    }
    let (keys, signer, serial) = (&changed.keys[..], changed.signer, changed.serial);
    ctx.done(&Done { schema: SCHEMA, name: &place.name, keys, signer, serial }, &sentence)
}

fn write_statement(
    ctx: &Context,
    name: &PluginName,
    statement: &Statement,
    file: &PathBuf,
    who: &str,
) -> Result<(), Failure> {
    let Some(shown) = file.to_str().filter(|text| !text.contains(['\'', '\n'])) else {
        return Err(Failure::message(Kind::Invalid, format!("`{}` cannot be quoted", show(file))));
    };
    fs::write_new(file, &statement.text)?;
    // A tab is hard to type; `printf` writes it in every shell.
    let comment = statement.comment.replace('\t', "\\t");
    let sentence = format!(
        "Wrote {shown}: the keys that will own {name}. {who} signs it with\n  \
         minisign -Sm '{shown}' -s KEYFILE -t \"$(printf '{comment}')\"\n\
         Then run the same command with `--signature '{shown}.minisig'` in place of `--statement`"
    );
    let (keys, comment) = (&statement.keys[..], statement.comment.as_str());
    ctx.done(&ToSign { schema: SCHEMA, name, keys, statement: file, comment }, &sentence)
}
