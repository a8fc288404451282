//! `leahpm registry login` and `logout`: the token for a private registry.

use std::io::Read;

use leah_http::Token;
use leah_plugin::name::Origin;
use serde_json::json;

use super::{
    super::{
        context::Context,
        failure::{Failure, Kind},
        prompt,
        reasons::confirming,
    },
    NotAdded,
};
use crate::{
    apply,
    config::{Address, RegistryConfig, token_variable},
    registry::{RegistryError, SessionError},
    trust::TrustError,
};

/// Longest input that is read for a token, in bytes.
const MAX_TOKEN_BYTES: u64 = 16 << 10;

/// Take a token for a private registry
///
/// The token is asked for, or read from standard input, tried, and kept in a file that only you can read. It is sent to
/// the registry's own URL and to nobody else. In CI set LEAHPM_TOKEN_<NAME> instead, in capitals, `_` for `-`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm registry login hub
  leahpm registry login hub < token.txt")]
pub(super) struct LoginArgs {
    /// Name of the registry
    name: Origin,
}

/// Nothing was sent where a token was expected.
#[derive(Debug, thiserror::Error)]
#[error("cannot read a token for registry `{0}` from standard input")]
struct NoInput(Origin, #[source] std::io::Error);

/// A token is for servers.
#[derive(Debug, thiserror::Error)]
#[error("registry `{0}` is a folder, which needs no token")]
struct NoServer(Origin);

/// Whoever can change a lock must not be sent a token.
#[derive(Debug, thiserror::Error)]
#[error("`{1}` is known from a lock alone as the address of registry `{0}`, and no token goes there")]
struct ByLock(Origin, Address);

pub(super) fn run(ctx: &Context, args: &LoginArgs) -> Result<(), Failure> {
    let name = &args.name;
    let session = ctx.session()?;
    let config = match session.known().registries.get(name) {
        Some(config) if matches!(config.url, Address::Folder(_)) => {
            return Err(Failure::new(Kind::Usage, NoServer(name.clone())));
        }
        Some(config) if config.by_lock => {
            let failure = Failure::new(Kind::Refused, ByLock(name.clone(), config.url.clone()));
            return Err(failure.hint(confirming(name, config)));
        }
        Some(config) => config,
        None => {
            let failure = Failure::new(Kind::NotFound, NotAdded(name.clone()));
            return Err(failure.hint("`leahpm registry list` shows the registries"));
        }
    };
    let token = read_token(ctx, name)?;
    if !ctx.config.network.offline {
        try_out(ctx, name, config, &token)?;
    }
    keep(ctx, "registry login", name, Some(token))?;
    if ctx.ui.json {
        return ctx.ui.object("registry login", json!({ "name": name, "dry_run": ctx.config.dry_run }));
    }
    let kept = if ctx.config.dry_run { "Would keep" } else { "Kept" };
    ctx.ui.done(format_args!("{kept} the token for registry {name}."));
    Ok(())
}

/// Tried before it is kept: who mistypes one learns it now. At the URL alone, since a mirror gets no token and would
/// answer in its place.
fn try_out(ctx: &Context, name: &Origin, config: &RegistryConfig, token: &Token) -> Result<(), Failure> {
    let mut session = ctx.session_with_token(name, token)?;
    session.forget(name);
    match session.meet(Some(name), RegistryConfig { mirrors: Vec::new(), ..config.clone() }) {
        Ok(_) => Ok(()),
        // Who sends a head that is past its time has taken the token.
        Err(SessionError::Registry(RegistryError::Trust(TrustError::Expired { .. }))) => Ok(()),
        Err(error) => Err(refused(error.into())),
    }
}

fn refused(failure: Failure) -> Failure {
    let hint = "nothing was kept; run the command again with the token that the registry's people gave you"
        .to_owned();
    if failure.kind == Kind::Authentication { Failure { hints: vec![hint], ..failure } } else { failure }
}

/// `leahpm registry logout`.
pub(super) fn forget(ctx: &Context, name: &Origin) -> Result<(), Failure> {
    let changed = keep(ctx, "registry logout", name, None)?;
    if ctx.ui.json {
        let object = json!({ "name": name, "changed": changed, "dry_run": ctx.config.dry_run });
        return ctx.ui.object("registry logout", object);
    }
    match (changed, ctx.config.dry_run) {
        (true, false) => ctx.ui.done(format_args!("Forgot the token for registry {name}.")),
        (true, true) => ctx.ui.done(format_args!("Would forget the token for registry {name}.")),
        (false, _) => ctx.ui.done(format_args!("There is no token for registry {name} in the home.")),
    }
    if ctx.config.network.tokens.contains_key(name) {
        ctx.ui.warn(format_args!("{} still holds one.", token_variable(name)));
    }
    Ok(())
}

fn keep(ctx: &Context, command: &str, name: &Origin, token: Option<Token>) -> Result<bool, Failure> {
    ctx.with_watch(command, |watch| ctx.applying(watch, |apply| apply::remember_token(apply, name, token)))
}

fn read_token(ctx: &Context, name: &Origin) -> Result<Token, Failure> {
    let text = if ctx.ui.interactive {
        prompt::password(&format!("Token for registry {name}"), None)?
    } else {
        let mut text = String::new();
        std::io::stdin()
            .take(MAX_TOKEN_BYTES)
            .read_to_string(&mut text)
            .map_err(|error| Failure::new(Kind::Usage, NoInput(name.clone(), error)))?;
        text
    };
    text.trim().parse().map_err(|error| Failure::new(Kind::Usage, error))
}
