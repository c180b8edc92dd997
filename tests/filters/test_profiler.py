import asyncio
import logging

import pytest

import facade
from facade.core import FilterSettings, LimitExceeded, TimeoutCountDown, chain
from facade.filters import profiler as module
from facade.filters.profiler import Profiler
from facade.testing import FakeInvoker, connected, connected_blocking, invocation


@facade.service("profiler.Greeter")
class Greeter:
    async def hello(self, name: str) -> str: ...


class GreeterImpl(Greeter):
    async def hello(self, name: str) -> str:
        return f"Hello {name}"


class Clock:
    """Stands still until it is told."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def runs(self, seconds, value=None):
        self.now += seconds
        return value


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "perf_counter", clock)
    return clock


@pytest.fixture(autouse=True)
def log(caplog):
    caplog.set_level(logging.WARNING, "facade.filters.profiler")
    return caplog


class Slow(facade.Filter):
    """Takes its time before and after."""

    def __init__(self, clock, before, after=0, attempts=1):
        self.clock, self.before, self.after, self.attempts = clock, before, after, attempts

    async def invoke(self, invoker, invocation):
        self.clock.runs(self.before)
        for _ in range(self.attempts):
            result = await invoker.invoke(invocation)
        self.clock.runs(self.after)
        return result


class Listens(facade.Filter):
    """Takes its time afterwards."""

    def __init__(self, clock, after):
        self.clock, self.after = clock, after

    def on_response(self, result, invoker, invocation):
        self.clock.runs(self.after)


async def call(invoker, made=None, timeout=10.0):
    return await invoker.invoke(made or invocation("hello", "s3cret", timeout=timeout))


# When it warns


@pytest.mark.behaviour("B3.37")
@pytest.mark.parametrize(("seconds", "warns"), [(6.9, False), (7.0, True), (12.0, True)])
async def test_call_is_slow_from_its_share_on(clock, log, seconds, warns):
    """70 % of the timeout: below nothing is said, from there on it is."""
    end = FakeInvoker(function=lambda _: clock.runs(seconds, "answer"))
    result = await call(chain([Profiler(0.7)], end))
    assert result.value == "answer"
    assert bool(log.records) is warns


async def test_countdown_goes_before_the_timeout(clock, log):
    """What a call has in truth is what its countdown had."""
    made = invocation(timeout=10.0, countdown=TimeoutCountDown(2.0))
    await call(chain([Profiler()], FakeInvoker(function=lambda _: clock.runs(1.6))), made)
    assert log.records[0].timeout == 2.0


async def test_call_without_a_timeout_is_never_slow(clock, log):
    """There is nothing to have a share of."""
    end = FakeInvoker(function=lambda _: clock.runs(1e6))
    await call(chain([Profiler()], end), timeout=None)
    assert not log.records


@pytest.mark.parametrize("error", [LimitExceeded("full"), asyncio.CancelledError()])
async def test_failed_call_is_told_too(clock, log, error):
    """A slow call that fails, or is given up, used its time for something."""

    def fail(_):
        clock.runs(9)
        raise error

    with pytest.raises(type(error)) as caught:
        await call(chain([Profiler(), Slow(clock, 0)], FakeInvoker(function=fail)))
    assert caught.value is error
    assert (log.records[0].elapsed, log.records[0].end) == (9, 9)


# What it tells


@pytest.mark.behaviour("B3.37")
async def test_time_is_told_by_filter_and_method(clock, log):
    """Each filter has its own time, without that of what is further in."""
    filters = [Profiler(), Slow(clock, 1, 2), Listens(clock, 0.5)]
    await call(chain(filters, FakeInvoker(function=lambda _: clock.runs(5))))
    (record,) = log.records
    assert record.filters == {"slow": 3.0, "listens": 0.5}
    assert (record.end, record.elapsed, record.timeout) == (5.0, 8.5, 10.0)
    assert record.getMessage() == (
        "slow call: 'test.Service.hello' used 8500.0 ms, 85 % of its 10000 ms, at the provider: "
        "slow 3000.0 ms, listens 500.0 ms, method 5000.0 ms"
    )


async def test_attempts_are_summed_up(clock, log):
    """What a filter calls several times is told with all of its time."""
    filters = [Profiler(), Slow(clock, 1, attempts=3)]
    await call(chain(filters, FakeInvoker(function=lambda _: clock.runs(3))))
    assert (log.records[0].filters, log.records[0].end) == ({"slow": 1.0}, 9.0)


async def test_values_are_not_told(clock, log):
    """Neither arguments nor attachments."""
    made = invocation("hello", "s3cret", attachments={"token": "t0ken"}, timeout=1.0)
    await call(chain([Profiler()], FakeInvoker(function=lambda _: clock.runs(9))), made)
    assert "s3cret" not in repr(vars(log.records[0]))
    assert "t0ken" not in repr(vars(log.records[0]))


async def test_calls_at_once_have_notes_of_their_own(log):
    """One filter, many calls: each is told with its own time."""

    async def take(made):
        await asyncio.sleep(0)

    profiled = chain([Profiler(0.001)], FakeInvoker(function=take))
    calls = [invocation("hello", n, timeout=1e-9) for n in range(20)]
    await asyncio.gather(*(profiled.invoke(made) for made in calls))
    assert len(log.records) == 20
    assert all(r.end <= r.elapsed for r in log.records)


@pytest.mark.behaviour("B3.37")
async def test_calls_of_the_method_are_told(log):
    """What the method asked of others stands with its own time, summed by their methods."""

    class Asks(Greeter):
        async def hello(self, name):
            for _ in range(2):
                await inner.refer(Greeter).hello(name)
            return name

    log.set_level(logging.WARNING)
    # Everything is slow that takes a millionth of its time.
    slow = Profiler(1e-9)
    async with (
        connected((Greeter, GreeterImpl()), filters=[Profiler(0.9)], timeout=30) as inner,
        connected(
            (Greeter, Asks()), filters=[slow], server_filters=["default", slow], timeout=30
        ) as client,
    ):
        await client.refer(Greeter).hello("Ann")
    provider, consumer = log.records
    assert (provider.side, consumer.side) == ("provider", "consumer")
    assert set(provider.nested) == {"profiler.Greeter.hello"}
    assert provider.nested["profiler.Greeter.hello"] <= provider.end
    assert "(in its calls: profiler.Greeter.hello 2 times" in provider.getMessage()
    assert "provider and network" in consumer.getMessage()
    assert consumer.nested == {}


async def test_nested_calls_do_not_pile_up(clock, monkeypatch):
    """A method that makes very many has no more than so many noted."""
    monkeypatch.setattr(module, "MOST_NESTED", 3)
    made = invocation(timeout=1.0)
    nested = chain([Profiler()], FakeInvoker())

    async def ask(_):
        for _ in range(10):
            inner = invocation()
            inner.caller = object()
            await nested.invoke(inner)
        assert len(made.attributes[module._NOTES].nested) == 3

    with facade.testing.serving(made):
        await call(chain([Profiler()], FakeInvoker(function=ask)), made)


# Around it


async def test_profiler_within_another_leaves_it_to_that(clock, log):
    """Two in one chain, of an end and of a service there: the outer one tells all, once."""
    filters = [Profiler(0.9), Slow(clock, 5), Profiler(0.3), Slow(clock, 1)]
    await call(chain(filters, FakeInvoker(function=lambda _: clock.runs(3))))
    (record,) = log.records
    assert (record.elapsed, record.end) == (9.0, 3.0)


async def test_call_that_is_made_again_is_told_again(clock, log):
    """Within a filter that tries again each attempt is a call of its own."""
    filters = [Slow(clock, 0, attempts=2), Profiler()]
    made = invocation(timeout=10.0)
    await call(chain(filters, FakeInvoker(function=lambda _: clock.runs(8))), made)
    assert [record.end for record in log.records] == [8.0, 8.0]
    assert made.attributes == {}


async def test_filters_within_see_the_rest_as_before():
    """What a filter is given still prints as the chain, and says whether it is available."""
    seen = []

    class Looks(facade.Filter):
        async def invoke(self, invoker, invocation):
            seen.append((repr(invoker), invoker.available))
            return await invoker.invoke(invocation)

    await call(chain([Profiler(), Looks(), Listens(Clock(), 0)], FakeInvoker()))
    assert seen == [("listens -> FakeInvoker", True)]


async def test_object_in_many_chains_holds_few(monkeypatch):
    """One object that serves ever new clients does not keep all of their chains."""
    monkeypatch.setattr(module, "MOST_CHAINS", 3)
    profiler = Profiler()
    for _ in range(10):
        await call(chain([profiler], FakeInvoker()))
    assert len(profiler._chains) <= 3


def test_blocking_client_is_profiled_on_its_thread(log):
    """Its chain needs no event loop."""
    with connected_blocking(
        (Greeter, GreeterImpl()), filters=[Profiler(1e-9)], timeout=30
    ) as client:
        assert client.refer(Greeter).hello("Ann") == "Hello Ann"
    assert log.records[0].side == "consumer"


# How it is switched on


async def test_share_may_differ_by_method(clock, log):
    """0 leaves a method out; what is said for one alone leaves out the others."""
    end = FakeInvoker(function=lambda _: clock.runs(5))
    for settings in (
        FilterSettings({"profiler": 0.2}, {"ping": {"profiler": 0}}),
        FilterSettings({}, {"hello": {"profiler": 0.5}}),
        FilterSettings({}, {}),
    ):
        profiled = chain([Profiler.configure(settings)], end)
        await call(profiled)
        await call(profiled, invocation("ping", timeout=10.0))
    assert [record.method for record in log.records] == ["hello", "hello"]


def test_settings_switch_it_on():
    """At either end, around what it measures."""
    invoker = facade.Server().export(Greeter, GreeterImpl(), profiler=0.7).invoker
    assert "context -> profiler -> exception -> timeout" in repr(invoker)
    client = facade.AsyncClient("nowhere:1", filter_settings={"profiler": 0.7})
    assert "consumer_context -> profiler" in repr(client.invoker)


@pytest.mark.parametrize("share", [-0.1, 1.1, 70])
def test_share_is_one_of_the_whole(share):
    """Not a percentage: the error says what is meant."""
    with pytest.raises(ValueError, match="share of the timeout"):
        Profiler(share)
    with pytest.raises(ValueError, match="share of the timeout"):
        facade.Server().export(Greeter, GreeterImpl(), methods={"hello": {"profiler": share}})
