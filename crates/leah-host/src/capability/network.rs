//! The hosts that a plugin may send requests to, and at which of them an address that is not public is meant. Pure:
//! where a name leads is found out, and checked, when the connection is made.

use std::collections::BTreeSet;

use leah_http::Reach;
use leah_plugin::manifest::{PermissionKind, scope::entry_of_setting};
use url::{Host, Url};

/// The hosts that a plugin may send requests to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Network {
    /// No host.
    #[default]
    None,
    /// Any host, at its public addresses.
    Public,
    /// These.
    Only(BTreeSet<Place>),
}

/// One host, or one port of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// A name in lower case or an address, an IPv6 address in `[` `]`: as a parsed URL spells it.
    pub host: String,
    /// The port; none: 80 for `http`, 443 for `https`.
    pub port: Option<u16>,
    /// Where it may lead.
    pub reach: Reach,
}

impl Place {
    /// A host that a list names. A name must lead to public addresses: who wrote the list is a stranger and may have
    /// any name lead to the user's router.
    pub(super) fn listed(entry: &str) -> Option<Self> {
        let place = Self::entered(entry)?;
        let is_inside = place.host == "localhost" || !is_name(&place.host);
        Some(Self { reach: if is_inside { Reach::Any } else { Reach::Public }, ..place })
    }

    /// A host that the user entered, as `host`, `host:port` or as the URL of a server.
    pub(super) fn entered(text: &str) -> Option<Self> {
        let entry = entry_of_setting(PermissionKind::NetworkAccess, text).ok()?;
        // What follows the last colon is a port, unless that colon is within an IPv6 address.
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (entry.as_str(), None),
        };
        Some(Self { host: host.to_owned(), port, reach: Reach::Any })
    }

    fn takes(&self, url: &Url) -> bool {
        let port = self.port.map_or(url.port().is_none(), |port| url.port_or_known_default() == Some(port));
        port && url.host_str() == Some(&self.host)
    }

    /// What is in both.
    fn within(&self, most: &Self) -> Option<Self> {
        let port = match (self.port, most.port) {
            (one, other) if one == other => one,
            (None, Some(port)) | (Some(port), None) if [80, 443].contains(&port) => Some(port),
            _ => return None,
        };
        let reach = self.reach.min(most.reach);
        (self.host == most.host).then(|| Self { host: self.host.clone(), port, reach })
    }
}

impl Network {
    /// Where a request to this URL may lead, if it may be sent at all.
    #[must_use]
    pub fn reach(&self, url: &Url) -> Option<Reach> {
        match self {
            Self::None => None,
            Self::Public => Some(Reach::Public),
            Self::Only(places) => {
                places.iter().filter(|place| place.takes(url)).map(|place| place.reach).max()
            }
        }
    }

    /// What is in both.
    pub(super) fn within(self, most: &Self) -> Self {
        match (self, most) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::Public, Self::Public) => Self::Public,
            (Self::Public, Self::Only(places)) => Self::only_public(places),
            (Self::Only(places), Self::Public) => Self::only_public(&places),
            (Self::Only(places), Self::Only(most)) => Self::Only(
                places.iter().flat_map(|place| most.iter().filter_map(|most| place.within(most))).collect(),
            ),
        }
    }

    fn only_public(places: &BTreeSet<Place>) -> Self {
        Self::Only(places.iter().map(|place| Place { reach: Reach::Public, ..place.clone() }).collect())
    }
}

fn is_name(host: &str) -> bool {
    matches!(Host::parse(host), Ok(Host::Domain(_)))
}
