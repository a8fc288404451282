//! The process that compiles, seen from outside: a component goes in, machine code comes out, and nothing it does takes
//! longer than somebody waits for it.

use std::{
    io::{self, Read, Write},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
};

use super::{CompileError, LOOK};
use crate::control::{Control, Interrupt};

/// Most machine code of one component, in bytes.
const MAX_CODE: u64 = 256 << 20;

/// Most that is read of what the process complains about, in bytes.
const MAX_COMPLAINT: u64 = 4 << 10;

/// What the process says when it was refused memory.
const OUT_OF_MEMORY: &str = "memory allocation of";

/// Compiles a component.
pub(super) fn compile(binary: &Path, wasm: &[u8], control: &Control) -> Result<Vec<u8>, CompileError> {
    let process = |source| CompileError::Process { path: binary.to_owned(), source };
    let mut child = Command::new(binary)
        .arg("compile")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(process)?;
    let spoken = speak(&mut child, wasm, control);
    if spoken.is_err() {
        child.kill().map_err(process)?;
    }
    let status = child.wait().map_err(process)?;
    let (code, complaint) = spoken?;
    if status.success() { Ok(code) } else { Err(refusal(status, &complaint)) }
}

/// Writes the component and reads both outputs at once, until the process closes them.
fn speak(child: &mut Child, wasm: &[u8], control: &Control) -> Result<(Vec<u8>, String), CompileError> {
    let (Some(mut input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
    };
    let (done, ended) = channel::<()>();
    thread::scope(|scope| {
        // A process that ends early does not take all of its input; why, its complaint says.
        scope.spawn(move || input.write_all(wasm));
        let complaint = scope.spawn(move || complaint(errors));
        let code = scope.spawn(move || {
            let _done = done;
            read(output, MAX_CODE)
        });
        let waited = wait(&ended, control);
        // Killed, it closes its ends of the pipes, and the threads above come to their ends.
        let killed = if waited.is_err() { child.kill() } else { Ok(()) };
        let code = code.join().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()));
        if !code.as_ref().is_ok_and(|code| code.len() as u64 <= MAX_CODE) {
            child.kill()?;
        }
        let complaint = complaint.join().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()));
        waited?;
        killed?;
        match code? {
            code if code.len() as u64 > MAX_CODE => Err(CompileError::TooMuch),
            code => Ok((code, complaint?)),
        }
    })
}

/// Until the output is at its end, or nobody waits for it any more.
fn wait(ended: &Receiver<()>, control: &Control) -> Result<(), Interrupt> {
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK) {
        control.interrupt().map_or(Ok(()), Err)?;
    }
    Ok(())
}

/// All of it, and one byte more than `most` of what is longer.
fn read(from: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How it begins; the rest is read too, so that the process does not wait to be rid of it.
fn complaint(mut from: impl Read) -> io::Result<String> {
    let beginning = read(&mut from, MAX_COMPLAINT)?;
    io::copy(&mut from, &mut io::sink())?;
    Ok(String::from_utf8_lossy(&beginning).into_owned())
}

fn refusal(status: ExitStatus, complaint: &str) -> CompileError {
    // Killed by a limit, or refused memory by one: the runtime says so and aborts.
    if status.code().is_none() || complaint.starts_with(OUT_OF_MEMORY) {
        return CompileError::TooMuch;
    }
    let reason = complaint.lines().next().unwrap_or("the compiler does not say why");
    // Its complaint is an error of this kind, printed.
    let said = ["error: ", "it does not compile: "];
    let reason =
        said.into_iter().fold(reason, |reason, prefix| reason.strip_prefix(prefix).unwrap_or(reason));
    CompileError::Refused { reason: reason.to_owned() }
}
