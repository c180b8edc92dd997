"""A slow link: a TCP proxy that carries so many bytes per second, and delays them.

How it works. What is read has taken its turn on the link when its bytes' time is over; until then
nothing more is read, so that the sender feels it. Then it travels for half of the round trip. The
sockets are as on such a link: small segments and a small window, as loopback's would take
megabytes off the sender at once, where they would wait in line with nobody to reorder them.
"""

import asyncio
import socket
from typing import Any

CHUNK = 4 * 1024
WINDOW = 4 * 1024  # else the system takes a megabyte and more off the sender
SEGMENT = 1448  # bytes of data in an Ethernet frame


class Link:
    """``rate``: bytes per second in each direction; ``round_trip``: seconds."""

    def __init__(self, port: int, rate: float, round_trip: float) -> None:
        self._port = port
        self._rate = rate
        self._delay = round_trip / 2
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener = _socket()
        self.port = 0

    async def start(self) -> None:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port = self._listener.getsockname()[1]
        self._start(self._accept())

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._listener.close()

    def _start(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            near, _ = await loop.sock_accept(self._listener)
            near.setblocking(False)
            far = _socket()
            await loop.sock_connect(far, ("127.0.0.1", self._port))
            self._start(self._carry(near, far))

    async def _carry(self, near: socket.socket, far: socket.socket) -> None:
        with near, far:
            ways = [asyncio.ensure_future(self._pump(*w)) for w in ((near, far), (far, near))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        travelling: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        arriving = asyncio.ensure_future(self._arrive(travelling, sink))
        try:
            free = loop.time()
            while data := await loop.sock_recv(source, CHUNK):
                free = max(free, loop.time()) + len(data) / self._rate
                travelling.put_nowait((free + self._delay, data))
                await asyncio.sleep(free - loop.time())
        finally:
            arriving.cancel()
            await asyncio.gather(arriving, return_exceptions=True)

    async def _arrive(
        self, travelling: "asyncio.Queue[tuple[float, bytes]]", sink: socket.socket
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await travelling.get()
            await asyncio.sleep(due - loop.time())
            await loop.sock_sendall(sink, data)


def _socket() -> socket.socket:
    made = socket.socket()
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, WINDOW)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made
