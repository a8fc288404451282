//! Where files are asked from: a folder on a web server, over `https`, or over `http` on this machine alone.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The address of a folder on a web server; it always ends in `/`.
///
/// `https`, or `http` where the host is `localhost`, 127.0.0.0/8 or `::1`. Without credentials, query or
/// fragment, so that it may be shown, logged and written into a lock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseUrl(Url);

/// Why a text is not the address of a folder on a web server. The text itself is not repeated where it may hold
/// a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not a URL at all.
    #[error("not a URL")]
    Syntax(#[source] url::ParseError),
    /// Spaces, tabs, line breaks: a URL parser would drop some of them silently.
    #[error("a URL contains no spaces and no control characters")]
    Blank,
    /// Another scheme than `http` and `https`.
    #[error("a URL with `{0}:`, but it must begin with `https://`")]
    Scheme(String),
    /// `http` to another machine.
    #[error("`http://` is only for this machine itself, use `https://`")]
    Plaintext,
    /// A user name or password.
    #[error("a URL with a user name or password in it, which would be shown and stored in the clear")]
    Credentials,
    /// A query or a fragment.
    #[error("a URL with a `?` or `#`, but files are looked up below it")]
    Tail,
}

impl BaseUrl {
    /// The address of the file at `path`, which is relative and separated by `/`. No path leads out of the folder:
    /// `.` and `..` are left out, and every other character of a name is a character of that name.
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        url
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<BaseUrl> for String {
    fn from(base: BaseUrl) -> Self {
        base.0.into()
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = BaseUrlError;

    fn try_from(text: String) -> Result<Self, BaseUrlError> {
        text.parse()
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(BaseUrlError::Blank);
        }
        let mut url = Url::parse(text).map_err(BaseUrlError::Syntax)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(BaseUrlError::Plaintext),
            other => return Err(BaseUrlError::Scheme(other.to_owned())),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Tail);
        }
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("");
        }
        Ok(Self(url))
    }
}

/// Whether a URL names this machine: `localhost`, 127.0.0.0/8 or `::1`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    }
}

/// The address that a URL's host is written as, if it is no name.
pub(crate) fn written_address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, BaseUrlError>) {
        assert_eq!(text.parse::<BaseUrl>().map(|base| base.to_string()), expect.map(str::to_owned), "{text}");
    }

    #[test]
    fn takes_https_and_http_on_this_machine_and_ends_them_with_a_slash() {
        check("https://plugins.example.org", Ok("https://plugins.example.org/"));
        check("https://plugins.example.org/a/b", Ok("https://plugins.example.org/a/b/"));
        check("HTTPS://Plugins.Example.org:443/a/", Ok("https://plugins.example.org/a/"));
        check("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080/"));
        check("http://127.1:8080", Ok("http://127.0.0.1:8080/"));
        check("http://localhost:8080/x", Ok("http://localhost:8080/x/"));
        check("http://[::1]:8080", Ok("http://[::1]:8080/"));
    }

    #[test]
    fn refuses_plain_http_to_other_machines() {
        check("http://plugins.example.org", Err(BaseUrlError::Plaintext));
        check("http://127.0.0.1.example.org", Err(BaseUrlError::Plaintext));
        check("http://localhost.example.org", Err(BaseUrlError::Plaintext));
        check("http://[::ffff:127.0.0.1]/", Err(BaseUrlError::Plaintext));
        check("http://0.0.0.0/", Err(BaseUrlError::Plaintext));
    }

    #[test]
    fn refuses_what_is_no_folder_on_a_web_server() {
        check("ftp://example.org", Err(BaseUrlError::Scheme("ftp".into())));
        check("file:///srv/registry", Err(BaseUrlError::Scheme("file".into())));
        check("https://example.org/?a=b", Err(BaseUrlError::Tail));
        check("https://example.org/#a", Err(BaseUrlError::Tail));
        check("https://exam\nple.org/", Err(BaseUrlError::Blank));
        check("example.org", Err(BaseUrlError::Syntax(url::ParseError::RelativeUrlWithoutBase)));
    }

    #[test]
    fn refuses_a_password_without_repeating_it() {
        let error = "https://ann:hunter2@example.org/".parse::<BaseUrl>().unwrap_err();
        assert_eq!(error, BaseUrlError::Credentials);
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn joins_paths_that_stay_below_it() {
        let base: BaseUrl = "https://example.org/a".parse().unwrap();
        let join = |path: &str| base.join(path).to_string();
        assert_eq!(join("head"), "https://example.org/a/head");
        assert_eq!(join("root/2"), "https://example.org/a/root/2");
        assert_eq!(join("../../x"), "https://example.org/a/x");
        assert_eq!(join("x?y#z"), "https://example.org/a/x%3Fy%23z");
    }
}
