//! `leahpm sign`: sign a package for one registry.

use std::path::{Path, PathBuf};

use leah_plugin::{
    digest::Digest,
    key::{KeyError, SecretKey},
    name::Origin,
    package::{Limits, Package},
    signature::package_comment,
};
use serde_json::json;

use super::{
    context::Context,
    failure::{Failure, Kind},
    prompt,
};
use crate::fs::{self, Access};

/// Largest file of a secret key, in bytes.
const MAX_KEY_BYTES: u64 = 4 << 10;

/// Sign a package for a registry
///
/// Writes the signature beside the package, with the extension `minisig`. It names the registry, so that a
/// package signed for one cannot be passed off in another.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm sign my-plugin-1.0.0.tar.gz --key leah.key --for hub")]
pub(super) struct SignArgs {
    /// Package made by `leahpm pack`
    package: PathBuf,
    /// File of the secret key
    #[arg(long, value_name = "FILE", env = "LEAHPM_SIGNING_KEY")]
    key: PathBuf,
    /// Name of the registry that the package is for
    #[arg(long = "for", value_name = "REGISTRY")]
    registry: Origin,
    /// Password of the key [default: asked for]
    #[arg(long, env = "LEAHPM_KEY_PASSWORD", hide_env_values = true, hide = true)]
    password: Option<String>,
}

/// A file is no secret key that can be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot sign with the key file `{file}`")]
struct BadKey {
    file: String,
    source: KeyError,
}

/// A password is needed and nobody can be asked.
#[derive(Debug, thiserror::Error)]
#[error("a password is needed, and there is no terminal to ask for it")]
struct NoPassword;

pub(super) fn run(ctx: &Context, args: &SignArgs) -> Result<(), Failure> {
    let limits = Limits::default();
    let archive = fs::read(&args.package, limits.archive)?;
    let package = Package::read(&archive, &limits)?;
    let manifest = package.manifest();
    let key = read_key(ctx, &args.key, args.password.as_deref())?;
    let (size, sha256) = (archive.len() as u64, Digest::of(&archive));
    let comment = package_comment(&args.registry, &manifest.name, &manifest.version, size, &sha256);
    let untrusted = format!("signature from leahpm key {}", key.public().id());
    let signature = key.sign(&archive, &comment, &untrusted)?;
    let file = with_minisig(&args.package);
    if !ctx.config.dry_run {
        fs::replace(&file, signature.as_text().as_bytes(), Access::Shared, ctx.config.durability)?;
    }
    if ctx.ui.json {
        let object = json!({ "name": manifest.name, "version": manifest.version, "registry": args.registry,
            "key": key.public(), "sha256": sha256, "signature_file": file, "dry_run": ctx.config.dry_run });
        return ctx.ui.object("sign", object);
    }
    let signed = if ctx.config.dry_run { "Would sign" } else { "Signed" };
    ctx.ui.done(format_args!(
        "{signed} {} {} for registry {}: {}",
        manifest.name,
        manifest.version,
        args.registry,
        fs::shown(&file)
    ));
    Ok(())
}

fn with_minisig(package: &Path) -> PathBuf {
    let mut file = package.as_os_str().to_owned();
    file.push(".minisig");
    file.into()
}

fn read_key(ctx: &Context, file: &Path, password: Option<&str>) -> Result<SecretKey, Failure> {
    let bytes = fs::read(file, MAX_KEY_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    let asked;
    let password = match password {
        None if SecretKey::is_encrypted(&text) => {
            if !ctx.ui.interactive {
                return Err(no_password());
            }
            asked = prompt::password(&format!("Password of {}", fs::shown(file)), None)?;
            Some(asked.as_str())
        }
        given => given,
    };
    SecretKey::read(&text, password)
        .map_err(|source| Failure::new(Kind::Invalid, BadKey { file: fs::shown(file), source }))
}

/// Asks twice for the password of a new key.
pub(super) fn new_password(ctx: &Context) -> Result<String, Failure> {
    if !ctx.ui.interactive {
        return Err(no_password().hint("`--without-password` leaves the key unprotected"));
    }
    prompt::password("Password for the new key", Some("Once more"))
}

fn no_password() -> Failure {
    Failure::new(Kind::Consent, NoPassword).hint("run it on a terminal, or set LEAHPM_KEY_PASSWORD to sign")
}
