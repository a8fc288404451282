//! Which addresses belong to the public internet, and the lookup of names that gives no others. A redirect must
//! not turn the client into somebody's hand inside a private network.

use std::{
    collections::HashSet,
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Mutex, PoisonError},
};

use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The special-purpose blocks of RFC 6890 and the IANA registry, with multicast and what is reserved.
const NOT_PUBLIC_V4: [Ipv4Net; 15] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// Global unicast: everything outside of it is local, mapped, multicast or reserved.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0], 3);

/// The blocks within it that are not public: protocol assignments with Teredo, 6to4, documentation.
const NOT_PUBLIC_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0, 0], 23),
    v6([0x2001, 0x0db8, 0, 0], 32),
    v6([0x2002, 0, 0, 0], 16),
    v6([0x3fff, 0, 0, 0], 20),
];

/// The last 32 bits are an IPv4 address that a translator connects to (RFC 6052).
const TRANSLATED: Ipv6Net = v6([0x0064, 0xff9b, 0, 0], 96);

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c, d]: [u16; 4], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix)
}

/// Whether an address belongs to the public internet; an IPv4 address within an IPv6 address counts as itself.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|block| block.contains(&address)),
        IpAddr::V6(address) => match within(address) {
            Some(inner) => is_public(inner.into()),
            None => {
                GLOBAL_V6.contains(&address) && !NOT_PUBLIC_V6.iter().any(|block| block.contains(&address))
            }
        },
    }
}

/// The IPv4 address that an IPv6 address stands for, if it does.
fn within(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = address.octets();
    let translated = TRANSLATED.contains(&address).then_some(Ipv4Addr::new(a, b, c, d));
    address.to_ipv4_mapped().or(translated)
}

/// A name that has no address in the public internet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` has no address in the public internet")]
pub(crate) struct NotPublic {
    name: String,
}

/// Looks names up and gives public addresses alone for those that a redirect named. The connection is made to the
/// very addresses that were checked, so there is no time between check and use.
///
/// Other names can only be those of a proxy, which the user chose and which is mostly inside. A proxy looks up by
/// itself what it is asked for, so where a redirect leads then is for its rules to decide.
#[derive(Debug, Default)]
pub(crate) struct PublicNames {
    guarded: Mutex<HashSet<String>>,
}

impl PublicNames {
    /// From now on this name has public addresses or none.
    pub(crate) fn guard(&self, name: &str) {
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_ascii_lowercase());
    }

    fn is_guarded(&self, name: &str) -> bool {
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner).contains(&name.to_ascii_lowercase())
    }
}

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let guarded = self.is_guarded(name.as_str());
        Box::pin(look_up(name, guarded))
    }
}

/// Looks names up and gives their public addresses alone, whatever the name.
#[derive(Debug)]
pub(crate) struct OnlyPublic;

impl Resolve for OnlyPublic {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(look_up(name, true))
    }
}

async fn look_up(name: Name, guarded: bool) -> Result<Addrs, Box<dyn Error + Send + Sync>> {
    let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
    let addresses: Vec<SocketAddr> = found.filter(|to| !guarded || is_public(to.ip())).collect();
    if addresses.is_empty() && guarded {
        return Err(NotPublic { name: name.as_str().to_owned() }.into());
    }
    Ok(Box::new(addresses.into_iter()))
}

/// Gives this machine's own addresses for every name (RFC 6761, 6.3): whoever can change what `localhost` means
/// must not read what goes there in the clear.
#[derive(Debug)]
pub(crate) struct ThisMachine;

impl Resolve for ThisMachine {
    fn resolve(&self, _: Name) -> Resolving {
        let own = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        let addresses: Addrs = Box::new(own.into_iter().map(|address| SocketAddr::new(address, 0)));
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(addresses: &[&str], public: bool) {
        for text in addresses {
            assert_eq!(is_public(text.parse().unwrap()), public, "{text}");
        }
    }

    #[test]
    fn public_addresses_are_public() {
        check(&["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1"], true);
        check(&["172.32.0.0", "192.167.1.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1"], true);
        check(&["2001:4860:4860::8888", "::ffff:1.1.1.1", "64:ff9b::101:101"], true);
    }

    #[test]
    fn private_local_and_reserved_addresses_are_not() {
        check(
            &["0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254"],
            false,
        );
        check(
            &["172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.0.1", "198.19.0.1"],
            false,
        );
        check(&["198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.1.1", "255.255.255.255"], false);
        check(&["::", "::1", "fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1", "100::1"], false);
        check(&["2001:db8::1", "2001::1", "2002:a00:1::", "3fff::1", "64:ff9b:1::1"], false);
    }

    #[test]
    fn an_ipv4_address_written_as_ipv6_counts_as_itself() {
        check(&["::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254"], false);
        check(&["64:ff9b::10.0.0.1", "64:ff9b::7f00:1", "::127.0.0.1", "::10.0.0.1"], false);
    }

    #[test]
    fn a_name_that_has_to_be_public_has_no_other_address() {
        assert_eq!(
            looked_up(&OnlyPublic, "localhost").unwrap_err(),
            "`localhost` has no address in the public internet"
        );
    }

    fn looked_up(names: &impl Resolve, name: &str) -> Result<Vec<IpAddr>, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let found = runtime.block_on(names.resolve(name.parse().unwrap()));
        found.map(|all| all.map(|address| address.ip()).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_guarded_name_that_leads_inside_has_no_address() {
        let names = PublicNames::default();
        names.guard("localhost");
        assert_eq!(
            looked_up(&names, "LocalHost").unwrap_err(),
            "`LocalHost` has no address in the public internet"
        );
    }

    #[test]
    fn the_name_of_a_proxy_may_lead_inside() {
        let found = looked_up(&PublicNames::default(), "localhost").unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }

    #[test]
    fn this_machine_is_never_looked_up() {
        let found = looked_up(&ThisMachine, "example.org").unwrap();
        assert_eq!(found, [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)]);
    }
}
