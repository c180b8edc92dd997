import asyncio
import threading

import pytest

import facade
from facade.core import FilterSettings, LimitExceeded, Result
from facade.filters import monitor as module
from facade.filters.monitor import OTHERS, Key, Monitor, statistics
from facade.testing import FakeInvoker, connected, connected_blocking, invocation

KEY = Key("provider", "test.Service", "hello")


@facade.service("monitor.Greeter", version="1.0")
class Greeter:
    async def hello(self, name: str) -> str: ...


class GreeterImpl(Greeter):
    async def hello(self, name: str) -> str:
        return f"Hello {name}"


@pytest.fixture(autouse=True)
def process(monkeypatch):
    """The numbers of the process are each test's own."""
    monkeypatch.setattr(module, "_process", {})


def expired(_):
    result = Result()
    result.expired = True
    return result


async def call(filter, invoker, name="hello"):
    try:
        return await filter.invoke(invoker, invocation(name))
    except BaseException as error:
        return error


@pytest.mark.behaviour("B3.26", "B3.38", "B3.39")
async def test_calls_are_counted_by_how_they_ended():
    """Values, exceptions of the method and failures on the way are told apart, the last by
    their codes."""
    monitor = Monitor()
    for invoker in (
        FakeInvoker(1),
        FakeInvoker(2),
        FakeInvoker(exception=KeyError("x")),
        FakeInvoker(error=LimitExceeded("full")),
        FakeInvoker(exception=LimitExceeded("full")),
        FakeInvoker(error=RuntimeError("a filter")),
        FakeInvoker(error=asyncio.CancelledError()),
        FakeInvoker(function=expired),
    ):
        await call(monitor, invoker)
    (numbers,) = monitor.snapshot().values()
    assert (numbers.success, numbers.exceptions, numbers.failure) == (2, 1, 5)
    assert numbers.failures == {
        "LIMIT_EXCEEDED": 2,
        "RuntimeError": 1,
        "CANCELLED": 1,
        "TIMEOUT": 1,
    }
    assert (numbers.total, numbers.concurrent) == (8, 0)


@pytest.mark.behaviour("B3.26")
async def test_times_are_summed_and_the_longest_kept(monkeypatch):
    """By a clock of its own: 1 s, then 3 s."""
    clock = iter([0, 1, 10, 13])
    monkeypatch.setattr(module, "perf_counter", lambda: next(clock))
    monitor = Monitor()
    await call(monitor, FakeInvoker())
    await call(monitor, FakeInvoker())
    numbers = monitor.snapshot()[KEY]
    assert (numbers.elapsed, numbers.elapsed_max, numbers.elapsed_mean) == (4, 3, 2)


@pytest.mark.behaviour("B3.38")
async def test_calls_under_way_are_counted():
    """How many are at once, and how many were at most; a cancelled one is none any more."""
    monitor = Monitor()
    go = asyncio.Event()
    invoker = FakeInvoker(function=lambda _: go.wait())
    calls = [asyncio.create_task(call(monitor, invoker)) for _ in range(3)]
    await asyncio.sleep(0)
    assert monitor.snapshot()[KEY].concurrent == 3
    calls[0].cancel()
    await calls[0]
    assert monitor.snapshot()[KEY].concurrent == 2
    go.set()
    await asyncio.gather(*calls)
    numbers = monitor.snapshot()[KEY]
    assert (numbers.concurrent, numbers.concurrent_max) == (0, 3)
    assert (numbers.success, numbers.failures) == (2, {"CANCELLED": 1})


async def test_both_sides_are_kept_apart():
    """One object at both ends counts for each."""
    monitor = Monitor()
    async with connected(
        (Greeter, GreeterImpl()), filters=[monitor], server_filters=[monitor], timeout=10
    ) as client:
        await client.refer(Greeter).hello("Ann")
    assert {key: numbers.success for key, numbers in monitor.snapshot().items()} == {
        Key("consumer", "monitor.Greeter:1.0", "hello"): 1,
        Key("provider", "monitor.Greeter:1.0", "hello"): 1,
    }


def test_threads_lose_no_call():
    """Calls of a blocking client count from all of its threads."""
    monitor = Monitor()
    with connected_blocking((Greeter, GreeterImpl()), filters=[monitor], timeout=10) as client:
        greeter = client.refer(Greeter)
        threads = [
            threading.Thread(target=lambda: [greeter.hello("Ann") for _ in range(50)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    (numbers,) = monitor.snapshot().values()
    assert (numbers.success, numbers.concurrent) == (200, 0)


async def test_setting_counts_for_the_process():
    """What the setting switches on at any end is read at one place."""
    for _ in range(2):
        await call(Monitor.configure(FilterSettings({"monitor": True})), FakeInvoker())
    await call(Monitor(), FakeInvoker())
    assert {key: numbers.success for key, numbers in statistics().items()} == {KEY: 2}


async def test_numbers_start_anew():
    """After a reset nothing is left but what is under way."""
    await call(Monitor.configure(FilterSettings({"monitor": True})), FakeInvoker())
    module.reset()
    numbers = statistics()[KEY]
    assert (numbers.total, numbers.elapsed, numbers.elapsed_max) == (0, 0, 0)
    assert numbers.elapsed_mean == 0


async def test_methods_may_stay_out():
    """False for a method leaves it out, True for one alone leaves out the others."""
    for settings in (
        FilterSettings({"monitor": True}, {"ping": {"monitor": False}}),
        FilterSettings({}, {"hello": {"monitor": True}}),
    ):
        monitor = Monitor.configure(settings)
        await call(monitor, FakeInvoker())
        await call(monitor, FakeInvoker(), "ping")
    assert {key.method: numbers.success for key, numbers in statistics().items()} == {"hello": 2}


async def test_made_up_names_do_not_fill_the_memory(monkeypatch):
    """Beyond so many methods the others are counted as one."""
    monkeypatch.setattr(module, "MOST_METHODS", 3)
    monitor = Monitor()
    for number in range(10):
        await call(monitor, FakeInvoker(), f"made_up_{number}")
    numbers = monitor.snapshot()
    assert len(numbers) == 4
    assert numbers[OTHERS].success == 7


def test_ends_switch_it_on_by_keyword():
    """The setting of an export; a wrong type is an error there."""
    invoker = facade.Server().export(Greeter, GreeterImpl(), monitor=True).invoker
    assert "context -> monitor -> exception -> timeout" in repr(invoker)
    with pytest.raises(TypeError, match="monitor is bool, not str"):
        facade.Server().export(Greeter, GreeterImpl(), monitor="all")
