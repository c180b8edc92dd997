import asyncio

import pytest
from opentelemetry import baggage, trace
from opentelemetry.trace import SpanKind

import facade
from facade.core.filter import CONSUMER, PROVIDER
from facade.filters.otel import Otel
from facade.testing import FakeInvoker, connected, connected_blocking

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE_ID, PARENT_ID = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331


@facade.service("demo.Greeter")
class Greeter:
    async def hello(self, name: str) -> str: ...
    async def nested(self, name: str) -> str: ...
    async def in_thread(self) -> int: ...


def parent_of(span):
    return span.parent and (span.parent.trace_id, span.parent.span_id)


def ids(span):
    return span.context.trace_id, span.context.span_id


# The trace goes on


async def test_context_is_sent_in_attachments(telemetry, call):
    """As W3C's, naming the span of this call."""
    made = call(CONSUMER)
    await telemetry.filter.invoke(FakeInvoker(), made)
    trace_id, span_id = ids(telemetry.span(SpanKind.CLIENT))
    assert made.attachments["traceparent"].startswith(f"00-{trace_id:032x}-{span_id:016x}-")


async def test_received_context_is_the_parent(telemetry, call):
    """Baggage comes along, too."""
    seen = []
    made = call(PROVIDER, attachments={"traceparent": TRACE, "baggage": "tenant=a"})
    method = FakeInvoker(function=lambda _: seen.append(baggage.get_baggage("tenant")))
    await telemetry.filter.invoke(method, made)
    assert parent_of(telemetry.span(SpanKind.SERVER)) == (TRACE_ID, PARENT_ID)
    assert seen == ["a"]


@pytest.mark.parametrize("value", ["", "nonsense", b"\xff", TRACE.encode()])
async def test_wrong_context_is_passed_over(telemetry, value, call):
    """Whatever a peer sends, the call is served, in a trace of its own."""
    made = call(PROVIDER, attachments={"traceparent": value})
    assert (await telemetry.filter.invoke(FakeInvoker("value"), made)).value == "value"
    assert telemetry.span(SpanKind.SERVER).parent is None


async def test_provider_ignores_what_is_current(telemetry, call):
    """A connection is made during some call, whose context its reader keeps."""
    with telemetry.tracers.get_tracer("test").start_as_current_span("other"):
        await telemetry.filter.invoke(FakeInvoker(), call(PROVIDER))
    assert telemetry.span(SpanKind.SERVER).parent is None


async def test_forwarded_context_is_replaced(telemetry, call):
    """consumer_context forwards what was received; none of it may mix with this call's."""
    forwarded = {"traceparent": TRACE, "tracestate": "a=1", "baggage": "tenant=a", "mine": "x"}
    made = call(CONSUMER, attachments=forwarded)
    await telemetry.filter.invoke(FakeInvoker(), made)
    assert set(made.attachments) == {"traceparent", "mine"}
    assert made.attachments["traceparent"] != TRACE


async def test_without_sdk_the_trace_passes_through(call):
    """Where nothing records, what was received goes on as it is."""
    made = call(CONSUMER, attachments={"traceparent": TRACE})
    await Otel(tracer_provider=trace.NoOpTracerProvider()).invoke(FakeInvoker(), made)
    assert made.attachments == {"traceparent": TRACE}


async def test_call_that_is_not_sampled_says_so(unsampled, call):
    """Nothing is recorded, and the provider is told."""
    made = call(CONSUMER)
    await unsampled.filter.invoke(FakeInvoker(), made)
    assert unsampled.spans == []
    assert made.attachments["traceparent"][-2:] in ("00", "02")  # 02: the id is random
    assert unsampled.durations("rpc.client.duration")[0][2] == 1


async def test_attempts_have_a_span_each(telemetry, call):
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
