//! `leah-registry owner list`: who owns a name and who did, which key signed what, and what was revoked.

use std::path::PathBuf;

use leah_plugin::{
    digest::Digest,
    key::PublicKey,
    name::PluginName,
    record::{Record, Signer},
};
use semver::Version;
use serde::Serialize;

use crate::{
    change::ChangeError,
    cli::{
        context::{Context, SCHEMA},
        failure::Failure,
    },
    owner::record,
    registry::Registry,
};

/// Show who owns a name, who did, and what their keys have signed
///
/// The numbers are those of heads; `revoke --from` takes one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  leah-registry owner list ./hub notes")]
pub(super) struct ListArgs {
    /// Folder of the registry
    dir: PathBuf,
    /// Name of the plugin
    name: PluginName,
}

#[derive(Serialize)]
struct Listed<'a> {
    schema: u32,
    name: &'a PluginName,
    owners: Vec<OneOwner<'a>>,
    versions: Vec<OneVersion<'a>>,
    revoked: Vec<OneRevoked>,
}

#[derive(Serialize)]
struct OneOwner<'a> {
    serial: u64,
    digest: Digest,
    keys: &'a [PublicKey],
    signer: Signer,
    key: PublicKey,
}

#[derive(Serialize)]
struct OneVersion<'a> {
    version: &'a Version,
    serial: u64,
    key: PublicKey,
    revoked: bool,
}

#[derive(Serialize)]
struct OneRevoked {
    key: PublicKey,
    from: u64,
}

pub(super) fn run(ctx: &Context, args: &ListArgs) -> Result<(), Failure> {
    let registry = Registry::open(&args.dir, None, ctx.now()).map_err(ChangeError::from)?;
    let record = record(&registry, &args.name)?;
    ctx.done(&listed(&record), &told(&record))
}

fn listed(record: &Record) -> Listed<'_> {
    let owners = record.owners().iter().map(|owner| OneOwner {
        serial: owner.serial,
        digest: owner.digest,
        keys: &owner.keys,
        signer: owner.signer,
        key: owner.key,
    });
    let versions = record.versions().into_iter().map(|release| {
        let line = release.line;
        OneVersion { version: &line.version, serial: line.serial, key: line.key, revoked: release.revoked }
    });
    let revoked = record.revoked().into_iter().map(|(key, from)| OneRevoked { key: *key, from });
    Listed {
        schema: SCHEMA,
        name: record.name(),
        owners: owners.collect(),
        versions: versions.collect(),
        revoked: revoked.collect(),
    }
}

fn told(record: &Record) -> String {
    let mut text = format!("{} is owned by", record.name());
    for (index, owner) in record.owners().iter().rev().enumerate() {
        if index == 1 {
            text.push_str("\nbefore by");
        }
        let by = if owner.signer == Signer::Root { ", signed by the root key" } else { "" };
        for key in &owner.keys {
            text.push_str(&format!("\n  {key} since head {}{by}", owner.serial));
        }
    }
    for release in record.versions() {
        let (line, refused) = (release.line, if release.revoked { ", refused" } else { "" });
        text.push_str(&format!(
            "\n{} signed by {} with head {}{refused}",
            line.version,
            line.key.id(),
            line.serial
        ));
    }
    for (key, from) in record.revoked() {
        text.push_str(&format!("\n{} is revoked from head {from} on", key.id()));
    }
    text
}
