//! The ways to a registry that is not on this machine: TLS with certificates that a user added, and a proxy.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use leah_registry::serve::Server;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};

use super::{Edge, served};
use crate::{fixture::TestRegistry, sandbox::Sandbox};

/// A registry behind TLS whose certificate is for `name`; who signed it stands in `ca.pem`.
fn secured(name: &str) -> (Sandbox, TestRegistry, Server, Edge) {
    let (sandbox, hub, server) = served();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::from(key))
        .unwrap();
    let edge = Edge::before_tls(&server, config);
    sandbox.redact(edge.url(), "[URL]");
    sandbox.write("ca.pem", authority.pem());
    (sandbox, hub, server, edge)
}

#[test]
fn a_registry_over_tls_is_believed_by_certificates_that_the_user_added() {
    let (sandbox, hub, _server, edge) = secured("127.0.0.1");
    let key = hub.root_key().to_string();
    let (url, install) = (edge.url(), ["install", "alpha", "--key", &key, "--registry"]);
    let install = [&install[..], &[url.as_str()]].concat();
    insta::assert_snapshot!(sandbox.run(&install).fails(6), @"
    error: cannot get `[URL]head`
    caused by: no secure connection to the server
    caused by: invalid peer certificate: UnknownIssuer
    hint: `--ca-cert FILE` takes the certificate of a company's own authority
    ");
    assert_eq!(edge.log(), "");
    sandbox.run(&[&install[..], &["--ca-cert", "ca.pem"]].concat()).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
    sandbox.run_env(&["update"], &[("LEAHPM_CA_CERT", "ca.pem")]).ok();
    sandbox.write("no.pem", "-- no certificate --");
    insta::assert_snapshot!(sandbox.run(&["update", "--ca-cert", "no.pem"]).fails(6), @"
    error: cannot get `[URL]head`
    caused by: the extra certificates cannot be used: number 1 is not a certificate in PEM form
    hint: `--ca-cert` takes a file in PEM form
    ");
    insta::assert_snapshot!(sandbox.run(&["update", "--ca-cert", "nowhere.pem"]).fails(5), @"
    error: cannot open `nowhere.pem`
    caused by: No such file or directory (os error 2)
    ");
}

/// A proxy that leads every tunnel to one server, and the names that it was asked for.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// It ends with the test's process.
    fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::default());
        let proxy = Self { address, asked: Arc::clone(&asked) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let asked = Arc::clone(&asked);
                // A tunnel that somebody leaves has ended as it should.
                thread::spawn(move || drop(tunnel(stream.unwrap(), server, &asked)));
            }
        });
        proxy
    }
}

fn tunnel(mut client: TcpStream, to: SocketAddr, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    asked.lock().unwrap().push(String::from_utf8(head).unwrap().lines().next().unwrap().to_owned());
    let mut server = TcpStream::connect(to)?;
    client.write_all(b"HTTP/1.1 200 Go\r\n\r\n")?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        drop(io::copy(&mut from_client, &mut to_server));
        // What the server still says goes on.
        drop(to_server.shutdown(std::net::Shutdown::Write));
    });
    io::copy(&mut server, &mut client)?;
    client.shutdown(std::net::Shutdown::Write)
}

#[test]
fn a_registry_elsewhere_is_reached_through_a_proxy_with_its_name_and_tls_unbroken() {
    let (sandbox, hub, _server, edge) = secured("plugins.example.org");
    let proxy = Proxy::to(edge.address());
    let key = hub.root_key().to_string();
    let install = ["install", "alpha", "--key", &key, "--registry", "https://plugins.example.org/"];
    // Without a scheme, as people write it.
    let way = proxy.address.to_string();
    let flags = [&install[..], &["--ca-cert", "ca.pem", "--proxy", &way]].concat();
    sandbox.run(&flags).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
    let asked = std::mem::take(&mut *proxy.asked.lock().unwrap());
    assert!(asked.iter().all(|line| line == "CONNECT plugins.example.org:443 HTTP/1.1"), "{asked:?}");
    // The system's own variable does as well.
    let system = [("HTTPS_PROXY", way.as_str()), ("LEAHPM_CA_CERT", "ca.pem")];
    sandbox.run_env(&["update"], &system).ok();
    assert!(!proxy.asked.lock().unwrap().is_empty());
}

#[test]
fn what_is_no_proxy_is_refused_instead_of_left_out_and_not_repeated() {
    let sandbox = Sandbox::new();
    let refused = sandbox.run(&["list", "--proxy", "socks5://ann:hunter2@127.0.0.1:9"]);
    insta::assert_snapshot!(refused.fails(2), @"
    error: cannot take that for a proxy
    caused by: a proxy is reached by `http://` or `https://`
    hint: it looks like `http://proxy.example.com:8080`
    ");
    sandbox.run_env(&["list"], &[("LEAHPM_PROXY", "http://ann:hunter2@[x")]).fails(2);
}
