//! The files of a project, as `lock` and `sync` find them: the wish list `plugins.yaml`, `leah.lock` beside it, whether
//! the one is what the other asks for, and the lock that is to be used. Making a lock anew is `relock`'s.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clap::builder::FalseyValueParser;
use leah_plugin::{
    lock::{LOCK_REVISION, Lock, LockError},
    manifest::Permissions,
    name::PluginName,
    yaml::MAX_YAML_BYTES,
};
use semver::Version;
use serde_json::{Value, json};

use super::{
    context::Context,
    failure::{Failure, Kind},
    relock::{self, Made, Order},
};
use crate::{
    bundle::Bundle,
    fs::{self, Access, FsError},
    generation::Generation,
    plan::Change,
    registry::Session,
    requirements::Update,
    wishes::{self, Stale, Wishes, WishesError},
};

/// Name of a lock, beside the wish list that it was made for.
pub(super) const LOCK: &str = "leah.lock";
/// Name of a wish list.
pub(super) const WISHES: &str = "plugins.yaml";

/// Whether a lock may be made anew.
#[derive(Debug, clap::Args)]
pub(super) struct StrictArgs {
    /// Fail if the lock is missing, is not what plugins.yaml asks for, or lacks a decision; never write it
    ///
    /// LEAHPM_LOCKED=1 says it for every command of a job.
    #[arg(long, env = "LEAHPM_LOCKED", hide_env = true, value_parser = FalseyValueParser::new())]
    locked: bool,
    /// The same, and use no network
    ///
    /// LEAHPM_FROZEN=1 says it for every command of a job.
    #[arg(long, env = "LEAHPM_FROZEN", hide_env = true, value_parser = FalseyValueParser::new())]
    frozen: bool,
}

/// What [`StrictArgs`] mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// A lock that is missing or stale is made anew.
    Free,
    /// The lock counts as it is, or not at all.
    Locked,
    /// The same without the network.
    Frozen,
}

impl StrictArgs {
    pub(super) fn strictness(&self) -> Strictness {
        match (self.frozen, self.locked) {
            (true, _) => Strictness::Frozen,
            (_, true) => Strictness::Locked,
            _ => Strictness::Free,
        }
    }
}

impl Strictness {
    /// The registries of this run; the cache alone where it is frozen.
    pub(super) fn session(self, ctx: &Context) -> Result<Session, Failure> {
        if self == Self::Frozen { ctx.session_offline() } else { ctx.session() }
    }
}

/// The files of one project.
#[derive(Debug)]
pub(super) struct Project {
    /// Where the wish list is, or would be.
    pub(super) wishes_path: PathBuf,
    /// Where the lock is, or will be.
    pub(super) lock_path: PathBuf,
    /// The wish list, if there is one.
    pub(super) wishes: Option<Wishes>,
    /// The lock, if there is one.
    pub(super) lock: Option<Lock>,
    /// The bytes of its file.
    found: Option<Vec<u8>>,
}

/// How the lock of a project stands to its wish list.
#[derive(Debug)]
pub(super) enum State {
    /// There is none.
    Missing,
    /// It is something else than what is asked for.
    Stale(Vec<Stale>),
    /// It is what is asked for, or nothing else is there that could count.
    Fresh,
}

/// The lock that counts.
#[derive(Debug)]
pub(super) struct CurrentLock {
    /// What it says.
    pub(super) lock: Lock,
    /// How it differs from the one that was there.
    pub(super) changes: Vec<Change>,
    /// True where it is another one than the file holds, or held.
    pub(super) differs: bool,
    /// True where it was made anew and written.
    pub(super) written: bool,
    /// The permissions about which a person was asked in this run.
    pub(super) decided: BTreeMap<PluginName, Permissions>,
}

/// Why the files of a project cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProjectError {
    #[error("there is no `{}`", fs::shown(.0))]
    NoWishes(PathBuf),
    #[error("there is no `{}`", fs::shown(lock))]
    NoLock { lock: PathBuf, wishes: Option<PathBuf> },
    #[error("`{}` is a wish list, and no lock", fs::shown(.0))]
    IsWishes(PathBuf),
    #[error("`{}` is a lock, and no wish list", fs::shown(.0))]
    IsLock(PathBuf),
    #[error("cannot read `{}`", fs::shown(path))]
    Wishes { path: PathBuf, source: WishesError },
    #[error("cannot read `{}`", fs::shown(path))]
    Lock { path: PathBuf, source: LockError },
    #[error("`{}` is not what `{}` asks for:{}", fs::shown(lock), fs::shown(wishes), lines(stale))]
    Stale { lock: PathBuf, wishes: PathBuf, stale: Vec<Stale> },
    #[error("cannot write `{}`", fs::shown(path))]
    NotMade { path: PathBuf, source: LockError },
    #[error("`{}` was changed by somebody else meanwhile, and is left as it is now", fs::shown(.0))]
    Changed(PathBuf),
    #[error("cannot write `{}`", fs::shown(path))]
    NotWritten { path: PathBuf, source: FsError },
}

fn lines(stale: &[Stale]) -> String {
    stale.iter().map(|it| format!("\n  {it}")).collect()
}

impl Project {
    /// The project of a wish list, which must be there; its lock is beside it.
    pub(super) fn of_wishes(path: &Path) -> Result<Self, Failure> {
        let wishes = read_wishes(path)?;
        let wishes = wishes.ok_or_else(|| Failure::from(ProjectError::NoWishes(path.to_owned())))?;
        let lock_path = path.with_file_name(LOCK);
        let (lock, found) = read_lock(&lock_path, None)?.unzip();
        Ok(Self { wishes_path: path.to_owned(), lock_path, wishes: Some(wishes), lock, found })
    }

    /// The project of a lock, which may be that of the live generation to the byte. Beside a lock of another name than
    /// [`LOCK`] no wish list counts.
    pub(super) fn of_lock(path: &Path, live: Option<&Generation>) -> Result<Self, Failure> {
        let wishes_path = path.with_file_name(WISHES);
        let is_ours = path.file_name().is_some_and(|name| name == LOCK);
        let wishes = if is_ours { read_wishes(&wishes_path)? } else { None };
        let (lock, found) = read_lock(path, live)?.unzip();
        Ok(Self { wishes_path, lock_path: path.to_owned(), wishes, lock, found })
    }

    /// How the lock stands to the wish list. `host` is the version that plugins must fit; that of the wish list, if it
    /// names one, where none is given.
    pub(super) fn state(&self, host: Option<&Version>) -> State {
        let Some(lock) = &self.lock else { return State::Missing };
        let Some(wishes) = &self.wishes else { return State::Fresh };
        let stale = wishes::stale(wishes, lock, host.or(wishes.host.as_ref()));
        if stale.is_empty() { State::Fresh } else { State::Stale(stale) }
    }

    /// Tells of a lock of which not all was understood.
    pub(super) fn warn(&self, ctx: &Context) {
        if let Some(lock) = &self.lock {
            warn_if_newer(ctx, &self.lock_path, lock);
        }
    }

    /// The lock that counts: the one that is there if it is what is asked for, else one that is made anew and, but in a
    /// dry run, written. Where the run is strict, none is made.
    pub(super) fn current(
        &self,
        ctx: &Context,
        session: &Session,
        strictness: Strictness,
    ) -> Result<CurrentLock, Failure> {
        self.warn(ctx);
        let state = self.state(None);
        if strictness != Strictness::Free {
            self.check(&state)?;
        }
        match (state, &self.lock) {
            (State::Fresh, Some(lock)) => Ok(CurrentLock::unchanged(lock)),
            // Without a wish list there is nothing to make a lock from.
            _ if self.wishes.is_none() => Err(self.no_lock().into()),
            _ => self.made(ctx, session, &Order { update: Update::None, speaks_of_all: false }),
        }
    }

    /// Makes the lock anew, and writes it where it is another one than before.
    pub(super) fn made(
        &self,
        ctx: &Context,
        session: &Session,
        order: &Order,
    ) -> Result<CurrentLock, Failure> {
        let wishes = self.wishes.as_ref().ok_or_else(|| ProjectError::NoWishes(self.wishes_path.clone()))?;
        let before = self.lock.as_ref();
        let Made { lock, changes, decided } =
            relock::make(ctx, session, (&self.wishes_path, wishes), before, order)?;
        let differs = before != Some(&lock);
        let written = differs && !ctx.config.dry_run;
        if differs {
            let unfit = |source| ProjectError::NotMade { path: self.lock_path.clone(), source };
            let text = lock.to_text().map_err(unfit)?;
            if written {
                self.write(ctx, &text)?;
            }
        }
        Ok(CurrentLock { lock, changes, differs, written, decided })
    }

    /// The command that makes the lock anew with these options; none where there is no wish list to make it from.
    pub(super) fn relock(&self, options: &str) -> Option<String> {
        self.wishes.as_ref().map(|_| lock_command(&self.wishes_path, options))
    }

    /// Refuses a lock that is missing or stale.
    pub(super) fn check(&self, state: &State) -> Result<(), Failure> {
        match state {
            State::Fresh => Ok(()),
            State::Missing => Err(self.no_lock().into()),
            State::Stale(stale) => {
                let (lock, wishes) = (self.lock_path.clone(), self.wishes_path.clone());
                Err(ProjectError::Stale { lock, wishes, stale: stale.clone() }.into())
            }
        }
    }

    fn no_lock(&self) -> ProjectError {
        let wishes = self.wishes.is_some().then(|| self.wishes_path.clone());
        ProjectError::NoLock { lock: self.lock_path.clone(), wishes }
    }

    /// Writes the lock, unless another one came to be there since this run began: it was not made from that one.
    fn write(&self, ctx: &Context, text: &str) -> Result<(), Failure> {
        let there = read_if_any(&self.lock_path)?;
        if there.as_deref() == Some(text.as_bytes()) {
            return Ok(());
        }
        if there != self.found {
            return Err(ProjectError::Changed(self.lock_path.clone()).into());
        }
        let written = fs::replace(&self.lock_path, text.as_bytes(), Access::Shared, ctx.config.durability);
        Ok(written.map_err(|source| ProjectError::NotWritten { path: self.lock_path.clone(), source })?)
    }
}

impl CurrentLock {
    /// The lock that is there.
    pub(super) fn unchanged(lock: &Lock) -> Self {
        // What was understood of a newer revision can be used like any other lock.
        let lock = Lock { revision: LOCK_REVISION, ..lock.clone() };
        Self { lock, changes: Vec::new(), differs: false, written: false, decided: BTreeMap::new() }
    }
}

/// Tells of a lock, in this file, of which not all was understood.
pub(super) fn warn_if_newer(ctx: &Context, file: &Path, lock: &Lock) {
    if lock.is_newer() {
        ctx.ui.warn(format_args!(
            "`{}` is of revision {}, and this leahpm knows revision {LOCK_REVISION}: what it does not know is left out",
            fs::shown(file),
            lock.revision
        ));
    }
}

/// What is stale, as `--json` shows it.
pub(super) fn stale_json(stale: &[Stale]) -> Vec<Value> {
    let one = |it: &Stale| json!({ "name": it.name(), "reason": it.word(), "message": it.to_string() });
    stale.iter().map(one).collect()
}

/// A file that the user names and that is none which can be read.
pub(super) fn no_file(error: FsError) -> Failure {
    let is_other = error.is_too_large() || error.is_no_file();
    let failure = Failure::from(error);
    if is_other { Failure { kind: Kind::Invalid, ..failure } } else { failure }
}

/// The bytes of a file; the user names it, so a link on the way is the user's own.
fn read(path: &Path) -> Result<Vec<u8>, FsError> {
    fs::canonical_file(path).and_then(|path| fs::read(&path, MAX_YAML_BYTES as u64))
}

/// The same; none where there is nothing.
fn read_if_any(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(no_file(error)),
    }
}

fn read_wishes(path: &Path) -> Result<Option<Wishes>, Failure> {
    let Some(bytes) = read_if_any(path)? else { return Ok(None) };
    let unreadable = |source| match Lock::read(&bytes) {
        Ok(_) => ProjectError::IsLock(path.to_owned()),
        Err(_) => ProjectError::Wishes { path: path.to_owned(), source },
    };
    Ok(Some(Wishes::read(&bytes).map_err(unreadable)?))
}

fn read_lock(path: &Path, live: Option<&Generation>) -> Result<Option<(Lock, Vec<u8>)>, Failure> {
    let Some(bytes) = read_if_any(path)? else { return Ok(None) };
    let known = live.and_then(|live| live.lock_of_text(&bytes)).cloned();
    Ok(Some((known.map_or_else(|| parsed(path, &bytes), Ok)?, bytes)))
}

/// A lock that must be there, and the bytes that it was read from.
pub(super) fn named_lock(path: &Path) -> Result<(Lock, Vec<u8>), Failure> {
    let bytes = read(path).map_err(no_file)?;
    Ok((parsed(path, &bytes)?, bytes))
}

/// The lock that a bundle carries.
pub(super) fn carried_lock(bundle: &Bundle) -> Result<Lock, ProjectError> {
    let unreadable = |source| ProjectError::Lock { path: bundle.path().to_owned(), source };
    Lock::read(bundle.lock()).map_err(unreadable)
}

fn parsed(path: &Path, bytes: &[u8]) -> Result<Lock, Failure> {
    let unreadable = |source| match Wishes::read(bytes) {
        Ok(_) => ProjectError::IsWishes(path.to_owned()),
        Err(_) => ProjectError::Lock { path: path.to_owned(), source },
    };
    Ok(Lock::read(bytes).map_err(unreadable)?)
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let path = fs::shown(path);
    shlex::try_quote(&path).unwrap_or_default().into_owned()
}

/// The command that makes a lock from a wish list, with these options.
fn lock_command(wishes: &Path, options: &str) -> String {
    let file = if wishes == Path::new(WISHES) { String::new() } else { quoted(wishes) };
    let words = ["leahpm lock", options, &file].into_iter().filter(|words| !words.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

impl From<ProjectError> for Failure {
    fn from(error: ProjectError) -> Self {
        const NEWER: &str = "update leahpm, then run the command again";
        match &error {
            ProjectError::NoWishes(_) => Self::new(Kind::NotFound, error)
                .hint("write into it what you want, as in `format: 1` and, on the next line, `plugins: { translator: ^1.0 }`"),
            ProjectError::NoLock { wishes, .. } => {
                let hint = match wishes {
                    Some(wishes) => format!("`{}` makes it", lock_command(wishes, "")),
                    None => format!("run it in the folder of a project, or name a lock; `leahpm lock` makes one from `{WISHES}`"),
                };
                Self::new(Kind::NotFound, error).hint(hint)
            }
            ProjectError::IsWishes(path) => {
                let hint = format!("`{}` makes a lock from it", lock_command(path, ""));
                Self::new(Kind::Invalid, error).hint(hint)
            }
            ProjectError::IsLock(path) => {
                let hint = format!("`leahpm sync {}` installs what it says", quoted(path));
                Self::new(Kind::Invalid, error).hint(hint)
            }
            ProjectError::Wishes { source: WishesError::Format(_), .. }
            | ProjectError::Lock { source: LockError::Format(_), .. } => {
                Self::new(Kind::Invalid, error).hint(NEWER)
            }
            ProjectError::NotMade { source: LockError::Revision(_), .. } => {
                Self::new(Kind::Incompatible, error).hint(NEWER)
            }
            ProjectError::Lock { path, source: LockError::Yaml(yaml) } if yaml.is_conflict() => {
                let (file, lock) = (quoted(path), lock_command(&path.with_file_name(WISHES), ""));
                let hint = format!("`git checkout --ours {file}` takes one side of it, and `{lock}` then makes it fit the wish list");
                Self::new(Kind::Invalid, error).hint(hint)
            }
            ProjectError::Wishes { .. } | ProjectError::Lock { .. } | ProjectError::NotMade { .. } => Self::new(Kind::Invalid, error),
            ProjectError::Stale { stale, wishes, .. } => {
                let details = json!({ "stale": stale_json(stale) });
                let is_open = stale.iter().all(|it| matches!(it, Stale::Undecided { .. }));
                if is_open {
                    return Self::new(Kind::Consent, error).hint(relock::INTO_THE_LIST).details(details);
                }
                let hint = format!("`{}` makes it anew", lock_command(wishes, ""));
                Self::new(Kind::CheckFailed, error).hint(hint).details(details)
            }
            ProjectError::Changed(_) => Self::new(Kind::Locked, error).hint("run the command again"),
            ProjectError::NotWritten { source, .. } => {
                let is_full = matches!(source.source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
                let hint = source.hint().filter(|_| is_full);
                let hint = hint.unwrap_or("check who may write to the folder of the wish list");
                Self::new(Kind::Unexpected, error).hint(hint)
            }
        }
    }
}
