//! What a run needs for registries on the network, made when the first of them is opened: client, cache, tokens.

use std::{cell::OnceCell, sync::Arc};

use leah_http::{BaseUrl, Client, Settings, Token};
use leah_plugin::{layout::Layout, name::Origin};

use super::{RegistryError, remote::Remote};
use crate::{config::NetworkConfig, credentials::Credentials, fs};

/// Largest file of certificates, in bytes.
const MAX_CERTIFICATES_BYTES: u64 = 4 << 20;

/// The way to the network of one run.
#[derive(Debug)]
pub(super) struct Network {
    config: NetworkConfig,
    client: OnceCell<Arc<Client>>,
    credentials: OnceCell<Credentials>,
}

impl Network {
    /// Connects to nothing and reads nothing yet.
    pub(super) fn new(config: NetworkConfig) -> Self {
        Self { config, client: OnceCell::new(), credentials: OnceCell::new() }
    }

    /// The registry at these addresses, the first of which is its URL.
    ///
    /// # Errors
    /// When tokens or certificates cannot be read.
    pub(super) fn remote(
        &self,
        origin: Option<&Origin>,
        urls: Vec<BaseUrl>,
        layout: &Layout,
    ) -> Result<Remote, RegistryError> {
        let token = origin.map_or(Ok(None), |origin| self.token(origin, layout))?;
        Ok(Remote::new(origin.cloned(), urls, self.client()?, token, &self.config))
    }

    fn client(&self) -> Result<Arc<Client>, RegistryError> {
        if let Some(client) = self.client.get() {
            return Ok(Arc::clone(client));
        }
        let certificates = self.config.ca_certificates.iter();
        let settings = Settings {
            timeout: self.config.timeout,
            ca_certificates: certificates
                .map(|path| fs::read(path, MAX_CERTIFICATES_BYTES))
                .collect::<Result<_, _>>()?,
            proxy: self.config.proxy.clone(),
            user_agent: concat!("leahpm/", env!("CARGO_PKG_VERSION")).into(),
        };
        Ok(Arc::clone(self.client.get_or_init(|| Arc::new(Client::new(settings)))))
    }

    /// That of the environment before that of the file.
    fn token(&self, origin: &Origin, layout: &Layout) -> Result<Option<Token>, RegistryError> {
        if let Some(token) = self.config.tokens.get(origin) {
            return Ok(Some(token.clone()));
        }
        if self.credentials.get().is_none() {
            let read = Credentials::read(layout)?;
            return Ok(self.credentials.get_or_init(|| read).token(origin).cloned());
        }
        Ok(self.credentials.get().and_then(|credentials| credentials.token(origin).cloned()))
    }
}
