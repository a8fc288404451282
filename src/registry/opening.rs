//! The first and the second look at a registry. Honest servers behind caches may show an old head, or a head and a
//! root that do not belong together; so what does not hold at first is asked for once more past all caches, and only
//! then refused, with the evidence kept where there is some.

use leah_plugin::{
    head::HeadError, layout::Layout, registry_layout::RegistryLayout as Paths, root::RootError,
};

use super::{
    RegistryError, Source, evidence,
    remote::{Look, Remote},
};
use crate::trust::{self, Believed, Demands, Shown, TrustError};

/// What was shown and not believed.
struct Refused {
    error: TrustError,
    shown: Shown,
    /// Who showed it, for a person.
    place: String,
    /// The URL of a file that may have been cut off, where that explains the error.
    cut_off: Option<String>,
}

impl Refused {
    /// How much it proves: a broken line nothing, a signed contradiction the most.
    fn weight(&self) -> (bool, bool) {
        (self.cut_off.is_none(), self.error.is_contradiction())
    }
}

/// Looks at a registry and checks what it shows.
///
/// # Errors
/// When it cannot be read, or is not believed at the second look either.
pub(super) fn open(
    source: &Source,
    demands: &Demands<'_>,
    layout: &Layout,
) -> Result<Believed, RegistryError> {
    let verdict = match source {
        Source::Remote(remote) => look_at(remote, demands)?,
        local => believe(local, local.shown()?, demands),
    };
    verdict.map_err(|refused| match (source, refused) {
        // Anybody may have an old bundle. It says nothing about the registry that any of its servers is to answer for.
        (Source::Bundle(..), Refused { error: source @ TrustError::Rollback { .. }, place, .. }) => {
            RegistryError::OldBundle { place, source }
        }
        (_, refused) => caught(refused, demands, layout),
    })
}

fn look_at(remote: &Remote, demands: &Demands<'_>) -> Result<Result<Believed, Refused>, RegistryError> {
    let look = remote.look(demands.key)?;
    if look.shown.roots.is_empty() {
        return Err(RegistryError::NoRegistry(format!("`{}`", remote.url())));
    }
    let mut best = judge(remote, look, demands);
    if is_fresh(&best, demands) || remote.is_offline() {
        return Ok(best);
    }
    for url in remote.urls() {
        // One that does not answer has nothing to say; the others decide.
        let Ok(look) = remote.look_past_caches(url) else { continue };
        let verdict = judge(remote, look, demands);
        if is_fresh(&verdict, demands) {
            return Ok(verdict);
        }
        // Of two that are past their time the newer one counts, of two refusals the one that proves more.
        let is_better = match (&best, &verdict) {
            (Err(before), Err(now)) => now.weight() >= before.weight(),
            (Err(_), Ok(_)) => true,
            (Ok(before), Ok(now)) => now.head.order() > before.head.order(),
            (Ok(_), Err(_)) => false,
        };
        if is_better {
            best = verdict;
        }
    }
    Ok(best)
}

/// Keeps in the cache what is believed.
fn judge(remote: &Remote, look: Look, demands: &Demands<'_>) -> Result<Believed, Refused> {
    match trust::believe(&look.shown, demands) {
        Ok(believed) => {
            remote.keep(demands.key, &look);
            Ok(believed)
        }
        Err(error) => {
            let place = format!("`{}`", look.sender().unwrap_or(remote.url().as_str()));
            Err(Refused { cut_off: cut_off(&error, &look), error, place, shown: look.shown })
        }
    }
}

fn believe(source: &Source, shown: Shown, demands: &Demands<'_>) -> Result<Believed, Refused> {
    let refused = |error, shown| Refused { error, shown, place: source.place(), cut_off: None };
    trust::believe(&shown, demands).map_err(|error| refused(error, shown))
}

/// The URL of the file that is not what was signed, if its server did not say how long it is. What is signed is whole,
/// whatever else is wrong with it.
fn cut_off(error: &TrustError, look: &Look) -> Option<String> {
    let is_it = |path: &str| match error {
        TrustError::Root { serial, source: RootError::Signature { .. } } => path == Paths::root(*serial),
        TrustError::Head { source: HeadError::Signature { .. }, .. } => path == Paths::HEAD,
        // It may be any of them that the pinned key signed.
        TrustError::NotPinned { .. } => path != Paths::HEAD,
        _ => false,
    };
    look.open_ended.iter().find(|file| is_it(&file.path)).map(|file| file.url.clone())
}

fn is_fresh(verdict: &Result<Believed, Refused>, demands: &Demands<'_>) -> bool {
    let fresh = |believed: &Believed| {
        demands.now.is_none_or(|now| trust::check_fresh(&believed.head, believed.roots.newest(), now).is_ok())
    };
    verdict.as_ref().is_ok_and(fresh)
}

/// Keeps the evidence where there is some.
fn caught(refused: Refused, demands: &Demands<'_>, layout: &Layout) -> RegistryError {
    let Refused { error, shown, place, cut_off } = refused;
    if let Some(url) = cut_off {
        return RegistryError::OpenEnded { url };
    }
    match evidence::keep(&error, &shown, place, demands, layout) {
        Some(evidence) => RegistryError::Caught { source: error, evidence },
        None => error.into(),
    }
}
