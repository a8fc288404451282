//! One try of each interface. A success is told as `{"ok": …}`, a refusal as `{"error": …}`.

use std::fmt::Debug;

use serde_json::{Value, json};
use wasip2::{
    cli, clocks, filesystem,
    http::{outgoing_handler, types as http},
    random,
    sockets::{
        instance_network::instance_network,
        ip_name_lookup::resolve_addresses,
        network::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress},
        tcp_create_socket::create_tcp_socket,
        udp_create_socket::create_udp_socket,
    },
};

/// How long `sleep` waits, in nanoseconds.
const NAP: u64 = 20_000_000;

/// What each interface answered, by its name.
pub(crate) fn everything() -> Value {
    json!({
        "environment": cli::environment::get_environment(),
        "arguments": cli::environment::get_arguments(),
        "initial-cwd": cli::environment::initial_cwd(),
        "terminal": cli::terminal_stdout::get_terminal_stdout().is_some(),
        "stdin": answer(cli::stdin::get_stdin().read(100)),
        "stdout": answer(cli::stdout::get_stdout().blocking_write_and_flush(b"written to stdout\n")),
        "stderr": answer(cli::stderr::get_stderr().blocking_write_and_flush(b"written to stderr\n")),
        "preopens": filesystem::preopens::get_directories().len(),
        "tcp": answer(connect()),
        "udp": answer(create_udp_socket(IpAddressFamily::Ipv4).map(drop)),
        "resolve": answer(resolve()),
        "http": answer(request()),
        "seconds": clocks::wall_clock::now().seconds,
        "resolution": clocks::wall_clock::resolution().nanoseconds,
        "slept": sleep(),
        "random": random::random::get_random_bytes(16),
        "random-again": random::random::get_random_u64().to_string(),
        "insecure-random": random::insecure::get_insecure_random_bytes(4).len(),
    })
}

/// Opens a connection to this machine.
fn connect() -> Result<(), impl Debug> {
    let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
    let port_of_ssh = Ipv4SocketAddress { port: 22, address: (127, 0, 0, 1) };
    socket.start_connect(&instance_network(), IpSocketAddress::Ipv4(port_of_ssh))
}

/// Asks for the address of a name.
fn resolve() -> Result<(), impl Debug> {
    resolve_addresses(&instance_network(), "localhost")?.resolve_next_address().map(drop)
}

/// Sends a request past our own interface.
fn request() -> Result<(), String> {
    let refused = |what: &str| format!("{what} refused");
    let request = http::OutgoingRequest::new(http::Fields::new());
    request.set_scheme(Some(&http::Scheme::Http)).map_err(|()| refused("scheme"))?;
    request.set_authority(Some("localhost")).map_err(|()| refused("authority"))?;
    outgoing_handler::handle(request, None).map(drop).map_err(|error| format!("{error:?}"))
}

/// Nanoseconds that a nap took.
fn sleep() -> u64 {
    let before = clocks::monotonic_clock::now();
    clocks::monotonic_clock::subscribe_duration(NAP).block();
    clocks::monotonic_clock::now().saturating_sub(before)
}

fn answer<T: Debug, E: Debug>(result: Result<T, E>) -> Value {
    match result {
        Ok(value) => json!({ "ok": format!("{value:?}") }),
        Err(error) => json!({ "error": format!("{error:?}") }),
    }
}
