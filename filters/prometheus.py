"""Count and time calls for Prometheus. (Dubbo: MetricsFilter, MonitorFilter)"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

from facade.core.errors import Status
from facade.core.filter import Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.method import Method
from facade.core.outcome import status_of
from facade.core.result import Result
from facade.core.settings import ByMethod, FilterSettings
from facade.core.stream import at_end, is_stream

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Histogram

_LABELS = ("grpc_type", "grpc_service", "grpc_method")
_EVERY_METHOD = ByMethod({}, True)

# As the Go libraries spell them, which dashboards and alerts are written for.
_CODES = {
    status: "OK" if status is Status.OK else status.name.title().replace("_", "")
    for status in Status
} | {Status.CANCELLED: "Canceled"}


@activate(order=-9000, when="prometheus")
class Prometheus(Filter):
    """Count and time each call, under the names that gRPC's dashboards expect.

        server = facade.Server(filter_settings={"prometheus": True})
        client = facade.AsyncClient(target, filter_settings={"prometheus": my_registry})

    At a provider ``grpc_server_started_total``, ``grpc_server_handled_total`` (with
    ``grpc_code``) and the histogram ``grpc_server_handling_seconds``; at a consumer the
    same with ``grpc_client_``. Further in than ``retry`` it counts attempts.

    ``registry``    where they are registered, once however many filters there are;
                    prometheus_client's own where none is given
    ``buckets``     upper bounds of the histogram, in seconds

    Raises nothing of its own. ImportError at the start without the extra ``prometheus``,
    ValueError where others have taken these names in the registry.

    Beyond Dubbo: a call counts as started before it has ended, and a cancelled one is counted.
    """

    needs_loop = False
    keys = {"prometheus": (bool, object)}  # a registry: its class is not imported here

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        *,
        buckets: Sequence[float] | None = None,
    ) -> None:
        self._metrics = _of_registry(registry, buckets)
        self._wanted = _EVERY_METHOD
        self._calling: dict[tuple[str, str], _Calls | None] = {}
        self._serving: dict[tuple[str, str], _Calls | None] = {}

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        said = settings.all("prometheus")
        registries = [value for value in said if not isinstance(value, bool)]
        if any(registry is not registries[0] for registry in registries):
            raise ValueError("prometheus: methods of one service share one registry: give one")
        made = cls(registries[0] if registries else None)
        made._wanted = settings.by_method("prometheus", not said)
        return made

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        # Only who calls has a caller.
        known = self._serving if invocation.caller is None else self._calling
        try:
            calls = known[invocation.service, invocation.name]
        except KeyError:
            calls = self._learn(known, invocation)
        if calls is None:
            return await invoker.invoke(invocation)
        calls.started.inc()
        start = perf_counter()
        outcome: Result | BaseException
        streams = False
        try:
            outcome = result = await invoker.invoke(invocation)
            streams = is_stream(result.value)
        except BaseException as error:
            outcome = error
            raise
        finally:
            if not streams:
                calls.end(outcome, perf_counter() - start)
        if streams:
            at_end(result, lambda outcome: calls.end(outcome, perf_counter() - start))
        return result

    def _learn(self, known: dict[Any, _Calls | None], invocation: Invocation) -> _Calls | None:
        calls = None
        if self._wanted[invocation.name]:
            side = self._metrics[0 if known is self._serving else 1]
            names = _type(invocation.method), invocation.service, invocation.name
            calls = _Calls(side, names)
        known[invocation.service, invocation.name] = calls
        return calls


class _Side:
    """The metrics of providers, or of consumers, in one registry."""

    def __init__(
        self, side: str, registry: CollectorRegistry, buckets: Sequence[float] | None
    ) -> None:
        from prometheus_client import Counter, Histogram

        self.started = Counter(
            f"grpc_{side}_started_total",
            f"Calls that the {side} began.",
            _LABELS,
            registry=registry,
        )
        self.handled = Counter(
            f"grpc_{side}_handled_total",
            f"Calls that ended at the {side}, by status.",
            (*_LABELS, "grpc_code"),
            registry=registry,
        )
        self.seconds = Histogram(
            f"grpc_{side}_handling_seconds",
            f"Seconds from begin to end of a call at the {side}.",
            _LABELS,
            registry=registry,
            buckets=buckets or Histogram.DEFAULT_BUCKETS,
        )


class _Calls:
    """What is counted of one method; its labels are looked up once."""

    __slots__ = ("handled", "seconds", "started")

    def __init__(self, side: _Side, names: tuple[str, str, str]) -> None:
        self.started: Counter = side.started.labels(*names)
        self.seconds: Histogram = side.seconds.labels(*names)
        self.handled = _ByStatus(side.handled, *names)

    def end(self, outcome: Result | BaseException, seconds: float) -> None:
        self.seconds.observe(seconds)
        self.handled[status_of(outcome)].inc()


class _ByStatus(dict[Status, Any]):
    """A counter for each status that has come up."""

    __slots__ = ("_handled", "_names")

    def __init__(self, handled: Counter, *names: str) -> None:
        super().__init__()
        self._handled = handled
        self._names = names

    def __missing__(self, status: Status) -> Counter:
        counter = self[status] = self._handled.labels(*self._names, _CODES[status])
        return counter


def _type(method: Method | None) -> str:
    """As gRPC calls it. Without an interface it is not known."""
    if method is None or not method.streaming:
        return "unary"
    if not method.streamed:
        return "server_stream"
    return "bidi_stream" if method.yields else "client_stream"


# Of each registry its metrics of providers and of consumers, and their buckets.
_registered: WeakKeyDictionary[Any, tuple[_Side, _Side, Any]] = WeakKeyDictionary()


def _of_registry(
    registry: CollectorRegistry | None, buckets: Sequence[float] | None
) -> tuple[_Side, _Side, Any]:
    """Those that are there already, or new ones."""
    try:
        from prometheus_client import REGISTRY, CollectorRegistry
    except ImportError:
        raise ImportError(
            "the filter 'prometheus' needs prometheus-client: pip install 'facade-rpc[prometheus]'"
        ) from None
    registry = REGISTRY if registry is None else registry
    if not isinstance(registry, CollectorRegistry):
        raise TypeError(
            f"prometheus={registry!r} is neither True nor a prometheus_client.CollectorRegistry"
        )
    wanted = None if buckets is None else tuple(buckets)
    found = _registered.get(registry)
    if found is None:
        found = _register(registry, wanted)
        _registered[registry] = found
    elif wanted is not None and wanted != found[2]:
        raise ValueError(f"this registry has buckets={found[2]} for calls already: give the same")
    return found


def _register(registry: CollectorRegistry, buckets: Any) -> tuple[_Side, _Side, Any]:
    try:
        return _Side("server", registry, buckets), _Side("client", registry, buckets), buckets
    except ValueError as error:
        raise ValueError(
            f"{error}: something else counts gRPC calls in this registry; give the filter one of "
            "its own, prometheus=CollectorRegistry()"
        ) from None
