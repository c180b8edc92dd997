import asyncio

import pytest

import facade
from facade.core import LimitExceeded, Sent, Status, TimeoutCountDown
from facade.core.settings import FilterSettings
from facade.filters.bulkhead import Bulkhead
from facade.testing import FakeInvoker, connected, invocation


@pytest.fixture
def gate():
    return asyncio.Event()


@pytest.fixture
def held(gate):
    """Calls stay in it until the gate is opened."""
    return FakeInvoker(function=lambda _: gate.wait())


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_methods_share_the_places_of_their_service(held, gate):
    """What one method takes another has not; other services are not touched."""
    bulkhead = Bulkhead(bulkhead=2)
    calls = [
        asyncio.create_task(bulkhead.invoke(held, call))
        for call in (
            invocation("a"),
            invocation("b"),
            invocation("c"),
            invocation("a", service="test.Other"),
            invocation("a", group="blue"),
        )
    ]
    await settle()
    assert [call.done() for call in calls] == [False, False, True, False, False]
    gate.set()
    await asyncio.wait(calls)
    error = calls[2].exception()
    assert isinstance(error, LimitExceeded)
    assert "`bulkhead` allows 2" in str(error)
    assert (error.status, error.sent) == (Status.RESOURCE_EXHAUSTED, Sent.NOT_EXECUTED)


async def test_queue_waits_for_places(held, gate):
    """As many wait as the queue has room for, in their order; one more is refused at once."""
    bulkhead = Bulkhead(bulkhead=1, bulkhead_queue=2)
    calls = [asyncio.create_task(bulkhead.invoke(held, invocation(n))) for n in "abcd"]
    await settle()
    assert [call.done() for call in calls] == [False, False, False, True]
    assert len(held.invocations) == 1
    gate.set()
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert [call.name for call in held.invocations] == list("abc")
    assert isinstance(ended[3], LimitExceeded)


@pytest.mark.parametrize(
    "facts", [{"countdown": TimeoutCountDown(0.001)}, {"timeout": 0.001}], ids=["countdown", "own"]
)
async def test_wait_ends_with_the_time_of_the_call(held, gate, facts):
    """Who finds no place in his time is refused, and was not sent from a consumer."""
    bulkhead = Bulkhead(bulkhead=1, bulkhead_queue=5)
    first = asyncio.create_task(bulkhead.invoke(held, invocation()))
    await settle()
    call = invocation(**facts)
    call.caller = object()
    with pytest.raises(LimitExceeded) as caught:
        await bulkhead.invoke(held, call)
    assert caught.value.sent is Sent.NOT_SENT
    gate.set()
    await first


@pytest.mark.parametrize("error", [RuntimeError("broken"), asyncio.CancelledError()])
async def test_place_comes_back_however_a_call_ends(error):
    """A call that fails or is cancelled takes no place with it."""
    bulkhead = Bulkhead(bulkhead=1)
    for _ in range(3):
        with pytest.raises(type(error)):
            await bulkhead.invoke(FakeInvoker(error=error), invocation())
    assert (await bulkhead.invoke(FakeInvoker("answer"), invocation())).value == "answer"


async def test_cancelled_while_waiting(held, gate):
    """Who is cancelled in the queue leaves it, and the next gets his turn."""
    bulkhead = Bulkhead(bulkhead=1, bulkhead_queue=2)
    calls = [asyncio.create_task(bulkhead.invoke(held, invocation(n))) for n in "abc"]
    await settle()
    calls[1].cancel()
    gate.set()
    await asyncio.wait(calls)
    assert calls[1].cancelled()
    assert [call.name for call in held.invocations] == ["a", "c"]


def test_only_a_queue_needs_the_event_loop():
    """A blocking client's calls stay on their threads where nobody waits."""
    assert not Bulkhead(bulkhead=5).needs_loop
    assert Bulkhead(bulkhead=5, bulkhead_queue=1).needs_loop


def test_bad_configuration_is_told():
    """Numbers that are none, and a method where only a service can be."""
    with pytest.raises(ValueError, match="bulkhead=-1: give a number"):
        Bulkhead(bulkhead=-1)
    with pytest.raises(ValueError, match="bulkhead_queue=-1: give a number"):
        Bulkhead(bulkhead=1, bulkhead_queue=-1)
    with pytest.raises(ValueError, match="bulkhead is for a whole service, not for 'find'"):
        Bulkhead.configure(FilterSettings({"bulkhead": 5}, {"find": {"bulkhead": 1}}))


@facade.service("demo.Shop")
class Shop:
    async def find(self) -> str: ...

    async def count(self) -> int: ...


class ShopImpl(Shop):
    def __init__(self, gate):
        self.started, self.gate = asyncio.Event(), gate

    async def find(self) -> str:
        self.started.set()
        await self.gate.wait()
        return "found"

    async def count(self) -> int:
        return 1


@pytest.mark.parametrize("consumer", [True, False])
async def test_both_ends_refuse(gate, consumer):
    """The same setting holds at either end, and the error tells how far the call came."""
    shop = ShopImpl(gate)
    filters = [] if consumer else [Bulkhead(bulkhead=1)]
    async with connected((Shop, shop), server_filters=filters, timeout=20.0) as client:
        remote = client.refer(Shop, bulkhead=1) if consumer else client.refer(Shop)
        first = asyncio.create_task(remote.find())
        await shop.started.wait()
        with pytest.raises(LimitExceeded, match="`bulkhead` allows 1") as caught:
            await remote.count()
        assert caught.value.sent is (Sent.NOT_SENT if consumer else Sent.NOT_EXECUTED)
        gate.set()
        assert await first == "found"
        assert await remote.count() == 1
