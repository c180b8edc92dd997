"""Generated servicers: what goes wrong while they give answers."""
# ruff: noqa: N802 -- methods have the names of their .proto

import asyncio
import logging
import subprocess
import sys
from pathlib import Path

import grpc
import grpc.aio
import pytest

import facade
from tests.greeter import greeter_pb2_grpc
from tests.greeter.greeter_pb2 import Greeting, Hello
from tests.provider.native.conftest import AioGreeter, SyncGreeter, failure, serving, stub_of

CALLERS = 20
ROOT = Path(facade.__file__).parents[1]


async def test_callers_who_leave_are_no_error_of_the_method(caplog):
    """The log says nothing of them, whatever their servicer is just writing."""
    ended = asyncio.Semaphore(0)

    class Mine(AioGreeter):
        async def SayHellos(self, request, context):
            try:
                while True:
                    yield Greeting(text="x" * 1000)
            finally:
                ended.release()

    caplog.set_level(logging.WARNING)
    async with serving(Mine()) as server:
        stub = greeter_pb2_grpc.GreeterStub(server.channel)
        calls = [stub.SayHellos(Hello()) for _ in range(CALLERS)]
        for call in calls:
            await call.read()
        for call in calls:
            call.cancel()
        for _ in calls:
            await ended.acquire()
    # gRPC has complaints of its own where others of its loops are in this process.
    assert [r for r in caplog.records if r.name.startswith("facade")] == []


@pytest.mark.parametrize("base", [AioGreeter, SyncGreeter])
async def test_an_answer_that_is_none_is_logged(caplog, base):
    """The provider learns of it as well, of one of many as of a single one."""

    class Aio(AioGreeter):
        async def SayHellos(self, request, context):
            yield 3

    class Sync(SyncGreeter):
        def SayHellos(self, request, context):
            yield 3

    async with stub_of(Aio() if base is AioGreeter else Sync()) as stub:
        error = await failure(stub.SayHellos(Hello()))
    assert error.code() is grpc.StatusCode.INTERNAL
    (record,) = [r for r in caplog.records if r.name.startswith("facade")]
    assert "Failed to serialize response! int" in record.getMessage()


@pytest.mark.parametrize("base", [AioGreeter, SyncGreeter])
async def test_initial_metadata_after_an_answer(base):
    """They are refused: they went with the first answer. The caller learns of it."""

    class Aio(AioGreeter):
        async def SayHellos(self, request, context):
            yield Greeting(text="first")
            await context.send_initial_metadata((("a", "1"),))

    class Sync(SyncGreeter):
        def SayHellos(self, request, context):
            yield Greeting(text="first")
            context.send_initial_metadata((("a", "1"),))

    async with stub_of(Aio() if base is AioGreeter else Sync()) as stub:
        call = stub.SayHellos(Hello())
        assert (await call.read()).text == "first"
        error = await failure(call.read())
    assert error.code() is grpc.StatusCode.UNKNOWN
    assert "already sent" in error.details()


async def test_tasks_that_write_are_told_of_the_end():
    """A task that a servicer started does not wait for a reader who has left."""
    tasks = []

    class Mine(AioGreeter):
        async def Chat(self, request_iterator, context):
            async def write():
                while True:
                    await context.write(Greeting())

            tasks.extend(asyncio.create_task(write()) for _ in range(2))
            await asyncio.Event().wait()

    async with stub_of(Mine()) as stub:
        call = stub.Chat()
        await call.read()
        call.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in ended] == [grpc.aio.UsageError] * 2


ENDS = """
import asyncio
import logging

import facade
from tests.greeter import greeter_pb2_grpc
from tests.greeter.greeter_pb2 import Hello

logging.basicConfig(level=logging.WARNING)
held = []


async def main():
    reading = asyncio.Semaphore(0)

    class Mine(greeter_pb2_grpc.GreeterServicer):
        async def SayHelloToAll(self, request_iterator, context):
            await context.read()
            reading.release()
            await asyncio.Event().wait()

    async def requests():
        yield Hello()
        await asyncio.Event().wait()

    server = facade.Server("127.0.0.1:0")
    greeter_pb2_grpc.add_GreeterServicer_to_server(Mine(), server)
    await server.start()
    client = facade.AsyncClient(f"127.0.0.1:{server.port}")
    stub = greeter_pb2_grpc.GreeterStub(client.channel())
    held.extend(stub.SayHelloToAll(requests()) for _ in range(CALLERS))
    for _ in range(CALLERS):
        await reading.acquire()


asyncio.run(main())
"""


def test_a_loop_that_ends_with_calls_under_way():
    """Nobody is there to be told how they ended, and that is no error."""
    done = subprocess.run(
        [sys.executable, "-c", f"CALLERS = {CALLERS}\n{ENDS}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


async def test_a_call_is_cancelled_at_its_first_answer():
    """Its caller is told, though the answer is just being sent."""

    class Mine(SyncGreeter):
        def SayHellos(self, request, context):
            yield Greeting()
            context.cancel()
            while True:
                yield Greeting()

    async with stub_of(Mine()) as stub:
        for _ in range(CALLERS):
            error = await failure(stub.SayHellos(Hello()))
            assert error.code() is grpc.StatusCode.CANCELLED
