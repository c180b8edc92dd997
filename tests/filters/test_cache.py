import asyncio
import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

import facade
from facade.core import (
    DeadlineExceeded,
    FilterSettings,
    Result,
    RpcError,
    Sent,
    TimeoutCountDown,
    Unavailable,
)
from facade.filters.cache import Cache
from facade.filters.provider_cache import ProviderCache
from facade.testing import FakeInvoker, connected, connected_blocking, invocation


class Counting(FakeInvoker):
    """Answers each call with a list of its own."""

    def __init__(self):
        super().__init__(function=lambda call: [len(self.invocations)])


class Held:
    """Answers when it is told to, with what it is told."""

    def __init__(self):
        self.calls = []

    async def invoke(self, call):
        future = asyncio.get_running_loop().create_future()
        self.calls.append(future)
        return await future


async def turn():
    """Let all that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.behaviour("B3.43")
@pytest.mark.parametrize("value", ["text", None, [1], {"a": 1}])
async def test_equal_call_is_answered_without_a_call(value):
    """The second of two equal calls does not leave; None is a value like others."""
    rest, cache = FakeInvoker(value, attachments={"cost": "1"}), Cache()
    first = await cache.invoke(rest, invocation("hello", "Ann"))
    second = await cache.invoke(rest, invocation("hello", "Ann"))
    assert (first.value, second.value) == (value, value)
    assert (first.attachments, second.attachments) == ({"cost": "1"}, {})
    assert len(rest.invocations) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (invocation("a", 1), invocation("a", 2)),
        (invocation("a", 1), invocation("a", True)),
        (invocation("a", 1), invocation("a", 1.0)),
        (invocation("a", 1), invocation("a", "1")),
        (invocation("a", "x,y"), invocation("a", "x", "y")),
        (invocation("a", "x"), invocation("b", "x")),
        (invocation("a"), invocation("a", keywords={"x": 1})),
        (invocation("a", version="1"), invocation("a", version="2")),
        (invocation("a", group="1"), invocation("a", group="2")),
        (invocation("a", service="a.B"), invocation("a", service="a.C")),
    ],
)
async def test_other_calls_are_other_calls(one, other):
    """Whatever differs in what is called, or with what, has an answer of its own."""
    rest, cache = Counting(), Cache()
    assert (await cache.invoke(rest, one)).value == [1]
    assert (await cache.invoke(rest, other)).value == [2]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(PLAIN, PLAIN)
async def test_arguments_need_not_be_hashable(one, other):
    """Lists and dicts are found again by what is in them, and never taken for others."""
    rest, cache = Counting(), Cache()
    for argument in (one, copy.deepcopy(one)):
        assert (await cache.invoke(rest, invocation("a", argument))).value == [1]
    found = (await cache.invoke(rest, invocation("a", other))).value
    assert found == [2] or one == other


async def test_order_within_a_dict_does_not_count():
    """Equal dicts are equal arguments."""
    rest, cache = Counting(), Cache()
    await cache.invoke(rest, invocation("a", {"x": 1, "y": 2}))
    assert (await cache.invoke(rest, invocation("a", {"y": 2, "x": 1}))).value == [1]


async def test_each_caller_has_a_value_of_its_own():
    """What one caller does to his value, nobody else finds; nor what the method does to it."""
    kept = [1]
    rest, cache = FakeInvoker(kept), Cache()
    first = (await cache.invoke(rest, invocation("a"))).value
    first.append(2)
    second = (await cache.invoke(rest, invocation("a"))).value
    second.append(3)
    assert (await cache.invoke(rest, invocation("a"))).value == [1]


@pytest.mark.behaviour("B3.43")
async def test_failures_are_not_kept():
    """An exception of the method, a failed call and an expired answer are asked for again."""
    outcomes = [Result(exception=KeyError("x")), Unavailable("gone"), Result(), Result("value")]
    outcomes[2].expired = True

    def answer(call):
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    rest, cache = FakeInvoker(function=answer), Cache()
    assert isinstance((await cache.invoke(rest, invocation())).exception, KeyError)
    with pytest.raises(Unavailable):
        await cache.invoke(rest, invocation())
    assert (await cache.invoke(rest, invocation())).expired
    assert (await cache.invoke(rest, invocation())).value == "value"
    assert (await cache.invoke(rest, invocation())).value == "value"
    assert len(rest.invocations) == 4


@pytest.mark.parametrize(
    "call",
    [invocation("a", oneway=True), invocation("$echo", 1), invocation("a", lambda: None)],
    ids=["oneway", "built in", "callback"],
)
async def test_some_calls_pass_through(call):
    """Oneway calls, those of the library, and those with a callback always leave."""
    rest, cache = Counting(), Cache()
    for number in (1, 2):
        assert (await cache.invoke(rest, call)).value == [number]


async def test_value_without_a_copy_is_not_kept():
    """What can't be copied goes to the one who asked for it, and to nobody else."""
    rest, cache = FakeInvoker(function=lambda call: (n for n in ())), Cache()
    first = (await cache.invoke(rest, invocation())).value
    assert (await cache.invoke(rest, invocation())).value is not first


# Room and time


async def test_least_recently_used_makes_room():
    """With cache_size=2, the third answer takes the place of the one not used for longest."""
    rest, cache = Counting(), Cache(size=2)
    for name in ("a", "b", "a", "c"):
        await cache.invoke(rest, invocation("m", name))
    assert len(rest.invocations) == 3
    assert (await cache.invoke(rest, invocation("m", "a"))).value == [1]
    assert (await cache.invoke(rest, invocation("m", "b"))).value == [4]


async def test_expiring_answer_is_forgotten():
    """After cache_seconds the call leaves again."""
    now = 0.0
    rest, cache = Counting(), Cache("expiring", seconds=10, clock=lambda: now)
    await cache.invoke(rest, invocation())
    now = 9.9
    assert (await cache.invoke(rest, invocation())).value == [1]
    now = 10
    assert (await cache.invoke(rest, invocation())).value == [2]


async def test_clear_forgets():
    """After clear() each call leaves again."""
    rest, cache = Counting(), Cache()
    await cache.invoke(rest, invocation())
    cache.clear()
    assert (await cache.invoke(rest, invocation())).value == [2]


# At the same time


async def start(cache, rest, *calls):
    tasks = [asyncio.create_task(cache.invoke(rest, call)) for call in calls]
    await turn()
    return tasks


async def test_equal_calls_at_once_are_one():
    """One call leaves, and each caller has a value of its own."""
    rest, cache = Held(), Cache()
    tasks = await start(cache, rest, *(invocation() for _ in range(5)))
    assert len(rest.calls) == 1
    rest.calls[0].set_result(Result([1]))
    values = [result.value for result in await asyncio.gather(*tasks)]
    assert values == [[1]] * 5
    assert len({id(value) for value in values}) == 5


@pytest.mark.parametrize("error", [RpcError("no"), Unavailable("gone")])
async def test_failure_is_shared_and_not_kept(error):
    """Those that waited have the failure too, and the next one tries again."""
    rest, cache = Held(), Cache()
    tasks = await start(cache, rest, invocation(), invocation())
    rest.calls[0].set_exception(error)
    assert await asyncio.gather(*tasks, return_exceptions=True) == [error, error]
    await start(cache, rest, invocation())
    rest.calls[1].set_result(Result(1))


async def test_exception_of_the_method_is_shared():
    """Those that waited have what the method raised."""
    rest, cache = Held(), Cache()
    tasks = await start(cache, rest, invocation(), invocation())
    rest.calls[0].set_result(Result(exception=KeyError("x")))
    results = await asyncio.gather(*tasks)
    assert [type(result.exception) for result in results] == [KeyError, KeyError]


@pytest.mark.parametrize("how", ["cancelled", "late", "expired"])
async def test_next_one_goes_where_the_first_gave_up(how):
    """A first caller that is cancelled, or has less time, fails alone: the next one calls."""
    rest, cache = Held(), Cache()
    first, *others = await start(cache, rest, *(invocation() for _ in range(3)))
    if how == "cancelled":
        first.cancel()
    elif how == "late":
        rest.calls[0].set_exception(DeadlineExceeded("late"))
    else:
        expired = Result()
        expired.expired = True
        rest.calls[0].set_result(expired)
    await turn()
    assert len(rest.calls) == 2
    rest.calls[1].set_result(Result("value"))
    assert [result.value for result in await asyncio.gather(*others)] == ["value"] * 2
    await asyncio.gather(first, return_exceptions=True)


async def test_cancelled_waiter_leaves_the_call_alone():
    """Who stops to wait stops nobody else."""
    rest, cache = Held(), Cache()
    first, second = await start(cache, rest, invocation(), invocation())
    second.cancel()
    await turn()
    rest.calls[0].set_result(Result("value"))
    assert (await first).value == "value"
    assert second.cancelled()


@pytest.mark.parametrize(
    ("kind", "sent"), [(Cache, Sent.NOT_SENT), (ProviderCache, Sent.NOT_EXECUTED)]
)
async def test_waiting_ends_with_the_time_of_the_call(kind, sent):
    """A caller waits for an equal call no longer than for its own."""
    rest, cache = Held(), kind()
    (first,) = await start(cache, rest, invocation())
    with pytest.raises(DeadlineExceeded, match="equal call") as caught:
        await cache.invoke(rest, invocation(countdown=TimeoutCountDown(0.001)))
    assert caught.value.sent is sent
    rest.calls[0].set_result(Result("value"))
    assert (await first).value == "value"


# Configured


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"cache": "threadlocal"}, "'lru' or 'expiring'"),
        ({"cache": "lru", "cache_size": 0}, "cache_size=0"),
        ({"cache": "expiring", "cache_seconds": 0}, "cache_seconds=0"),
    ],
)
def test_wrong_settings_say_what_to_do(settings, told):
    """What can't be meant is an error at the start, of a method's settings as well."""
    with pytest.raises(ValueError, match=told):
        Cache.configure(FilterSettings(settings))
    with pytest.raises(ValueError, match=told):
        Cache.configure(FilterSettings({}, {"hello": settings}))


async def test_methods_say_for_themselves():
    """One method is kept, another is not."""
    settings = FilterSettings({"cache": "lru"}, {"now": {"cache": False}, "b": {"cache_size": 1}})
    rest, cache = Counting(), Cache.configure(settings)
    for name in ("now", "now", "b", "b"):
        await cache.invoke(rest, invocation(name))
    assert len(rest.invocations) == 3


@facade.service("test.Shop")
class Shop:
    async def price(self, item: str) -> list[int]: ...


class ShopImpl(Shop):
    def __init__(self):
        self.asked = 0

    async def price(self, item: str) -> list[int]:
        self.asked += 1
        await asyncio.sleep(0)
        return [self.asked]


@pytest.mark.parametrize("side", ["filter_settings", "server"])
async def test_it_is_switched_on_by_its_key(side):
    """At either end, cache="lru" is all it takes."""
    shop = ShopImpl()
    if side == "server":
        filters = {"server_filters": [ProviderCache()]}
    else:
        filters = {"filter_settings": {"cache": "lru"}}
    async with connected((Shop, shop), timeout=10, **filters) as client:
        prices = await asyncio.gather(*(client.refer(Shop).price("pen") for _ in range(5)))
        prices.append(await client.refer(Shop).price("pen"))
    assert prices == [[1]] * 6
    assert shop.asked == 1


def test_it_runs_once_per_end():
    """An interface that asks for it has one at the consumer and one at the provider."""
    with_cache = {"filter_settings": {"cache": "lru"}}
    client = facade.AsyncClient("localhost:1", **with_cache)
    assert "-> cache ->" in repr(client.invoker)
    server = facade.Server(**with_cache)
    assert "-> provider_cache ->" in repr(server.export(Shop, ShopImpl()).invoker)


@facade.service("test.Shop")
class BlockingShop:
    def price(self, item: str) -> list[int]: ...


def test_blocking_client():
    """Threads that ask the same at the same time share one call."""
    shop = ShopImpl()
    settings = {"filter_settings": {"cache": "lru"}, "timeout": 10}
    with connected_blocking((Shop, shop), **settings) as client:
        price = client.refer(BlockingShop).price
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(price, ["pen"] * 8)) == [[1]] * 8
