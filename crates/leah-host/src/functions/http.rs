//! `http`: requests to hosts that were granted, at addresses that are meant. The sending itself, with all checks of
//! redirects and addresses, is in `leah-http`.

use leah_http::{Bounds, Outgoing, Problem, SendError};
use leah_plugin::message::Level;

use super::{Caller, Door, sentence};
use crate::bindings::leah::plugin::{
    http::{Host, Request, Response},
    types::Error,
};

impl Host for Caller<'_> {
    fn send(&mut self, request: Request) -> Result<Response, Error> {
        self.enter(Door::Network)?;
        self.control.going_slow();
        let Request { method, url, headers, body, meta: _ } = request;
        let outgoing = Outgoing { method: &method, url: &url, headers: &headers, body };
        let network = &self.plugin.rights.network;
        let bounds = Bounds {
            allowed: &|url| network.reach(url),
            limit: self.plugin.limits.response,
            time: self.patience(),
            stopped: &|| self.control.interrupt().is_some(),
        };
        let reply = self.services.client.send(outgoing, &bounds).map_err(|error| self.not_sent(&error))?;
        Ok(Response { status: reply.status, headers: reply.headers, body: reply.body, meta: Vec::new() })
    }
}

impl Caller<'_> {
    fn not_sent(&self, error: &SendError) -> Error {
        match error {
            SendError::Invalid(invalid) => Error::Invalid(invalid.to_string()),
            SendError::NotAllowed { to } => {
                self.note(Level::Info, &format!("a request to `{to}` was denied"));
                Error::Denied
            }
            SendError::TooLarge => Error::TooLarge,
            SendError::Late | SendError::Stopped => Error::Timeout,
            SendError::Failed(Problem::Timeout { .. } | Problem::TooSlow { .. }) => Error::Timeout,
            SendError::Failed(problem) => Error::Failed(sentence(problem)),
        }
    }
}
