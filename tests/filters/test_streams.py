"""What filters do with a method whose value is a stream: the call lasts until that has ended."""

import asyncio
import gc
import logging

import pytest
from prometheus_client import CollectorRegistry

import facade
from facade.core import Method, Parameter, Result, Sent, TimeoutCountDown
from facade.core.stream import Watched, at_end, is_stream
from facade.filters.access_log import AccessLog
from facade.filters.active_limit import ActiveLimit
from facade.filters.adaptive_limit import AdaptiveLimit
from facade.filters.bulkhead import Bulkhead
from facade.filters.cache import Cache
from facade.filters.exception import Exception as LogExceptions
from facade.filters.execute_limit import ExecuteLimit
from facade.filters.hedge import Hedge
from facade.filters.monitor import Monitor
from facade.filters.profiler import Profiler
from facade.filters.prometheus import Prometheus
from facade.filters.retry import Retry
from facade.filters.timeout import Timeout
from facade.filters.trace import Trace
from facade.filters.validation import Validation
from facade.testing import FakeInvoker, invocation

COUNT = Method("demo.Ticker", "count", (Parameter("n", int),), int, yields=True, idempotent=True)
TOTAL = Method(
    "demo.Ticker",
    "total",
    (Parameter("numbers", int),),
    int,
    streamed=("numbers",),
    idempotent=True,
)


class Odd(Exception):
    pass


async def numbers(error=None):
    yield 1
    yield 2
    if error is not None:
        raise error


def call(method=COUNT, *arguments):
    made = invocation(method.name, *arguments, service=method.service)
    made.method = method
    return made


def giving(error=None):
    return FakeInvoker(function=lambda _: numbers(error))


async def read(stream):
    return [value async for value in stream]


async def end_with(stream, how):
    """Let it end in this way."""
    if how == "end":
        assert await read(stream) == [1, 2]
    elif how == "error":
        with pytest.raises(Odd):
            await read(stream)
    elif how == "close":
        assert await anext(stream) == 1
        await stream.aclose()
    else:
        assert await anext(stream) == 1


HOW = ["end", "error", "close", "let go"]


async def stream_that_ends(filter, how, made=None):
    """Give its stream by the filter, with what is seen before its end; then end it."""
    error = Odd("broke") if how == "error" else None
    result = await filter.invoke(giving(error), made or call())
    yield
    stream, result.value = result.value, None
    await end_with(stream, how)
    del stream
    gc.collect()
    await asyncio.sleep(0)


# Watched


@pytest.mark.parametrize("how", HOW)
async def test_end_is_told_once(how):
    """However the stream ends: with a Result, or CancelledError where its reader left."""
    told = []
    result = Result(numbers(Odd() if how == "error" else None))
    at_end(result, told.append)
    assert told == []
    stream, result.value = result.value, None
    await end_with(stream, how)
    del stream
    gc.collect()
    await asyncio.sleep(0)
    (outcome,) = told
    if how in ("end", "error"):
        assert isinstance(outcome, Result)
        assert isinstance(outcome.exception, Odd) == (how == "error")
    else:
        assert isinstance(outcome, asyncio.CancelledError)


async def test_end_of_one_that_wants_to_exit():
    """SystemExit is its error, and not a reader who left."""
    told = []
    result = await giving(SystemExit(1)).invoke(call())
    at_end(result, told.append)
    with pytest.raises(SystemExit):
        await read(result.value)
    (outcome,) = told
    assert isinstance(outcome.exception, SystemExit)


async def test_several_are_told():
    """The innermost first, and each whatever another raises; values pass one layer."""
    told = []

    def fail(outcome):
        told.append("inner")
        raise Odd("of its own")

    result = Result(numbers())
    at_end(result, fail)
    watched = result.value
    at_end(result, lambda outcome: told.append("outer"))
    assert result.value is watched
    with pytest.raises(Odd, match="own"):
        await read(result.value)
    assert told == ["inner", "outer"]
    at_end(result, told.append)  # after its end
    assert await read(result.value) == []
    assert len(told) == 3


async def test_plain_value_has_ended():
    """It is told at once, with the result itself."""
    told = []
    result = Result(5)
    at_end(result, told.append)
    assert told == [result]


async def test_values_pass_by():
    """A filter may change or refuse each."""
    stream = Watched(numbers(), item=lambda value: value * 10)
    assert is_stream(stream)
    assert await read(stream) == [10, 20]

    def refuse(value):
        raise Odd("no")

    told = []
    stream = Watched(numbers(), item=refuse, end=told.append)
    with pytest.raises(Odd, match="no"):
        await anext(stream)
    assert isinstance(told[0].exception, Odd)


async def test_reader_that_is_cancelled_has_not_left():
    """He may come back; nothing is told until he has closed it."""
    waiting = asyncio.Queue()

    class Values:
        def __aiter__(self):
            return self

        async def __anext__(self):
            return await waiting.get()

    told = []
    stream = Watched(Values(), end=told.append)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(stream), 0)
    waiting.put_nowait(1)
    assert await anext(stream) == 1
    assert told == []
    await stream.aclose()
    assert len(told) == 1


# Places


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("kind", [ExecuteLimit, ActiveLimit], ids=["executes", "actives"])
async def test_place_is_held_until_the_end(kind, how):
    """The place of a stream comes back with its end, however that comes."""
    limit = kind(**{"executes" if kind is ExecuteLimit else "actives": 1})
    places = limit.places.of(call())
    async for _ in stream_that_ends(limit, how):
        assert (places.active, places.total) == (1, 0)
    assert (places.active, places.total) == (0, 1)
    assert places.failed == (how in ("close", "let go"))


@pytest.mark.parametrize("how", HOW)
async def test_bulkhead_is_held_until_the_end(how):
    """A stream takes one of its places for as long as it lasts."""
    bulkhead = Bulkhead(bulkhead=1)
    async for _ in stream_that_ends(bulkhead, how):
        with pytest.raises(facade.LimitExceeded):
            await bulkhead.invoke(FakeInvoker("more"), call())
    assert (await bulkhead.invoke(FakeInvoker("more"), call())).value == "more"


@pytest.mark.parametrize("how", HOW)
async def test_adaptive_limit_counts_streams_and_learns_nothing(how):
    """They run, but how long they do is their reader's doing."""
    limit = AdaptiveLimit(adaptive_limit=1)
    async for _ in stream_that_ends(limit, how):
        with pytest.raises(facade.LimitExceeded):
            await limit.invoke(FakeInvoker("more"), call())
    (learnt,) = limit._limits.values()
    assert (learnt.active, learnt._count) == (0, 0)


# What is told of them

OUTCOMES = {"end": "ok", "error": "exception", "close": "cancelled", "let go": "cancelled"}


@pytest.mark.parametrize("how", HOW)
async def test_access_log_has_a_line_when_it_ends(how, caplog):
    """With how it ended, and the time to its end."""
    caplog.set_level(logging.INFO, "facade.access")
    async for _ in stream_that_ends(AccessLog(), how):
        assert not caplog.records
    (record,) = caplog.records
    assert record.outcome == OUTCOMES[how]
    assert record.elapsed > 0


@pytest.mark.parametrize("how", HOW)
async def test_monitor_counts_it_when_it_ends(how):
    """Until then it is under way."""
    monitor = Monitor()
    async for _ in stream_that_ends(monitor, how):
        (statistics,) = monitor.snapshot().values()
        assert (statistics.concurrent, statistics.total) == (1, 0)
    (statistics,) = monitor.snapshot().values()
    assert (statistics.concurrent, statistics.total) == (0, 1)
    assert statistics.success == (how == "end")
    assert statistics.exceptions == (how == "error")
    assert statistics.failures == ({"CANCELLED": 1} if how in ("close", "let go") else {})


@pytest.mark.parametrize("how", HOW)
async def test_prometheus_counts_it_when_it_ends(how):
    """Under the type that gRPC has for it."""
    registry = CollectorRegistry()
    labels = {"grpc_type": "server_stream", "grpc_service": "demo.Ticker", "grpc_method": "count"}

    def value(name, **more):
        return registry.get_sample_value(name, labels | more)

    async for _ in stream_that_ends(Prometheus(registry), how):
        assert value("grpc_server_started_total") == 1
        assert value("grpc_server_handling_seconds_count") == 0
    code = {"end": "OK", "error": "Unknown"}.get(how, "Canceled")
    assert value("grpc_server_handled_total", grpc_code=code) == 1
    assert value("grpc_server_handling_seconds_count") == 1


@pytest.mark.parametrize(
    ("method", "type"),
    [
        (TOTAL, "client_stream"),
        (TOTAL._replace(yields=True), "bidi_stream"),
        (TOTAL._replace(streamed=()), "unary"),
    ],
)
async def test_types_of_methods_for_prometheus(method, type):
    """As gRPC calls them."""
    registry = CollectorRegistry()
    await Prometheus(registry).invoke(FakeInvoker(5), call(method))
    labels = {"grpc_type": type, "grpc_service": "demo.Ticker", "grpc_method": "total"}
    assert registry.get_sample_value("grpc_server_started_total", labels) == 1


@pytest.mark.parametrize("how", HOW)
async def test_trace_shows_it_when_it_ends(how):
    """With what it raised; its values are not kept."""
    trace = Trace()
    with trace.watch("demo.Ticker", values=True) as seen:
        async for _ in stream_that_ends(trace, how):
            assert seen._records.empty()
        record = await anext(seen)
    failed = {"end": "", "error": "Odd"}.get(how, "CancelledError")
    assert (record.failed, record.value) == (failed, None)


@pytest.mark.parametrize("how", HOW)
async def test_profiler_looks_at_the_whole_of_it(how, caplog):
    """What is slow is the stream, and no filter further in."""
    made = call()
    made.timeout = 1e-9
    async for _ in stream_that_ends(Profiler(), how, made):
        assert not caplog.records
        await asyncio.sleep(0.002)
    (record,) = caplog.records
    assert record.end >= 0.002
    assert made.attributes == {}


async def test_exception_in_the_middle_is_logged(caplog):
    """As one that the method raises: undeclared ones, once, with the traceback."""
    filter = LogExceptions()
    async for _ in stream_that_ends(filter, "error"):
        assert not caplog.records
    (record,) = caplog.records
    assert "raised the undeclared" in record.getMessage()
    assert record.exc_info[1].args == ("broke",)
    for how in ("end", "close", "let go"):
        async for _ in stream_that_ends(filter, how):
            pass
    result = await filter.invoke(giving(ValueError("Python's own")), call())
    with pytest.raises(ValueError, match="own"):
        await read(result.value)
    assert len(caplog.records) == 1


# What must not happen to them


async def test_timeout_leaves_a_stream_that_was_given_in_time():
    """Its time may run out while it is read; that is the exchange's matter."""
    made = call()
    made.countdown = TimeoutCountDown(0.02)
    result = await Timeout().invoke(giving(), made)
    await asyncio.sleep(0.03)
    assert made.countdown.expired
    assert not result.expired
    assert await read(result.value) == [1, 2]


@pytest.mark.parametrize("method", [COUNT, None], ids=["method", "without an interface"])
async def test_cache_keeps_no_stream(method):
    """Each call has its own."""
    cache = Cache()
    invoker = giving()
    for _ in range(2):
        made = call()
        made.method = method
        assert await read((await cache.invoke(invoker, made)).value) == [1, 2]
    assert len(invoker.invocations) == 2


async def test_cache_passes_by_arguments_that_are_streams():
    """Also where they are lists, which could be compared."""
    cache, invoker = Cache(), FakeInvoker(3)
    for _ in range(2):
        await cache.invoke(invoker, call(TOTAL, [1, 2]))
    assert len(invoker.invocations) == 2


async def test_hedge_makes_one_attempt():
    """However long it takes."""

    async def slow(_):
        await asyncio.sleep(0.02)
        return numbers()

    invoker = FakeInvoker(function=slow)
    result = await Hedge(hedge_after=0.001).invoke(invoker, call())
    assert await read(result.value) == [1, 2]
    assert len(invoker.invocations) == 1


@pytest.mark.parametrize(
    ("method", "sent", "attempts"),
    [
        (TOTAL, Sent.NOT_SENT, 3),
        (TOTAL, Sent.NOT_EXECUTED, 1),
        (TOTAL, Sent.MAYBE_EXECUTED, 1),
        (COUNT, Sent.NOT_SENT, 3),
        (COUNT, Sent.NOT_EXECUTED, 3),
        (COUNT, Sent.MAYBE_EXECUTED, 3),
    ],
)
async def test_retry_sends_an_argument_once(method, sent, attempts):
    """Where it was perhaps sent, nothing is repeated; a stream that is asked for may be."""
    retry = Retry(retries=2, retry_backoff=0, retry_budget=10)
    retry.budget.answered()
    invoker = FakeInvoker(error=facade.Unavailable("gone", sent=sent))
    with pytest.raises(facade.Unavailable):
        await retry.invoke(invoker, call(method, numbers()))
    assert len(invoker.invocations) == attempts


async def test_attempt_timeout_is_not_for_streams():
    """It would end one that was given in time."""
    seen = []

    def method(made):
        seen.append(made.countdown)
        return numbers()

    await Retry(attempt_timeout=0.1).invoke(FakeInvoker(function=method), call())
    assert seen == [None]


async def test_validation_passes_by_streams():
    """A list that is given for one is no misfit."""
    result = await Validation().invoke(FakeInvoker(3), call(TOTAL, [1, 2]))
    assert result.value == 3
