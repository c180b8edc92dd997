"""How long a call may take, by whose word; and what is said when it took longer."""

import asyncio
import re
from types import SimpleNamespace
from typing import Any

import pytest

import facade
from facade import RpcContext
from facade.exchange.inflight import TICK, InFlight

# Seconds. Short: these calls are meant to expire.
SHORT = 0.1

# So long that a provider of unary calls tells the end of it from a caller who leaves, also where
# the call was 0.1 s on its way: see nearly() in facade/provider/unary.py.
LONGER = 0.25

# The levels, the highest first, and the seconds that each gives where it gives any.
LEVELS = {
    "option of the call": 100,
    "context": 150,
    "method, refer": 200,
    "method, consumer's class": 250,
    "method, export": 300,
    "method, provider's class": 350,
    "interface, refer": 400,
    "interface, consumer's class": 450,
    "interface, export": 500,
    "interface, provider's class": 550,
    "client": 600,
}


def make_interface(service: float | None, method: float | None) -> type:
    """A class with these timeouts."""

    @facade.service("conformance.Limits", timeout=service)
    class Limits:
        @facade.method(timeout=method)
        async def limit(self) -> float: ...

    return Limits


class LimitsImpl:
    async def limit(self) -> float:
        countdown = RpcContext.countdown()
        assert countdown is not None
        return countdown.timeout


class Answering(facade.Filter):
    """Answers itself, with the timeout of the call."""

    async def invoke(self, invoker, invocation):
        return facade.Result(invocation.timeout)


def is_about(seconds: float, expected: float) -> bool:
    """Whether it is what was given, less a little for the way."""
    return expected - 50 < seconds <= expected


async def limit_of_a_call(wire: Any, said: dict[str, float]) -> float:
    """How long the provider is told that the call may take, where these levels say so."""
    server = await wire.provide()
    server.export(
        make_interface(
            said.get("interface, provider's class"), said.get("method, provider's class")
        ),
        LimitsImpl(),
        timeout=said.get("interface, export"),
        timeouts={"limit": said["method, export"]} if "method, export" in said else None,
    )
    client = wire.connect(server, timeout=said["client"])
    await wire.call(client.ready)
    limits = client.refer(
        make_interface(
            said.get("interface, consumer's class"), said.get("method, consumer's class")
        ),
        timeout=said.get("interface, refer"),
        timeouts={"limit": said["method, refer"]} if "method, refer" in said else None,
    )
    limit = limits.limit
    if "option of the call" in said:
        limit = limit.options(timeout=said["option of the call"])
    if "context" in said:
        await wire.do(lambda: set_timeout(said["context"] * 1000))
    return await wire.call(limit)


def set_timeout(milliseconds: Any) -> None:
    RpcContext.client_attachments()["timeout"] = str(milliseconds)


@pytest.mark.behaviour("B5.1", "B5.2", "B5.3", "B5.4", "B5.5", "B5.6", "B9.4", "B9.6")
@pytest.mark.parametrize("level", LEVELS)
async def test_levels(wire, level):
    """Call, method at the consumer, method at the provider, interface at the consumer, at the
    provider, client: the highest one that says something holds. A method's at the provider goes
    before an interface's at the consumer."""
    names = list(LEVELS)
    said = {name: LEVELS[name] for name in names[names.index(level) :]}
    assert is_about(await limit_of_a_call(wire, said), LEVELS[level])


@pytest.mark.behaviour("B5.5")
@pytest.mark.parametrize("level", list(LEVELS)[:-1])
async def test_each_level_goes_before_the_client(wire, level):
    """Each level holds where it is the only one that says something."""
    said = {level: LEVELS[level], "client": LEVELS["client"]}
    assert is_about(await limit_of_a_call(wire, said), LEVELS[level])


@pytest.mark.behaviour("B5.2", "B5.8")
def test_default():
    """Where nobody says anything, it is 1 s, with both clients."""
    interface = make_interface(None, None)
    with facade.Client("localhost:1", filters=[Answering()]) as client:
        assert client.refer(interface).limit() == 1.0
        assert client.generic("conformance.Limits").invoke("limit") == 1.0


@pytest.mark.behaviour("B5.7")
@pytest.mark.parametrize("text", ["soon", "", "0", "-5", "nan", "inf", "1e999", b"\xff", "0x10"])
def test_context_that_says_no_time(text):
    """What is no number in the context, or no time to wait, counts as not said: the next level
    holds."""
    with facade.Client("localhost:1", filters=[Answering()]) as client:
        limits = client.refer(make_interface(None, 250))
        RpcContext.client_attachments()["timeout"] = text
        assert limits.limit() == 250


@pytest.mark.behaviour("B5.2", "B5.7", "B5.10")
def test_context_in_milliseconds():
    """The context says milliseconds, as text or as a number, for one call; what was given to the
    call itself goes before it."""
    with facade.Client("localhost:1", filters=[Answering()]) as client:
        limits = client.refer(make_interface(None, 250))
        set_timeout(500)
        assert limits.limit() == 0.5
        assert limits.limit() == 250
        RpcContext.client_attachments()["timeout"] = 500
        assert limits.limit() == 0.5
        assert limits.limit.options(attachments={"timeout": "700"})() == 0.7
        set_timeout(500)
        assert limits.limit.options(timeout=3)() == 3
        assert limits.limit() == 250


@pytest.mark.behaviour("B5.10")
async def test_attachment_stays_at_the_consumer(wire):
    """The attachment that says a timeout steers the call and does not travel."""
    seen = []

    class Note(facade.Filter):
        async def invoke(self, invoker, invocation):
            seen.append((dict(invocation.attachments), invocation.timeout))
            return await invoker.invoke(invocation)

    server = await wire.provide((make_interface(None, None), LimitsImpl()), filters=[Note()])
    client = wire.connect(server)
    await wire.do(lambda: set_timeout(70_000))
    assert is_about(await wire.call(client.refer(make_interface(None, None)).limit), 70)
    ((attachments, _),) = seen
    assert "timeout" not in attachments


@pytest.mark.behaviour("B5.4")
async def test_generic_calls_take_the_provider_s(wire):
    """A call without an interface takes the provider's timeouts, the method's first."""
    server = await wire.provide()
    server.export(make_interface(None, None), LimitsImpl(), timeout=300)
    client = wire.connect(server, timeout=600)
    await wire.call(client.ready)
    assert is_about(await wire.call(client.generic("conformance.Limits").invoke, "limit"), 300)


# When it takes longer


@pytest.mark.behaviour("B5.19")
def test_timer_is_never_early():
    """A timeout is noticed at most a tick late (5 ms; Dubbo's wheel: 30 ms), and never early."""
    table: InFlight[Any] = InFlight()
    call = SimpleNamespace(deadline=101.0)
    table.open(call)
    assert table.expire(100.999) == []
    at = table.next_expiry()
    assert at is not None
    assert 101.0 <= at <= 101.0 + TICK
    assert [pending for _, pending in table.expire(at)] == [call]


@facade.service("conformance.Waiter")
class Waiter:
    async def wait(self, secret: str) -> str: ...


class WaiterImpl(Waiter):
    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.released = asyncio.Event()
        self.ended = asyncio.Event()

    async def wait(self, secret: str) -> str:
        self.started.set()
        await self.released.wait()
        self.ended.set()
        return secret


MESSAGE = re.compile(
    r"Waiting server-side response timeout\. "
    r"start time: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}, "
    r"end time: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}, "
    r"client elapsed: \d+ ms, server elapsed: \d+ ms, timeout: 100 ms, "
    r"request: conformance\.Waiter\.wait, channel: (here|injvm:\d+) -> \S+"
)


@pytest.mark.behaviour("B5.20", "B5.21", "B5.26")
async def test_timeout_at_the_provider(wire):
    """A call that was sent says that the provider took too long: from when to when, whose share
    was how long, the timeout, the method and both addresses; never an argument."""
    impl = WaiterImpl()
    server = await wire.provide((Waiter, impl))
    client = wire.connect(server)
    await wire.call(client.ready)
    while not impl.started.is_set():  # else it was late before it was started
        with pytest.raises(facade.DeadlineExceeded) as raised:
            await wire.call(client.refer(Waiter).wait.options(timeout=SHORT), "hunter2")
    impl.released.set()
    text = str(raised.value)
    assert MESSAGE.fullmatch(text), text
    assert client.target in text
    assert "hunter2" not in text
    assert raised.value.sent is facade.Sent.MAYBE_EXECUTED
    assert raised.value.code is facade.Code.TIMEOUT


class Spend(facade.Filter):
    """Uses up the time of a call before it is sent."""

    async def invoke(self, invoker, invocation):
        invocation.countdown = facade.TimeoutCountDown(SHORT, invocation.countdown.deadline - 1000)
        return await invoker.invoke(invocation)


@pytest.mark.behaviour("B5.21", "B5.26")
@pytest.mark.parametrize("wire", ["memory", "stream", "blocking"], indirect=True)
async def test_timeout_at_the_client(wire):
    """A call that did not leave in time says so, with the time that went by here alone."""
    impl = WaiterImpl()
    server = await wire.provide((Waiter, impl))
    client = wire.connect(server, filters=["default", Spend()])
    await wire.call(client.ready)
    with pytest.raises(facade.DeadlineExceeded) as raised:
        await wire.call(client.refer(Waiter).wait, "hunter2")
    text = str(raised.value)
    assert text.startswith("Sending request timeout in client-side. start time: ")
    assert re.search(r"end time: \S+ \S+, elapsed: \d+ ms, timeout: 100 ms, ", text)
    assert "server elapsed" not in text
    assert raised.value.sent is facade.Sent.NOT_SENT
    assert not impl.started.is_set()


@pytest.mark.behaviour("B5.27", "B3.42")
async def test_provider_is_not_told(wire):
    """The method goes on when its caller's time is up."""
    impl = WaiterImpl()
    server = await wire.provide((Waiter, impl))
    client = wire.connect(server)
    await wire.call(client.ready)
    while not impl.started.is_set():  # else it was late before it was started
        with pytest.raises(facade.DeadlineExceeded):
            await wire.call(client.refer(Waiter).wait.options(timeout=LONGER), "")
    assert not impl.ended.is_set()
    impl.released.set()
    await asyncio.wait_for(impl.ended.wait(), 20)


@pytest.mark.behaviour("B5.23", "B5.24", "B5.25")
@pytest.mark.parametrize("wire", ["memory", "stream", "blocking"], indirect=True)
async def test_late_result(wire, caplog):
    """The answer to a call whose time was up is logged once, counted and dropped; later calls
    are not touched by it."""
    impl = WaiterImpl()
    server = await wire.provide((Waiter, impl))
    client = wire.connect(server)
    await wire.call(client.ready)
    waiter = client.refer(Waiter)
    late = 0
    while not impl.started.is_set():
        with pytest.raises(facade.DeadlineExceeded) as raised:
            await wire.call(waiter.wait.options(timeout=SHORT), "hunter2")
        late += raised.value.sent is facade.Sent.MAYBE_EXECUTED and not raised.value.remote
    impl.released.set()
    assert await wire.call(waiter.wait, "in time") == "in time"  # it comes after the late one
    assert client.late_results == len(late_warnings(caplog)) == late
    text = late_warnings(caplog)[-1]
    pattern = r"the answer to call \d+ came late, from \S+, with the status (OK|expired)"
    assert re.match(pattern, text)
    assert "hunter2" not in text
    await wire.call(client.close)
    assert client.late_results == late


def late_warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelname == "WARNING" and "came late" in record.getMessage()
    ]
