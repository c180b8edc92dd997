# ruff: noqa: N802 - gRPC's names

import asyncio

import grpc
import grpc.aio
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.wrappers_pb2 import StringValue

from facade.exchange.richstatus import encode_status
from tests.greeter import greeter_pb2, greeter_pb2_grpc

Greeting = greeter_pb2.Greeting


class Plain(greeter_pb2_grpc.GreeterServicer):
    """A provider that knows nothing of us."""

    def __init__(self):
        self.metadata = {}
        self.remaining = None
        self.started = asyncio.Event()
        self.ended = asyncio.Event()  # a call that would not end by itself

    def _note(self, context):
        self.metadata = {}
        for name, value in context.invocation_metadata():
            self.metadata.setdefault(name, []).append(value)
        self.remaining = context.time_remaining()

    async def SayHello(self, request, context):
        self._note(context)
        context.set_trailing_metadata((("place", "here"), ("mark-bin", b"\0\1")))
        if request.name == "slow":
            await self._wait()
        if request.name == "refused":
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such guest: Zoë")
        if request.name == "silent":
            await context.abort(grpc.StatusCode.ABORTED)
        if request.name == "rich":
            packed = AnyMessage()
            packed.Pack(StringValue(value="why"))
            data = encode_status(5, "no such guest", [packed])
            await context.abort(
                grpc.StatusCode.NOT_FOUND, "no such guest", (("grpc-status-details-bin", data),)
            )
        if request.name == "broken":
            await context.abort(
                grpc.StatusCode.UNKNOWN, "it broke", (("exception-type", "shop.Broken"),)
            )
        return Greeting(text=f"Hello {request.name}")

    async def SayHellos(self, request, context):
        self._note(context)
        await context.send_initial_metadata((("first", "1"),))
        context.set_trailing_metadata((("last", "2"),))
        for number in range(request.count):
            yield Greeting(text=f"{request.name} {number}")
        if request.name == "broken":
            await context.abort(grpc.StatusCode.DATA_LOSS, "lost the rest")
        if request.name == "endless":
            await self._wait()

    async def SayHelloToAll(self, requests, context):
        self._note(context)
        names = []
        async for request in requests:
            if request.name == "refused":
                await context.abort(grpc.StatusCode.PERMISSION_DENIED, "not you")
            names.append(request.name)
        return Greeting(text=", ".join(names))

    async def Chat(self, requests, context):
        self._note(context)
        try:
            async for request in requests:
                self.started.set()
                yield Greeting(text=request.name)
        finally:
            self.ended.set()

    async def _wait(self):
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()


@pytest.fixture
def servicer():
    return Plain()


@pytest.fixture
async def target(servicer):
    server = grpc.aio.server()
    greeter_pb2_grpc.add_GreeterServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(0)
