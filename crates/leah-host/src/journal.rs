//! What the host has to tell: lines of logs and events, kept for a while and passed on to whoever listens. Nobody who
//! listens slowly holds up who tells.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
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
}

#[derive(Debug)]
struct Listener {
    topic: Topic,
    queue: SyncSender<Notice>,
    lost: u64,
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
    pub fn listen(&self, topic: Topic, lines: usize) -> Receiver<Notice> {
        let (queue, receiver) = sync_channel(QUEUE);
        let mut inner = self.inner();
        let kept: Vec<_> = inner.lines.iter().rev().filter(|line| topic.wants(line)).take(lines).collect();
        for line in kept.into_iter().rev() {
            // The queue holds as many as are kept, so it has room.
            let _ = queue.try_send(Notice::Log(line.clone()));
        }
        inner.listeners.push(Listener { topic, queue, lost: 0 });
        receiver
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic while a line is pushed leaves a queue that is as good as before.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
