"""The time that is left goes on over the hops; and who stays out of it."""

import asyncio
from time import monotonic
from typing import Any

import pytest

import facade
from facade import RpcContext

LONG = 100


@facade.service("conformance.Hops")
class Hops:
    async def left(self) -> list[float | None]: ...

    @facade.method(countdown=False)
    async def apart(self) -> list[float | None]: ...

    @facade.method(countdown=True)
    async def always(self) -> list[float | None]: ...

    @facade.method(countdown=False, oneway=True)
    async def tell(self) -> None: ...


class End(Hops):
    """The last provider: what it was told."""

    def __init__(self) -> None:
        self.calls = 0

    async def left(self) -> list[float | None]:
        self.calls += 1
        countdown = RpcContext.countdown()
        return [countdown.remaining if countdown is not None else None]

    async def apart(self) -> list[float | None]:
        return await self.left()

    async def always(self) -> list[float | None]:
        return await self.left()

    async def tell(self) -> None: ...


class Hop(End):
    """Calls the next provider, by the method of the given name."""

    def __init__(self, next: Any, name: str = "left", used_up: bool = False) -> None:
        super().__init__()
        self.next = getattr(next, name)
        self.used_up = used_up

    async def left(self) -> list[float | None]:
        here = await super().left()
        if self.used_up:
            countdown = RpcContext.countdown()
            assert countdown is not None
            countdown.deadline = monotonic()  # as if it had taken that long
        return here + await self.next()


class Attempts(facade.Filter):
    """Keeps what came of each attempt."""

    def __init__(self) -> None:
        self.results: list[facade.Result] = []
        self.errors: list[BaseException] = []

    def on_response(self, result, invoker, invocation):
        self.results.append(result)

    def on_error(self, error, invoker, invocation):
        self.errors.append(error)


async def first_of(wire: Any, *hops: Any) -> Any:
    """The first of these providers, as its consumer sees it. Each makes the next one's client."""
    server = await wire.provide((Hops, hops[-1]))
    for hop in reversed(hops[:-1]):
        client = wire.hop(server, timeout=1000)
        server = await wire.provide((Hops, hop(client.refer(Hops))))
    return wire.connect(server, timeout=LONG).refer(Hops)


@pytest.mark.behaviour("B3.9", "B5.9", "B5.11", "B5.12")
async def test_three_hops(wire):
    """Each provider counts what it was told from receipt, and its own calls go on from there.
    We start it without being asked to, where Dubbo wants enable-timeout-countdown."""
    hops = await first_of(wire, Hop, Hop, End())
    first, second, third = await wire.call(hops.left)
    assert LONG > first > second > third > LONG - 50


@pytest.mark.behaviour("B5.16")
async def test_countdown_caps_and_never_lengthens(wire):
    """A hop's own shorter timeout stays. Ours: Dubbo's countdown replaces it."""
    end = await wire.provide((Hops, End()))
    middle = Hop(wire.hop(end, timeout=40).refer(Hops))
    hops = wire.connect(await wire.provide((Hops, middle)), timeout=1000).refer(Hops)
    first, second = await wire.call(hops.left)
    assert first > 900
    assert second <= 40


@pytest.mark.behaviour("B5.13", "B5.14", "B5.15", "B1.26")
async def test_nothing_left_over_three_hops(wire):
    """With nothing left the call ends at once with TIMEOUT_TERMINATE: a result with an exception,
    which no filter inside of consumer_context sees, and nothing is sent. Who asked gets a
    timeout."""
    end, inner, outer = End(), Attempts(), Attempts()
    last = await wire.provide((Hops, end))
    client = wire.hop(last, timeout=1000, filters=[outer, "default", inner])
    middle = await wire.provide((Hops, Hop(client.refer(Hops), used_up=True)))
    first = await wire.provide((Hops, Hop(wire.hop(middle, timeout=1000).refer(Hops))))
    hops = wire.connect(first, timeout=LONG).refer(Hops)
    with pytest.raises(TimeoutError):
        await wire.call(hops.left)
    (result,) = outer.results
    error = result.exception
    assert isinstance(error, facade.DeadlineExceeded)
    assert error.code is facade.Code.TIMEOUT_TERMINATE
    assert error.sent is facade.Sent.NOT_SENT
    assert str(error) == (
        "No time left for making the following call: conformance.Hops.left, terminate directly."
    )
    assert (outer.errors, inner.results, inner.errors, end.calls) == ([], [], [], 0)


@pytest.mark.behaviour("B5.9")
async def test_client_without_a_countdown(wire):
    """AsyncClient(countdown=False) does not tell the provider how long it has, and the timeout
    holds all the same at the consumer; a method may say otherwise."""
    server = await wire.provide((Hops, End()))
    hops = wire.connect(server, timeout=LONG, countdown=False).refer(Hops)
    assert await wire.call(hops.left) == [None]
    (left,) = await wire.call(hops.always)
    assert left is not None


@pytest.mark.behaviour("B5.9", "B5.13")
async def test_method_without_a_countdown(wire):
    """@facade.method(countdown=False) says so for one method, and no other."""
    hops = await first_of(wire, End())
    assert await wire.call(hops.apart) == [None]
    (left,) = await wire.call(hops.left)
    assert left is not None


@pytest.mark.behaviour("B5.13")
async def test_hop_that_opts_out(wire):
    """A hop may stay out of the countdown that is running there: its call is made although
    nothing is left, with a time of its own."""
    server = await wire.provide((Hops, End()))
    client = wire.hop(server, timeout=1000)
    hop = Hop(client.refer(Hops), "apart", used_up=True)
    first = await wire.provide((Hops, hop), filters=["-timeout"])
    hops = wire.connect(first, timeout=LONG).refer(Hops)
    left, apart = await wire.call(hops.left)
    assert left is not None
    assert apart is None


@pytest.mark.behaviour("B5.9")
async def test_oneway_without_a_countdown(wire):
    """A oneway call that stays out of it does not tell its time either."""
    told = []

    class Note(facade.Filter):
        async def invoke(self, invoker, invocation):
            told.append(invocation.countdown)
            return await invoker.invoke(invocation)

    server = await wire.provide((Hops, End()), filters=[Note()])
    hops = wire.connect(server, timeout=LONG).refer(Hops)
    await wire.call(hops.tell)
    await wire.call(hops.left)
    assert [countdown is None for countdown in told] == [True, False]


@pytest.mark.behaviour("B5.9")
async def test_timeout_without_a_countdown(wire):
    """Who does not tell the provider how long it has waits no longer for that."""

    class Never(End):
        async def apart(self) -> list[float | None]:
            started.set()
            await released.wait()
            return []

    started, released = asyncio.Event(), asyncio.Event()
    server = await wire.provide((Hops, Never()))
    client = wire.connect(server)
    await wire.call(client.ready)
    hops = client.refer(Hops)
    while not started.is_set():  # else its time was up before it was sent
        with pytest.raises(facade.DeadlineExceeded) as raised:
            await wire.call(hops.apart.options(timeout=0.1))
    assert str(raised.value).startswith("Waiting server-side response timeout")
    released.set()


@pytest.mark.behaviour("B5.17")
async def test_attempts_share_the_time(wire):
    """Each attempt has what is left of the time that the first one had; for a call within a
    call too."""

    class Twice(facade.Filter):
        async def invoke(self, invoker, invocation):
            left.append(invocation.countdown.remaining)
            await invoker.invoke(invocation)
            left.append(invocation.countdown.remaining)
            return await invoker.invoke(invocation)

    left: list[float] = []
    server = await wire.provide((Hops, End()))
    hops = wire.connect(server, timeout=LONG, filters=["default", Twice()]).refer(Hops)
    (told,) = await wire.call(hops.left)
    first, second = left
    assert first > second >= told


@pytest.mark.behaviour("B5.18")
def test_countdown_object():
    """It counts down from its timeout, is negative and expired after it, and its elapsed time is
    then more than the timeout."""
    countdown = facade.TimeoutCountDown(5)
    assert (countdown.timeout, countdown.expired) == (5, False)
    assert 0 < countdown.remaining <= 5
    assert countdown.elapsed < 5
    countdown = facade.TimeoutCountDown(5, monotonic() - 6)
    assert countdown.expired
    assert countdown.remaining < 0
    assert countdown.elapsed > 5
