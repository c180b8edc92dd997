"""The time that a call has left counts down over the hops."""

from time import monotonic

import pytest

import facade
from facade import RpcContext


@facade.service("countdown.Hops")
class Hops:
    async def left(self) -> list[float]: ...


class End(Hops):
    """The last provider. It counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    async def left(self) -> list[float]:
        self.calls += 1
        countdown = RpcContext.countdown()
        assert countdown is not None
        return [countdown.remaining]


class Hop(Hops):
    """Tells what is left here, and at all that it calls."""

    def __init__(self, next: Hops) -> None:
        self.next = next

    async def left(self) -> list[float]:
        countdown = RpcContext.countdown()
        assert countdown is not None
        here = countdown.remaining
        return [here, *await self.next.left()]


class Dawdler(Hop):
    """Uses up all its time before it calls the next one, and keeps the error."""

    errors: list[facade.RpcError]

    async def left(self) -> list[float]:
        countdown = RpcContext.countdown()
        assert countdown is not None
        countdown.deadline = monotonic()  # as if it had taken that long
        try:
            return await self.next.left()
        except facade.RpcError as error:
            self.errors = [error]
            raise


async def chain(wire, *kinds):
    """Providers that call each other in turn. The first one as its consumer sees it, and all."""
    hops = [End()]
    server = await wire.provide((Hops, hops[0]))
    for kind in reversed(kinds):
        hops.insert(0, kind(wire.hop(server, timeout=1000).refer(Hops)))
        server = await wire.provide((Hops, hops[0]))
    return wire.connect(server, timeout=100).refer(Hops), hops


async def test_countdown_shrinks_over_three_hops(wire):
    """Each hop has less left than the one before, whatever its client's own timeout is."""
    hops, _ = await chain(wire, Hop, Hop)
    first, second, third = await wire.call(hops.left)
    assert 100 > first > second > third > 0


async def test_timeout_of_the_caller_limits_all_hops(wire):
    """A shorter timeout of one call is the most that the last hop has, too."""
    hops, _ = await chain(wire, Hop, Hop)
    left = await wire.call(hops.left.options(timeout=30))
    assert len(left) == 3
    assert max(left) <= 30


async def test_timeout_of_a_hop_can_only_shorten(wire):
    """Where a hop's client has less time than is left, that holds from there on."""
    end = await wire.provide((Hops, End()))
    middle = Hop(wire.hop(end, timeout=50).refer(Hops))
    hops = await wire.refer(Hops, middle, timeout=1000)
    first, second = await wire.call(hops.left)
    assert first > 100
    assert second <= 50


async def test_used_up_countdown_sends_nothing(wire):
    """A hop without any time left fails at once, and the next provider is not called."""
    hops, (dawdler, end) = await chain(wire, Dawdler)
    with pytest.raises(facade.DeadlineExceeded):
        await wire.call(hops.left)
    (error,) = dawdler.errors
    assert isinstance(error, facade.DeadlineExceeded)
    assert error.code is facade.Code.TIMEOUT_TERMINATE
    assert error.sent is facade.Sent.NOT_SENT
    assert end.calls == 0


async def test_used_up_countdown_over_three_hops(wire):
    """It fails where the time is used up, in the middle, and comes out as a timeout."""
    hops, (_, dawdler, end) = await chain(wire, Hop, Dawdler)
    with pytest.raises(TimeoutError):
        await wire.call(hops.left)
    assert [error.code for error in dawdler.errors] == [facade.Code.TIMEOUT_TERMINATE]
    assert end.calls == 0


async def test_no_countdown_outside_of_a_call(wire):
    """Nothing counts where no call is served, not even after one was made."""
    hops, _ = await chain(wire)
    await wire.call(hops.left)
    assert await wire.do(RpcContext.countdown) is None
