"""nginx on 127.0.0.1 with the files of one set: in the clear and with TLS, and each of them behind delays as well."""

import contextlib
import os
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
#: Seconds after which the server has written down what it answered; it does so every 100 ms.
WRITTEN = 0.4

#: Ways to reach the set: the port's distance from the first, the scheme, and the round trip in milliseconds; none where
#: nothing stands between. What is compared at several round trips stands behind the same program at each of them.
WAYS = {
    "direct": (0, "http", None),
    "tls": (1, "https", None),
    "delay-50": (2, "http", 50),
    "delay-250": (3, "http", 250),
    "tls-delay-50": (4, "https", 50),
    "tls-delay-250": (5, "https", 250),
}


def urls(first_port):
    """port -> URL, for each way."""
    return {
        first_port + distance: f"{scheme}://127.0.0.1:{first_port + distance}"
        for distance, scheme, _ in WAYS.values()
    }


def url(first_port, way):
    return urls(first_port)[first_port + WAYS[way][0]]


def make_certificate(folder):
    """A certificate for 127.0.0.1 that signs itself, for this run: (certificate, key)."""
    certificate, key = f"{folder}/tls.crt", f"{folder}/tls.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def configuration(root, run, port, certificate, key):
    # With tcp_nopush the last of several pipelined answers would wait 40 ms for a delayed ACK.
    return f"""
worker_processes 1; daemon off; master_process off; pid {run}/pid; error_log {run}/error.log;
events {{ worker_connections 2048; }}
http {{
  log_format peers '$server_port $connection $server_protocol $request_uri';
  access_log off; sendfile on; tcp_nopush off; tcp_nodelay on; keepalive_requests 100000; keepalive_timeout 60s;
  open_file_cache max=5000;
  client_body_temp_path {run}/t1; proxy_temp_path {run}/t2; fastcgi_temp_path {run}/t3;
  uwsgi_temp_path {run}/t4; scgi_temp_path {run}/t5;
  types {{ application/gzip gz tgz; text/plain minisig; }}
  default_type application/octet-stream;
  ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_session_tickets off;
  server {{
    listen 127.0.0.1:{port}; listen 127.0.0.1:{port + WAYS["tls"][0]} ssl http2; root {root};
    access_log {run}/access.log peers buffer=1m flush=100ms;
    location ~ ^/npm-[0-9]+/[^/]+$ {{
      try_files $uri.json =404; default_type application/json; add_header cache-control "public, max-age=300";
    }}
    location ~ ^/pypi/simple/[^/]+/$ {{
      try_files $uri/index.json =404; types {{}} default_type application/vnd.pypi.simple.v1+json;
      add_header cache-control "max-age=600, public";
    }}
    location /npm/ {{ add_header cache-control "max-age=365000000, immutable, public"; }}
    location /pypi/files/ {{ add_header cache-control "max-age=365000000, immutable, public"; }}
    location ~ ^/leah/(objects|packages|root)/ {{
      add_header cache-control "max-age=365000000, immutable, public";
    }}
    location = /leah/head {{ add_header cache-control "no-cache"; }}
  }}
}}"""


@contextlib.contextmanager
def serve(root, run, port):
    """Runs the server and the delays for the block; the value is the certificate."""
    os.makedirs(run, exist_ok=True)
    certificate, key = make_certificate(run)
    config = f"{run}/nginx.conf"
    with open(config, "w", encoding="ascii") as file:
        file.write(configuration(root, run, port, certificate, key))
    commands = [["nginx", "-p", run, "-c", config, "-e", f"{run}/error.log"]]
    for distance, scheme, milliseconds in WAYS.values():
        if milliseconds is not None:
            behind = port + (WAYS["tls"][0] if scheme == "https" else 0)
            commands.append([sys.executable, f"{HERE}/delay.py", str(port + distance), str(behind), str(milliseconds)])
    started = []
    try:
        for command in commands:
            started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))
        for distance, _, _ in WAYS.values():
            wait_for(port + distance, started)
        yield certificate
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


class Request:
    """One line of the server's log. `connection` is its number; one through a delay is one here as well."""

    def __init__(self, line):
        self.port, self.connection, self.protocol, self.path = line.split(" ", 3)


def requests(run, work):
    """What the server answered while `work` was done."""
    time.sleep(WRITTEN)
    with open(f"{run}/access.log", encoding="ascii", errors="replace") as log:
        log.seek(0, os.SEEK_END)
        work()
        time.sleep(WRITTEN)
        return [Request(line) for line in log.read().splitlines()]


def wait_for(port, processes):
    for _ in range(500):
        if any(process.poll() is not None for process in processes):
            raise SystemExit("a server ended; is its port taken? `--port` names others")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise SystemExit(f"nothing answers at port {port}")
