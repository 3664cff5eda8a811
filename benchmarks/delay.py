"""A loopback relay that holds every byte for half a round trip: latency without a kernel that can emulate it.

    python -m benchmarks.delay PORT TARGET_PORT MILLISECONDS   (round trip; prints `ready`)

A new connection waits one round trip before its first byte, as a handshake over that line would.
"""

from __future__ import annotations

import asyncio
import sys


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, half: float) -> None:
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    async def deliver() -> None:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    task = asyncio.create_task(deliver())
    while data := await reader.read(65536):
        queue.put_nowait((loop.time() + half, data))
    queue.put_nowait((loop.time() + half, b""))
    await task


async def _serve(port: int, target: int, round_trip: float) -> None:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(round_trip)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        halves = (_carry(reader, far_writer, round_trip / 2), _carry(far_reader, writer, round_trip / 2))
        await asyncio.gather(*halves, return_exceptions=True)

    server = await asyncio.start_server(relay, "127.0.0.1", port)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
