import asyncio
import contextlib
import sys

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

import facade
from facade.core.filter import CONSUMER, PROVIDER
from facade.filters.otel import Otel, _server_at
from facade.plugins import resolve
from facade.testing import FakeInvoker, connected, connected_blocking, invocation

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE_ID, PARENT_ID = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331


@facade.service("demo.Greeter")
class Greeter:
    async def hello(self, name: str) -> str: ...
    async def nested(self, name: str) -> str: ...
    async def in_thread(self) -> int: ...


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


def call(side, **facts):
    made = invocation("hello", service="demo.Greeter", **facts)
    made.caller = object() if side is CONSUMER else None
    return made


def parent_of(span):
    return span.parent and (span.parent.trace_id, span.parent.span_id)


def ids(span):
    return span.context.trace_id, span.context.span_id


# One call


async def test_call_of_consumer_is_a_client_span(telemetry):
    """With the names of the semantic conventions, and the provider's address."""
    await telemetry.filter.invoke(FakeInvoker(), call(CONSUMER))
    span = telemetry.span(SpanKind.CLIENT)
    assert dict(span.attributes) == {
        "rpc.system": "grpc",
        "rpc.service": "demo.Greeter",
        "rpc.method": "hello",
        "rpc.grpc.status_code": 0,
        "server.address": "127.0.0.1",
        "server.port": 50051,
    }
    assert span.status.status_code is StatusCode.UNSET


async def test_call_of_provider_is_a_server_span(telemetry):
    """The same names, from the other side."""
    await telemetry.filter.invoke(FakeInvoker(), call(PROVIDER))
    span = telemetry.span(SpanKind.SERVER)
    assert span.attributes["rpc.grpc.status_code"] == 0
    assert span.parent is None


@pytest.mark.parametrize(("side", "word"), [(CONSUMER, "client"), (PROVIDER, "server")])
async def test_durations_are_measured(telemetry, side, word):
    """In milliseconds, by method and by how it ended."""
    for _ in range(2):
        await telemetry.filter.invoke(FakeInvoker(), call(side))
    facts = {"rpc.system": "grpc", "rpc.service": "demo.Greeter", "rpc.method": "hello"}
    found = telemetry.durations(f"rpc.{word}.duration")
    assert found == [("ms", {**facts, "rpc.grpc.status_code": 0}, 2)]


@pytest.mark.behaviour("B3.39")
@pytest.mark.parametrize(
    ("outcome", "type", "code", "at_provider"),
    [
        ({"exception": KeyError("secret")}, "KeyError", 2, StatusCode.ERROR),
        (
            {"error": facade.DeadlineExceeded("secret")},
            "DEADLINE_EXCEEDED",
            4,
            StatusCode.ERROR,
        ),
        ({"error": facade.LimitExceeded("secret")}, "RESOURCE_EXHAUSTED", 8, StatusCode.UNSET),
        ({"error": facade.RemoteError("secret", type="a.B")}, "a.B", 2, StatusCode.ERROR),
        ({"error": RuntimeError("secret")}, "RuntimeError", 13, StatusCode.ERROR),
    ],
    ids=str,
)
async def test_failure_is_recorded_without_its_text(telemetry, outcome, type, code, at_provider):
    """The type and the status; at a provider a caller's own mistake is no error."""
    for side in (CONSUMER, PROVIDER):
        with contextlib.suppress(Exception):
            await telemetry.filter.invoke(FakeInvoker(**outcome), call(side))
    client, server = telemetry.span(SpanKind.CLIENT), telemetry.span(SpanKind.SERVER)
    for span in (client, server):
        assert span.attributes["error.type"] == type
        assert span.attributes["rpc.grpc.status_code"] == code
        assert "secret" not in span.to_json()
    assert client.status.status_code is StatusCode.ERROR
    assert server.status.status_code is at_provider
    [(_, attributes, _)] = telemetry.durations("rpc.client.duration")
    assert (attributes["error.type"], attributes["rpc.grpc.status_code"]) == (type, code)


async def test_cancelled_call_ends_its_span(telemetry):
    """And what was current before it is current again."""
    forever = asyncio.Event()
    before = context.get_current()
    task = asyncio.create_task(
        telemetry.filter.invoke(FakeInvoker(function=lambda _: forever.wait()), call(CONSUMER))
    )
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    span = telemetry.span(SpanKind.CLIENT)
    assert span.attributes["rpc.grpc.status_code"] == 1
    assert context.get_current() == before


async def test_concurrent_calls_have_spans_of_their_own(telemetry):
    """Each is current in its own call, however they interleave."""
    seen, step = {}, asyncio.Event()

    async def method(made):
        await step.wait()
        seen[made.arguments[0]] = trace.get_current_span()

    async def one(number):
        made = invocation("hello", number, service="demo.Greeter")
        await telemetry.filter.invoke(FakeInvoker(function=method), made)

    tasks = [asyncio.create_task(one(number)) for number in range(20)]
    await asyncio.sleep(0)
    step.set()
    await asyncio.gather(*tasks)
    assert len({ids(span) for span in seen.values()}) == 20


# The trace goes on


async def test_context_is_sent_in_attachments(telemetry):
    """As W3C's, naming the span of this call."""
    made = call(CONSUMER)
    await telemetry.filter.invoke(FakeInvoker(), made)
    trace_id, span_id = ids(telemetry.span(SpanKind.CLIENT))
    assert made.attachments["traceparent"].startswith(f"00-{trace_id:032x}-{span_id:016x}-")


async def test_received_context_is_the_parent(telemetry):
    """Baggage comes along, too."""
    seen = []
    made = call(PROVIDER, attachments={"traceparent": TRACE, "baggage": "tenant=a"})
    method = FakeInvoker(function=lambda _: seen.append(baggage.get_baggage("tenant")))
    await telemetry.filter.invoke(method, made)
    assert parent_of(telemetry.span(SpanKind.SERVER)) == (TRACE_ID, PARENT_ID)
    assert seen == ["a"]


@pytest.mark.parametrize("value", ["", "nonsense", b"\xff", TRACE.encode()])
async def test_wrong_context_is_passed_over(telemetry, value):
    """Whatever a peer sends, the call is served, in a trace of its own."""
    made = call(PROVIDER, attachments={"traceparent": value})
    assert (await telemetry.filter.invoke(FakeInvoker("value"), made)).value == "value"
    assert telemetry.span(SpanKind.SERVER).parent is None


async def test_provider_ignores_what_is_current(telemetry):
    """A connection is made during some call, whose context its reader keeps."""
    with telemetry.tracers.get_tracer("test").start_as_current_span("other"):
        await telemetry.filter.invoke(FakeInvoker(), call(PROVIDER))
    assert telemetry.span(SpanKind.SERVER).parent is None


async def test_forwarded_context_is_replaced(telemetry):
    """consumer_context forwards what was received; none of it may mix with this call's."""
    forwarded = {"traceparent": TRACE, "tracestate": "a=1", "baggage": "tenant=a", "mine": "x"}
    made = call(CONSUMER, attachments=forwarded)
    await telemetry.filter.invoke(FakeInvoker(), made)
    assert set(made.attachments) == {"traceparent", "mine"}
    assert made.attachments["traceparent"] != TRACE


async def test_without_sdk_the_trace_passes_through():
    """Where nothing records, what was received goes on as it is."""
    made = call(CONSUMER, attachments={"traceparent": TRACE})
    await Otel(tracer_provider=trace.NoOpTracerProvider()).invoke(FakeInvoker(), made)
    assert made.attachments == {"traceparent": TRACE}


async def test_call_that_is_not_sampled_says_so():
    """Nothing is recorded, and the provider is told."""
    telemetry = Telemetry(sampler=ALWAYS_OFF)
    made = call(CONSUMER)
    await telemetry.filter.invoke(FakeInvoker(), made)
    assert telemetry.spans == []
    assert made.attachments["traceparent"][-2:] in ("00", "02")  # 02: the id is random
    assert telemetry.durations("rpc.client.duration")[0][2] == 1


async def test_attempts_have_a_span_each(telemetry):
    """Further in than what tries again: siblings, of which each sends its own context."""
    sent = []

    def method(made):
        sent.append(made.attachments["traceparent"])
        if len(sent) < 3:
            raise facade.Unavailable("gone")

    class TryAgain(facade.Filter):
        async def invoke(self, invoker, invocation):
            while True:
                try:
                    return await invoker.invoke(invocation)
                except facade.Unavailable:
                    pass

    filters = [telemetry.another(), TryAgain(), telemetry.another()]
    await facade.core.chain(filters, FakeInvoker(function=method)).invoke(call(CONSUMER))
    *attempts, whole = telemetry.spans
    assert [parent_of(span) for span in attempts] == [ids(whole)] * 3
    assert [span.attributes.get("facade.attempt") for span in attempts] == [None, 2, 3]
    assert [int(text.split("-")[2], 16) for text in sent] == [ids(span)[1] for span in attempts]
    assert "facade.attempt" not in whole.attributes


# Both ends


class GreeterImpl(Greeter):
    def __init__(self):
        self.client = None
        self.seen = []

    async def hello(self, name: str) -> str:
        return f"Hello {name}"

    async def nested(self, name: str) -> str:
        greeter = self.client.refer(Greeter)
        return "; ".join(await asyncio.gather(greeter.hello(name), greeter.hello.future(name)))

    def in_thread(self) -> int:
        return trace.get_current_span().get_span_context().span_id


@pytest.fixture
async def greeter(telemetry):
    service = GreeterImpl()
    filters = [telemetry.filter]
    async with connected(
        (Greeter, service), filters=filters, server_filters=filters, timeout=10
    ) as client:
        service.client = client
        yield client.refer(Greeter)


async def test_trace_spans_both_ends(telemetry, greeter):
    """The provider's span is a child of the consumer's, that of the caller's."""
    with telemetry.tracers.get_tracer("test").start_as_current_span("caller") as caller:
        await greeter.hello("Ann")
    client, server = telemetry.span(SpanKind.CLIENT), telemetry.span(SpanKind.SERVER)
    assert parent_of(server) == ids(client)
    assert parent_of(client) == (caller.context.trace_id, caller.context.span_id)


async def test_second_call_is_no_child_of_the_first(telemetry, greeter):
    """Though it comes over the connection that the first one made."""
    await greeter.hello("Ann")
    await greeter.hello("Bob")
    assert len({span.context.trace_id for span in telemetry.spans}) == 2


async def test_nested_calls_are_children(telemetry, greeter):
    """Plain ones and futures, at once: the method's span is the parent of both."""
    assert await greeter.nested("Ann") == "Hello Ann; Hello Ann"
    outer = telemetry.span(SpanKind.SERVER, "nested")
    hops = [s for s in telemetry.spans if s.name.endswith("hello")]
    clients = [s for s in hops if s.kind is SpanKind.CLIENT]
    servers = [s for s in hops if s.kind is SpanKind.SERVER]
    assert [parent_of(span) for span in clients] == [ids(outer)] * 2
    assert {parent_of(span) for span in servers} == {ids(span) for span in clients}


async def test_method_in_thread_sees_its_span(telemetry, greeter):
    """So what it logs and calls belongs to the trace."""
    assert await greeter.in_thread() == ids(telemetry.span(SpanKind.SERVER, "in_thread"))[1]


async def test_future_outlives_its_caller(telemetry, greeter):
    """A started call is a child of where it was made, not of where it is awaited."""
    tracer = telemetry.tracers.get_tracer("test")
    with tracer.start_as_current_span("starts") as starts:
        future = greeter.hello.future("Ann")
    with tracer.start_as_current_span("awaits"):
        await future
    assert parent_of(telemetry.span(SpanKind.CLIENT))[1] == starts.context.span_id


def test_blocking_client_is_traced(telemetry):
    """On the calling thread, and in a future of it."""
    filters = [telemetry.filter]
    assert not telemetry.filter.needs_loop
    with (
        connected_blocking(
            (Greeter, GreeterImpl()), filters=filters, server_filters=filters, timeout=10
        ) as client,
        telemetry.tracers.get_tracer("test").start_as_current_span("caller") as caller,
    ):
        greeter = client.refer(Greeter)
        greeter.hello("Ann")
        greeter.hello.future("Ann").result()
    spans = [s for s in telemetry.spans if s.kind is SpanKind.CLIENT]
    assert [parent_of(span)[1] for span in spans] == [caller.context.span_id] * 2


# Configuration


@pytest.mark.parametrize("side", [PROVIDER, CONSUMER])
def test_key_switches_it_on(side):
    """True is on, False is off."""
    names = [str(resolve([], side, {"otel": value})) for value in (True, False)]
    assert ["otel" in name for name in names] == [True, False]


async def test_method_may_be_left_out():
    """What a method says goes before what is said for all."""
    filter = Otel.configure(facade.FilterSettings({"otel": True}, {"hello": {"otel": False}}))
    seen = []
    method = FakeInvoker(function=lambda made: seen.append(filter in made.attributes))
    await filter.invoke(method, call(CONSUMER))
    other = invocation("other")
    other.caller = object()
    await filter.invoke(method, other)
    assert seen == [False, True]


def test_missing_library_is_told(monkeypatch):
    """The module can be imported without it, and the error names the extra."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ImportError, match=r"pip install 'facade-rpc\[otel\]'"):
        Otel()


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("ipv4:127.0.0.1:50051", "127.0.0.1", 50051),
        ("ipv6:%5B::1%5D:50051", "::1", 50051),
        ("ipv6:[::1]:50051", "::1", 50051),
        ("localhost:50051", "localhost", 50051),
        ("unix:/run/greeter.sock", "/run/greeter.sock", None),
        ("injvm", "injvm", None),
    ],
)
def test_address_of_server(address, host, port):
    """gRPC's addresses, as the conventions want them."""
    expected = {"server.address": host} | ({"server.port": port} if port else {})
    assert _server_at(address) == expected
