import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from facade.core.filter import CONSUMER
from facade.filters.otel import Otel
from facade.testing import invocation


class Telemetry:
    """A filter that records in memory, and what it recorded."""

    def __init__(self, **settings):
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider(**settings)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider([self._reader])
        self.filter = self.another()

    def another(self):
        return Otel(tracer_provider=self.tracers, meter_provider=self.meters)

    @property
    def spans(self):
        return list(self._exporter.get_finished_spans())

    def span(self, kind, method="hello"):
        [found] = [s for s in self.spans if (s.kind, s.name) == (kind, f"demo.Greeter/{method}")]
        return found

    def durations(self, name):
        data = self._reader.get_metrics_data()
        scopes = [s for r in data.resource_metrics for s in r.scope_metrics] if data else []
        metrics = [m for s in scopes for m in s.metrics if m.name == name]
        return [(m.unit, dict(p.attributes), p.count) for m in metrics for p in m.data.data_points]


@pytest.fixture
def telemetry():
    return Telemetry()


@pytest.fixture
def unsampled():
    return Telemetry(sampler=ALWAYS_OFF)


@pytest.fixture
def call():
    """Makes calls as a filter of one side finds them."""

    def make(side, **facts):
        made = invocation("hello", service="demo.Greeter", **facts)
        made.caller = object() if side is CONSUMER else None
        return made

    return make
