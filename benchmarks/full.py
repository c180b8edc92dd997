"""Everything on that a service may want: which filters, and with which settings.

Nothing is limited, refused or written: what is measured is the cost of looking. The records
of the access log are made and dropped; OpenTelemetry's SDK exports nothing. It records the
span of every call, or, as is usual at such rates, of one in a hundred.
"""

import logging
from typing import Any

from facade.plugins import installed

FULL: dict[str, dict[str, Any]] = {
    "access_log": {"access_log": "bench"},
    "token": {"token": "x"},
    "execute_limit": {"executes": 1000},
    "tps_limit": {"tps": 10_000_000},
    "prometheus": {"prometheus": True},
    "otel": {"otel": True},
}


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
