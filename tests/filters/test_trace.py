import asyncio
import threading

import pytest

import facade
from facade.core import FilterSettings, LimitExceeded, Result
from facade.filters import trace as module
from facade.filters.trace import Trace
from facade.testing import FakeInvoker, connected, invocation


@facade.service("trace.Greeter", version="1.0")
class Greeter:
    async def hello(self, name: str) -> str: ...


class GreeterImpl(Greeter):
    async def hello(self, name: str) -> str:
        return f"Hello {name}"


def expired(_):
    result = Result()
    result.expired = True
    return result


async def call(filter, invoker=None, name="hello", **facts):
    try:
        return await filter.invoke(invoker or FakeInvoker(), invocation(name, "Ann", **facts))
    except BaseException as error:
        return error


@pytest.mark.behaviour("B3.36")
async def test_so_many_calls_are_watched():
    """The next n calls of the method are told, and then the watch has ended."""
    trace = Trace()
    watch = trace.watch("test.Service", "hello", times=2)
    for name in ("hello", "other", "hello", "hello"):
        await call(trace, name=name, remote_application="shop")
    seen = [record async for record in watch]
    assert [record.method for record in seen] == ["hello", "hello"]
    assert (seen[0].service, seen[0].application) == ("test.Service", "shop")
    assert seen[0].peer == "ipv4:127.0.0.1:50051"
    assert seen[0].elapsed >= 0
    assert [record async for record in watch] == []


@pytest.mark.behaviour("B3.36")
async def test_whole_service_is_watched_where_no_method_is_named():
    """By its name, or by its key with group and version."""
    trace = Trace()
    watches = [trace.watch("test.Service", times=2), trace.watch("g/test.Service:1", times=2)]
    for name in ("hello", "other"):
        await call(trace, name=name, group="g", version="1")
        await call(trace, name=name, service="other.Service")
    for watch in watches:
        assert [record.method async for record in watch] == ["hello", "other"]


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        (FilterSettings({"trace": True}, {"other": {"trace": False}}), ["hello"]),
        (FilterSettings({}, {"other": {"trace": True}}), ["other"]),
        (FilterSettings(), ["hello", "other"]),
    ],
)
async def test_methods_say_for_themselves_whether_they_can_be_watched(settings, seen):
    """As for all; and where it is only named, all can."""
    trace = Trace.configure(settings)
    with module.watch("test.Service", times=2) as watch:
        for name in ("hello", "other"):
            await call(trace, name=name)
    assert [record.method async for record in watch] == seen


async def test_values_are_told_only_when_asked_for():
    """And even then they are not in the text of a record."""
    trace = Trace()
    plain, asked = trace.watch("test.Service"), trace.watch("test.Service", values=True)
    await call(trace, FakeInvoker("an answer"), keywords={"pin": 1})
    record = await anext(plain)
    assert (record.arguments, record.keywords, record.value) == ((), {}, None)
    record = await anext(asked)
    assert (record.arguments, record.keywords, record.value) == (("Ann",), {"pin": 1}, "an answer")
    assert "Ann" not in repr(record)
    assert "answer" not in repr(record)


@pytest.mark.parametrize(
    ("invoker", "failed"),
    [
        (FakeInvoker(), ""),
        (FakeInvoker(exception=KeyError("x")), "KeyError"),
        (FakeInvoker(error=LimitExceeded("full")), "LimitExceeded LIMIT_EXCEEDED"),
        (FakeInvoker(error=asyncio.CancelledError()), "CancelledError"),
        (FakeInvoker(function=expired), "expired"),
    ],
)
async def test_failed_calls_are_told(invoker, failed):
    """However a call ends, it is seen, and ends no other way for it."""
    trace = Trace()
    watch = trace.watch("test.Service", values=True)
    await call(trace, invoker)
    assert (await anext(watch)).failed == failed


async def test_waiting_watch_is_woken():
    """Who waits for a call gets it when it ends, of as many as run at once."""
    trace = Trace()
    watch = trace.watch("test.Service", times=20)

    async def wait():
        return [record async for record in watch]

    waiting = asyncio.create_task(wait())
    await asyncio.gather(*(call(trace) for _ in range(30)))
    assert len(await waiting) == 20


async def test_closed_watch_sees_no_more():
    """At the end of its block it ends, with what it saw before, and the filter forgets it."""
    trace = Trace()
    with trace.watch("test.Service", times=5) as watch:
        await call(trace)
    await call(trace)
    assert len([record async for record in watch]) == 1
    assert trace._watches.open == ()


async def test_cancelled_watcher_can_go_on():
    """Who gives up waiting loses no record."""
    trace = Trace()
    watch = trace.watch("test.Service")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(watch), 0)
    await call(trace)
    assert (await anext(watch)).method == "hello"


async def test_watch_in_another_thread():
    """An event loop beside the server's may watch."""
    trace = Trace()
    ready, seen = threading.Event(), []

    async def look():
        watch = trace.watch("test.Service", times=2)
        ready.set()
        seen.extend([record.method async for record in watch])

    thread = threading.Thread(target=lambda: asyncio.run(look()))
    thread.start()
    await asyncio.to_thread(ready.wait)
    await call(trace)
    await call(trace)
    await asyncio.to_thread(thread.join)
    assert seen == ["hello", "hello"]


@pytest.mark.behaviour("B3.36")
async def test_watcher_that_is_gone_is_forgotten():
    """One whose event loop has ended harms no call."""
    trace = Trace()

    async def leave():
        trace.watch("test.Service", times=5)

    await asyncio.to_thread(lambda: asyncio.run(leave()))
    assert isinstance(await call(trace), Result)
    assert trace._watches.open == ()


async def test_setting_lets_the_process_watch():
    """What is exported with the setting is watched by the function."""
    filter = Trace.configure(FilterSettings({"trace": True}))
    with module.watch("test.Service") as watch:
        await call(filter)
        await call(Trace())
        assert (await anext(watch)).method == "hello"


async def test_provider_is_watched_end_to_end():
    """Who called is told by the application that he says he is."""
    trace = Trace()
    async with connected(
        (Greeter, GreeterImpl()), server_filters=[trace], application="shop", timeout=10
    ) as client:
        watch = trace.watch("trace.Greeter:1.0", "hello")
        await client.refer(Greeter).hello("Ann")
        assert (await anext(watch)).application == "shop"


async def test_watch_says_what_is_wrong():
    """No call at all, and no service, are errors at once."""
    with pytest.raises(ValueError, match="times=0: at least 1 call"):
        Trace().watch("test.Service", times=0)
    with pytest.raises(ValueError, match="name of a service"):
        module.watch("")


def test_only_a_provider_is_traced():
    """The setting switches it on there, outside of what refuses."""
    invoker = facade.Server().export(Greeter, GreeterImpl(), trace=True).invoker
    assert "context -> trace -> exception -> timeout" in repr(invoker)
    client = facade.AsyncClient("nowhere:1", filter_settings={"trace": True})
    assert "trace" not in repr(client.invoker)
