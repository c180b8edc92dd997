"""Record calls with OpenTelemetry: a span and a measurement each. (Dubbo: ObservationFilter)"""

from __future__ import annotations

from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

from facade.core.errors import RemoteError, RpcError, Status
from facade.core.exceptions import wire_name
from facade.core.filter import Filter, Invoker, activate
from facade.core.invocation import Attachments, Invocation
from facade.core.outcome import status_of
from facade.core.result import Result
from facade.core.settings import ByMethod, FilterSettings
from facade.core.stream import at_end, is_stream

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram, MeterProvider
    from opentelemetry.propagators.textmap import TextMapPropagator
    from opentelemetry.trace import Span, SpanKind, TracerProvider

_EVERY_METHOD = ByMethod({}, True)

# At a provider the others are the caller's doing, and no error of the span.
_ERRORS_OF_PROVIDERS = frozenset(
    {
        Status.UNKNOWN,
        Status.DEADLINE_EXCEEDED,
        Status.UNIMPLEMENTED,
        Status.INTERNAL,
        Status.UNAVAILABLE,
        Status.DATA_LOSS,
    }
)
_ERRORS_OF_CONSUMERS = frozenset(Status) - {Status.OK}


@activate(order=-9000, when="otel")
class Otel(Filter):
    """A span and a measured duration for each call, and the trace goes on at the provider.

        server = facade.Server(filter_settings={"otel": True})
        client = facade.AsyncClient(target, filter_settings={"otel": True})

    Spans are CLIENT and SERVER, named ``service/method``, with ``rpc.system`` (grpc),
    ``rpc.service``, ``rpc.method`` and ``rpc.grpc.status_code``; failed ones have
    ``error.type``. The histograms are ``rpc.client.duration`` and ``rpc.server.duration``,
    in milliseconds. The context travels in attachments, by the propagator that is
    configured: W3C's by default. Neither arguments nor texts of errors are recorded.

    One span covers all attempts of a call. Further in than ``retry`` it is one for each, and
    from the second on they have ``facade.attempt``.

    ``tracer_provider``, ``meter_provider`` and ``propagator`` are OpenTelemetry's global
    ones where none are given, also where those are set after this was made.

    Raises nothing of its own. ImportError at the start without the extra ``otel``.

    Beyond Dubbo: a span is current in the method and in what it starts, so nested calls are
    its children, in tasks and threads too.
    """

    needs_loop = False
    keys = {"otel": bool}

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        propagator: TextMapPropagator | None = None,
    ) -> None:
        try:
            from opentelemetry import context, metrics, propagate, trace
        except ImportError:
            raise ImportError(
                "the filter 'otel' needs opentelemetry-api: pip install 'facade-rpc[otel]'"
            ) from None
        self._start_span = trace.get_tracer("facade", None, tracer_provider).start_span
        self._with_span = trace.set_span_in_context
        self._attach, self._detach = context.attach, context.detach
        self._nothing = context.Context()
        how: Any = propagate if propagator is None else propagator
        self._inject, self._extract = how.inject, how.extract
        self._propagator = propagator or propagate.get_global_textmap
        self._fields: frozenset[str] | None = None
        meter = metrics.get_meter("facade", "", meter_provider)
        self._client = _Side(meter, "client", trace.SpanKind.CLIENT, _ERRORS_OF_CONSUMERS)
        self._server = _Side(meter, "server", trace.SpanKind.SERVER, _ERRORS_OF_PROVIDERS)
        self._wanted = _EVERY_METHOD

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        made = cls()
        made._wanted = settings.by_method("otel", not settings.all("otel"))
        return made

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        calls = invocation.caller is not None  # only who calls has a caller
        side = self._client if calls else self._server
        try:
            method = side.methods[invocation.service, invocation.name]
        except KeyError:
            method = side.learn(invocation, self._wanted[invocation.name])
        if method is None:
            return await invoker.invoke(invocation)
        parent = None if calls else self._parent(invocation.attachments)
        span = self._start_span(method.name, parent, side.kind, method.attributes)
        context = self._with_span(span, parent)
        if calls:
            self._send(span, context, invocation)
        token = self._attach(context)
        start = perf_counter()
        outcome: Result | BaseException
        streams = False

        def end(outcome: Result | BaseException) -> None:
            end = method.end(outcome)
            side.duration.record((perf_counter() - start) * 1000, end.measured, context)
            if span.is_recording():
                end.tell(span, invocation.remote_address if calls else "")
            span.end()

        try:
            outcome = result = await invoker.invoke(invocation)
            streams = is_stream(result.value)
        except BaseException as error:
            outcome = error
            raise
        finally:
            if calls or not streams:  # a generator of the provider runs on in this task
                self._detach(token)
            if not streams:
                end(outcome)
        if streams:
            at_end(result, end)
        return result

    def _parent(self, received: Attachments) -> Any:
        """Only what came with the call: what is current here may be of another one, during
        which the connection was made."""
        return self._extract(received, self._nothing, _FROM) if received else self._nothing

    def _send(self, span: Span, context: Any, invocation: Invocation) -> None:
        attachments = invocation.attachments
        fields = self._fields
        if fields is None:
            propagator: Any = self._propagator
            fields = self._fields = frozenset(
                (propagator() if callable(propagator) else propagator).fields
            )
        # What was forwarded, or is of an attempt before, is no part of this one.
        if not fields.isdisjoint(attachments) and span.get_span_context().is_valid:
            for field in fields:
                attachments.pop(field, None)
        self._inject(attachments, context)
        attributes = invocation.attributes
        attempt = attributes[self] = attributes.get(self, 0) + 1
        if attempt > 1:
            span.set_attribute("facade.attempt", attempt)


class _Side:
    """What consumers, or providers, record."""

    __slots__ = ("duration", "errors", "kind", "methods")

    def __init__(self, meter: Any, name: str, kind: SpanKind, errors: frozenset[Status]) -> None:
        self.duration: Histogram = meter.create_histogram(
            f"rpc.{name}.duration", "ms", f"Time that a call took at the {name}."
        )
        self.kind = kind
        self.errors = errors
        self.methods: dict[tuple[str, str], _Method | None] = {}

    def learn(self, invocation: Invocation, wanted: bool) -> _Method | None:
        service, name = invocation.service, invocation.name
        method = _Method(service, name, self.errors) if wanted else None
        self.methods[service, name] = method
        return method


class _Method:
    """What is the same for all calls of a method, made once."""

    __slots__ = ("_ends", "_errors", "attributes", "name")

    def __init__(self, service: str, name: str, errors: frozenset[Status]) -> None:
        self.name = f"{service}/{name}"
        self.attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
        self._errors = errors
        self._ends: dict[tuple[Status, str], _End] = {}

    def end(self, outcome: Result | BaseException) -> _End:
        status = status_of(outcome)
        type = "" if status is Status.OK else _error_type(outcome, status)
        end = self._ends.get((status, type))
        if end is None:
            end = _End(self.attributes, status, type, status in self._errors)
            # Types that a peer names may be many: those beyond are made anew each time.
            if len(self._ends) < 100:
                self._ends[status, type] = end
        return end


class _End:
    """What is the same for all calls of a method that end alike."""

    __slots__ = ("_error", "_is_error", "_status", "measured")

    def __init__(self, of: dict[str, str], status: Status, type: str, is_error: bool) -> None:
        self._status = int(status)
        self._error = type
        self._is_error = is_error
        self.measured: dict[str, Any] = {**of, "rpc.grpc.status_code": self._status}
        if type:
            self.measured["error.type"] = type

    def tell(self, span: Span, address: str) -> None:
        span.set_attributes(_at_end(self._status, self._error, address))
        if self._is_error:
            from opentelemetry.trace import StatusCode

            span.set_status(StatusCode.ERROR)


class _FromAttachments:
    """Reads what a propagator asks for; bytes are none of its matter."""

    @staticmethod
    def get(carrier: Attachments, key: str) -> list[str] | None:
        value = carrier.get(key)
        return [value] if isinstance(value, str) else None

    @staticmethod
    def keys(carrier: Attachments) -> list[str]:
        return list(carrier)


_FROM: Any = _FromAttachments()


def _error_type(outcome: Result | BaseException, status: Status) -> str:
    """The name of what the method raised, or else the status."""
    error = outcome.exception if isinstance(outcome, Result) else outcome
    if isinstance(error, RemoteError):
        return error.type
    if error is None or isinstance(error, RpcError) or not isinstance(error, Exception):
        return status.name
    return wire_name(error)


@lru_cache(1024)
def _at_end(status: int, error: str, address: str) -> dict[str, str | int]:
    """What a span is told when it ends, at once: each time has its price."""
    attributes: dict[str, str | int] = {"rpc.grpc.status_code": status}
    if error:
        attributes["error.type"] = error
    return {**attributes, **_server_at(address)} if address else attributes


def _server_at(address: str) -> dict[str, str | int]:
    """Of "ipv4:127.0.0.1:50051", "ipv6:[::1]:50051", "localhost:50051", "unix:/run/a"."""
    scheme, colon, rest = address.partition(":")
    place = rest if colon and scheme in ("ipv4", "ipv6", "dns", "unix") else address
    host, _, port = place.rpartition(":")
    if not host or not port.isdigit():
        return {"server.address": place}
    return {"server.address": unquote(host).strip("[]"), "server.port": int(port)}
