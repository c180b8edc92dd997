import contextlib
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

import facade
from facade.core import Code, LimitExceeded, Sent, Status
from facade.core.settings import FilterSettings
from facade.filters.tps_limit import TpsLimit, Window
from facade.testing import FakeInvoker, connected, invocation


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


async def passed(limit, calls, name="hello", **facts):
    """How many of so many calls got through."""
    rest = FakeInvoker("answer")
    for _ in range(calls):
        with contextlib.suppress(LimitExceeded):
            await limit.invoke(rest, invocation(name, **facts))
    return len(rest.invocations)


# The window


@pytest.mark.behaviour("B3.30")
async def test_rate_holds_for_an_interval(clock):
    """With 5 a second the sixth is refused, and a second later there are five again."""
    limit = TpsLimit(tps=5, clock=clock)
    assert await passed(limit, 6) == 5
    clock.now = 0.999
    assert await passed(limit, 6) == 0
    clock.now = 1.0
    assert await passed(limit, 6) == 5


async def test_interval_is_given_in_seconds(clock):
    """tps_interval says how long the rate holds for."""
    limit = TpsLimit(tps=2, tps_interval=60.0, clock=clock)
    assert await passed(limit, 3) == 2
    clock.now = 59.9
    assert await passed(limit, 3) == 0
    clock.now = 60.0
    assert await passed(limit, 3) == 2


async def test_edge_of_a_window_lets_no_more_through(clock):
    """Calls late in one second and early in the next are not twice the rate: in Dubbo they are."""
    limit = TpsLimit(tps=10, clock=clock)
    clock.now = 0.75
    assert await passed(limit, 20) == 10
    clock.now = 1.25
    assert await passed(limit, 20) == 0
    clock.now = 1.75
    assert await passed(limit, 20) == 10


@given(
    rate=st.integers(1, 8),
    interval=st.sampled_from([0.5, 1.0, 7.0]),
    pauses=st.lists(st.integers(0, 32).map(lambda n: n / 16), max_size=60),
)
def test_no_interval_sees_more_than_the_rate(rate, interval, pauses):
    """However calls come: in each interval, wherever it begins, no more than the rate pass; and
    one is refused only where as many have passed in the interval before it."""
    window = Window(rate, interval)
    now, admitted = 0.0, []
    for pause in pauses:
        now += pause
        before = sum(now - at < interval for at in admitted)
        if window.admit(now):
            assert before < rate
            admitted.append(now)
        else:
            assert before == rate


@pytest.mark.behaviour("B3.30")
def test_threads_share_a_window():
    """Of 50 threads that come at once with a rate of 100, exactly 100 calls get through."""
    window = Window(100, 60.0)
    got = []
    threads = [
        Thread(target=lambda: got.extend(window.admit(1.0) for _ in range(20))) for _ in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(got), len(got)) == (100, 1000)


# What is counted together


@pytest.mark.behaviour("B3.30")
async def test_methods_of_a_service_are_counted_together(clock):
    """The rate is the service's; another service, group or version has its own."""
    limit = TpsLimit(tps=3, clock=clock)
    assert await passed(limit, 2, "hello") + await passed(limit, 2, "other") == 3
    for other in ({"service": "test.Other"}, {"group": "blue"}, {"version": "2"}):
        assert await passed(limit, 4, **other) == 3


@pytest.mark.behaviour("B3.30")
async def test_method_with_a_rate_is_counted_for_itself(clock):
    """It takes nothing from the others, nor they from it, nor does it reset them; 0 is free."""
    limit = TpsLimit(
        tps=FilterSettings({"tps": 5}, {"echo": {"tps": 3}, "free": {"tps": 0}}).by_method("tps"),
        clock=clock,
    )
    assert await passed(limit, 3, "hello") == 3
    assert await passed(limit, 10, "echo") == 3
    assert await passed(limit, 10, "hello") == 2
    assert await passed(limit, 10, "free") == 10


async def test_only_a_method_has_a_rate():
    """Where the service says nothing, its other methods are free."""
    limit = TpsLimit.configure(FilterSettings({}, {"echo": {"tps": 1, "tps_interval": 600.0}}))
    assert await passed(limit, 5, "echo") == 1
    assert await passed(limit, 50, "hello") == 50


# Refusals


@pytest.mark.behaviour("B3.31")
@pytest.mark.parametrize(("caller", "sent"), [(object(), Sent.NOT_SENT), (None, Sent.NOT_EXECUTED)])
async def test_refusal_says_what_and_why(clock, caller, sent):
    """It has the method, the rate and the setting, and a code. It is raised: nothing further in
    is called, and a retry further out sees it."""
    limit = TpsLimit(tps=1, clock=clock)
    await passed(limit, 1)
    call = invocation("hello", "secret")
    call.caller = caller
    rest = FakeInvoker()
    with pytest.raises(LimitExceeded, match=r"hello .*`tps` allows 1 calls of the serv.* 1 s") as e:
        await limit.invoke(rest, call)
    assert (e.value.code, e.value.status) == (Code.LIMIT_EXCEEDED, Status.RESOURCE_EXHAUSTED)
    assert e.value.sent is sent
    assert "secret" not in str(e.value)
    assert rest.invocations == []


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"tps": -1}, "tps=-1: give a number"),
        ({"tps": 10**9}, "tps: no more than"),
        ({"tps": 5, "tps_interval": 0}, "tps_interval=0: give seconds"),
        ({"tps": 5, "tps_interval": float("nan")}, "tps_interval=nan: give seconds"),
        ({"tps": 5, "tps_interval": float("inf")}, "tps_interval=inf: give seconds"),
    ],
)
def test_bad_configuration_is_told(settings, match):
    """What can't be is refused when the filter is made."""
    with pytest.raises(ValueError, match=match):
        TpsLimit(**settings)
    with pytest.raises(ValueError, match=match):
        TpsLimit.configure(FilterSettings(settings))


@facade.service("demo.Shop")
class Shop:
    async def find(self) -> str: ...


class ShopImpl(Shop):
    async def find(self) -> str:
        return "found"


@pytest.mark.parametrize("consumer", [True, False])
async def test_both_ends_refuse(consumer):
    """The same setting holds at either end, and the error tells how far the call came."""
    own = {"tps": 2, "tps_interval": 600.0}
    filters = [] if consumer else [TpsLimit(**own)]
    async with connected((Shop, ShopImpl()), server_filters=filters, timeout=20.0) as client:
        shop = client.refer(Shop, **own) if consumer else client.refer(Shop)
        assert [await shop.find(), await shop.find()] == ["found", "found"]
        with pytest.raises(LimitExceeded, match="`tps` allows 2") as caught:
            await shop.find()
    assert caught.value.sent is (Sent.NOT_SENT if consumer else Sent.NOT_EXECUTED)
