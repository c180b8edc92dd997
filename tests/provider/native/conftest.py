"""A greeter in both styles, on a server, with grpcio's own stub to call it."""
# ruff: noqa: N802 -- methods have the names of their .proto

import contextlib

import grpc
import grpc.aio
import pytest

import facade
from tests.greeter import greeter_pb2_grpc
from tests.greeter.greeter_pb2 import Greeting, Hello


class AioGreeter(greeter_pb2_grpc.GreeterServicer):
    async def SayHello(self, request, context):
        return Greeting(text=f"Hello {request.name}")

    async def SayHellos(self, request, context):
        for number in range(request.count):
            yield Greeting(text=f"Hello {request.name} {number}")

    async def SayHelloToAll(self, request_iterator, context):
        return Greeting(text="Hello " + ", ".join([r.name async for r in request_iterator]))

    async def Chat(self, request_iterator, context):
        async for request in request_iterator:
            yield Greeting(text=f"Hello {request.name}")


class WritingGreeter(AioGreeter):
    """With the reader and writer API where it can be."""

    async def SayHellos(self, request, context):
        for number in range(request.count):
            await context.write(Greeting(text=f"Hello {request.name} {number}"))

    async def SayHelloToAll(self, _, context):
        names = []
        while (request := await context.read()) is not grpc.aio.EOF:
            names.append(request.name)
        return Greeting(text="Hello " + ", ".join(names))

    async def Chat(self, _, context):
        while (request := await context.read()) is not grpc.aio.EOF:
            await context.write(Greeting(text=f"Hello {request.name}"))


class SyncGreeter(greeter_pb2_grpc.GreeterServicer):
    def SayHello(self, request, context):
        return Greeting(text=f"Hello {request.name}")

    def SayHellos(self, request, context):
        for number in range(request.count):
            yield Greeting(text=f"Hello {request.name} {number}")

    def SayHelloToAll(self, request_iterator, context):
        return Greeting(text="Hello " + ", ".join(r.name for r in request_iterator))

    def Chat(self, request_iterator, context):
        for request in request_iterator:
            yield Greeting(text=f"Hello {request.name}")


STYLES = [AioGreeter, WritingGreeter, SyncGreeter]


@contextlib.asynccontextmanager
async def serving(greeter=None, mount=None, **settings):
    """A server and a channel to it. ``mount``: what ``Server.mount`` takes beside."""
    server = facade.Server("127.0.0.1:0", **settings)
    if greeter is not None and mount is None:
        greeter_pb2_grpc.add_GreeterServicer_to_server(greeter, server)
    elif greeter is not None:
        server.mount(greeter_pb2_grpc.add_GreeterServicer_to_server, greeter, **mount)
    async with server, grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        server.channel = channel
        yield server


@contextlib.asynccontextmanager
async def stub_of(greeter, **settings):
    async with serving(greeter, **settings) as server:
        yield greeter_pb2_grpc.GreeterStub(server.channel)


async def failure(call):
    """The error that a call or a stream ends with."""
    ended = texts(call) if hasattr(call, "__aiter__") else call
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ended
    return caught.value


def hellos(*names):
    return [Hello(name=name) for name in names]


async def texts(call):
    return [greeting.text async for greeting in call]
