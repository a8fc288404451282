//! Which certificates are believed: those the platform believes, and those the user adds.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::error::{Cause, Problem};

/// TLS that believes the platform's certificates and those in these PEM files. Reads the platform's from disk,
/// which takes some milliseconds.
pub(crate) fn platform_and(files: &[Vec<u8>]) -> Result<ClientConfig, Problem> {
    let provider = Arc::new(ring::default_provider());
    let verifier =
        Verifier::new_with_extra_roots(certificates(files)?, Arc::clone(&provider)).map_err(tls)?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// TLS that believes nobody, for a client that never uses it.
pub(crate) fn none() -> Result<ClientConfig, Problem> {
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(tls)?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn tls(error: rustls::Error) -> Problem {
    Problem::Tls { source: Cause::new(error) }
}

fn certificates(files: &[Vec<u8>]) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let mut all = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let number = index + 1;
        let wrong = |source| Problem::Certificate { number, source };
        let found = CertificateDer::pem_slice_iter(file).collect::<Result<Vec<_>, _>>();
        let found = found.map_err(|error| wrong(Some(Cause::new(error))))?;
        if found.is_empty() {
            return Err(wrong(None));
        }
        for certificate in &found {
            let mut store = RootCertStore::empty();
            store.add(certificate.clone()).map_err(|error| wrong(Some(Cause::new(error))))?;
        }
        all.extend(found);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[&str], expect: &str) {
        let files: Vec<Vec<u8>> = files.iter().map(|file| file.as_bytes().to_vec()).collect();
        let problem = certificates(&files).unwrap_err();
        let Problem::Certificate { number, source } = problem else { panic!("{problem}") };
        let source = source.map(|source| source.to_string()).unwrap_or_default();
        assert_eq!(format!("{number}: {source}"), expect);
    }

    #[test]
    fn refuses_files_without_a_certificate() {
        check(&[""], "1: ");
        check(&["not PEM at all\n"], "1: ");
        let end = "-----END CERTIFICATE-----\n";
        check(
            &[&format!("-----BEGIN CERTIFICATE-----\nAAAA\n{end}")],
            "1: invalid peer certificate: BadEncoding",
        );
    }
}
