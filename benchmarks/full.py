"""Everything on that a service may want: which filters, and with which settings.

Nothing is limited, refused or written: what is measured is the cost of looking. The records
of the access log are made and dropped; OpenTelemetry records every span and exports none.
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


def prepare() -> None:
    """Once in a process, before its filters are made."""
    root = logging.getLogger()
    root.addHandler(logging.NullHandler())
    root.setLevel(logging.INFO)
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

    trace.set_tracer_provider(TracerProvider())
    metrics.set_meter_provider(MeterProvider())
