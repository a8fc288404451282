//! One message a line, within limits of size and time. A line that is begun must end soon and is at most
//! [`MAX_LINE_BYTES`] long; a peer that does not read is given up. One read of the system and one write a message,
//! where the peer is quick.

use std::{
    io::{self, Read},
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use leah_plugin::message::MAX_LINE_BYTES;
use rustix::{
    io::Errno,
    net::{SendFlags, send},
};

/// Bytes that are asked for at a time, and what a buffer shrinks to behind a large line.
const PIECE: usize = 16 << 10;

/// A peer that is gone must not end the process by a signal. Where there is no such flag, the socket itself is told so
/// when it is made.
#[cfg(target_os = "linux")]
const FLAGS: SendFlags = SendFlags::NOSIGNAL;
#[cfg(not(target_os = "linux"))]
const FLAGS: SendFlags = SendFlags::empty();

/// Why there is no further line.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Longer than [`MAX_LINE_BYTES`]. What follows cannot be read.
    #[error("a line has at most {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// The time is over; what came of a line is kept.
    #[error("no whole line came in time")]
    Late,
    /// The peer ended in the middle of a line.
    #[error("the connection ended in the middle of a line")]
    Cut,
    /// The system failed.
    #[error("cannot read from the connection")]
    System(#[source] io::Error),
}

/// How long to wait for a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// For the whole line.
    Whole(Duration),
    /// As long as it takes until it begins, and then for the rest.
    Rest(Duration),
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line with its newline.
    Whole(&'a [u8]),
    /// The peer writes no more.
    End,
}

/// The end that lines come out of.
#[derive(Debug)]
pub struct Reader {
    stream: Arc<UnixStream>,
    timeout: Option<Duration>,
    /// `start..end` came and was not given out; up to `searched` there is no newline in it.
    buffer: Vec<u8>,
    start: usize,
    searched: usize,
    end: usize,
}

impl Reader {
    pub(crate) fn new(stream: Arc<UnixStream>) -> Self {
        Self { stream, timeout: None, buffer: vec![0; PIECE], start: 0, searched: 0, end: 0 }
    }

    /// Waits for the next line.
    ///
    /// # Errors
    /// When it is too long, comes too late, or not to its end.
    pub fn next(&mut self, wait: Wait) -> Result<Line<'_>, LineError> {
        let began = Instant::now();
        let (mut first, mut deadline) = match wait {
            Wait::Whole(time) => (Some(time), Some(began + time)),
            Wait::Rest(_) => (None, None),
        };
        let end = loop {
            if let Some(end) = self.newline()? {
                break end;
            }
            if let (Wait::Rest(time), None, true) = (wait, deadline, self.start < self.end) {
                deadline = Some(Instant::now() + time);
            }
            // The first wait is the whole time to the nanosecond, so that the socket need not be told each time anew.
            let timeout = match first.take() {
                Some(time) => Some(time),
                None => deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())),
            };
            if self.read(timeout)? == 0 {
                return if self.start == self.end { Ok(Line::End) } else { Err(LineError::Cut) };
            }
        };
        let start = std::mem::replace(&mut self.start, end);
        Ok(Line::Whole(&self.buffer[start..end]))
    }

    /// Where the first line ends, behind its newline, if it is there.
    fn newline(&mut self) -> Result<Option<usize>, LineError> {
        let found = self.buffer[self.searched..self.end].iter().position(|byte| *byte == b'\n');
        let end = found.map(|at| self.searched + at + 1);
        self.searched = end.unwrap_or(self.end);
        let length = self.searched - self.start;
        if length > MAX_LINE_BYTES || (end.is_none() && length == MAX_LINE_BYTES) {
            return Err(LineError::TooLong);
        }
        Ok(end)
    }

    fn read(&mut self, timeout: Option<Duration>) -> Result<usize, LineError> {
        self.make_room();
        if timeout.is_some_and(|time| time.is_zero()) {
            return Err(LineError::Late);
        }
        if timeout != self.timeout {
            self.stream.set_read_timeout(timeout).map_err(LineError::System)?;
            self.timeout = timeout;
        }
        loop {
            match (&*self.stream).read(&mut self.buffer[self.end..]) {
                Ok(bytes) => {
                    self.end += bytes;
                    return Ok(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(LineError::Late),
                // A peer that is gone with lines of ours unread has ended, no worse than any other.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(0),
                Err(error) => return Err(LineError::System(error)),
            }
        }
    }

    /// Makes room behind `end`: what was given out is dropped, then the buffer grows up to the longest line.
    fn make_room(&mut self) {
        if self.start == self.end {
            (self.start, self.searched, self.end) = (0, 0, 0);
            if self.buffer.len() > PIECE {
                self.buffer = vec![0; PIECE];
            }
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.searched, self.end) = (self.searched - self.start, self.end - self.start);
            self.start = 0;
            if self.end * 2 > self.buffer.len() {
                self.buffer.resize((self.buffer.len() * 2).min(MAX_LINE_BYTES + 1), 0);
            }
        }
    }
}

/// The end that lines go into, one at a time, whoever writes.
#[derive(Debug)]
pub struct Writer {
    stream: Arc<UnixStream>,
    time: Duration,
    turn: Mutex<()>,
}

impl Writer {
    pub(crate) fn new(stream: Arc<UnixStream>, time: Duration) -> Self {
        Self { stream, time, turn: Mutex::default() }
    }

    /// Writes one line, which ends with a newline. If it fails, the connection is cut: half a line may have been
    /// written, and nothing could follow it.
    ///
    /// # Errors
    /// When the peer is gone, or does not read for too long.
    pub fn send(&self, line: &[u8]) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.send_whole(line).inspect_err(|_| self.cut())
    }

    /// Ends the connection in both directions; the reader learns it too.
    pub fn cut(&self) {
        // It fails only where the peer was faster.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn send_whole(&self, mut line: &[u8]) -> io::Result<()> {
        let mut deadline = None;
        loop {
            match send(&*self.stream, line, FLAGS) {
                Ok(bytes) if bytes == line.len() => return Ok(()),
                Ok(bytes) => line = &line[bytes..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Err(io::ErrorKind::TimedOut.into()),
                Err(errno) => return Err(errno.into()),
            }
            // A peer that takes a byte now and then is no better than one that takes none.
            let now = Instant::now();
            if now > *deadline.get_or_insert(now + self.time) {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
}

#[cfg(test)]
mod tests;
