//! The three steps of a deploy as they are asked for on a connection. A generation that was tried belongs to the
//! connection it was tried on.

use std::{sync::Arc, time::Duration};

use leah_plugin::message::{Committed, Done, Fault, FaultCode, Prepare, Prepared};

use super::connection::{Connection, fault};
use crate::{
    control::{Control, Interrupt},
    host::DeployError,
};

/// The longest that one step may take, whatever the peer allows: many plugins may have to be compiled.
pub(super) const TIME: Duration = Duration::from_secs(600);

/// Tries a generation beside what runs.
pub(super) fn prepare(
    connection: &Connection,
    wanted: &Prepare,
    control: &Arc<Control>,
) -> Result<Prepared, Fault> {
    control.going_slow();
    match connection.host.prepare(wanted, control) {
        Ok(trial) => {
            let needs_settings = trial.needs_settings().to_vec();
            if connection.keep(trial) {
                Ok(Prepared::Ready { needs_settings })
            } else {
                Err(Interrupt::Cancelled.into())
            }
        }
        Err(DeployError::Refused { plugin, reason }) => Ok(Prepared::Refused { plugin, reason }),
        Err(error) => Err(error.into()),
    }
}

/// Switches to the generation that was tried on this connection.
pub(super) fn commit(
    connection: &Connection,
    wanted: &Prepare,
    control: &Arc<Control>,
) -> Result<Committed, Fault> {
    control.going_slow();
    let trial = connection.take_trial(wanted).ok_or_else(|| not_prepared(wanted))?;
    Ok(connection.host.commit(trial, control)?)
}

/// Drops the generation that was tried on this connection.
pub(super) fn abort(
    connection: &Connection,
    wanted: &Prepare,
    control: &Arc<Control>,
) -> Result<Done, Fault> {
    control.going_slow();
    drop(connection.take_trial(wanted).ok_or_else(|| not_prepared(wanted))?);
    Ok(Done {})
}

fn not_prepared(wanted: &Prepare) -> Fault {
    let text = format!("generation {} was not prepared on this connection", wanted.generation);
    fault(FaultCode::NotPrepared, text)
}

impl From<DeployError> for Fault {
    fn from(error: DeployError) -> Self {
        let code = match &error {
            DeployError::Busy => FaultCode::Busy,
            DeployError::NotLive { .. } => FaultCode::NotPrepared,
            DeployError::Interrupted(why) => return (*why).into(),
            DeployError::Refused { .. } => FaultCode::Internal,
        };
        fault(code, error.to_string())
    }
}
