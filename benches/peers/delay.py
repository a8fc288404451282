#!/usr/bin/env python3
"""Passes TCP connections on to a server on this machine as if it were far away.

    delay.py PORT BEHIND MILLISECONDS

MILLISECONDS is the round trip. What comes from either side is passed on half of that later, in its order, its end
included. The first bytes of a connection come a whole round trip later still, since the handshake of TCP is over
before this program hears of it; who connects long before asking pays nothing for that, as in a real network. So a
question on a new connection takes two round trips and a further one takes one.

Bandwidth is not limited, nothing is lost, and there is no slow start, so what is counted is waiting and nothing else.
"""

import asyncio
import contextlib
import sys

PIECE = 256 * 1024
#: A client may open hundreds of connections at once. One that finds the queue full would wait a second.
WAITING_CONNECTIONS = 1024


async def main(port, behind, round_trip):
    async def accept(reader, writer):
        opened = asyncio.get_running_loop().time()
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", behind, limit=PIECE)
        try:
            await asyncio.gather(
                carry(reader, there_writer, round_trip / 2, opened + 1.5 * round_trip),
                carry(there_reader, writer, round_trip / 2, opened),
            )
        except OSError:
            # One side is gone, and nothing can be said to it any more, not even the end.
            pass
        finally:
            writer.close()
            there_writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", port, limit=PIECE, backlog=WAITING_CONNECTIONS)
    await server.serve_forever()


async def carry(reader, writer, delay, earliest):
    """Passes on what comes, each piece `delay` after it came and not before `earliest`. The end goes the same way and
    ends this direction alone."""
    loop = asyncio.get_running_loop()
    pieces = asyncio.Queue()

    async def deliver():
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                writer.write_eof()
                return
            writer.write(piece)
            await writer.drain()

    async def receive():
        piece = b"."
        while piece:
            piece = b""
            # Whoever breaks a connection off has ended it as well.
            with contextlib.suppress(ConnectionError):
                piece = await reader.read(PIECE)
            pieces.put_nowait((max(loop.time() + delay, earliest), piece))

    await asyncio.gather(receive(), deliver())


if __name__ == "__main__":
    listen, server, milliseconds = map(int, sys.argv[1:])
    try:
        asyncio.run(main(listen, server, milliseconds / 1000))
    except KeyboardInterrupt:
        pass
