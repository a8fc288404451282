//! What every command needs: the clock, the environment and the way to print, resolved once.

use std::{
    env,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use leah_http::Token;
use leah_plugin::{
    key::SecretKey,
    signature::{MAX_SIGNATURE_BYTES, SignatureBlock, SignatureError},
};
use serde::Serialize;

use super::failure::{Failure, Kind};
use crate::{
    fs,
    keys::{self, KeyFileError},
};

/// The version of the shapes that `--json` prints.
pub(super) const SCHEMA: u32 = 1;

const PASSWORD_VARIABLE: &str = "LEAH_REGISTRY_PASSWORD";

/// Holds the token for a private registry; an argument would be seen by all on this machine.
pub(super) const TOKEN_VARIABLE: &str = "LEAH_REGISTRY_TOKEN";

/// Options of every command.
#[derive(Debug, clap::Args)]
pub(super) struct GlobalArgs {
    /// Print one JSON object to standard output, errors included
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// The time to write into the registry, in seconds since 1970
    #[arg(long, global = true, hide = true, value_name = "UNIX", env = "SOURCE_DATE_EPOCH")]
    now: Option<u64>,
}

/// The key that signs heads.
#[derive(Debug, clap::Args)]
pub(super) struct IndexKeyArg {
    /// Key file that signs the head of the registry
    #[arg(long, value_name = "FILE", env = "LEAH_REGISTRY_INDEX_KEY")]
    pub(super) index_key: PathBuf,
}

/// The surroundings of one run.
#[derive(Debug)]
pub(super) struct Context {
    json: bool,
    now: u64,
    password: Option<String>,
    token: Option<String>,
}

impl Context {
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    pub(super) fn new(args: &GlobalArgs) -> Result<Self, Failure> {
        let now = match args.now {
            Some(now) => now,
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_err(|error| {
                    Failure::new(Kind::Unexpected, error).hint("set the clock of this computer")
                })?
                .as_secs(),
        };
        let token = env::var(TOKEN_VARIABLE).ok().filter(|text| !text.is_empty());
        Ok(Self { json: args.json, now, password: env::var(PASSWORD_VARIABLE).ok(), token })
    }

    /// Seconds since 1970.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// The token for a private registry, if there is one.
    pub(super) fn token(&self) -> Result<Option<Token>, Failure> {
        let read = |text: &String| text.parse().map_err(|error| Failure::new(Kind::Authentication, error));
        let token = self.token.as_ref().map(read).transpose();
        token.map_err(|failure| failure.hint(format!("look at what `{TOKEN_VARIABLE}` holds")))
    }

    /// Reads a key file; a protected one is opened with the password of the environment or the terminal.
    pub(super) fn secret_key(&self, path: &Path) -> Result<SecretKey, Failure> {
        let ask = |path: &Path| self.password(&format!("Password of {}: ", path.display()));
        Ok(keys::read(path, ask)?)
    }

    /// A password for new keys, from the environment or typed twice.
    pub(super) fn new_password(&self) -> Result<String, Failure> {
        let first = self.password("Password for the new keys: ")?.ok_or_else(no_terminal)?;
        if self.password.is_none() && self.password("The same again: ")?.as_ref() != Some(&first) {
            return Err(Failure::message(Kind::Authentication, "the two passwords differ"));
        }
        Ok(first)
    }

    /// Prints what a command did: `sentence` for people, `value` for programs.
    pub(super) fn done(&self, value: &impl Serialize, sentence: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let written = if self.json {
            let line = serde_json::to_string(value).map_err(|error| Failure::new(Kind::Unexpected, error))?;
            writeln!(out, "{line}")
        } else {
            writeln!(out, "{sentence}")
        };
        // What was done is done; but who reads the output must learn that it is not all of it.
        written.and_then(|()| out.flush()).map_err(|error| Failure::new(Kind::Unexpected, error))
    }

    fn password(&self, prompt: &str) -> Result<Option<String>, KeyFileError> {
        if self.password.is_some() || !std::io::stdin().is_terminal() {
            return Ok(self.password.clone());
        }
        rpassword::prompt_password(prompt).map(Some).map_err(KeyFileError::Prompt)
    }
}

/// A signature that was made elsewhere, and is none.
#[derive(Debug, thiserror::Error)]
#[error("the signature `{}` is refused", fs::show(path))]
struct SignatureFileError {
    path: PathBuf,
    source: SignatureError,
}

/// Reads a signature that was made elsewhere.
pub(super) fn read_signature(path: &Path) -> Result<SignatureBlock, Failure> {
    let bytes = fs::read(path, MAX_SIGNATURE_BYTES as u64)?;
    SignatureBlock::read(&bytes)
        .map_err(|source| Failure::new(Kind::Trust, SignatureFileError { path: path.to_owned(), source }))
}

fn no_terminal() -> Failure {
    let text = "a password is needed, and there is no terminal to ask for it";
    Failure::message(Kind::Authentication, text).hint(format!("set `{PASSWORD_VARIABLE}`"))
}
