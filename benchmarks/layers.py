"""Where the time of a call goes: each layer alone, in one process, in microseconds per call.

    python -m benchmarks.layers

Each is what a call runs through in that layer and nothing else, over and over, so that caches are
warm: a lone call through all of them takes longer than their sum. The least of the rounds
counts, as noise only adds. gRPC's own is the processor time of both ends' event loop threads to
write and read one frame with one envelope; the frame's share is by 64 envelopes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic, perf_counter
from typing import Any

import grpc.aio

import facade
from benchmarks.bench import FULL, Effort
from benchmarks.echo import ATTACHMENTS, TEXT, Echo, EchoImpl
from benchmarks.limit import PATH, raw_server
from facade.codec import MethodCodec
from facade.core.chain import chain
from facade.core.context import current_caller
from facade.core.filter import CONSUMER, PROVIDER
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.exchange.envelope import (
    Envelope,
    Frame,
    fill_invocation,
    fill_result,
    parse,
    read_invocation,
    read_result,
)
from facade.exchange.inflight import InFlight
from facade.exchange.outbox import Outbox
from facade.plugins import resolve
from facade.service import describe
from facade.testing import connected

ROUNDS = 7
CALLS = 5_000
IN_FRAME = 64
SERVICE = describe(Echo)
METHOD = SERVICE.methods["echo"]
Row = dict[str, Any]
# Layer, end, what it does, for how many calls at once.
Step = tuple[str, str, Callable[[], object], int]


class Pending:
    """A call that waits, as the in-flight table wants it."""

    __slots__ = ("deadline", "dropped", "sent_at")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.sent_at: float | None = None
        self.dropped = False


class End:
    """The cheapest invoker."""

    async def invoke(self, invocation: Invocation) -> Result:
        return Result(TEXT)


def measure(effort: Effort = FULL) -> list[Row]:
    """Layer, end, microseconds."""
    return asyncio.run(_measure(effort.count(CALLS, 10)))


async def _measure(calls: int) -> list[Row]:
    rows: list[Row] = []

    def row(layer: str, end: str, seconds: float) -> None:
        rows.append({"layer": layer, "end": end, "us": round(seconds * 1e6, 2)})

    row("proxy, context and a chain of nothing", "consumer", await _proxy(calls))
    for end, side in (("consumer", CONSUMER), ("provider", PROVIDER)):
        row("default chain", end, await _chain(side, calls))
    for layer, end, step, together in _steps():
        times = max(1, calls // together)
        row(layer, end, await _least(_repeated(step, times), times * together))
    row("a task, and a turn of the event loop", "provider", await _least(_tasks(calls), calls))
    one, many = await _grpc(1, calls), await _grpc(IN_FRAME, calls)
    row("gRPC: write and read, a frame each", "both", one)
    row(f"gRPC: write and read, {IN_FRAME} to a frame", "both", many)
    row("all but gRPC, in memory, 256 in flight", "both", await _memory(calls))
    return rows


async def _least(work: Callable[[], Awaitable[None]], calls: int) -> float:
    await work()
    taken = []
    for _ in range(ROUNDS):
        start = perf_counter()
        await work()
        taken.append(perf_counter() - start)
    return min(taken) / calls


def _repeated(step: Callable[[], object], calls: int) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        for _ in range(calls):
            step()

    return work


async def _proxy(calls: int) -> float:
    class Answer(facade.Filter):
        """The call goes no further than here."""

        async def invoke(self, invoker: facade.Invoker, invocation: Invocation) -> Result:
            return Result(TEXT)

    client = facade.AsyncClient("127.0.0.1:1", filters=[Answer()])
    echo: Any = client.refer(Echo).echo
    bound = echo.options(timeout=1.0, attachments=ATTACHMENTS)

    async def work() -> None:
        for _ in range(calls):
            await bound(TEXT)

    least = await _least(work, calls)
    await client.close()
    return least


async def _chain(side: str, calls: int) -> float:
    """Over none."""
    filtered = chain(resolve(("default",), side, {}), End())

    def work(invoker: Any) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            for _ in range(calls):
                call = _call()
                if side == CONSUMER:
                    call.caller = current_caller()
                else:
                    call.start_countdown()
                await invoker.invoke(call)

        return run

    with_filters = await _least(work(filtered), calls)
    return max(0.0, with_filters - await _least(work(End()), calls))


def _call() -> Invocation:
    return Invocation(
        "bench.Echo", "echo", (TEXT,), attachments={**ATTACHMENTS}, timeout=1.0, method=METHOD
    )


def _steps() -> list[Step]:
    """What is a plain function."""
    codec = MethodCodec(METHOD)
    payload = codec.encode_arguments((TEXT,), None)
    answer = codec.encode_result(TEXT, payload[0])
    asked, answered = Envelope(id=1), Envelope(id=1)
    fill_invocation(asked.invocation, _call(), payload, 1.0)
    fill_result(answered.result, answer, {})
    request = asked.SerializeToString()
    invocation = _call()
    table: InFlight[Pending] = InFlight()
    one = _frame(request)
    frame = one * IN_FRAME

    def write_request() -> None:
        envelope = Envelope()
        fill_invocation(envelope.invocation, invocation, payload, 1.0)
        envelope.id = 1
        envelope.SerializeToString()

    def write_reply() -> None:
        envelope = Envelope()
        envelope.id = 1
        fill_result(envelope.result, answer, {})
        envelope.SerializeToString()

    def pack() -> None:
        outbox = Outbox()
        for _ in range(IN_FRAME):
            outbox.put((request, Pending(1.0)))
        outbox.take(1.0)

    alone: list[Step] = [
        ("codec: arguments", "consumer", lambda: codec.encode_arguments((TEXT,), None), 1),
        ("codec: arguments", "provider", lambda: codec.decode_arguments(payload), 1),
        ("codec: result", "provider", lambda: codec.encode_result(TEXT, "msgpack"), 1),
        ("codec: result", "consumer", lambda: codec.decode_result(answer), 1),
        ("envelope: invocation", "consumer", write_request, 1),
        ("envelope: invocation", "provider", lambda: read_invocation(asked.invocation), 1),
        ("envelope: result", "provider", write_reply, 1),
        ("envelope: result", "consumer", lambda: read_result(answered.result, invocation), 1),
        ("in-flight table", "consumer", lambda: table.close(table.open(Pending(monotonic()))), 1),
        ("frame: parse, one envelope each", "provider", lambda: parse(one, Frame), 1),
    ]
    return [
        *alone,
        (f"frame: parse, {IN_FRAME} each", "provider", lambda: parse(frame, Frame), IN_FRAME),
        (f"frame: pack, {IN_FRAME} each", "consumer", pack, IN_FRAME),
    ]


def _frame(envelope: bytes) -> bytes:
    outbox = Outbox()
    outbox.put((envelope, None))
    return outbox.take(0.0)


def _tasks(calls: int) -> Callable[[], Awaitable[None]]:
    async def nothing() -> None:
        pass

    async def work() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(calls):
            await loop.create_task(nothing())

    return work


async def _grpc(in_frame: int, calls: int) -> float:
    """One end's share of an echo over a stream, where both are in this process."""
    data = bytes(150 * in_frame)
    frames = max(2, calls // in_frame)
    server, port = await raw_server()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stream = channel.stream_stream(PATH)()

        async def work() -> None:
            for _ in range(frames):
                await stream.write(data)
                await stream.read()

        least = await _least(work, frames * in_frame)
        stream.cancel()
    await server.stop(None)
    return least


async def _memory(calls: int) -> float:
    async with connected((Echo, EchoImpl()), timeout=30.0) as client:
        echo: Any = client.refer(Echo).echo
        bound = echo.options(timeout=30.0, attachments=ATTACHMENTS)
        each = max(1, calls // 256)

        async def one() -> None:
            for _ in range(each):
                await bound(TEXT)

        async def work() -> None:
            await asyncio.gather(*(one() for _ in range(256)))

        return await _least(work, each * 256)


def table(rows: list[Row]) -> str:
    return "\n".join(f"{row['us']:9.2f} us  {row['end']:8}  {row['layer']}" for row in rows)


if __name__ == "__main__":
    print(table(measure()))
