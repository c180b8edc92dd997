import asyncio
import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

import facade
from facade.core import (
    FilterSettings,
    Result,
    Unavailable,
)
from facade.filters.cache import Cache
from facade.filters.provider_cache import ProviderCache
from facade.testing import FakeInvoker, connected, connected_blocking, invocation


class Counting(FakeInvoker):
    """Answers each call with a list of its own."""

    def __init__(self):
        super().__init__(function=lambda call: [len(self.invocations)])


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
