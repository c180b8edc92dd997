"""The span of a call that gives a stream lasts until that has ended."""

from collections.abc import AsyncIterator

import pytest
from opentelemetry.trace import SpanKind, StatusCode

import facade
from facade.testing import connected


@facade.service("demo.Greeter")
class Greeter:
    def greet(self, names: AsyncIterator[str]) -> AsyncIterator[str]: ...
    async def hello(self, name: str) -> str: ...


class GreeterImpl(Greeter):
    remote = None

    async def greet(self, names):
        async for name in names:
            if not name:
                raise KeyError("no name")
            yield await self.remote.hello(name)

    async def hello(self, name):
        return f"Hello {name}"


async def test_spans_of_streams(telemetry):
    """Both ends have one, of the whole stream; calls that the generator makes are its children."""
    greeter = GreeterImpl()
    async with connected(
        (Greeter, greeter),
        filters=[telemetry.filter],
        server_filters=[telemetry.filter],
        timeout=10,
    ) as client:
        greeter.remote = remote = client.refer(Greeter)
        stream = await remote.greet(["Ann", "Bob"])
        assert await anext(stream) == "Hello Ann"
        assert {span.name for span in telemetry.spans} == {"demo.Greeter/hello"}
        assert [value async for value in stream] == ["Hello Bob"]
        calling = telemetry.span(SpanKind.CLIENT, "greet")
        serving = telemetry.span(SpanKind.SERVER, "greet")
        assert serving.parent.span_id == calling.context.span_id
        inner = [s for s in telemetry.spans if s.name == "demo.Greeter/hello"]
        parents = [s.parent.span_id for s in inner if s.kind is SpanKind.CLIENT]
        assert parents == [serving.context.span_id] * 2


async def test_error_in_the_middle(telemetry):
    """It is the span's."""
    greeter = GreeterImpl()
    async with connected(
        (Greeter, greeter),
        filters=[telemetry.filter],
        server_filters=[telemetry.filter],
        timeout=10,
    ) as client:
        greeter.remote = client.refer(Greeter)
        with pytest.raises(KeyError):
            [value async for value in client.refer(Greeter).greet([""])]
        for kind in (SpanKind.CLIENT, SpanKind.SERVER):
            span = telemetry.span(kind, "greet")
            assert span.status.status_code is StatusCode.ERROR
            assert span.attributes["error.type"] == "KeyError"
