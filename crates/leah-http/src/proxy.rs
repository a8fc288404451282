//! The proxy that a user names. Its password is shown nowhere, and what is no proxy is refused: one that is left out in
//! silence would show to the network what it should not.

use std::{fmt, str::FromStr};

use url::Url;

/// The address of a proxy: `http` or `https`, perhaps with a user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(Url);

/// Why a text is not the address of a proxy. The text is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyUrlError {
    /// Not a URL at all.
    #[error("not a URL")]
    Syntax(#[source] url::ParseError),
    /// Another scheme than `http` and `https`.
    #[error("a proxy is reached by `http://` or `https://`")]
    Scheme,
}

impl ProxyUrl {
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProxyUrl").field(&self.0.host_str()).finish()
    }
}

impl FromStr for ProxyUrl {
    type Err = ProxyUrlError;

    /// Without a scheme it is `http`, as everywhere.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let scheme = if text.contains("://") { "" } else { "http://" };
        let url = Url::parse(&format!("{scheme}{text}")).map_err(ProxyUrlError::Syntax)?;
        if ["http", "https"].contains(&url.scheme()) { Ok(Self(url)) } else { Err(ProxyUrlError::Scheme) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, ProxyUrlError>) {
        let found = text.parse::<ProxyUrl>().map(|proxy| proxy.0.to_string());
        assert_eq!(found, expect.map(str::to_owned), "{text}");
    }

    #[test]
    fn takes_http_and_https_and_a_bare_host_for_http() {
        check("http://proxy.example:3128", Ok("http://proxy.example:3128/"));
        check("https://ann:hunter2@proxy.example", Ok("https://ann:hunter2@proxy.example/"));
        // To a parser of URLs the host would be a scheme.
        check("proxy.example:3128", Ok("http://proxy.example:3128/"));
        check("ann:hunter2@[::1]:3128", Ok("http://ann:hunter2@[::1]:3128/"));
    }

    #[test]
    fn refuses_what_is_no_proxy() {
        check("socks5://proxy.example", Err(ProxyUrlError::Scheme));
        check("file:///etc", Err(ProxyUrlError::Scheme));
        check("", Err(ProxyUrlError::Syntax(url::ParseError::EmptyHost)));
        check("proxy.example:many", Err(ProxyUrlError::Syntax(url::ParseError::InvalidPort)));
    }

    #[test]
    fn shows_no_password() {
        let shown = format!("{:?}", "http://ann:hunter2@proxy.example".parse::<ProxyUrl>());
        assert_eq!(shown, "Ok(ProxyUrl(Some(\"proxy.example\")))");
    }
}
