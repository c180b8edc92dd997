"""connectrpc: the Connect protocol; its server runs in uvicorn, its client is made of Rust."""

import asyncio
from typing import Any

import uvicorn
from connectrpc.client import ConnectClient
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.server import ConnectASGIApplication, Endpoint

from benchmarks.echo import ATTACHMENTS, BARE, BYTES, DEADLINE, Ready, at
from benchmarks.load import Use, measure_tasks
from benchmarks.peers.port import listener

METHOD: Any = MethodInfo(
    name="Echo",
    service_name="bench.Echo",
    input=bytes,
    output=bytes,
    idempotency_level=IdempotencyLevel.UNKNOWN,
    stream_type=StreamType.UNARY,
)


class Plain:
    """Bytes, as bare grpcio has them here."""

    def name(self) -> str:
        return "proto"

    def encode(self, message: Any) -> bytes:
        return bytes(message)

    def decode(self, data: Any, message_class: Any) -> Any:
        return bytes(data)


class Echo(ConnectASGIApplication):
    path = "/bench.Echo"

    def __init__(self) -> None:
        async def echo(request: bytes, context: Any) -> bytes:
            return request

        endpoints = {BARE: Endpoint.unary(METHOD, echo)}
        super().__init__(
            service=self, endpoints=lambda _: endpoints, codecs=[Plain()], compressions=[]
        )


def serve(ready: Ready) -> None:
    async def run() -> None:
        socket = listener()
        config = uvicorn.Config(Echo(), log_level="error", access_log=False, lifespan="off")
        ready(socket.getsockname()[1])
        await uvicorn.Server(config).serve([socket])

    asyncio.run(run())


def call(port: int, use: Use) -> None:
    async def connect() -> Any:
        client: Any = ConnectClient(
            f"http://{at(port)}", codec=Plain(), accept_compression=[], send_compression=None
        )
        timeout = int(DEADLINE * 1000)
        return lambda: client.execute_unary(
            request=BYTES, method=METHOD, headers=ATTACHMENTS, timeout_ms=timeout
        )

    measure_tasks(connect, BYTES, use)
