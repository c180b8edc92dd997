import asyncio
import contextlib
import sys

import pytest
from opentelemetry import context, trace
from opentelemetry.trace import SpanKind, StatusCode

import facade
from facade.core.filter import CONSUMER, PROVIDER
from facade.filters.otel import Otel, _server_at
from facade.plugins import resolve
from facade.testing import FakeInvoker, invocation

# One call


async def test_call_of_consumer_is_a_client_span(telemetry, call):
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


async def test_call_of_provider_is_a_server_span(telemetry, call):
    """The same names, from the other side."""
    await telemetry.filter.invoke(FakeInvoker(), call(PROVIDER))
    span = telemetry.span(SpanKind.SERVER)
    assert span.attributes["rpc.grpc.status_code"] == 0
    assert span.parent is None


@pytest.mark.parametrize(("side", "word"), [(CONSUMER, "client"), (PROVIDER, "server")])
async def test_durations_are_measured(telemetry, side, word, call):
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
async def test_failure_is_recorded_without_its_text(
    telemetry, outcome, type, code, at_provider, call
):
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


async def test_cancelled_call_ends_its_span(telemetry, call):
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
    assert len({span.context.span_id for span in seen.values()}) == 20


# Configuration


@pytest.mark.parametrize("side", [PROVIDER, CONSUMER])
def test_key_switches_it_on(side):
    """True is on, False is off."""
    names = [str(resolve([], side, {"otel": value})) for value in (True, False)]
    assert ["otel" in name for name in names] == [True, False]


async def test_method_may_be_left_out(call):
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
