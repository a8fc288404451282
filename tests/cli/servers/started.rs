//! Web servers of others, started for one test on a port of loopback that nobody else has: nginx and the server that
//! comes with Python. What they write down of each question can be asked for.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use crate::sandbox::{Sandbox, is_missing, start, system};

/// A question that no registry answers; its line in the log tells that those before it have been written.
const LAST: &str = "last-of-the-log";

/// How often nginx looks for a port: between the look and its start another test may take the port that was found.
const TRIES: u32 = 10;

/// How long a line of a log may take; a server that works takes none.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Started {
    child: Child,
    address: SocketAddr,
    lines: Receiver<String>,
}

impl Started {
    /// nginx with these lines in the block of its server; none where it is not installed.
    pub fn nginx(sandbox: &Sandbox, folder: &Path, more: &str) -> Option<Self> {
        if is_missing("nginx") {
            return None;
        }
        let started = (0..TRIES).find_map(|_| try_nginx(sandbox, folder, more));
        Some(started.expect("nginx found no free port"))
    }

    /// `python3 -m http.server`; none where there is no Python.
    pub fn python(folder: &Path) -> Option<Self> {
        if is_missing("python3") {
            return None;
        }
        let mut command = system("python3");
        command.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"]).arg(folder);
        let mut child = start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()));
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let port = said.split_once(" port ").and_then(|(_, rest)| rest.split(' ').next()).unwrap();
        let address = format!("127.0.0.1:{port}").parse().unwrap();
        let lines = lines_of(&mut child);
        Some(Self { child, address, lines })
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// What it has written down since it was last asked, a line a question.
    pub fn log(&self) -> Vec<String> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(format!("GET /{LAST} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
        let mut lines = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap();
            if line.contains(LAST) {
                return lines;
            }
            lines.push(line);
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // One that has ended by itself is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Tries to start nginx on a port that was free a moment ago.
fn try_nginx(sandbox: &Sandbox, folder: &Path, more: &str) -> Option<Started> {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = sandbox.path("nginx");
    fs::create_dir_all(&place).unwrap();
    let settings = place.join("nginx.conf");
    fs::write(&settings, configuration(&place, folder, address, more)).unwrap();
    let mut command = system("nginx");
    command.args(["-e", "stderr", "-p"]).arg(&place).arg("-c").arg(&settings);
    let mut child = start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()));
    let lines = lines_of(&mut child);
    // It tells its version once it listens, and ends where it cannot.
    let listens = lines.iter().find(|line| line.contains("] ") && line.contains(" nginx/")).is_some();
    let started = Started { child, address, lines };
    listens.then_some(started)
}

/// One process in the foreground that needs no rights and writes nowhere else.
fn configuration(place: &Path, folder: &Path, address: SocketAddr, more: &str) -> String {
    let (place, folder) = (place.display(), folder.display());
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|what| format!("{what}_temp_path \"{place}/{what}\";\n"))
        .collect();
    format!(
        "daemon off;
        master_process off;
        pid \"{place}/pid\";
        error_log stderr notice;
        events {{ }}
        http {{
            {temporary}
            log_not_found off;
            log_format asked '$request_method $uri $status $sent_http_content_encoding; $connection';
            access_log /dev/stderr asked;
            server {{
                listen {address};
                root \"{folder}\";
                {more}
            }}
        }}"
    )
}

/// The lines of a program's standard error, read as they come, so that it never waits.
fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    // It ends with the program; nobody listens any more where sending fails.
    thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    receiver
}
