"""Oneway: what decides it, who waits for what, and where its errors go."""

import asyncio
import gc
import weakref

import pytest

import facade
from facade import InvokeMode, RpcContext, Sent
from tests.conformance.dubbo.oneway import Log, LogImpl

# The decision


@pytest.mark.behaviour("B6.1")
@pytest.mark.parametrize(
    ("method", "context", "options", "oneway"),
    [
        ("add", {}, {}, False),
        ("note", {}, {}, True),
        ("add", {"return": "false"}, {}, True),
        ("add", {"add.return": "false"}, {}, True),
        ("add", {"note.return": "false"}, {}, False),
        ("add", {"add.return": "true", "return": "false"}, {}, False),
        ("add", {}, {"attachments": {"return": "false"}}, True),
        ("add", {}, {"attachments": {"add.return": "false"}}, True),
        ("add", {}, {"oneway": True}, True),
        ("add", {"return": "true"}, {"oneway": True}, False),
        ("add", {"add.return": "true"}, {"oneway": True}, False),
        ("note", {"return": "true"}, {}, False),
        ("note", {}, {"attachments": {"note.return": "true"}}, False),
        ("note", {}, {"oneway": False}, False),
        ("note", {"return": "false"}, {"oneway": False}, True),
        ("add", {"return": "no"}, {}, False),
    ],
)
async def test_what_decides(wire, method, context, options, oneway):
    """The attachment of the method, then the plain one; then options; then the interface."""
    seen = []

    class See(facade.Filter):
        needs_loop = False

        async def invoke(self, invoker, invocation):
            seen.append(invocation.oneway)
            return await invoker.invoke(invocation)

    server = await wire.provide((Log, LogImpl()))
    log = wire.connect(server, filters=["default", See()]).refer(Log)
    await wire.do(lambda: RpcContext.client_attachments().update(context))
    value = await wire.call(getattr(log, method).options(**options), "line")
    assert seen == [oneway]
    assert value == (7 if method == "add" and not oneway else None)


@pytest.mark.behaviour("B6.2")
async def test_generic_call_is_switched_by_the_name_that_it_calls(wire):
    """Not by that of a method that stands for all."""
    impl = LogImpl()
    server = await wire.provide((Log, impl))
    generic = wire.connect(server).generic("oneway.Log")
    await wire.do(lambda: RpcContext.client_attachments().update({"add.return": "false"}))
    assert await wire.call(generic.invoke, "add", "line") is None
    assert await wire.call(generic.invoke, "add", "line") == 7


# The result


@pytest.mark.behaviour("B6.4", "B1.49")
async def test_filters_see_an_empty_result(wire):
    """They are called back at once: the call was sent, and there is no value."""
    results = []

    class Listener(facade.Filter):
        def on_response(self, result, invoker, invocation):
            results.append((result.value, result.exception, dict(result.attachments)))

    server = await wire.provide((Log, LogImpl()))
    log = wire.connect(server, filters=["default", Listener()]).refer(Log)
    await wire.call(log.note, "line")
    assert results == [(None, None, {})]


@pytest.mark.behaviour("B6.4", "B1.49")
async def test_oneway_and_asynchronous(wire):
    """Both switches at once: None at once, and a future of None."""
    impl = LogImpl()
    log = await wire.refer(Log, impl)
    assert await wire.call(log.note.options(mode=InvokeMode.ASYNC), "line") is None
    assert await wire.value(await wire.do(RpcContext.future)) is None
    future = await wire.do(log.add.options(oneway=True, mode=InvokeMode.FUTURE), "line")
    assert await wire.value(future) is None
    assert [await impl.calls.get(), await impl.calls.get()] == [("note", "line"), ("add", "line")]


@pytest.mark.behaviour("B6.3")
@pytest.mark.parametrize("wire", ["memory", "stream", "blocking"], indirect=True)
async def test_nothing_is_kept_of_it(wire):
    """No call waits at the consumer, and the id is used up."""
    impl = LogImpl()
    server = await wire.provide((Log, impl))
    client = wire.connect(server)
    log = client.refer(Log)
    await wire.call(log.add, "first")
    calls = getattr(client, "_client", client)._wire.connector.current.calls
    for method in (log.note, log.keep):
        await wire.call(method, "line")
        assert len(calls) == 0
        assert calls.posted == []
    assert calls._calls.take_id() == 7  # after 1, 3 and 5


@pytest.mark.behaviour("B6.3")
@pytest.mark.parametrize("wire", ["memory"], indirect=True)
async def test_invocation_is_let_go(wire):
    """Once its caller is gone, nothing refers to it."""
    log = await wire.refer(Log, LogImpl())
    await log.note("the first one, which connects")
    made = []

    async def call():
        await log.note("line")
        made.append(weakref.ref(RpcContext.future()))

    await asyncio.create_task(call())
    await log.add("once this is answered, that is all done")
    gc.collect()
    assert made[0]() is None


# Errors


@pytest.mark.behaviour("B6.9", "B6.10")
async def test_failures_are_counted_at_the_provider(wire):
    """Exceptions of the method, and calls of what is not there; the caller hears of neither."""

    class Failing(LogImpl):
        async def note(self, line: str) -> None:
            raise ValueError(line)

    server = await wire.provide((Log, Failing()))
    client = wire.connect(server)
    log = client.refer(Log)
    assert await wire.call(log.note, "no") is None
    assert await wire.call(client.generic("oneway.Log").method("nothing").oneway) is None
    assert await wire.call(log.add, "line") == 7
    while server.oneway_failures < 2:
        assert await wire.call(log.add, "line") == 7
    assert server.oneway_failures == 2


@pytest.mark.behaviour("B6.9")
@pytest.mark.parametrize("wire", ["memory", "stream", "unary"], indirect=True)
async def test_oneway_call_that_a_stop_ends_is_counted(wire):
    """What is cancelled as it did not end in time is not lost without a trace."""
    started = asyncio.Event()

    class Endless(LogImpl):
        async def note(self, line: str) -> None:
            started.set()
            await asyncio.Event().wait()

    server = await wire.provide((Log, Endless()))
    await wire.call(wire.connect(server).refer(Log).note, "line")
    await started.wait()
    await server.stop(grace=0.01)
    assert server.oneway_failures == 1


@pytest.mark.behaviour("B6.5")
async def test_errors_before_it_is_sent_are_the_caller_s(wire):
    """Without a provider there is a Unavailable, and nothing was sent."""
    server = await wire.provide((Log, LogImpl()))
    client = wire.connect(server, timeout=5.0, wait_for_ready=False)
    await server.stop()
    with pytest.raises(facade.Unavailable) as caught:
        await wire.call(client.refer(Log).keep, "line")
    assert caught.value.sent is Sent.NOT_SENT
