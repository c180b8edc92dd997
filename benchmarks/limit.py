"""How close is it to what one gRPC stream can carry?

Beside it, the same frames are echoed raw over one grpc.aio stream: no chain, no codec, nothing is
parsed. They are recorded from calls of ours, 256 in flight, and played with as many in flight.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc.aio

import facade
from benchmarks.bench import Bench, Line
from benchmarks.echo import TEXT, Echo, EchoImpl, Ready, at, facade_call
from benchmarks.load import Use, repeat
from facade.exchange.envelope import Frame
from facade.exchange.options import channel_options
from facade.exchange.settings import Settings
from facade.exchange.stream import ConsumerStream
from facade.exchange.transport import GrpcTransport

IN_FLIGHT = 256
PATH = "/bench.Raw/Frames"
# Of the frames that are recorded: the setup, and calls that begin all at once.
FIRST = 16


def lines(bench: Bench) -> Iterator[Line]:
    yield bench.compare("ratio limit 256", "facade-aio", "frames", IN_FLIGHT)


async def raw_server() -> tuple[Any, int]:
    """One that echoes frames, and its port."""

    async def echo(frames: AsyncIterator[bytes], context: Any) -> None:
        while (frame := await context.read()) is not grpc.aio.EOF:
            await context.write(frame)

    handlers = {"Frames": grpc.stream_stream_rpc_method_handler(echo)}
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Raw", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port


def serve_frames(ready: Ready) -> None:
    async def serve() -> None:
        server, port = await raw_server()
        ready(port)
        await server.wait_for_termination()

    asyncio.run(serve())


class Recording(GrpcTransport):
    """Keeps the frames that are written."""

    def __init__(self, target: str) -> None:
        super().__init__(target, channel_options(Settings()))
        self.frames: list[bytes] = []

    async def open(self) -> ConsumerStream:
        stream: Any = await super().open()
        write = stream.write

        def record(frame: bytes) -> Any:
            self.frames.append(frame)
            return write(frame)

        stream.write = record
        opened: ConsumerStream = stream
        return opened


async def record(seconds: float = 0.5) -> list[tuple[bytes, int]]:
    """The frames of a while of calls, and how many calls are in each."""
    server = facade.Server()
    server.export(Echo, EchoImpl())
    async with server:
        transport = Recording(at(server.port))
        async with facade.AsyncClient(at(server.port), transport=transport) as client:
            echo = facade_call(client, timeout=30.0)
            while len(transport.frames) < 2 * FIRST:  # a machine may stand still for so long
                until = time.perf_counter() + seconds
                await asyncio.gather(
                    *(repeat(lambda: echo(TEXT), TEXT, until) for _ in range(IN_FLIGHT))
                )
    frames = ((frame, len(Frame.FromString(frame).envelopes)) for frame in transport.frames)
    return list(frames)[FIRST:]


def call_frames(port: int, use: Use) -> None:
    with asyncio.Runner() as runner:
        frames = runner.run(record())

        async def connect() -> Any:
            return grpc.aio.insecure_channel(at(port)).stream_stream(PATH)()

        stream = runner.run(connect())

        async def measure(in_flight: float, seconds: float) -> float:
            start = time.perf_counter()
            sizes: deque[int] = deque()  # of the frames that have not come back
            under_way = done = turn = 0
            while True:
                going = time.perf_counter() < start + seconds
                while going and under_way < in_flight:
                    frame, calls = frames[turn % len(frames)]
                    turn += 1
                    await stream.write(frame)
                    sizes.append(calls)
                    under_way += calls
                if not sizes:
                    return done / (time.perf_counter() - start)
                await stream.read()
                calls = sizes.popleft()
                under_way -= calls
                done += calls

        use(lambda in_flight, seconds: runner.run(measure(in_flight, seconds)))
