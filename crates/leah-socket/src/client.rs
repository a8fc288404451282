//! Who asks: one request at a time, with a limit on the patience. Notices that come meanwhile are kept for later.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    time::{Duration, Instant},
};

use leah_plugin::message::{
    Call, Fault, Hello, HelloResult, Id, Message, MessageError, Notice, PROTOCOL, read_line, read_result,
    write_line, write_request,
};
use serde::de::DeserializeOwned;

use crate::{
    line::{Line, LineError, Reader, Wait, Writer},
    place::{SocketError, connect},
};

/// How long the host may take no more bytes.
const WRITE_TIME: Duration = Duration::from_secs(10);

/// Notices that are kept while a response is waited for; the oldest are dropped.
const KEPT: usize = 1_000;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The host says why.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// No answer within the patience. The host is told that nobody waits any more.
    #[error("the host did not answer within {} ms", .0.as_millis())]
    Late(Duration),
    /// The host ended the connection.
    #[error("the host ended the connection")]
    Closed,
    /// The request could not be written.
    #[error("cannot write to the host")]
    Write(#[source] io::Error),
    /// The answer could not be read.
    #[error("cannot read from the host")]
    Read(#[source] LineError),
    /// The request or the answer is not what it should be.
    #[error("the host and this program do not understand each other")]
    Message(#[from] MessageError),
    /// The host speaks another version of the messages.
    #[error("the host speaks version {0} of the messages, this program version {PROTOCOL}")]
    Protocol(u32),
}

/// A connection to a host.
#[derive(Debug)]
pub struct Client {
    reader: Reader,
    writer: Writer,
    last: u64,
    notices: VecDeque<Notice>,
}

impl Client {
    /// Connects to the host that listens at `socket`; none: there is none.
    ///
    /// # Errors
    /// When the folder of the socket is not the user's alone, somebody else listens, or the system refuses.
    pub fn connect(socket: &Path) -> Result<Option<Self>, SocketError> {
        let ends = connect(socket, WRITE_TIME)?;
        Ok(ends.map(|(reader, writer)| Self { reader, writer, last: 0, notices: VecDeque::new() }))
    }

    /// Asks who is there; the first call on every connection. `name_and_version` is the client's, for the host's log.
    ///
    /// # Errors
    /// When the host does not answer, or speaks another version of the messages.
    pub fn hello(&mut self, name_and_version: &str, patience: Duration) -> Result<HelloResult, ClientError> {
        let call = Call::Hello(Hello { protocol: PROTOCOL, client: name_and_version.into() });
        let result: HelloResult = self.call(&call, patience)?;
        if result.protocol == PROTOCOL { Ok(result) } else { Err(ClientError::Protocol(result.protocol)) }
    }

    /// Asks and waits for the result, of the type that belongs to the call.
    ///
    /// # Errors
    /// When the host says why there is none, or does not answer within `patience`: the call is cancelled then.
    pub fn call<T: DeserializeOwned>(&mut self, call: &Call, patience: Duration) -> Result<T, ClientError> {
        self.last += 1;
        let id = Id::Number(self.last);
        let sent = self.writer.send(&write_request(&id, call)?);
        // A host that takes no more connections says so and closes, perhaps before it was asked.
        match (self.response(&id, patience), sent) {
            (Err(ClientError::Closed), Err(error)) => Err(ClientError::Write(error)),
            (Err(ClientError::Late(patience)), _) => {
                self.cancel(id)?;
                Err(ClientError::Late(patience))
            }
            (answer, _) => answer,
        }
    }

    /// Waits for something told without being asked; none: nothing was told within `patience`, which has no end where
    /// none is given.
    ///
    /// # Errors
    /// When the host ended the connection.
    pub fn next_notice(&mut self, patience: Option<Duration>) -> Result<Option<Notice>, ClientError> {
        if let Some(notice) = self.notices.pop_front() {
            return Ok(Some(notice));
        }
        let mut left = Left::new(patience);
        loop {
            match self.message(left.wait()) {
                Ok(Message::Notice(notice)) => return Ok(Some(notice)),
                // An answer that came too late.
                Ok(_) => {}
                Err(ClientError::Read(LineError::Late)) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    fn response<T: DeserializeOwned>(&mut self, wanted: &Id, patience: Duration) -> Result<T, ClientError> {
        let mut left = Left::new(Some(patience));
        loop {
            match self.message(left.wait()) {
                Ok(Message::Response { id, outcome }) if id.as_ref() == Some(wanted) => {
                    return Ok(read_result(&outcome?)?);
                }
                // It concerns the connection as a whole.
                Ok(Message::Response { id: None, outcome: Err(fault) }) => return Err(fault.into()),
                Ok(Message::Notice(notice)) => self.keep(notice),
                // An answer that came too late.
                Ok(_) => {}
                Err(ClientError::Read(LineError::Late)) => return Err(ClientError::Late(patience)),
                Err(error) => return Err(error),
            }
        }
    }

    fn message(&mut self, wait: Wait) -> Result<Message, ClientError> {
        match self.reader.next(wait) {
            Ok(Line::Whole(line)) => Ok(read_line(line)?),
            Ok(Line::End) => Err(ClientError::Closed),
            Err(error) => Err(ClientError::Read(error)),
        }
    }

    fn keep(&mut self, notice: Notice) {
        if self.notices.len() == KEPT {
            self.notices.pop_front();
        }
        self.notices.push_back(notice);
    }

    fn cancel(&mut self, id: Id) -> Result<(), ClientError> {
        let notice = Message::Notice(Notice::Cancel { id });
        self.writer.send(&write_line(&notice)?).map_err(ClientError::Write)
    }
}

/// What is left of a patience after each line that was not the one.
struct Left {
    patience: Option<Duration>,
    began: Option<Instant>,
}

impl Left {
    fn new(patience: Option<Duration>) -> Self {
        Self { patience, began: None }
    }

    fn wait(&mut self) -> Wait {
        let Some(patience) = self.patience else { return Wait::Rest(WRITE_TIME) };
        match self.began {
            // The same number each time spares the socket being told anew.
            None => {
                self.began = Some(Instant::now());
                Wait::Whole(patience)
            }
            Some(began) => Wait::Whole(patience.saturating_sub(began.elapsed())),
        }
    }
}

#[cfg(test)]
mod tests;
