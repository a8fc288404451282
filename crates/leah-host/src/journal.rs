//! What the host has to tell: lines of logs and events, kept for a while and passed on to whoever listens. Nobody who
//! listens slowly holds up who tells.

use std::{
    collections::VecDeque,
    error::Error,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use leah_plugin::{
    message::{Event, Level, LogLine, Notice},
    name::PluginName,
};

/// Lines that are kept for those who listen later.
const KEPT: usize = 1_000;

/// Notices that wait for one listener; what comes while so many wait is lost to it.
const QUEUE: usize = 1_000;

/// Longest line that is kept, in bytes.
const LINE: usize = 4 << 10;

/// What the host has to tell.
#[derive(Debug)]
pub struct Journal {
    level: Level,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    lines: VecDeque<LogLine>,
    listeners: Vec<Listener>,
    next: u64,
}

#[derive(Debug)]
struct Listener {
    number: u64,
    topic: Topic,
    queue: SyncSender<Notice>,
    lost: u64,
}

/// Somebody listens as long as this lives. Who waits for the next notice learns the end of it at once.
#[derive(Debug)]
pub struct Subscription {
    journal: Arc<Journal>,
    number: u64,
}

/// What somebody wants to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// What changes in the host.
    Events,
    /// The log of one plugin, or of all and the host.
    Log(Option<PluginName>),
}

impl Journal {
    /// A journal that drops lines below `level`.
    #[must_use]
    pub fn new(level: Level) -> Self {
        Self { level, inner: Mutex::default() }
    }

    /// True for a line of this level that is kept.
    #[must_use]
    pub fn keeps(&self, level: Level) -> bool {
        level >= self.level
    }

    /// Writes a line of a plugin's log, or of the host's. A line that is too long is cut.
    pub fn log(&self, plugin: Option<&PluginName>, level: Level, message: impl Into<String>) {
        if !self.keeps(level) {
            return;
        }
        let mut message = message.into();
        if message.len() > LINE {
            message.truncate(message.floor_char_boundary(LINE));
            message.push('…');
        }
        let line = LogLine { time_ms: now_ms(), plugin: plugin.cloned(), level, message };
        let mut inner = self.inner();
        if inner.lines.len() == KEPT {
            inner.lines.pop_front();
        }
        inner.lines.push_back(line.clone());
        inner.tell(|topic| topic.wants(&line), &Notice::Log(line.clone()));
    }

    /// Tells an event.
    pub fn event(&self, event: Event) {
        self.inner().tell(|topic| *topic == Topic::Events, &Notice::Event(event));
    }

    /// Listens from now on. A log begins with the last `lines` lines of it.
    #[must_use]
    pub fn listen(self: &Arc<Self>, topic: Topic, lines: usize) -> (Subscription, Receiver<Notice>) {
        let (queue, receiver) = sync_channel(QUEUE);
        let mut inner = self.inner();
        let kept: Vec<_> = inner.lines.iter().rev().filter(|line| topic.wants(line)).take(lines).collect();
        for line in kept.into_iter().rev() {
            // The queue holds as many as are kept, so it has room.
            let _ = queue.try_send(Notice::Log(line.clone()));
        }
        inner.next += 1;
        let number = inner.next;
        inner.listeners.push(Listener { number, topic, queue, lost: 0 });
        (Subscription { journal: Arc::clone(self), number }, receiver)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic while a line is pushed leaves a queue that is as good as before.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.journal.inner().listeners.retain(|listener| listener.number != self.number);
    }
}

impl Topic {
    fn wants(&self, line: &LogLine) -> bool {
        match self {
            Self::Events => false,
            Self::Log(plugin) => plugin.is_none() || *plugin == line.plugin,
        }
    }
}

impl Inner {
    fn tell(&mut self, wants: impl Fn(&Topic) -> bool, notice: &Notice) {
        self.listeners.retain_mut(|listener| !wants(&listener.topic) || listener.tell(notice));
    }
}

impl Listener {
    /// False when nobody listens any more.
    fn tell(&mut self, notice: &Notice) -> bool {
        if self.lost > 0 {
            let message = format!("{} lines were lost: they came faster than they were read", self.lost);
            let gap = LogLine { time_ms: now_ms(), plugin: None, level: Level::Warn, message };
            if self.queue.try_send(Notice::Log(gap)).is_ok() {
                self.lost = 0;
            }
        }
        match self.queue.try_send(notice.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.lost += 1;
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }
}

/// An error with all its causes in one sentence, as a line of a log or the reason of a refusal.
pub(crate) fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Arc<Journal> {
        Arc::new(Journal::new(Level::Info))
    }

    fn texts(notices: &Receiver<Notice>) -> Vec<String> {
        let text = |notice| match notice {
            Notice::Log(line) => line.message,
            other => panic!("{other:?} is no line"),
        };
        notices.try_iter().map(text).collect()
    }

    #[test]
    fn a_listener_hears_the_last_lines_of_its_plugin_and_then_what_follows() {
        let journal = journal();
        let (one, other): (PluginName, PluginName) = ("one".parse().unwrap(), "other".parse().unwrap());
        for (plugin, text) in [(Some(&one), "a"), (Some(&other), "b"), (None, "c"), (Some(&one), "d")] {
            journal.log(plugin, Level::Info, text);
        }
        journal.log(Some(&one), Level::Debug, "less than is kept");
        let (_one, of_one) = journal.listen(Topic::Log(Some(one.clone())), 1);
        let (_all, of_all) = journal.listen(Topic::Log(None), 3);
        journal.log(Some(&one), Level::Warn, "e");
        journal.log(None, Level::Warn, "f");
        assert_eq!(texts(&of_one), ["d", "e"]);
        assert_eq!(texts(&of_all), ["b", "c", "d", "e", "f"]);
    }

    #[test]
    fn who_listens_slowly_holds_up_nobody_and_is_told_what_was_lost() {
        let journal = journal();
        let (_subscription, notices) = journal.listen(Topic::Log(None), 0);
        (0..QUEUE + 7).for_each(|number| journal.log(None, Level::Info, number.to_string()));
        assert_eq!(texts(&notices).len(), QUEUE);
        journal.log(None, Level::Info, "next");
        assert_eq!(texts(&notices), ["7 lines were lost: they came faster than they were read", "next"]);
    }

    #[test]
    fn the_end_of_a_subscription_ends_the_wait_for_the_next_notice() {
        let journal = journal();
        let (subscription, notices) = journal.listen(Topic::Events, 0);
        let waiting = std::thread::spawn(move || notices.recv());
        drop(subscription);
        assert!(waiting.join().unwrap().is_err());
        assert!(journal.inner().listeners.is_empty());
    }

    #[test]
    fn cuts_a_line_that_is_too_long_between_two_characters() {
        let journal = journal();
        journal.log(None, Level::Info, "ä".repeat(LINE));
        let (_subscription, notices) = journal.listen(Topic::Log(None), 1);
        assert_eq!(texts(&notices), ["ä".repeat(LINE / 2) + "…"]);
    }
}
