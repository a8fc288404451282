#!/usr/bin/env python3
"""A client of leah-host in the standard library of Python 3.8 and later.

The messages are described in docs/host-protocol.md. As a module:

    with Host.connect() as host:
        outcome = host.hook("on_chat_message", {"content": "good morning"})

As a command:

    leah_client.py plugins
    leah_client.py call on_chat_message '{"content": "good morning"}'
    leah_client.py log --lines 20
"""

import argparse
import collections
import hashlib
import itertools
import json
import os
import select
import socket
import stat
import struct
import sys
import time

PROTOCOL = 1
MAX_LINE_BYTES = 4 << 20

# What `Fault.code` says.
PARSE, REQUEST, METHOD, PARAMETERS, INTERNAL = -32700, -32600, -32601, -32602, -32603
DEADLINE, CANCELLED, BUSY, NOT_PREPARED = -32001, -32002, -32003, -32004
NOT_FOUND, OTHER_PROTOCOL, TOO_LARGE = -32005, -32006, -32007


class Fault(Exception):
    """The host says why there is no result."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Late(Exception):
    """No answer within the patience. The host was told that nobody waits any more."""


class Closed(Exception):
    """The host ended the connection."""


class NoHost(Exception):
    """Nobody serves this home."""


class Unsafe(Exception):
    """The socket is not the user's alone."""


def default_home():
    """The home that is used when nobody names one."""
    if os.environ.get("LEAH_HOME"):
        return os.environ["LEAH_HOME"]
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Application Support/leah")
    data = os.environ.get("XDG_DATA_HOME", "")
    return os.path.join(data if os.path.isabs(data) else os.path.expanduser("~/.local/share"), "leah")


def socket_path(home=None):
    """The socket of the host that serves a home."""
    home = os.path.realpath(home or default_home())
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime) and sys.platform != "darwin":
        folder = os.path.join(runtime, "leah")
    else:
        folder = os.path.join(home, "run")
    return os.path.join(folder, hashlib.sha256(os.fsencode(home)).hexdigest()[:16] + ".sock")


def _check_folder(path):
    folder = os.lstat(os.path.dirname(path))
    if not stat.S_ISDIR(folder.st_mode) or folder.st_uid != os.geteuid() or folder.st_mode & 0o077:
        raise Unsafe("the folder of `%s` is not this user's alone" % path)


def _check_peer(connection):
    if hasattr(socket, "SO_PEERCRED"):  # Linux: pid, uid, gid
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        user = struct.unpack("iII", credentials)[1]
    else:  # macOS: LOCAL_PEERCRED gives a version, then the uid
        user = struct.unpack_from("II", connection.getsockopt(0, 1, 76))[1]
    if user != os.geteuid():
        raise Unsafe("who listens is the user with the number %d" % user)


class Host:
    """A connection to a host. One thread at a time; requests may overlap: `start`, `start`, `wait`, `wait`."""

    def __init__(self, connection, client="leah_client.py 1", patience=10.0):
        self.patience = patience
        self._socket = connection
        self._buffer = bytearray()
        self._ids = itertools.count(1)
        self._answers = {}
        self._notices = collections.deque(maxlen=1000)
        self._unwanted = set()
        try:
            self.hello = self.call("hello", {"protocol": PROTOCOL, "client": client})
        except BaseException:
            self.close()
            raise

    @classmethod
    def connect(cls, path=None, home=None, **options):
        """Connects to the host of a home, or to the socket at `path`."""
        path = path or socket_path(home)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _check_folder(path)
            connection.settimeout(5)
            connection.connect(path)
            _check_peer(connection)
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            raise NoHost("no host listens at `%s`" % path) from None
        except BaseException:
            connection.close()
            raise
        return cls(connection, **options)

    def close(self):
        """Ends the connection, and with it all that was asked on it."""
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # What an app asks.

    def hook(self, hook, payload, deadline_ms=None):
        """Runs all plugins that listen to a hook. The outcome has a `verdict`: pass, replace or reject."""
        return self._call_until("hooks/call", {"hook": hook, "payload": payload}, deadline_ms)

    def has_handlers(self, hook):
        """False for a hook that need not be called, as `hello` said. The event `live` tells when that changes."""
        return hook in self.hello["hooks"]

    def tools(self):
        """The tools that the model can be offered."""
        return self.call("tools/list")["tools"]

    def tool(self, name, arguments=None, conversation="", deadline_ms=None):
        """Runs a tool. None: no plugin knows it."""
        params = {"name": name, "arguments": arguments or {}, "conversation": conversation}
        return self._call_until("tools/call", params, deadline_ms)["result"]

    def plugins(self):
        """The plugins with their state, hooks, tools and the declarations of their settings."""
        return self.call("plugins/list")["plugins"]

    def subscribe(self):
        """From now on `notices` tells what changes in the host."""
        self.call("events/subscribe")

    def tail_log(self, plugin=None, lines=0):
        """From now on `notices` tells what is logged, beginning with the last `lines` lines."""
        self.call("log/tail", dict({"lines": lines}, **({"plugin": plugin} if plugin else {})))

    def notices(self, patience=None):
        """What is told without being asked, as pairs of method and parameters, until nothing came for `patience`
        seconds; without a patience until the host ends the connection."""
        while True:
            try:
                while not self._notices:
                    self._read(None if patience is None else time.monotonic() + patience)
            except (Late, Closed):
                return
            yield self._notices.popleft()

    # What changes the set of plugins; leahpm does this.

    def prepare(self, generation, digest, deadline_ms=None):
        """Tries a generation beside what runs."""
        return self._call_until("prepare", {"generation": generation, "digest": digest}, deadline_ms)

    def commit(self, generation, digest, deadline_ms=None):
        """Switches to the generation that was prepared and is live."""
        return self._call_until("commit", {"generation": generation, "digest": digest}, deadline_ms)

    def abort(self, generation, digest):
        """Drops the generation that was prepared."""
        return self.call("abort", {"generation": generation, "digest": digest})

    # Requests as they are on the wire.

    def call(self, method, params=None, patience=None):
        """Asks and waits for the result."""
        return self.wait(self.start(method, params), patience)

    def start(self, method, params=None):
        """Asks without waiting, and returns the number of the request for `wait` and `cancel`."""
        number = next(self._ids)
        message = {"jsonrpc": "2.0", "id": number, "method": method}
        if params is not None:
            message["params"] = params
        self._write(message)
        return number

    def wait(self, number, patience=None):
        """Waits for the result of a request; one that is late is cancelled."""
        patience = self.patience if patience is None else patience
        end = time.monotonic() + patience
        try:
            while number not in self._answers:
                self._read(end)
        except (Late, KeyboardInterrupt):
            self._unwanted.add(number)
            self.cancel(number)
            raise
        answer = self._answers.pop(number)
        if "error" in answer:
            raise Fault(answer["error"]["code"], answer["error"]["message"])
        return answer["result"]

    def cancel(self, number):
        """Tells the host that nobody waits for a request any more. `wait` then raises a fault CANCELLED, or gives the
        result if that was faster."""
        self._write({"jsonrpc": "2.0", "method": "cancel", "params": {"id": number}})

    def _call_until(self, method, params, deadline_ms):
        if deadline_ms is None:
            return self.call(method, params, patience=60.0)
        # The host keeps the deadline; whoever waits gives up only if it does not.
        return self.call(method, dict(params, deadline_ms=deadline_ms), deadline_ms / 1000 + self.patience)

    def _write(self, message):
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        if len(line) > MAX_LINE_BYTES:
            raise ValueError("a message has at most %d bytes, this one has %d" % (MAX_LINE_BYTES, len(line)))
        self._socket.settimeout(self.patience)
        try:
            self._socket.sendall(line)
        except socket.timeout:
            raise Late("the host does not read") from None
        except (BrokenPipeError, ConnectionResetError):
            # What it said before it closed may still be there to read.
            pass

    def _read(self, end):
        """Takes in one line."""
        while b"\n" not in self._buffer:
            if len(self._buffer) >= MAX_LINE_BYTES:
                raise Closed("the host wrote a line that is too long")
            left = None if end is None else max(0.0, end - time.monotonic())
            if not select.select([self._socket], [], [], left)[0]:
                raise Late("the host did not answer in time")
            try:
                piece = self._socket.recv(1 << 16)
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise Closed("the host ended the connection")
            self._buffer += piece
        line, _, rest = self._buffer.partition(b"\n")
        self._buffer = rest
        self._take(json.loads(line.decode()))

    def _take(self, message):
        if "method" in message:
            self._notices.append((message["method"], message.get("params", {})))
        elif message["id"] is None:
            raise Fault(message["error"]["code"], message["error"]["message"])
        elif message["id"] in self._unwanted:
            self._unwanted.discard(message["id"])
        else:
            self._answers[message["id"]] = message


def _arguments():
    parser = argparse.ArgumentParser(description="Talk to a running leah-host.")
    parser.add_argument("--home", help="the home that the host serves [default: LEAH_HOME or the platform's]")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in [
        ("hello", "who is there"),
        ("plugins", "the plugins and how they are"),
        ("tools", "the tools that the model can be offered"),
        ("events", "tell what changes until Ctrl-C"),
    ]:
        commands.add_parser(name, help=text)
    call = commands.add_parser("call", help="call a hook, or a tool as on_tool_call")
    call.add_argument("hook")
    call.add_argument("json", help="what the hook is shown")
    call.add_argument("--deadline-ms", type=int)
    log = commands.add_parser("log", help="print the log until Ctrl-C")
    log.add_argument("--plugin")
    log.add_argument("--lines", type=int, default=10)
    log.add_argument("--seconds", type=float, help="end when nothing was logged for so long")
    return parser.parse_args()


def _run(arguments, host):
    def show(value):
        print(json.dumps(value), flush=True)

    if arguments.command == "hello":
        show(host.hello)
    elif arguments.command == "plugins":
        show(host.plugins())
    elif arguments.command == "tools":
        show(host.tools())
    elif arguments.command == "call":
        payload = json.loads(arguments.json)
        if arguments.hook == "on_tool_call":
            given = payload.get("arguments"), payload.get("conversation", "")
            show(host.tool(payload["name"], *given, deadline_ms=arguments.deadline_ms))
        else:
            show(host.hook(arguments.hook, payload, arguments.deadline_ms))
    elif arguments.command == "events":
        host.subscribe()
        for _, event in host.notices():
            show(event)
    elif arguments.command == "log":
        host.tail_log(arguments.plugin, arguments.lines)
        for _, line in host.notices(arguments.seconds):
            # The message is shown as JSON, so that nothing in it moves the cursor.
            print(line["level"], line.get("plugin", "host"), json.dumps(line["message"]), flush=True)


def main():
    arguments = _arguments()
    try:
        with Host.connect(home=arguments.home) as host:
            _run(arguments, host)
    except KeyboardInterrupt:
        return 130
    except (Fault, Late, Closed, NoHost, Unsafe, OSError, ValueError) as error:
        print("error: %s" % error, file=sys.stderr)
        return 5 if isinstance(error, NoHost) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
