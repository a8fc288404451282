//! Who is at the other end of a connection. The system says it, not the peer; nobody but the same user is talked to,
//! whatever the modes of files allow. That includes the administrator, who can become the user first: what is done by
//! accident with `sudo` would leave files in the user's home that are not the user's.

use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
};

use interprocess::{local_socket::traits::StreamCommon, os::unix::uds_local_socket::Stream};

/// Why nobody is talked to.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The system does not say who it is.
    #[error("cannot tell who is at the other end")]
    Unknown(#[source] io::Error),
    /// It is somebody else.
    #[error("the other end belongs to the user with the number {user}, not to you")]
    Foreign {
        /// Who it is.
        user: u32,
    },
}

/// Gives the connection back if the other end is the same user.
pub(crate) fn check(stream: UnixStream) -> Result<UnixStream, PeerError> {
    let stream = Stream::from(stream);
    let peer = stream.peer_creds().map_err(PeerError::Unknown)?;
    let Some(user) = peer.euid() else {
        return Err(PeerError::Unknown(io::ErrorKind::Unsupported.into()));
    };
    allow(user, rustix::process::geteuid().as_raw())?;
    Ok(OwnedFd::from(stream).into())
}

fn allow(peer: u32, own: u32) -> Result<(), PeerError> {
    if peer == own { Ok(()) } else { Err(PeerError::Foreign { user: peer }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_same_user_and_refuses_all_others_the_administrator_too() {
        let (one, _other) = UnixStream::pair().unwrap();
        assert!(check(one).is_ok());
        assert!(allow(1000, 1000).is_ok());
        for (peer, own) in [(0, 1000), (1000, 0), (1001, 1000), (u32::MAX, 1000)] {
            assert!(matches!(allow(peer, own), Err(PeerError::Foreign { user }) if user == peer));
        }
    }
}
