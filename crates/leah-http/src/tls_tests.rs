//! The client against servers with certificates, good and bad, over real sockets.

use std::{convert::Infallible, sync::Arc, thread, time::Duration};

use http_body_util::Full;
use hyper::{body::Bytes, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_rustls::TlsAcceptor;

use crate::{
    Answer, Client, End, Problem, RedirectProblem, Request, Settings, Token,
    test_server::{Server, Then, ok, question, say},
    tests::{fails, sentences, text},
};

/// Somebody who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A server that has a certificate for `name`.
    fn certified(&self, name: &str) -> ServerConfig {
        self.signed(&CertificateParams::new([name.to_owned()]).unwrap())
    }

    fn signed(&self, params: &CertificateParams) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::from(key))
            .unwrap()
    }

    /// A client that believes this authority beside the platform's.
    fn client(&self) -> Client {
        let timeout = Duration::from_secs(2);
        let ca_certificates = vec![self.0.pem().into_bytes()];
        Client::new(Settings { timeout, ca_certificates, ..Settings::default() })
    }
}

fn saying(config: ServerConfig, text: &str) -> Server {
    let text = text.to_owned();
    Server::start_tls(config, move |_, stream| say(stream, &text))
}

#[test]
fn a_server_is_believed_whose_certificate_the_user_added() {
    let ours = Authority::new("ours");
    let server = saying(ours.certified("127.0.0.1"), &ok("all of it"));
    assert_eq!(text(ours.client().get(&question(&server.base()))), "all of it");
}

#[test]
fn a_server_is_not_believed_whose_certificate_nobody_knows() {
    let server = saying(Authority::new("theirs").certified("127.0.0.1"), &ok("all of it"));
    let error = Authority::new("ours").client().get(&question(&server.base())).unwrap_err();
    assert_eq!(
        sentences(&error),
        format!(
            "cannot get `{}x`: no secure connection to the server: invalid peer certificate: UnknownIssuer",
            server.base()
        )
    );
    let plain = Client::new(Settings::default()).get(&question(&server.base()));
    fails(plain, 1, |problem| matches!(problem, Problem::Tls { .. }));
}

#[test]
fn a_server_is_not_believed_under_another_name_or_after_its_time() {
    let ours = Authority::new("ours");
    let mut late = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    late.not_after = rcgen::date_time_ymd(2020, 1, 1);
    for config in [ours.certified("plugins.example.org"), ours.signed(&late)] {
        let server = saying(config, &ok("all of it"));
        let answer = ours.client().get(&question(&server.base()));
        fails(answer, 1, |problem| matches!(problem, Problem::Tls { .. }));
        assert_eq!(server.questions().len(), 0);
    }
}

#[test]
fn a_server_without_tls_gets_nothing() {
    let server = Server::saying(&ok("all of it"));
    let base = server.base().as_str().replace("http:", "https:").parse().unwrap();
    let token: Token = "hunter2".parse().unwrap();
    let answer = Client::new(Settings { timeout: Duration::from_millis(300), ..Settings::default() })
        .get(&Request { token: Some(&token), ..question(&base) });
    assert!(answer.is_err());
    assert_eq!(server.questions().len(), 0);
}

#[test]
fn an_extra_certificate_that_is_none_is_named() {
    let good = Authority::new("ours").0.pem().into_bytes();
    let settings = Settings { ca_certificates: vec![good, b"-- no PEM --".to_vec()], ..Settings::default() };
    let error = Client::new(settings).get(&question(&"https://127.0.0.1:1/".parse().unwrap())).unwrap_err();
    assert_eq!(
        sentences(&error),
        "cannot get `https://127.0.0.1:1/x`: the extra certificates cannot be used: number 2 is not a certificate in PEM form"
    );
}

#[test]
fn a_redirect_out_of_tls_is_not_followed() {
    let plain = Server::saying(&ok("all of it"));
    let to = plain.base().join("x");
    let ours = Authority::new("ours");
    let redirect = format!("HTTP/1.1 302 Go\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    let server = saying(ours.certified("127.0.0.1"), &redirect);
    let answer = ours.client().get(&question(&server.base()));
    fails(answer, 1, |problem| matches!(problem, Problem::Redirect(RedirectProblem::Insecure { .. })));
    assert_eq!(plain.connections(), 0);
}

#[test]
fn a_redirect_into_tls_is_followed_without_the_token() {
    let ours = Authority::new("ours");
    let secure = saying(ours.certified("127.0.0.1"), &ok("all of it"));
    let to = secure.base().join("x");
    let server = Server::saying(&format!("HTTP/1.1 307 Go\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"));
    let token: Token = "hunter2".parse().unwrap();
    let base = server.base();
    let answer = ours.client().get(&Request { token: Some(&token), ..question(&base) });
    assert_eq!(text(answer), "all of it");
    assert!(!secure.questions()[0].contains("authorization"));
}

#[test]
fn a_body_that_is_cut_below_tls_is_no_whole_body() {
    let ours = Authority::new("ours");
    let server = Server::start_tls(ours.certified("127.0.0.1"), |_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of ");
        Then::Close
    });
    let answer = ours.client().get(&question(&server.base()));
    fails(answer, 4, |problem| matches!(problem, Problem::Cut { .. }));
}

#[test]
fn many_files_come_over_one_connection_where_the_server_speaks_http2() {
    let ours = Authority::new("ours");
    let mut config = ours.certified("127.0.0.1");
    config.alpn_protocols = vec![b"h2".to_vec()];
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let base = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
    // It accepts once: a second connection would get no answer.
    runtime.spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
        let answer = service_fn(async |question: hyper::Request<hyper::body::Incoming>| {
            let path = question.uri().path().to_owned();
            Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::from(path))))
        });
        let serving = http2::Builder::new(TokioExecutor::new());
        // The client ends the connection as it likes.
        let _ = serving.serve_connection(TokioIo::new(stream), answer).await;
    });
    let (client, base) = (ours.client(), &base);
    let Ok(Answer::Body { end: End::Stated, .. }) = client.get(&question(base)) else { panic!("a body") };
    thread::scope(|scope| {
        for number in 0..32 {
            let client = &client;
            scope.spawn(move || {
                let path = format!("packages/{number}");
                assert_eq!(text(client.get(&Request { path: &path, ..question(base) })), format!("/{path}"));
            });
        }
    });
}
