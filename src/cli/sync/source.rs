//! Where `sync` has its set from: the lock of a project, or a bundle that carries a lock with all that it names.

use std::{path::Path, sync::Arc};

use leah_plugin::lock::Lock;

use super::super::{
    context::Context,
    failure::Failure,
    project::{self, CurrentLock, Project, State, Strictness},
};
use crate::{
    bundle::{self, Bundle},
    generation::Generation,
    registry::Session,
};

/// Where the set stands.
pub(super) enum Source {
    /// In a lock, which may have a wish list beside it.
    Project(Project),
    /// In a bundle.
    Bundle(Arc<Bundle>, Lock),
}

impl Source {
    /// Looks at the file that the user names.
    pub(super) fn find(path: &Path, live: Option<&Generation>) -> Result<Self, Failure> {
        match bundle::is_bundle(path) {
            Ok(true) => {}
            Ok(false) => return Ok(Self::Project(Project::of_lock(path, live)?)),
            // A lock may be missing where a wish list says how to make it.
            Err(error) if error.is_not_found() => return Ok(Self::Project(Project::of_lock(path, live)?)),
            Err(error) => return Err(project::no_file(error)),
        }
        let bundle = Bundle::open(path)?;
        let lock = project::carried_lock(&bundle)?;
        Ok(Self::Bundle(Arc::new(bundle), lock))
    }

    /// The registries of this run.
    pub(super) fn session(&self, ctx: &Context, strictness: Strictness) -> Result<Session, Failure> {
        let session = strictness.session(ctx)?;
        Ok(match self {
            Self::Project(_) => session,
            Self::Bundle(bundle, _) => session.carrying(Arc::clone(bundle)),
        })
    }

    /// The lock that counts, made anew where it is missing or stale and that is allowed.
    pub(super) fn current(
        &self,
        ctx: &Context,
        session: &Session,
        strictness: Strictness,
    ) -> Result<CurrentLock, Failure> {
        match self {
            Self::Project(project) => project.current(ctx, session, strictness),
            Self::Bundle(bundle, lock) => {
                project::warn_if_newer(ctx, bundle.path(), lock);
                Ok(CurrentLock::unchanged(lock))
            }
        }
    }

    /// The lock that is there.
    pub(super) fn lock(&self) -> Option<&Lock> {
        match self {
            Self::Project(project) => project.lock.as_ref(),
            Self::Bundle(_, lock) => Some(lock),
        }
    }

    /// Refuses a lock that is missing, or is not what the wish list beside it asks for.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Project(project) => project.check(&project.state(None)),
            Self::Bundle(..) => Ok(()),
        }
    }

    /// True where the wish list beside the lock asks for something else by now.
    pub(super) fn is_stale(&self) -> bool {
        matches!(self, Self::Project(project) if matches!(project.state(None), State::Stale(_)))
    }

    /// True of what was carried here, and may come from anybody.
    pub(super) fn is_bundle(&self) -> bool {
        matches!(self, Self::Bundle(..))
    }

    /// The project, where it is one.
    pub(super) fn project(&self) -> Option<&Project> {
        match self {
            Self::Project(project) => Some(project),
            Self::Bundle(..) => None,
        }
    }
}
