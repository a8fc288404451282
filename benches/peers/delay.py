#!/usr/bin/env python3
"""Passes TCP connections on to a server on this machine as if it were far away.

    delay.py PORT BEHIND MILLISECONDS

MILLISECONDS is the round trip. What comes from either side is passed on half of that later, and the first bytes of a
connection a whole round trip more, since the handshake of TCP is over before this program hears of it. Bandwidth is not
limited, so what is counted is waiting and nothing else.
"""

import asyncio
import sys

PIECE = 256 * 1024


async def main(port, behind, round_trip):
    async def accept(reader, writer):
        loop = asyncio.get_running_loop()
        opened = loop.time()
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", behind, limit=PIECE)
        await asyncio.gather(
            carry(reader, there_writer, round_trip / 2, opened + 1.5 * round_trip),
            carry(there_reader, writer, round_trip / 2, opened),
            return_exceptions=True,
        )

    server = await asyncio.start_server(accept, "127.0.0.1", port, limit=PIECE)
    await server.serve_forever()


async def carry(reader, writer, delay, earliest):
    """Passes on what comes, each piece `delay` after it came and not before `earliest`, in its order."""
    loop = asyncio.get_running_loop()
    pieces = asyncio.Queue()

    async def deliver():
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                writer.close()
                return
            writer.write(piece)
            await writer.drain()

    delivering = asyncio.create_task(deliver())
    try:
        while piece := await reader.read(PIECE):
            pieces.put_nowait((max(loop.time() + delay, earliest), piece))
    except ConnectionError:
        pass
    pieces.put_nowait((loop.time() + delay, b""))
    await delivering


if __name__ == "__main__":
    listen, server, milliseconds = map(int, sys.argv[1:])
    try:
        asyncio.run(main(listen, server, milliseconds / 1000))
    except KeyboardInterrupt:
        pass
