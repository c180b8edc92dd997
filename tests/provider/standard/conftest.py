"""A provider with typed services, and a channel of plain grpcio to it."""

import asyncio
from collections.abc import AsyncIterator

import grpc.aio
import pytest
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

import facade


@facade.service("demo.Greeter")
class Greeter:
    async def hello(self, name: str) -> str: ...

    async def wait(self) -> str: ...


@facade.service("demo.Greeter", group="north", version="2.0.0")
class LaterGreeter:
    async def hello(self, name: str) -> str: ...

    async def bye(self, name: str) -> str: ...


@facade.service("demo.clock.Clock")
class Clock:
    """Its methods take messages, but for one."""

    async def read(self, zone: Struct) -> Timestamp: ...

    async def set(self, time: Timestamp) -> None: ...

    async def name(self, zone: Struct) -> str: ...


class Impl:
    """Implements all of them. ``wait`` ends once it is released."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.released = asyncio.Event()

    async def hello(self, name):
        return f"Hello {name}"

    async def bye(self, name):
        return f"Bye {name}"

    async def wait(self):
        self.started.set()
        await self.released.wait()
        return "done"

    async def read(self, zone):
        return Timestamp(seconds=1)

    async def set(self, time): ...

    async def name(self, zone):
        return "UTC"


@pytest.fixture
def impl() -> Impl:
    return Impl()


@pytest.fixture
async def serve() -> AsyncIterator:
    """Call it with settings of a server: it is started, and a channel to it opened."""
    opened = []

    async def start(*exports: tuple[type, object], **settings):
        server = facade.Server("127.0.0.1:0", **settings)
        for interface, implementation in exports:
            server.export(interface, implementation)
        await server.start()
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{server.port}")
        opened.append((server, channel))
        return server, channel

    yield start
    for server, channel in opened:
        await channel.close()
        await server.stop(0.1)
