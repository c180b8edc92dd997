"""How much memory does it take: a call in flight, an idle connection, a million calls?

Told by the system: resident memory of the processes, before and after. Linux alone tells it so.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import grpc.aio

import facade
from benchmarks.bench import Bench, Line, line_of
from benchmarks.conns import OWN_CONNECTION
from benchmarks.echo import ATTACHMENTS, BYTES, METADATA, TEXT, Ready, at, bare_options
from benchmarks.load import Use

ROUNDS = 3
CALLS = 10_000
# Under way before the first look: what is made once is no part of a call.
BEFORE = 500
CONNECTIONS = 200
MILLION = 1_000_000
HELD = 600.0  # seconds that a call may take


def lines(bench: Bench) -> Iterator[Line]:
    for name, consumer in (("bytes inflight", "held"), ("bytes inflight bare", "held-bare")):
        yield _growth(bench, name, consumer, BEFORE, CALLS, both=True)
    for name, consumer in (("bytes conn", "idle"), ("bytes conn bare", "idle-bare")):
        yield _growth(bench, name, consumer, 20, CONNECTIONS, both=False)
    yield _leak(bench)


def _growth(bench: Bench, name: str, consumer: str, before: int, count: int, *, both: bool) -> Line:
    """What each of ``count`` more takes; in fresh processes each time, as memory that was freed
    is used again."""
    before, count = bench.effort.count(before), bench.effort.count(count, 2)
    grown = []
    for _ in range(min(ROUNDS, bench.effort.rounds)):
        bench.rest()
        near, far = bench.consumer(consumer), bench.provider(consumer.replace("idle", "held"))
        ends = (near, far) if both else (far,)
        near.measure(before)
        start = sum(end.resident() for end in ends)
        near.measure(before + count)
        grown.append((sum(end.resident() for end in ends) - start) / count)
    return line_of(name, grown, "bytes")


def _leak(bench: Bench) -> Line:
    """Both ends together, per million calls."""
    bench.rest()
    near, far = bench.consumer("facade-aio"), bench.provider("facade")
    seconds = 10 * bench.effort.seconds
    wanted = bench.effort.count(MILLION)
    warm = 0.0
    while warm < wanted / 4:
        warm += near.measure(256, seconds) * seconds
    sizes, calls = [near.resident() + far.resident()], [0.0]
    while calls[-1] < wanted:
        calls.append(calls[-1] + near.measure(256, seconds) * seconds)
        sizes.append(near.resident() + far.resident())
    steps = [
        (b - a) / (d - c) * MILLION
        for a, b, c, d in zip(sizes, sizes[1:], calls, calls[1:], strict=False)
    ]
    line = line_of("leak", steps, "bytes")
    line.value = (sizes[-1] - sizes[0]) / calls[-1] * MILLION
    return line


@facade.service("bench.Hold")
class Hold:
    async def hold(self, text: str) -> str: ...

    async def held(self) -> int:
        """How many are."""


class Holder(Hold):
    def __init__(self) -> None:
        self._count = 0
        self._never = asyncio.Event()

    async def hold(self, text: str) -> str:
        self._count += 1
        await self._never.wait()
        return text

    async def held(self) -> int:
        return self._count


def serve_held(ready: Ready) -> None:
    async def serve() -> None:
        server = facade.Server(max_calls=2 * CALLS)
        server.export(Hold, Holder())
        async with server:
            ready(server.port)
            await server.wait()

    asyncio.run(serve())


def serve_held_bare(ready: Ready) -> None:
    async def serve() -> None:
        holder = Holder()

        async def hold(request: bytes, context: Any) -> bytes:
            await holder.hold("")
            return request

        async def held(request: bytes, context: Any) -> bytes:
            return b"%d" % await holder.held()

        handlers = {
            "Hold": grpc.unary_unary_rpc_method_handler(hold),
            "Held": grpc.unary_unary_rpc_method_handler(held),
        }
        server = grpc.aio.server(options=bare_options())
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("bench.Hold", handlers),)
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        ready(port)
        await server.wait_for_termination()

    asyncio.run(serve())


# Consumers: each round says how many there are to be in all, and is over when they are.


def hold_facade(port: int, use: Use) -> None:
    async def connect() -> Any:
        service = facade.AsyncClient(at(port), timeout=HELD).refer(Hold)
        hold: Any = service.hold
        bound = hold.options(timeout=HELD, attachments=ATTACHMENTS)
        return lambda: bound(TEXT), service.held

    _hold(connect, use)


def hold_bare(port: int, use: Use) -> None:
    async def connect() -> Any:
        channel = grpc.aio.insecure_channel(at(port))
        hold = channel.unary_unary("/bench.Hold/Hold")
        held = channel.unary_unary("/bench.Hold/Held")

        async def count() -> int:
            return int(await held(b""))

        return lambda: hold(BYTES, timeout=HELD, metadata=METADATA), count

    _hold(connect, use)


def _hold(connect: Any, use: Use) -> None:
    with asyncio.Runner() as runner:
        hold, held = runner.run(connect())
        calls: set[Any] = set()

        async def caller() -> None:
            await hold()

        async def more(wanted: float) -> int:
            while len(calls) < wanted:
                calls.add(asyncio.ensure_future(caller()))
            while await held() < wanted:
                pass
            return len(calls)

        use(lambda wanted: runner.run(more(wanted)))


def idle_facade(port: int, use: Use) -> None:
    def connect() -> Any:
        return facade.AsyncClient(at(port), connections=1, timeout=HELD).refer(Hold).held

    _idle(connect, use)


def idle_bare(port: int, use: Use) -> None:
    def connect() -> Any:
        channel = grpc.aio.insecure_channel(at(port), options=[OWN_CONNECTION])
        held = channel.unary_unary("/bench.Hold/Held")

        async def count() -> bytes:
            answer: bytes = await held(b"")
            return answer

        return count

    _idle(connect, use)


def _idle(connect: Callable[[], Any], use: Use) -> None:
    with asyncio.Runner() as runner:
        connected: list[Any] = []

        async def more(wanted: float) -> int:
            while len(connected) < wanted:
                call = connect()
                await call()
                connected.append(call)
            return len(connected)

        use(lambda wanted: runner.run(more(wanted)))
