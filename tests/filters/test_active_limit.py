import asyncio
import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

import facade
from facade.core import Code, LimitExceeded, Sent, Status, TimeoutCountDown
from facade.core.settings import FilterSettings
from facade.filters.active_limit import ActiveLimit
from facade.testing import FakeInvoker, connected, connected_blocking, invocation


@pytest.fixture
def gate():
    return asyncio.Event()


@pytest.fixture
def held(gate):
    """Calls stay in it until the gate is opened."""
    return FakeInvoker(function=lambda _: gate.wait())


def places(limit, name="hello"):
    return limit.places.of(invocation(name))


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.behaviour("B3.27")
@pytest.mark.parametrize("actives", [0, 1])
async def test_calls_below_the_limit_pass(actives):
    """One after the other they all do, and are counted; 0 is no limit."""
    limit = ActiveLimit(actives=actives)
    for _ in range(3):
        assert (await limit.invoke(FakeInvoker("answer"), invocation())).value == "answer"
    assert (places(limit).total, places(limit).active) == (3, 0)


@pytest.mark.behaviour("B3.27")
async def test_calls_whose_time_is_up_are_refused(held, gate):
    """Of 100 with room for 10 and next to no time, exactly 90 are refused."""
    limit = ActiveLimit(actives=10)
    calls = [
        asyncio.create_task(limit.invoke(held, invocation(countdown=TimeoutCountDown(0.001))))
        for _ in range(100)
    ]
    for call in itertools.islice(asyncio.as_completed(calls), 90):
        with pytest.raises(LimitExceeded):
            await call
    gate.set()
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(outcome, LimitExceeded) for outcome in ended) == 90
    assert (places(limit).active, places(limit).waiting) == (0, 0)


@pytest.mark.behaviour("B3.27")
@pytest.mark.parametrize("countdown", [None, 600])
async def test_calls_with_time_wait_for_their_turn(countdown):
    """All get through, in the order in which they came, and never more than may at once.
    A call without a limit of time waits without one."""
    limit = ActiveLimit(actives=3)
    order, most = [], []

    async def serve(call):
        order.append(call.arguments[0])
        most.append(places(limit).active)
        await asyncio.sleep(0)

    def call(number):
        left = None if countdown is None else TimeoutCountDown(countdown)
        return limit.invoke(
            FakeInvoker(function=serve), invocation("hello", number, countdown=left)
        )

    await asyncio.gather(*map(call, range(50)))
    assert order == list(range(50))
    assert max(most) == 3


@pytest.mark.behaviour("B3.27")
async def test_refusal_says_what_and_why(held, gate):
    """It has the method, the limit, the setting and the wait, and says that nothing was sent."""
    limit = ActiveLimit(actives=1)
    first = asyncio.create_task(limit.invoke(held, invocation()))
    await settle()
    late = invocation("hello", "secret", countdown=TimeoutCountDown(0.001))
    with pytest.raises(LimitExceeded, match=r"hello was not sent.* 1 places, and `acti") as caught:
        await limit.invoke(held, late)
    assert caught.value.sent is Sent.NOT_SENT
    assert caught.value.code is Code.LIMIT_EXCEEDED
    assert caught.value.status is Status.RESOURCE_EXHAUSTED
    assert "secret" not in str(caught.value)
    assert len(held.invocations) == 1
    gate.set()
    await first


async def test_wait_is_part_of_the_time(held, gate):
    """In a chain that starts no countdown, the time of a call that waits runs all the same."""
    limit = ActiveLimit(actives=1)
    first = asyncio.create_task(limit.invoke(held, invocation()))
    await settle()
    call = invocation(timeout=600.0)
    second = asyncio.create_task(limit.invoke(held, call))
    await settle()
    assert call.countdown.timeout == 600
    gate.set()
    await asyncio.gather(first, second)


@pytest.mark.behaviour("B3.28")
@pytest.mark.parametrize(
    "error", [RuntimeError("broken"), LimitExceeded("of another"), asyncio.CancelledError()]
)
async def test_place_comes_back_however_a_call_ends(error):
    """Errors go on as they are and count as failed; not even another limit makes one leak."""
    limit = ActiveLimit(actives=1)
    for _ in range(3):
        with pytest.raises(type(error)) as caught:
            await limit.invoke(FakeInvoker(error=error), invocation())
        assert caught.value is error
    assert (places(limit).active, places(limit).failed) == (0, 3)


async def test_cancelled_callers_take_no_place(held, gate):
    """Neither one who waits nor one who is under way."""
    limit = ActiveLimit(actives=1)
    calls = [asyncio.create_task(limit.invoke(held, invocation())) for _ in range(4)]
    await settle()
    calls[1].cancel()
    calls[0].cancel()
    await settle()
    assert places(limit).active == 1
    assert len(held.invocations) == 2
    gate.set()
    await asyncio.gather(*calls[2:])
    assert places(limit).active == 0


async def test_methods_have_limits_of_their_own(held, gate):
    """What a method says goes before what holds for all; 0 sets it free."""
    limit = ActiveLimit.configure(
        FilterSettings({"actives": 2}, {"one": {"actives": 1}, "free": {"actives": 0}})
    )
    calls = [
        asyncio.create_task(limit.invoke(held, invocation(name)))
        for name in ("one", "free", "other")
        for _ in range(5)
    ]
    await settle()
    assert [places(limit, name).active for name in ("one", "free", "other")] == [1, 5, 2]
    gate.set()
    await asyncio.gather(*calls)


def test_bad_configuration_is_told():
    """A number that is none is refused when the filter is made."""
    with pytest.raises(ValueError, match="actives=-1: give a number of calls, or 0 for no limit"):
        ActiveLimit(actives=-1)


@facade.service("demo.Shop")
class Shop:
    async def find(self, id: int) -> int: ...


class ShopImpl(Shop):
    def __init__(self):
        self.now = self.most = 0

    async def find(self, id: int) -> int:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        return id


async def test_reference_holds_its_calls_back():
    """refer(actives=2): the provider never sees more at once, and all are answered."""
    impl = ShopImpl()
    async with connected((Shop, impl), timeout=20.0) as client:
        shop = client.refer(Shop, actives=2)
        numbers = range(20)
        assert await asyncio.gather(*map(shop.find, numbers)) == list(numbers)
    assert impl.most <= 2


def test_threads_of_a_blocking_client_wait_too():
    """Its filters run on the library's loop, as one of them waits."""
    impl = ShopImpl()
    with connected_blocking((Shop, impl), timeout=20.0) as client, ThreadPoolExecutor(8) as pool:
        shop = client.refer(Shop, actives=2)
        assert list(pool.map(shop.find, range(40))) == list(range(40))
    assert impl.most <= 2
