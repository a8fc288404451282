//! HTTP/1.1 over one connection that is kept; several questions can be sent before the first answer is read.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

pub(crate) struct Http {
    stream: TcpStream,
    host: String,
    /// What was read and belongs to no answer yet.
    rest: Vec<u8>,
}

impl Http {
    pub(crate) fn new(host: &str) -> Self {
        let stream = TcpStream::connect(host).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, host: host.to_owned(), rest: Vec::new() }
    }

    pub(crate) fn get(&mut self, path: &str) -> Vec<u8> {
        self.ask(&[path.to_owned()]);
        self.answer()
    }

    pub(crate) fn ask(&mut self, paths: &[String]) {
        let line = |path: &String| format!("GET /leah/{path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        let questions: String = paths.iter().map(line).collect();
        self.stream.write_all(questions.as_bytes()).unwrap();
    }

    pub(crate) fn answer(&mut self) -> Vec<u8> {
        let end = loop {
            if let Some(at) = self.rest.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            let mut piece = [0; 16 << 10];
            let read = self.stream.read(&mut piece).unwrap();
            assert!(read > 0, "the connection was closed");
            self.rest.extend_from_slice(&piece[..read]);
        };
        let head = std::str::from_utf8(&self.rest[..end]).unwrap().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let length: usize = length.unwrap().parse().unwrap();
        let there = (self.rest.len() - end).min(length);
        let mut body = Vec::with_capacity(length);
        body.extend_from_slice(&self.rest[end..end + there]);
        self.rest.drain(..end + there);
        (&mut self.stream).take((length - there) as u64).read_to_end(&mut body).unwrap();
        assert_eq!(body.len(), length);
        body
    }
}
