//! A registry on web servers: its URL first, its mirrors where that does not answer or answers wrongly, and the cache
//! before all of them. Decides nothing about trust but whether bytes have the hash that they were asked for by.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use leah_http::{
    Answer, BaseUrl, Caches, Client, Encoding, End, HttpError, Pending, Request, Retries, Token, Validators,
};
use leah_plugin::{
    digest::{Digest, Hashed},
    key::PublicKey,
    name::Origin,
    registry_layout::RegistryLayout as Paths,
};

use super::{
    MAX_ROOTS, MAX_SIGNED_BYTES, RegistryError,
    cache::{Cache, Named},
};
use crate::{config::NetworkConfig, trust::Shown};

/// How often a server may be silent as long as it may before it has shown all its roots. A registry has few of them.
const WALK_TIMEOUTS: u32 = 4;

/// How many bytes are asked for and not used yet. What is near comes as fast as it is used, and memory is all that more
/// would cost; of what is far away as much as possible has to be on its way at a time.
const BYTES_AHEAD: u64 = 4 << 20;
const BYTES_AHEAD_FAR: u64 = 24 << 20;

/// A server that takes so long to show its head, the connection included, is far away.
const FAR: Duration = Duration::from_millis(30);

/// Where a registry's files are, and what is needed to get them.
#[derive(Debug)]
pub struct Remote {
    /// Its name, where that is known.
    origin: Option<Origin>,
    /// The URL, then the mirrors.
    urls: Vec<BaseUrl>,
    client: Arc<Client>,
    /// For the URL alone: a mirror is somebody else.
    token: Option<Token>,
    cache: Cache,
    offline: bool,
    keep_packages: bool,
    /// How long it may take to read all roots: before they are checked nobody knows whether they end.
    longest_walk: Duration,
    /// Index of the URL that answered last; it is asked first.
    answered: AtomicUsize,
    /// What was asked before anybody waits for it, by index of the URL and path.
    ahead: Mutex<HashMap<(usize, String), Pending>>,
    is_far: AtomicBool,
}

/// Roots and head as they were read, with what is needed to keep them.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) shown: Shown,
    /// Who sent the head; none when it is the one in the cache.
    sender: Option<Sender>,
    /// The files of which nobody said how long they are.
    pub(super) open_ended: Vec<OpenEnded>,
}

/// The server that sent a head, and what it said of it.
#[derive(Debug)]
struct Sender {
    url: String,
    validators: Option<Validators>,
}

/// A file that ended where the connection did.
#[derive(Debug)]
pub(super) struct OpenEnded {
    /// Its path in the registry.
    pub(super) path: String,
    /// Where it was read.
    pub(super) url: String,
}

/// A root or a head as a server sent it.
#[derive(Debug)]
struct Sent {
    bytes: Vec<u8>,
    validators: Option<Validators>,
    sender: BaseUrl,
    end: End,
}

/// A head, and where it is from.
#[derive(Debug)]
enum NewestHead {
    /// The one in the cache, of which a server said that it is the newest.
    Cached(Vec<u8>),
    /// A server sent it.
    Sent(Sent),
}

/// Bytes with another hash than they were asked for by.
struct Wrong {
    bytes: Hashed,
    url: String,
    end: End,
}

/// A file that is named by its hash.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) named: Named,
    pub(super) path: &'a str,
    pub(super) digest: &'a Digest,
    pub(super) limit: u64,
}

impl Look {
    /// The server that sent the head; none when it is the one in the cache.
    pub(super) fn sender(&self) -> Option<&str> {
        self.sender.as_ref().map(|sender| sender.url.as_str())
    }
}

impl Remote {
    pub(super) fn new(
        origin: Option<Origin>,
        urls: Vec<BaseUrl>,
        client: Arc<Client>,
        token: Option<Token>,
        config: &NetworkConfig,
    ) -> Self {
        let (offline, keep_packages) = (config.offline, config.keep_packages);
        let longest_walk = config.timeout.saturating_mul(WALK_TIMEOUTS);
        let (cache, answered) = (Cache::new(config.cache.clone()), AtomicUsize::new(0));
        Self {
            origin,
            urls,
            client,
            token,
            cache,
            offline,
            keep_packages,
            longest_walk,
            answered,
            ahead: Mutex::default(),
            is_far: AtomicBool::new(false),
        }
    }

    /// The address that may stand in a lock.
    pub(super) fn url(&self) -> &BaseUrl {
        &self.urls[0]
    }

    pub(super) fn urls(&self) -> &[BaseUrl] {
        &self.urls
    }

    pub(super) fn is_offline(&self) -> bool {
        self.offline
    }

    /// A file that is named by its hash, from the cache or the first URL that has the right bytes. Where none has, the
    /// wrong ones, for the caller to say what is wrong with them; none when there is no such file anywhere.
    /// `received` is told how many bytes have come so far.
    pub(super) fn named(
        &self,
        wanted: &Wanted<'_>,
        received: &dyn Fn(u64),
    ) -> Result<Option<Hashed>, RegistryError> {
        if let Some(bytes) = self.cached(wanted) {
            return Ok(Some(bytes));
        }
        let mut wrong = None;
        let found =
            self.first(wanted.path, |url, retries| self.right(url, wanted, (retries, received), &mut wrong));
        // Where another URL came to be asked first meanwhile, nobody waits for what was asked ahead.
        self.ahead().retain(|(_, path), _| path != wanted.path);
        match (found, wrong) {
            (Ok(Some(bytes)), _) => {
                // The store has what is in a package. To write it twice takes a quarter of the time of an install.
                if wanted.named == Named::Object || self.keep_packages {
                    self.cache.keep(wanted.named, &bytes);
                }
                Ok(Some(bytes))
            }
            (_, Some(Wrong { url, end: End::Closed, .. })) => Err(RegistryError::OpenEnded { url }),
            (_, Some(Wrong { bytes, end: End::Stated, .. })) => Ok(Some(bytes)),
            (found, None) => found,
        }
    }

    /// Asks for a file that will be read soon, unless the cache has it, so that several are on their way at a time.
    pub(super) fn begin(&self, wanted: &Wanted<'_>) {
        if !self.offline && !self.cache.may_have(wanted.named, wanted.digest) {
            self.ask_ahead(wanted.path, wanted.limit, &How::of(wanted.named));
        }
    }

    pub(super) fn bytes_ahead(&self) -> u64 {
        if self.is_far.load(Ordering::Relaxed) { BYTES_AHEAD_FAR } else { BYTES_AHEAD }
    }

    /// Asks the URL that [`first`](Self::first) would ask first, in the way in which it would ask.
    fn ask_ahead(&self, path: &str, limit: u64, how: &How<'_>) {
        let index = self.answered.load(Ordering::Relaxed);
        let retries = if self.urls.len() > 1 { Retries::None } else { Retries::Some };
        let how = How { retries, ..*how };
        let pending = self.client.ask(&self.request(&self.urls[index], path, limit, &how));
        self.ahead().insert((index, path.to_owned()), pending);
    }

    /// A panic in another thread leaves questions that were asked and others that were not.
    fn ahead(&self) -> std::sync::MutexGuard<'_, HashMap<(usize, String), Pending>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same from the cache alone.
    pub(super) fn cached(&self, wanted: &Wanted<'_>) -> Option<Hashed> {
        self.cache.named(wanted.named, wanted.digest, wanted.limit)
    }

    /// The right bytes of one URL. Wrong ones are asked for once more past all caches: one of those may be damaged, and
    /// what was cut off may come whole the next time.
    fn right(
        &self,
        url: &BaseUrl,
        wanted: &Wanted<'_>,
        (retries, received): (Retries, &dyn Fn(u64)),
        wrong: &mut Option<Wrong>,
    ) -> Result<Option<Hashed>, RegistryError> {
        for caches in [Caches::Use, Caches::Bypass] {
            let how = How { caches, retries, ..How::of(wanted.named) };
            let answer = self.get_watched(url, wanted.path, wanted.limit, &how, received)?;
            let Answer::Body { bytes, end, .. } = answer else {
                return Ok(None);
            };
            let bytes = Hashed::of(bytes);
            if bytes.digest() == wanted.digest {
                return Ok(Some(bytes));
            }
            // Bytes that are whole and wrong say more than those that may have been cut off.
            if wrong.as_ref().is_none_or(|before| before.end == End::Closed) {
                *wrong = Some(Wrong { bytes, url: url.join(wanted.path).into(), end });
            }
        }
        Ok(None)
    }

    /// A file that nothing is signed or hashed in, past all caches. It is the word of the registry's own URL, and a
    /// mirror that speaks in its place would be taken for it.
    pub(super) fn plain(&self, path: &str) -> Result<Option<Vec<u8>>, RegistryError> {
        if self.offline {
            return Err(self.no_network(path));
        }
        Ok(self.signed(self.url(), path, &How::past_caches())?.map(|sent| sent.bytes))
    }

    /// Roots and head with the help of the cache: the roots that are known are not read again, but whether there is
    /// another one is always asked, and the head is sent only when it changed.
    pub(super) fn look(&self, key: &PublicKey) -> Result<Look, RegistryError> {
        let roots = self.cache.roots(key);
        if self.offline {
            let head = self.cache.head(key).ok_or_else(|| self.no_network(Paths::HEAD))?;
            let shown = Shown { roots, head };
            return Ok(Look { shown, sender: None, open_ended: Vec::new() });
        }
        let next = roots.len() as u64 + 1;
        // Without a root there is no registry, and behind the first one that is new the end is looked for.
        for serial in if roots.is_empty() { next..=next + 1 } else { next..=next } {
            self.ask_ahead(&Paths::root(serial), MAX_SIGNED_BYTES, &How::of(Named::Object));
        }
        // Of two errors that of the head says more.
        let begun = Instant::now();
        let head = self.head(key)?;
        self.is_far.store(begun.elapsed() > FAR, Ordering::Relaxed);
        let more = self.roots_from(next, |path| self.root(path))?;
        Ok(look(roots, more, head))
    }

    /// Roots and head as one server shows them past all caches.
    pub(super) fn look_past_caches(&self, url: &BaseUrl) -> Result<Look, RegistryError> {
        let get = |path: &str| self.signed(url, path, &How::past_caches());
        let roots = self.roots_from(1, get)?;
        let head = get(Paths::HEAD)?.ok_or_else(|| self.missing(Paths::HEAD))?;
        Ok(look(Vec::new(), roots, NewestHead::Sent(head)))
    }

    /// Keeps roots and head that were found good.
    pub(super) fn keep(&self, key: &PublicKey, look: &Look) {
        self.cache.keep_roots(key, &look.shown.roots);
        if let Some(Sender { url, validators }) = &look.sender {
            let said = validators.as_ref().map(|validators| (url.as_str(), validators));
            self.cache.keep_head(key, &look.shown.head, said);
        }
    }

    fn head(&self, key: &PublicKey) -> Result<NewestHead, RegistryError> {
        let cached = self.cache.head(key);
        let found = self.first(Paths::HEAD, |url, retries| {
            let known = cached.as_ref().and_then(|head| self.cache.validators(key, head, url.as_str()));
            let how = How { known: known.as_ref(), retries, ..How::of(Named::Object) };
            Ok(match (self.get(url, Paths::HEAD, MAX_SIGNED_BYTES, &how)?, &cached) {
                (Answer::Unchanged, Some(cached)) => Some(NewestHead::Cached(cached.clone())),
                (answer, _) => sent(url, answer).map(NewestHead::Sent),
            })
        })?;
        found.ok_or_else(|| self.missing(Paths::HEAD))
    }

    /// That there is none is an answer like any other: mirrors are not asked for what is not there yet.
    fn root(&self, path: &str) -> Result<Option<Sent>, RegistryError> {
        let found = self.first(path, |url, retries| {
            Ok(Some(self.signed(url, path, &How { retries, ..How::of(Named::Object) })?))
        })?;
        Ok(found.flatten())
    }

    /// A root or a head of one URL.
    fn signed(&self, url: &BaseUrl, path: &str, how: &How<'_>) -> Result<Option<Sent>, RegistryError> {
        Ok(sent(url, self.get(url, path, MAX_SIGNED_BYTES, how)?))
    }

    /// The roots from this serial on, up to the first that is not there. Storages in which nobody may list the files say
    /// of a missing one that it is forbidden; who only wants to hide a root can say either.
    fn roots_from(
        &self,
        first: u64,
        get: impl Fn(&str) -> Result<Option<Sent>, RegistryError>,
    ) -> Result<Vec<Sent>, RegistryError> {
        let begun = Instant::now();
        let next = |serial| match get(&Paths::root(serial)) {
            Err(RegistryError::Denied { source, .. }) if serial > 1 && source.is_forbidden() => None,
            Ok(Some(_)) if begun.elapsed() > self.longest_walk => {
                Some(Err(RegistryError::SlowRoots { url: self.url().to_string() }))
            }
            root => root.transpose(),
        };
        (first..=MAX_ROOTS).map_while(next).collect()
    }

    /// Asks one URL after the other, the one that answered last first, until one has something. Where there are mirrors,
    /// each is asked once before any is asked again: nobody waits for a dead server while another one has the file. The
    /// error is that of the first one that was asked.
    fn first<T>(
        &self,
        path: &str,
        mut ask: impl FnMut(&BaseUrl, Retries) -> Result<Option<T>, RegistryError>,
    ) -> Result<Option<T>, RegistryError> {
        if self.offline {
            return Err(self.no_network(path));
        }
        if self.urls.len() > 1 {
            match self.round(|url| ask(url, Retries::None)) {
                Err(RegistryError::Network(error)) if error.may_pass() => {}
                answer => return answer,
            }
        }
        self.round(|url| ask(url, Retries::Some))
    }

    fn round<T>(
        &self,
        mut ask: impl FnMut(&BaseUrl) -> Result<Option<T>, RegistryError>,
    ) -> Result<Option<T>, RegistryError> {
        let mut error = None;
        let start = self.answered.load(Ordering::Relaxed);
        for index in (0..self.urls.len()).map(|offset| (start + offset) % self.urls.len()) {
            match ask(&self.urls[index]) {
                Ok(Some(found)) => {
                    self.answered.store(index, Ordering::Relaxed);
                    return Ok(Some(found));
                }
                Ok(None) => {}
                Err(failed) => drop(error.get_or_insert(failed)),
            }
        }
        error.map_or(Ok(None), Err)
    }

    fn get(&self, url: &BaseUrl, path: &str, limit: u64, how: &How<'_>) -> Result<Answer, RegistryError> {
        self.get_watched(url, path, limit, how, &|_| ())
    }

    /// Waits for what was asked ahead, or asks now.
    fn get_watched(
        &self,
        url: &BaseUrl,
        path: &str,
        limit: u64,
        how: &How<'_>,
        received: &dyn Fn(u64),
    ) -> Result<Answer, RegistryError> {
        let index = self.urls.iter().position(|it| it == url).filter(|_| how.caches == Caches::Use);
        let asked = index.and_then(|index| self.ahead().remove(&(index, path.to_owned())));
        let pending = asked.unwrap_or_else(|| self.client.ask(&self.request(url, path, limit, how)));
        pending.wait(received).map_err(|error| self.failed(error))
    }

    fn request<'a>(&'a self, url: &'a BaseUrl, path: &'a str, limit: u64, how: &How<'a>) -> Request<'a> {
        let token = self.token.as_ref().filter(|_| url == self.url());
        let How { known, caches, encoding, retries } = *how;
        Request { base: url, path, limit, token, known, caches, encoding, retries }
    }

    fn failed(&self, error: HttpError) -> RegistryError {
        let source = Box::new(error);
        if source.is_denied() {
            return RegistryError::Denied { origin: self.origin.clone(), source };
        }
        RegistryError::Network(source)
    }

    fn no_network(&self, path: &str) -> RegistryError {
        RegistryError::Offline { url: self.url().to_string(), path: path.to_owned() }
    }

    fn missing(&self, path: &str) -> RegistryError {
        RegistryError::Missing { place: format!("`{}`", self.url()), path: path.to_owned() }
    }
}

/// How a file is asked for.
struct How<'a> {
    known: Option<&'a Validators>,
    caches: Caches,
    encoding: Encoding,
    retries: Retries,
}

impl How<'_> {
    fn of(named: Named) -> Self {
        let encoding = match named {
            Named::Object => Encoding::Gzip,
            // A package is compressed already, and its size is signed.
            Named::Archive => Encoding::Identity,
        };
        Self { known: None, caches: Caches::Use, encoding, retries: Retries::Some }
    }

    fn past_caches() -> Self {
        Self { caches: Caches::Bypass, ..Self::of(Named::Object) }
    }
}

fn sent(url: &BaseUrl, answer: Answer) -> Option<Sent> {
    match answer {
        Answer::Body { bytes, validators, end } => Some(Sent { bytes, validators, sender: url.clone(), end }),
        Answer::Unchanged | Answer::Missing => None,
    }
}

/// The roots that are known, those after them, and a head.
fn look(mut roots: Vec<Vec<u8>>, more: Vec<Sent>, head: NewestHead) -> Look {
    let mut open_ended = Vec::new();
    let mut note = |sent: &Sent, path: String| {
        if sent.end == End::Closed {
            open_ended.push(OpenEnded { url: sent.sender.join(&path).into(), path });
        }
    };
    for root in more {
        note(&root, Paths::root(roots.len() as u64 + 1));
        roots.push(root.bytes);
    }
    let (head, sender) = match head {
        NewestHead::Cached(head) => (head, None),
        NewestHead::Sent(head) => {
            note(&head, Paths::HEAD.to_owned());
            (head.bytes, Some(Sender { url: head.sender.to_string(), validators: head.validators }))
        }
    };
    Look { shown: Shown { roots, head }, sender, open_ended }
}
