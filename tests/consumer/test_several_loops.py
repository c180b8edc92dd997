"""One AsyncClient in several event loops: one after the other, and not at once."""

import asyncio
import gc
import sys
import threading

import pytest

import facade
from facade.consumer.shared import SHARED
from facade.exchange.transport import GrpcTransport


@facade.service("loops.Echo")
class Echo:
    async def echo(self, text: str) -> str: ...


class EchoImpl(Echo):
    async def echo(self, text: str) -> str:
        return text


@pytest.fixture
def target():
    """Of a provider in a thread of its own."""
    ready, told = threading.Event(), {}

    async def serve():
        server = facade.Server("127.0.0.1:0")
        server.export(Echo, EchoImpl())
        await server.start()
        told.update(port=server.port, loop=asyncio.get_running_loop(), end=asyncio.Event())
        ready.set()
        await told["end"].wait()
        await server.stop(0)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    yield f"127.0.0.1:{told['port']}"
    told["loop"].call_soon_threadsafe(told["end"].set)
    thread.join()


async def end_others():
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


WAYS = [{}, {"connections": 2}, {"unary": True}]


@pytest.mark.parametrize("settings", WAYS, ids=str)
def test_second_loop_is_refused_while_the_first_runs(target, settings):
    """Nothing is sent, nothing is touched, and the first loop goes on."""

    async def main():
        async with facade.AsyncClient(target, timeout=20, **settings) as client:
            echo = client.refer(Echo)
            assert await echo.echo("first") == "first"

            async def call():
                return await echo.echo("second")

            with pytest.raises(RuntimeError, match="make one in each loop"):
                await asyncio.to_thread(asyncio.run, call())
            if "unary" not in settings:
                with pytest.raises(RuntimeError, match="make one in each loop"):
                    await asyncio.to_thread(asyncio.run, client.close())
                assert client.available
            assert await echo.echo("third") == "third"

    asyncio.run(main())


@pytest.mark.parametrize("settings", WAYS, ids=str)
def test_loops_one_after_the_other(target, settings):
    """A loop that rests, or has ended, is left for the one that runs."""

    async def make():
        return facade.AsyncClient(target, timeout=20, **settings)

    client = asyncio.run(make())
    echo = client.refer(Echo)

    async def call(text):
        return [await echo.echo(text) for _ in range(3)]

    assert asyncio.run(call("a")) == ["a"] * 3
    assert asyncio.run(call("b")) == ["b"] * 3
    resting = asyncio.new_event_loop()
    try:
        assert resting.run_until_complete(call("c")) == ["c"] * 3
        assert asyncio.run(call("d")) == ["d"] * 3
        assert resting.run_until_complete(call("e")) == ["e"] * 3
        resting.run_until_complete(client.close())
    finally:
        resting.run_until_complete(end_others())
        resting.close()


def test_loops_in_turn(target):
    """Who comes back to a loop holds its connection once: it is hung up when the client closes,
    and so is that of a loop which is closed by then."""
    before = len(SHARED)
    client = facade.AsyncClient(target, timeout=20)
    echo = client.refer(Echo)

    async def call():
        return await echo.echo("here"), client._wire.connector._connector

    session, function = asyncio.new_event_loop(), asyncio.new_event_loop()
    try:
        _, first = session.run_until_complete(call())
        for _ in range(3):
            function.run_until_complete(call())
            assert session.run_until_complete(call()) == ("here", first)
        assert first.holders == 1
        function.run_until_complete(end_others())
        function.close()
        session.run_until_complete(client.close())
        assert first.connections == []
        assert len(SHARED) == before
    finally:
        session.run_until_complete(end_others())
        session.close()


@pytest.mark.parametrize("settings", WAYS, ids=str)
def test_ready_in_loops_one_after_the_other(target, settings):
    """Whatever was asked of the provider in the one before."""
    client = facade.AsyncClient(target, timeout=20, **settings)
    for _ in range(3):
        asyncio.run(client.ready())
    asyncio.run(client.close())


def test_what_a_loop_did_not_learn_the_next_one_does(target, monkeypatch):
    """Where calls take no stream the provider is asked what it publishes until it has told."""
    client = facade.AsyncClient(target, timeout=20, unary=True)
    echo = client.refer(Echo)
    asked = []

    async def describe(self, request, timeout):
        asked.append(request)
        await asyncio.Event().wait()

    async def call():
        return await echo.echo("here"), await asyncio.sleep(0)

    with monkeypatch.context() as patched:
        patched.setattr(GrpcTransport, "describe", describe)
        asyncio.run(call())
        assert len(asked) == 1
        asyncio.run(call())
        assert len(asked) == 2
    asyncio.run(client.ready())
    assert client._wire.describer._asking.done()
    asyncio.run(client.close())


def test_loop_that_was_closed_with_work_in_it(target, monkeypatch):
    """What asks the provider there can't be cancelled any more: the client goes on without."""
    client = facade.AsyncClient(target, timeout=20, unary=True)

    async def describe(self, request, timeout):
        await asyncio.get_running_loop().create_future()

    loop = asyncio.new_event_loop()
    with monkeypatch.context() as patched:
        patched.setattr(GrpcTransport, "describe", describe)
        assert loop.run_until_complete(client.refer(Echo).echo("here")) == "here"
        loop.run_until_complete(asyncio.sleep(0))
    asking = client._wire.describer._asking
    loop.close()
    asyncio.run(client.close())
    assert not asking.done()
    asking._log_destroy_pending = False


def test_client_of_many_stays_in_its_loop(target):
    """Another one is told so, whatever it does, and changes nothing for the first."""

    async def main():
        async with facade.AsyncClient(f"static:{target}", timeout=20) as client:
            echo = client.refer(Echo)
            other = client.generic("loops.Other")
            assert await echo.echo("first") == "first"
            directory = next(iter(client._wire.scopes)).clusters[0].directory

            async def call():
                return await echo.echo("second")

            async def look():
                directory.changed()  # as it is each second
                return await echo.echo("second")

            async def call_another():
                return await other.invoke("echo", "second")

            for use in (call, look, call_another, client.ready, client.describe, client.close):
                with pytest.raises(RuntimeError, match="make one in each loop"):
                    await asyncio.to_thread(asyncio.run, use())
            assert await echo.echo("third") == "third"

    asyncio.run(main())


def test_client_of_many_goes_with_its_loop(target, caplog):
    """When that has ended: what it heard of a registry there is heard no more."""
    client = facade.AsyncClient(f"static:{target}", timeout=20)
    echo = client.refer(Echo)

    async def call():
        return await echo.echo("first")

    assert asyncio.run(call()) == "first"
    with pytest.raises(RuntimeError, match="belongs to the event loop in which it was used first"):
        asyncio.run(call())
    asyncio.run(client.close())
    assert [record for record in caplog.records if not is_of_an_empty_queue(record)] == []


def is_of_an_empty_queue(record):
    error = record.exc_info[1] if record.exc_info else None
    return isinstance(error, BlockingIOError) and "PollerCompletionQueue" in record.getMessage()


def test_loop_that_ends_before_its_client_is_closed(target, caplog):
    """What gRPC has to say of its streams comes in time: nothing is logged in the next loop, but
    that an older grpcio finds its queue empty (its loops share one).

    One stream of a loop might have its last word in time by chance: of 16 some have not."""
    client = facade.AsyncClient(target, timeout=20, connections=16)
    echo = client.refer(Echo)

    async def call(close):
        await asyncio.gather(*(echo.echo(f"{n}") for n in range(32)))
        if close:
            await client.close()

    for close in (False,) * 12 + (True,):
        asyncio.run(call(close))
    logged = [record for record in caplog.records if record.name == "asyncio"]
    texts = [record.getMessage() for record in logged if not is_of_an_empty_queue(record)]
    assert texts == []


def test_server_that_is_left_open(monkeypatch):
    """gRPC's own does not complain of the loop that is closed when it goes."""
    gc.collect()  # what others have left may complain
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)

    async def leave():
        await facade.Server("127.0.0.1:0").start()

    asyncio.run(leave())
    gc.collect()
    assert [str(complaint.exc_value) for complaint in complaints] == []
