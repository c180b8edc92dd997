"""Filters that count, time or log a call do it when its stream has ended."""

import asyncio
import logging

import pytest
from prometheus_client import CollectorRegistry

from facade.filters.access_log import AccessLog
from facade.filters.exception import Exception as LogExceptions
from facade.filters.monitor import Monitor
from facade.filters.profiler import Profiler
from facade.filters.prometheus import Prometheus
from facade.filters.trace import Trace
from facade.testing import FakeInvoker
from tests.filters.streams.ticker import HOW, TOTAL, call, giving, read, stream_that_ends

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
