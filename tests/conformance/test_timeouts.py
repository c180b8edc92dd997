"""How long a call may take, who says so, and what happens when it takes longer."""

import asyncio
from time import monotonic

import pytest

import facade
from facade import RpcContext

# Seconds. Short: these calls are meant to expire.
SHORT = 0.1


@facade.service("timeouts.Slow", timeout=300)
class Slow:
    async def limit(self) -> float: ...

    @facade.method(timeout=200)
    async def own_limit(self) -> float: ...

    async def wait(self) -> str: ...

    @facade.method(timeout=SHORT)
    async def wait_shortly(self) -> str: ...

    @facade.method(cancel_on_timeout=True)
    async def wait_in_time(self) -> str: ...

    async def dawdle(self) -> str | None: ...


class SlowImpl(Slow):
    """``wait`` ends once it is released; ``limit`` tells how long it may take."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.released = asyncio.Event()
        self.ended = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def limit(self) -> float:
        countdown = RpcContext.countdown()
        assert countdown is not None
        return countdown.timeout

    async def own_limit(self) -> float:
        return await self.limit()

    async def wait(self) -> str:
        self.started.set()
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        self.ended.set()
        return "released"

    async def wait_shortly(self) -> str:
        return await self.wait()

    async def wait_in_time(self) -> str:
        return await self.wait()

    async def dawdle(self) -> str | None:
        countdown = RpcContext.countdown()
        assert countdown is not None
        countdown.deadline = monotonic()  # as if it had taken that long
        return "too late"


@facade.service("timeouts.Slow")
class SlowWithoutTimeouts:
    async def limit(self) -> float: ...


class Hurry(facade.Filter):
    """Gives a call less time than its caller has."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def invoke(self, invoker, invocation):
        invocation.countdown = facade.TimeoutCountDown(self.seconds)
        return await invoker.invoke(invocation)


class NoLimit(facade.Filter):
    """Lets a call wait for ever, after the filter that starts its countdown."""

    async def invoke(self, invoker, invocation):
        invocation.timeout = invocation.countdown = None
        return await invoker.invoke(invocation)


def is_about(seconds: float, expected: float) -> bool:
    """Whether it is what was given, less a little for the way."""
    return expected - 50 < seconds <= expected


# Who says how long


async def test_timeout_of_the_call_goes_before_all(wire):
    """What ``options`` says holds, over the method, the reference and the client."""
    server = await wire.provide((Slow, SlowImpl()))
    slow = wire.connect(server, timeout=500).refer(Slow, timeout=400)
    assert is_about(await wire.call(slow.own_limit.options(timeout=100)), 100)


async def test_timeout_of_the_method_goes_before_the_service(wire):
    """What the method says holds, over the reference, the interface and the client."""
    server = await wire.provide((Slow, SlowImpl()))
    slow = wire.connect(server, timeout=500).refer(Slow, timeout=400)
    assert is_about(await wire.call(slow.own_limit), 200)


async def test_timeout_of_the_reference_goes_before_the_interface(wire):
    """What ``refer`` says holds, over the interface and the client."""
    server = await wire.provide((Slow, SlowImpl()))
    slow = wire.connect(server, timeout=500).refer(Slow, timeout=400)
    assert is_about(await wire.call(slow.limit), 400)


async def test_timeout_of_the_interface_goes_before_the_client(wire):
    """What the interface says holds, over the client."""
    server = await wire.provide((Slow, SlowImpl()))
    slow = wire.connect(server, timeout=500).refer(Slow)
    assert is_about(await wire.call(slow.limit), 300)


async def test_timeout_of_the_client_is_the_default(wire):
    """Where nothing else says so, the client does, and for generic calls too."""
    server = await wire.provide((Slow, SlowImpl()))
    client = wire.connect(server, timeout=500, describe=False)
    assert is_about(await wire.call(client.refer(SlowWithoutTimeouts).limit), 500)
    assert is_about(await wire.call(client.generic("timeouts.Slow").invoke, "limit"), 500)


# What happens


async def ready(wire, impl):
    """The service, with a connection there: it is not the time to connect that is to expire."""
    slow = await wire.refer(Slow, impl)
    await wire.call(slow.limit)
    return slow


async def test_call_that_takes_too_long(wire):
    """It fails as a timeout: one of ours, and one of Python's."""
    impl = SlowImpl()
    slow = await ready(wire, impl)
    with pytest.raises(facade.DeadlineExceeded) as raised:
        await wire.call(slow.wait.options(timeout=SHORT))
    impl.released.set()
    assert isinstance(raised.value, TimeoutError)
    assert raised.value.code is facade.Code.TIMEOUT
    assert raised.value.status is facade.Status.DEADLINE_EXCEEDED


async def test_method_that_takes_longer_than_it_says(wire):
    """A timeout that the interface gives expires, too."""
    impl = SlowImpl()
    slow = await ready(wire, impl)
    with pytest.raises(facade.DeadlineExceeded):
        await wire.call(slow.wait_shortly)
    impl.released.set()


async def test_client_with_a_short_timeout(wire):
    """The client's default expires, too."""
    impl = SlowImpl()
    server = await wire.provide((Slow, impl))
    slow = wire.connect(server, timeout=SHORT, describe=False).generic("timeouts.Slow")
    await wire.call(slow.method("limit").options(timeout=20))
    with pytest.raises(facade.DeadlineExceeded):
        await wire.call(slow.invoke, "wait")
    impl.released.set()


async def test_call_after_one_that_took_too_long(wire):
    """Only the call that took too long fails; the late answer is nobody's."""
    impl = SlowImpl()
    slow = await ready(wire, impl)
    with pytest.raises(facade.DeadlineExceeded):
        await wire.call(slow.wait.options(timeout=SHORT))
    impl.released.set()
    assert await wire.call(slow.wait) == "released"
    assert await wire.call(slow.limit) > 0


async def test_message_of_a_timeout(wire):
    """It names the method, the timeout and the provider, and no argument."""
    impl = SlowImpl()
    server = await wire.provide((Slow, impl))
    client = wire.connect(server)
    slow = client.refer(Slow)
    await wire.call(slow.limit)
    with pytest.raises(facade.DeadlineExceeded) as raised:
        await wire.call(slow.wait.options(timeout=SHORT))
    impl.released.set()
    for part in ("timeouts.Slow.wait", "timeout: 100 ms", "elapsed", client.target):
        assert part in str(raised.value)


async def test_future_that_takes_too_long(wire):
    """The timeout comes out of the future."""
    impl = SlowImpl()
    slow = await ready(wire, impl)
    future = await wire.do(slow.wait_shortly.future)
    with pytest.raises(facade.DeadlineExceeded):
        await wire.value(future)
    impl.released.set()


async def until_started(wire, impl, method):
    """Let a call expire; again where it was so late that its method was not started.

    After so long that a provider of unary calls tells it from a caller who leaves, also where the
    call was 0.1 s on its way: see nearly() in facade/provider/unary.py.
    """
    while not impl.started.is_set():
        with pytest.raises(facade.DeadlineExceeded):
            await wire.call(method.options(timeout=0.25))


async def test_method_goes_on_after_its_time(wire):
    """The provider lets it finish, though nobody waits any more."""
    impl = SlowImpl()
    slow = await ready(wire, impl)
    await until_started(wire, impl, slow.wait)
    assert not impl.cancelled.is_set()
    impl.released.set()
    await asyncio.wait_for(impl.ended.wait(), 10)
    assert not impl.cancelled.is_set()


async def test_cancel_on_timeout(wire):
    """A method that says so is cancelled when its time is up, whoever still waits."""
    impl = SlowImpl()
    server = await wire.provide((Slow, impl), filters=[Hurry(SHORT), "timeout"])
    slow = wire.connect(server).refer(Slow)
    with pytest.raises(facade.DeadlineExceeded):
        await wire.call(slow.wait_in_time)
    assert impl.cancelled.is_set()
    assert not impl.ended.is_set()


async def test_late_value_is_a_timeout(wire):
    """A consumer that still waits gets a timeout for what came too late, and not None."""
    slow = await wire.refer(Slow, SlowImpl())
    with pytest.raises(facade.DeadlineExceeded, match="at the provider") as raised:
        await wire.call(slow.dawdle)
    assert raised.value.remote


async def test_late_value_without_a_limit_at_the_consumer(wire):
    """So does one who waits without any limit of his own."""
    impl = SlowImpl()
    server = await wire.provide((Slow, impl), filters=[Hurry(100), "timeout"])
    slow = wire.connect(server, filters=[NoLimit()]).refer(Slow)
    assert is_about(await wire.call(slow.limit), 100)
    with pytest.raises(facade.DeadlineExceeded, match="at the provider"):
        await wire.call(slow.dawdle)


async def test_late_exception_is_a_timeout(wire):
    """What a method raises too late is cleared as its value would be."""

    class Raising(SlowImpl):
        async def dawdle(self) -> str | None:
            await super().dawdle()
            raise ValueError("too late")

    slow = await wire.refer(Slow, Raising())
    with pytest.raises(facade.DeadlineExceeded):
        await wire.call(slow.dawdle)


async def test_late_attachments_are_cleared(wire):
    """Nor do the attachments of a late answer reach the caller."""

    class Sending(SlowImpl):
        async def dawdle(self) -> str | None:
            RpcContext.response_attachments()["late"] = "yes"
            return await super().dawdle()

        async def limit(self) -> float:
            RpcContext.response_attachments()["in"] = "time"
            return 1.0

    slow = await wire.refer(Slow, Sending())
    await wire.call(slow.limit)
    with pytest.raises(facade.DeadlineExceeded):
        await wire.call(slow.dawdle)
    assert "late" not in await wire.do(RpcContext.response_attachments)


async def test_call_that_is_late_on_arrival(wire):
    """Where no time is left when the provider comes to it, the method is not started."""
    impl = SlowImpl()
    server = await wire.provide((Slow, impl), filters=[Hurry(-1), "timeout"])
    slow = wire.connect(server).refer(Slow)
    with pytest.raises(facade.DeadlineExceeded) as raised:
        await wire.call(slow.wait)
    assert raised.value.sent is facade.Sent.NOT_EXECUTED
    assert not impl.started.is_set()


async def test_python_s_timeout_of_a_method(wire):
    """A TimeoutError that the method raises is its own, and no timeout of the call."""

    class Raising(SlowImpl):
        async def limit(self) -> float:
            raise TimeoutError("the database is slow")

    slow = await wire.refer(Slow, Raising())
    with pytest.raises(TimeoutError, match="the database is slow") as raised:
        await wire.call(slow.limit)
    assert not isinstance(raised.value, facade.RpcError)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
async def test_timeout_that_is_none(wire, timeout):
    """No time to wait, or for ever, is refused where it is written."""
    slow = await wire.refer(Slow, SlowImpl())
    with pytest.raises(ValueError, match="timeout of the call"):
        slow.limit.options(timeout=timeout)
