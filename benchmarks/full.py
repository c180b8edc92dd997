"""What do filters cost: one more that does nothing, or everything on that a service may want?

Nothing is limited, refused or written: what is measured is the cost of looking. The records
of the access log are made and dropped; OpenTelemetry's SDK exports nothing. It records the
span of every call, or, as is usual at such rates, of one in a hundred.
"""

import logging
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import facade
from benchmarks.bench import Bench, Line, note
from benchmarks.calls import call_facade_aio
from benchmarks.echo import Ready, serve_facade
from benchmarks.load import Use
from facade.plugins import installed

FULL: dict[str, dict[str, Any]] = {
    "access_log": {"access_log": "bench"},
    "token": {"token": "x"},
    "execute_limit": {"executes": 1000},
    "tps_limit": {"tps": 10_000_000},
    "prometheus": {"prometheus": True},
    "otel": {"otel": True},
}

SAMPLED = 0.01


def lines(bench: Bench) -> Iterator[Line]:
    yield bench.compare(
        "filter noop",
        "facade-noop",
        "facade-aio",
        256,
        ratio=lambda ours, theirs: max(0.0, 100 * (1 - ours / theirs)),
    )
    if find_spec("opentelemetry.sdk") is None:
        note("ratio aio 256 full: skipped, as opentelemetry-sdk is not installed")
        return
    if missing():
        note(f"ratio aio 256 full: without {', '.join(missing())}, which is not installed")
    yield bench.compare("ratio aio 256 full", "facade-full", "bare-aio", 256)
    yield bench.compare("ratio aio 256 sampled", "full-sampled", "bare-aio", 256)


def full_settings() -> dict[str, Any]:
    """For both ends."""
    return {
        key: value
        for name, settings in FULL.items()
        if name in installed()
        for key, value in settings.items()
    }


def missing() -> list[str]:
    return [name for name in FULL if name not in installed()]


def prepare(share: float = 1.0) -> None:
    """Once in a process, before its filters are made. ``share`` of the spans are recorded."""
    root = logging.getLogger()
    root.addHandler(logging.NullHandler())
    root.setLevel(logging.INFO)
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    trace.set_tracer_provider(TracerProvider(sampler=ParentBased(TraceIdRatioBased(share))))
    metrics.set_meter_provider(MeterProvider())


class Noop(facade.Filter):
    """What any filter costs at least."""

    async def invoke(self, invoker: facade.Invoker, invocation: facade.Invocation) -> facade.Result:
        return await invoker.invoke(invocation)


# The sides


def serve_full(ready: Ready, share: float = 1.0) -> None:
    prepare(share)
    serve_facade(ready, filter_settings=full_settings())


def serve_sampled(ready: Ready) -> None:
    serve_full(ready, SAMPLED)


def call_noop(port: int, use: Use) -> None:
    call_facade_aio(port, use, filters=["default", Noop()])


def call_full(port: int, use: Use, share: float = 1.0) -> None:
    prepare(share)
    call_facade_aio(port, use, filter_settings=full_settings())


def call_sampled(port: int, use: Use) -> None:
    call_full(port, use, SAMPLED)
