//! Why an installed plugin is believed: every step from the pinned root key down to what the plugin may do, looked at
//! again, as data. It downloads no package and changes nothing; the words are the command line's.

mod steps;

use leah_plugin::{
    layout::Layout,
    lock::Locked,
    name::{Origin, PluginName},
};

pub use self::steps::{Archive, Grant, Head, Index, Package, Publisher, Root};
use crate::{
    fs::FsError,
    generation::{Generation, ReadError, check::Damage},
    registry::{RegistryError, Session, SessionError},
    requirements::PluginId,
    restore::{self, Platform, RestoreError},
    trust::TrustError,
    verify::VerifyError,
};

/// The steps, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepName {
    /// The pinned key and the roots that follow from it.
    Root,
    /// The state of the registry.
    Head,
    /// All that the registry ever said of the plugin.
    Record,
    /// Who may sign versions of it.
    Publisher,
    /// The version that is installed, and its files.
    Package,
    /// What it may do.
    Grant,
}

impl StepName {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Head => "head",
            Self::Record => "record",
            Self::Publisher => "publisher",
            Self::Package => "package",
            Self::Grant => "grant",
        }
    }
}

/// A step that holds.
#[derive(Debug)]
pub enum Step {
    /// See [`StepName::Root`].
    Root(Root),
    /// See [`StepName::Head`].
    Head(Head),
    /// See [`StepName::Record`].
    Record(Index),
    /// See [`StepName::Publisher`].
    Publisher(Publisher),
    /// See [`StepName::Package`].
    Package(Box<Package>),
    /// See [`StepName::Grant`].
    Grant(Grant),
}

impl Step {
    /// Which one it is.
    #[must_use]
    pub fn name(&self) -> StepName {
        match self {
            Self::Root(_) => StepName::Root,
            Self::Head(_) => StepName::Head,
            Self::Record(_) => StepName::Record,
            Self::Publisher(_) => StepName::Publisher,
            Self::Package(_) => StepName::Package,
            Self::Grant(_) => StepName::Grant,
        }
    }
}

/// How far the steps hold.
#[derive(Debug)]
pub struct Proof {
    /// Those that hold, from the root on.
    pub steps: Vec<Step>,
    /// The first one that does not.
    pub broken: Option<(StepName, ProofError)>,
}

/// Why a step does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The registry cannot be read, or is not believed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The lock was made with another registry of that name.
    #[error("the lock names a root key for registry `{origin}` that signed none of its roots")]
    OtherRoot {
        /// The registry.
        origin: Origin,
    },
    /// The lock and the record do not agree.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The archive that is at hand is not the one that was signed.
    #[error(transparent)]
    Archive(#[from] Box<VerifyError>),
    /// The installed files are not those of the package.
    #[error("the installed files are not as they were signed:{}", lines(.0))]
    Damaged(Vec<Damage>),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FsError),
    /// A generation cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

fn lines(damage: &[Damage]) -> String {
    damage.iter().map(|one| format!("\n  {one}")).collect()
}

impl From<RegistryError> for ProofError {
    fn from(error: RegistryError) -> Self {
        Self::Session(error.into())
    }
}

/// What is asked about.
#[derive(Clone, Copy)]
struct Asked<'a> {
    layout: &'a Layout,
    session: &'a Session,
    live: &'a Generation,
    name: &'a PluginName,
    locked: &'a Locked,
}

/// Looks at every step again, up to the first that does not hold. `locked` is what the lock of the live generation says
/// of the plugin.
#[must_use]
pub fn prove(
    layout: &Layout,
    session: &Session,
    live: &Generation,
    (name, locked): (&PluginName, &Locked),
) -> Proof {
    let mut steps = Vec::new();
    let asked = Asked { layout, session, live, name, locked };
    let broken = walk(&asked, &mut steps).err();
    Proof { steps, broken }
}

fn walk(asked: &Asked<'_>, steps: &mut Vec<Step>) -> Result<(), (StepName, ProofError)> {
    let Asked { session, live, name, locked, .. } = *asked;
    let registry = session.registry(&locked.registry).map_err(|error| (opening(&error), error.into()))?;
    steps.push(Step::Root(Root::look(asked, &registry).map_err(|error| (StepName::Root, error))?));
    let head = Head::look(asked, &registry).map_err(|error| (StepName::Head, error.into()))?;
    steps.push(Step::Head(head));
    let id = PluginId { registry: locked.registry.clone(), name: name.clone() };
    let record = session.record(&id).map_err(|error| (reading(&error), error.into()))?;
    let resolved_for = &live.lock().resolved_for;
    let platform = Platform { api: &resolved_for.api, host: &resolved_for.host };
    let compared = restore::check_package(name, locked, record.as_deref(), platform);
    let compared = compared.map_err(|error| (comparing(&error), error.into()));
    let stops_at = compared.as_ref().err().map(|(step, _): &(StepName, ProofError)| *step);
    let Some(record) = record.as_deref().filter(|_| stops_at != Some(StepName::Record)) else {
        // Without a record there is nothing that could agree with the lock.
        return compared.map(drop);
    };
    let index = Index::look(asked, &registry, record).map_err(|error| (StepName::Record, error.into()))?;
    steps.push(Step::Record(index));
    if stops_at != Some(StepName::Publisher) {
        steps.push(Step::Publisher(Publisher::of(asked, record)));
    }
    let line = compared?;
    let package =
        Package::look(asked, &registry, record, line).map_err(|error| (StepName::Package, error))?;
    steps.push(Step::Package(Box::new(package)));
    steps.push(Step::Grant(Grant::look(asked).map_err(|error| (StepName::Grant, error.into()))?));
    Ok(())
}

/// The step that a registry fails with which cannot be opened.
fn opening(error: &SessionError) -> StepName {
    let trust = match error {
        SessionError::Registry(RegistryError::Trust(error) | RegistryError::Caught { source: error, .. }) => {
            error
        }
        _ => return StepName::Root,
    };
    match trust {
        TrustError::Head { .. } | TrustError::Rollback { .. } | TrustError::Equivocation { .. } => {
            StepName::Head
        }
        _ => StepName::Root,
    }
}

/// The step that a record fails with.
fn reading(error: &SessionError) -> StepName {
    match error {
        SessionError::Registry(RegistryError::Trust(TrustError::Publisher { .. })) => StepName::Publisher,
        _ => StepName::Record,
    }
}

/// The step that a lock fails with which says something else than the record.
fn comparing(error: &RestoreError) -> StepName {
    match error {
        RestoreError::Missing(_) | RestoreError::NeedsNewer(_) => StepName::Record,
        RestoreError::Differs { field: "owner" | "key", .. } => StepName::Publisher,
        _ => StepName::Package,
    }
}
