"""grpclib: gRPC on asyncio, with HTTP/2 in Python."""

import asyncio
from typing import Any

from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.const import Cardinality, Handler
from grpclib.encoding.base import CodecBase
from grpclib.server import Server

from benchmarks.echo import BARE, BYTES, DEADLINE, METADATA, Ready
from benchmarks.load import Use, measure_tasks
from benchmarks.peers.port import listener


class Plain(CodecBase):
    """Bytes, as bare grpcio has them here."""

    __content_subtype__ = "proto"

    def encode(self, message: Any, message_type: Any) -> bytes:
        return bytes(message)

    def decode(self, data: bytes, message_type: Any) -> Any:
        return data


class Echo:
    async def echo(self, stream: Any) -> None:
        await stream.send_message(await stream.recv_message())

    def __mapping__(self) -> dict[str, Handler]:
        return {BARE: Handler(self.echo, Cardinality.UNARY_UNARY, bytes, bytes)}


def serve(ready: Ready) -> None:
    async def run() -> None:
        server = Server([Echo()], codec=Plain())
        socket = listener()
        await server.start(sock=socket)
        ready(socket.getsockname()[1])
        await server.wait_closed()

    asyncio.run(run())


def call(port: int, use: Use) -> None:
    async def connect() -> Any:
        channel = Channel("127.0.0.1", port, codec=Plain())
        echo: Any = UnaryUnaryMethod(channel, BARE, bytes, bytes)
        return lambda: echo(BYTES, timeout=DEADLINE, metadata=METADATA)

    measure_tasks(connect, BYTES, use)
