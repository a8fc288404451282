//! Telling a connection what it listens to, on a thread of its own: who reads slowly loses lines and is told how many,
//! and who does not read at all is cut off; the host never waits.

use std::sync::{Arc, mpsc::Receiver};

use leah_plugin::message::{Done, FaultCode, Id, Message, Notice};

use super::{
    connection::{Connection, fault},
    spawn,
};
use crate::journal::Topic;

/// Subscriptions of one connection, each with a thread of its own.
pub const MAX_SUBSCRIPTIONS: usize = 8;

/// Tells the last `lines` lines, then answers, and tells from then on what is listened to: who asks knows by the answer
/// that it has heard what was there.
pub(super) fn subscribe(connection: &Arc<Connection>, id: &Id, topic: Topic, lines: usize) {
    if connection.subscriptions() >= MAX_SUBSCRIPTIONS {
        let text = format!("a connection has at most {MAX_SUBSCRIPTIONS} subscriptions");
        return connection.answer::<Done>(id, &Err(fault(FaultCode::Busy, text)));
    }
    let (subscription, notices) = connection.host.journal().listen(topic, lines);
    connection.subscribe(subscription);
    notices.try_iter().take(lines).for_each(|notice| connection.say(&Message::Notice(notice)));
    connection.answer(id, &Ok(Done {}));
    let telling = Arc::clone(connection);
    if let Err(error) = spawn("tell", move || tell(&telling, &notices)) {
        // Half a connection is worse than none: the peer would wait for ever.
        let text = format!("cannot start a thread: {error}");
        connection.say(&Message::Response { id: None, outcome: Err(fault(FaultCode::Internal, text)) });
        connection.cut();
    }
}

fn tell(connection: &Connection, notices: &Receiver<Notice>) {
    for notice in notices {
        connection.say(&Message::Notice(notice));
    }
}
