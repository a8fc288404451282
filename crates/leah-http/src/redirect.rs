//! Where a redirect may lead. Pure: URLs in, a decision out. Names are checked when they are looked up.

use url::Url;

use crate::{
    address,
    base::{BaseUrl, is_loopback, written_address},
};

/// The most redirects that are followed for one file.
pub(crate) const MOST: usize = 5;

/// Why a redirect is not followed. Targets are shown without a query, which often is a secret for a while.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectProblem {
    /// More than 5, or a circle.
    #[error("more than {MOST} redirects")]
    TooMany,
    /// No header `Location`, or none that is a URL of a web server.
    #[error("a redirect that leads nowhere")]
    Nowhere,
    /// A user name or password in the target.
    #[error("a redirect with a user name or password in it, to `{to}`")]
    Credentials {
        /// The target.
        to: String,
    },
    /// From `https` to `http`, or to `http` on another machine.
    #[error("a redirect to `{to}`, which is not encrypted")]
    Insecure {
        /// The target.
        to: String,
    },
    /// From the public to a local, private or reserved address.
    #[error("a redirect to `{to}`, which is not in the public internet")]
    Inward {
        /// The target.
        to: String,
    },
}

/// Where the redirect with this `Location` leads that came from `from`, asked for a file of `base`.
pub(crate) fn follow(base: &BaseUrl, from: &Url, location: Option<&str>) -> Result<Url, RedirectProblem> {
    let location = location.ok_or(RedirectProblem::Nowhere)?;
    let to = from.join(location).map_err(|_| RedirectProblem::Nowhere)?;
    if !to.has_host() || !["http", "https"].contains(&to.scheme()) {
        return Err(RedirectProblem::Nowhere);
    }
    if !to.username().is_empty() || to.password().is_some() {
        return Err(RedirectProblem::Credentials { to: shown(&to) });
    }
    if to.scheme() == "http" && (from.scheme() == "https" || !is_loopback(&to)) {
        return Err(RedirectProblem::Insecure { to: shown(&to) });
    }
    if is_guarded(base, &to) && leads_inward(&to) {
        return Err(RedirectProblem::Inward { to: shown(&to) });
    }
    Ok(to)
}

/// Whether a target must be in the public internet: from a registry that is not on this machine itself, to
/// another host than its own. The own host may be private, since the user named it.
pub(crate) fn is_guarded(base: &BaseUrl, to: &Url) -> bool {
    !is_loopback(base.url()) && to.host() != base.url().host()
}

/// A URL for people: without credentials, query and fragment.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only for URLs without a host, which have neither.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.into()
}

fn leads_inward(to: &Url) -> bool {
    is_loopback(to) || written_address(to).is_some_and(|address| !address::is_public(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, from: &str, location: &str, expect: Result<&str, RedirectProblem>) {
        let found = follow(&base.parse().unwrap(), &from.parse().unwrap(), Some(location));
        assert_eq!(found.map(String::from), expect.map(str::to_owned), "{from} -> {location}");
    }

    const PUBLIC: &str = "https://plugins.example.org/";
    const LOCAL: &str = "http://127.0.0.1:8080/";

    fn insecure(to: &str) -> Result<&str, RedirectProblem> {
        Err(RedirectProblem::Insecure { to: to.into() })
    }

    fn inward(to: &str) -> Result<&str, RedirectProblem> {
        Err(RedirectProblem::Inward { to: to.into() })
    }

    #[test]
    fn follows_within_https_and_within_this_machine() {
        check(PUBLIC, PUBLIC, "https://cdn.example.net/x?sig=1", Ok("https://cdn.example.net/x?sig=1"));
        check(PUBLIC, PUBLIC, "/elsewhere/head", Ok("https://plugins.example.org/elsewhere/head"));
        check(LOCAL, LOCAL, "http://localhost:9090/x", Ok("http://localhost:9090/x"));
        check(LOCAL, LOCAL, "https://cdn.example.net/x", Ok("https://cdn.example.net/x"));
        check(LOCAL, LOCAL, "https://10.0.0.1/x", Ok("https://10.0.0.1/x"));
    }

    #[test]
    fn refuses_to_leave_https() {
        check(PUBLIC, PUBLIC, "http://plugins.example.org/x", insecure("http://plugins.example.org/x"));
        check(PUBLIC, PUBLIC, "http://127.0.0.1/x", insecure("http://127.0.0.1/x"));
        check(LOCAL, LOCAL, "http://example.org/x", insecure("http://example.org/x"));
        check(
            LOCAL,
            "https://cdn.example.net/",
            "http://127.0.0.1:8080/x",
            insecure("http://127.0.0.1:8080/x"),
        );
    }

    #[test]
    fn refuses_to_lead_from_the_public_inside() {
        for host in ["10.0.0.1", "127.0.0.1", "localhost", "169.254.169.254", "0.0.0.0", "100.64.0.1"] {
            let to = format!("https://{host}/x");
            check(PUBLIC, PUBLIC, &to, inward(&to));
            check(PUBLIC, "https://cdn.example.net/", &to, inward(&to));
        }
        for host in ["[::1]", "[fd00::1]", "[fe80::1]", "[::ffff:a00:1]", "[64:ff9b::a00:1]"] {
            let to = format!("https://{host}/x");
            check(PUBLIC, PUBLIC, &to, inward(&to));
        }
        // A URL parser takes these for 127.0.0.1 and 10.0.0.1 as well.
        check(PUBLIC, PUBLIC, "https://0x7f.1/x", inward("https://127.0.0.1/x"));
        check(PUBLIC, PUBLIC, "https://167772161/x", inward("https://10.0.0.1/x"));
    }

    #[test]
    fn a_private_registry_may_lead_to_itself_and_outside_but_not_to_its_neighbours() {
        let private = "https://10.1.2.3/";
        check(private, private, "https://10.1.2.3:8443/x", Ok("https://10.1.2.3:8443/x"));
        check(private, private, "https://cdn.example.net/x", Ok("https://cdn.example.net/x"));
        check(private, private, "https://10.1.2.4/x", inward("https://10.1.2.4/x"));
    }

    #[test]
    fn refuses_targets_that_are_no_web_server() {
        for location in ["file:///etc/passwd", "ftp://example.org/x", "data:,x", "https://"] {
            check(PUBLIC, PUBLIC, location, Err(RedirectProblem::Nowhere));
        }
        assert_eq!(
            follow(&PUBLIC.parse().unwrap(), &PUBLIC.parse().unwrap(), None),
            Err(RedirectProblem::Nowhere)
        );
    }

    #[test]
    fn shows_neither_passwords_nor_signed_queries() {
        let to = "https://cdn.example.net/x".to_owned();
        let location = "https://ann:hunter2@cdn.example.net/x?sig=1";
        check(PUBLIC, PUBLIC, location, Err(RedirectProblem::Credentials { to }));
    }
}
