"""A TCP proxy that does to a connection what networks do."""

import asyncio
import contextlib
from time import monotonic

CHUNK = 64 * 1024


class Direction:
    """One way of all connections through a proxy. Set at any time; for the bytes to come."""

    def __init__(self) -> None:
        # Seconds that each byte is under way; they overlap.
        self.delay = 0.0
        # Bytes per second, or None for any.
        self.rate: float | None = None
        self._open = asyncio.Event()
        self._open.set()
        self.bytes = 0

    def stop(self) -> None:
        """Forward nothing, and tell nobody: a black hole."""
        self._open.clear()

    def go_on(self) -> None:
        """Forward what was held back, too."""
        self._open.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one of the ends closes."""
        way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(256)
        deliver = asyncio.create_task(self._deliver(way, writer))
        try:
            while data := await reader.read(CHUNK):
                await way.put((monotonic() + self.delay, data))
            await way.put((monotonic() + self.delay, b""))
            await deliver
        finally:
            deliver.cancel()

    async def _deliver(
        self, way: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter
    ) -> None:
        while True:
            due, data = await way.get()
            await asyncio.sleep(due - monotonic())
            await self._open.wait()
            if not data:
                return
            step = len(data) if self.rate is None else max(1, int(self.rate / 50))
            for start in range(0, len(data), step):
                part = data[start : start + step]
                writer.write(part)
                await writer.drain()
                self.bytes += len(part)
                if self.rate is not None:
                    await asyncio.sleep(len(part) / self.rate)


class Proxy:
    """Between consumers and the provider at ``port``: ``up`` to it, ``down`` from it."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.up = Direction()
        self.down = Direction()
        self.port = 0
        # How many connections have been made in all.
        self.accepted = 0

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def links(self) -> int:
        """How many connections are open."""
        return len(self._links)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._link, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        self.accepted += 1
        writers = [writer]
        try:
            there, to = await asyncio.open_connection("127.0.0.1", self._to)
            writers.append(to)
            self._writers.update(writers)
            ways = (self.up.carry(reader, to), self.down.carry(there, writer))
            carrying = [asyncio.create_task(way) for way in ways]
            try:
                await asyncio.wait(carrying, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in carrying:
                    way.cancel()
                await asyncio.gather(*carrying, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._links.discard(task)
            for end in writers:
                self._writers.discard(end)
                end.transport.abort()

    def cut(self) -> None:
        """Reset all connections; new ones are taken."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for link in list(self._links):
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 5)
