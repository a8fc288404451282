//! Tests of lines: whole, in pieces, too long, too late, cut off, and never read.

use std::{io::Write, thread};

use super::*;

const SOON: Wait = Wait::Rest(Duration::from_millis(50));
const PATIENT: Wait = Wait::Whole(Duration::from_secs(20));

fn pair() -> (Reader, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (Reader::new(Arc::new(ours)), theirs)
}

#[track_caller]
fn check(reader: &mut Reader, expect: &[u8]) {
    assert_eq!(reader.next(PATIENT).unwrap(), Line::Whole(expect));
}

#[test]
fn gives_each_line_of_what_came_at_once() {
    let (mut reader, mut peer) = pair();
    peer.write_all(b"one\n\nthree\nfo").unwrap();
    check(&mut reader, b"one\n");
    check(&mut reader, b"\n");
    check(&mut reader, b"three\n");
    peer.write_all(b"ur\n").unwrap();
    check(&mut reader, b"four\n");
    drop(peer);
    assert_eq!(reader.next(SOON).unwrap(), Line::End);
}

#[test]
fn gives_a_line_of_the_longest_length_and_forgets_its_room() {
    let (mut reader, mut peer) = pair();
    let mut line = vec![b'x'; MAX_LINE_BYTES];
    line[MAX_LINE_BYTES - 1] = b'\n';
    let sent = line.clone();
    let writing = thread::spawn(move || {
        peer.write_all(b"before\n").unwrap();
        peer.write_all(&sent).unwrap();
        peer.write_all(b"behind\n").unwrap();
        peer
    });
    check(&mut reader, b"before\n");
    check(&mut reader, &line);
    check(&mut reader, b"behind\n");
    let peer = writing.join().unwrap();
    drop(peer);
    assert_eq!(reader.next(SOON).unwrap(), Line::End);
    assert_eq!(reader.buffer.len(), PIECE);
}

#[test]
fn refuses_a_line_that_is_too_long_before_it_ends() {
    let (mut reader, mut peer) = pair();
    let writing = thread::spawn(move || peer.write_all(&vec![b'x'; MAX_LINE_BYTES]).map(|()| peer));
    assert!(matches!(reader.next(PATIENT), Err(LineError::TooLong)));
    assert!(reader.buffer.len() <= MAX_LINE_BYTES + 1);
    drop(reader);
    drop(writing.join());
}

#[test]
fn waits_for_a_line_to_begin_but_not_for_ever_for_its_end() {
    let (mut reader, mut peer) = pair();
    peer.write_all(b"a line that never").unwrap();
    assert!(matches!(reader.next(SOON), Err(LineError::Late)));
    // Bytes that trickle in do not make the time longer.
    let (mut reader, mut peer) = pair();
    let trickle = thread::spawn(move || while peer.write_all(b"x").is_ok() {});
    assert!(matches!(reader.next(SOON), Err(LineError::Late | LineError::TooLong)));
    drop(reader);
    trickle.join().unwrap();
}

#[test]
fn takes_the_rest_of_a_line_after_it_was_late_once() {
    let (mut reader, mut peer) = pair();
    peer.write_all(b"fir").unwrap();
    assert!(matches!(reader.next(Wait::Whole(Duration::from_millis(1))), Err(LineError::Late)));
    peer.write_all(b"st\n").unwrap();
    check(&mut reader, b"first\n");
}

#[test]
fn tells_an_end_from_an_end_within_a_line() {
    let (mut reader, mut peer) = pair();
    peer.write_all(b"half").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    assert!(matches!(reader.next(SOON), Err(LineError::Cut)));
}

#[test]
fn gives_up_a_peer_that_does_not_read() {
    let time = Duration::from_millis(50);
    let (ours, peer) = UnixStream::pair().unwrap();
    ours.set_write_timeout(Some(time)).unwrap();
    let ours = Arc::new(ours);
    let (writer, mut reader) = (Writer::new(Arc::clone(&ours), time), Reader::new(ours));
    let error = writer.send(&vec![b'x'; MAX_LINE_BYTES]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    // Who reads the connection learns that it is over.
    assert_eq!(reader.next(PATIENT).unwrap(), Line::End);
    assert_eq!(writer.send(b"x\n").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    drop(peer);
}

#[test]
fn lines_of_several_writers_do_not_mix() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (writer, mut reader) =
        (Writer::new(Arc::new(ours), Duration::from_secs(20)), Reader::new(Arc::new(theirs)));
    thread::scope(|scope| {
        for letter in [b'a', b'b', b'c'] {
            let writer = &writer;
            scope.spawn(move || {
                let line = [vec![letter; 100_000], vec![b'\n']].concat();
                (0..10).for_each(|_| writer.send(&line).unwrap());
            });
        }
        for _ in 0..30 {
            let Line::Whole(line) = reader.next(PATIENT).unwrap() else { panic!("30 lines were written") };
            assert!(line.len() == 100_001 && line[..100_000].iter().all(|byte| *byte == line[0]));
        }
    });
}
