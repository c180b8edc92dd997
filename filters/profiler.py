"""Tell what used the time of slow calls. (Dubbo: ProfilerServerFilter, InvocationUtil)

How it works. The rest of the chain is built once more, with a stopwatch before each filter
and before the end. Each writes what passes it, with all that is further in, into a list that
lies in the call's attributes; the difference of two neighbours is a filter's own time.
"""

from collections.abc import Mapping
from time import perf_counter
from typing import Any, Self

from facade.core.chain import Link, chain, is_available
from facade.core.context import current_request
from facade.core.filter import CONSUMER, PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.result import Result
from facade.core.settings import FilterSettings
from facade.core.stream import at_end, is_stream

logger = get_logger(__name__)

SHARE = 0.75
# Chains kept ready: one object may stand in many. And nested calls noted of one call.
MOST_CHAINS = 64
MOST_NESTED = 1000

_NOTES = object()


class _Notes:
    """Seconds of one call: within each layer, and in the calls that it made."""

    __slots__ = ("layers", "nested")

    def __init__(self, layers: int) -> None:
        self.layers = [0.0] * layers
        self.nested: list[tuple[str, float]] = []


class _Stopwatch:
    """Notes how long what stands behind it takes, in all attempts together."""

    __slots__ = ("_layer", "_next")

    def __init__(self, layer: int, next: Invoker) -> None:
        self._layer = layer
        self._next = next

    async def invoke(self, invocation: Invocation) -> Result:
        notes: _Notes | None = invocation.attributes.get(_NOTES)
        if notes is None:  # a filter made it anew
            return await self._next.invoke(invocation)
        start = perf_counter()
        try:
            return await self._next.invoke(invocation)
        finally:
            notes.layers[self._layer] += perf_counter() - start

    @property
    def available(self) -> bool:
        return is_available(self._next)

    def __repr__(self) -> str:
        return repr(self._next)


class _Profiled:
    """The rest of a chain, with stopwatches in it."""

    __slots__ = ("invoker", "names")

    def __init__(self, rest: Invoker) -> None:
        filters: list[Filter] = []
        end: Invoker = rest
        while isinstance(end, Link):
            filters.append(end.filter)
            end = end.next
        self.names = [repr(filter) for filter in filters]
        self.invoker: Invoker = _Stopwatch(len(filters), end)
        for layer in range(len(filters) - 1, -1, -1):
            self.invoker = _Stopwatch(layer, chain([filters[layer]], self.invoker))


@activate(order=-8500, when="profiler")
class Profiler(Filter):
    """Warn of calls that use more than a share of their timeout, and say what used it.

        server.export(Greeter, impl, profiler=0.7)     # from 70 % of the timeout on
        AsyncClient(..., filter_settings={"profiler": 0.7})

    The warning tells the time in each filter further in, in the method (at the consumer: in
    the network and the provider), and in calls that the method made, by clients that have the
    profiler, too. Calls at once are summed up, so they may have more than the method. Its record
    has ``side, service, method, elapsed, timeout, filters, end, nested`` as attributes, in
    seconds. Values of arguments and attachments are not told; Dubbo tells attachments.

    A call without a timeout is never slow, where Dubbo takes 1 s. 0 for a method leaves it
    out. Where two stand in one chain, the outer one tells. Each filter further in costs a
    stopwatch: some tenths of a microsecond. It raises nothing.
    """

    needs_loop = False
    keys = {"profiler": float}

    def __init__(self, share: float = SHARE) -> None:
        self._default = _checked(share)
        self._by_method: Mapping[str, float] = {}
        self._chains: dict[Invoker, _Profiled] = {}

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        # Named, and nothing said: on. Said for single methods: on for them.
        shares = settings.by_method("profiler", 0.0 if any(settings.all("profiler")) else SHARE)
        made = cls(shares.default)
        made._by_method = {name: _checked(share) for name, share in shares.items()}
        return made

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        share = self._by_method.get(invocation.name, self._default)
        if not share or _NOTES in invocation.attributes:  # one further out is at it
            return await invoker.invoke(invocation)
        profiled = self._chains.get(invoker)
        if profiled is None:
            profiled = self._profiled(invoker)
        notes = invocation.attributes[_NOTES] = _Notes(len(profiled.names) + 1)
        start = perf_counter()
        streams = False

        def end() -> None:
            elapsed = perf_counter() - start
            del invocation.attributes[_NOTES]
            if invocation.caller is not None:
                _note_nested(invocation, elapsed)
            timeout = _timeout(invocation)
            if timeout is not None and elapsed >= share * timeout:
                _warn(invocation, elapsed, timeout, profiled.names, notes)

        try:
            result = await profiled.invoker.invoke(invocation)
            streams = is_stream(result.value)
        finally:
            if not streams:
                end()
        if streams:
            opened = perf_counter()

            def end_of_stream(_: Result | BaseException) -> None:
                seconds = perf_counter() - opened  # filters further in took none of it
                notes.layers = [layer + seconds for layer in notes.layers]
                end()

            at_end(result, end_of_stream)
        return result

    def _profiled(self, invoker: Invoker) -> _Profiled:
        if len(self._chains) >= MOST_CHAINS:
            self._chains.clear()
        made = self._chains[invoker] = _Profiled(invoker)
        return made


def _checked(share: float) -> float:
    if not 0 <= share <= 1:
        raise ValueError(
            f"profiler={share}: the share of the timeout from which on a call is slow, "
            "such as 0.7; 0 for never"
        )
    return share


def _timeout(invocation: Invocation) -> float | None:
    countdown = invocation.countdown
    return invocation.timeout if countdown is None else countdown.timeout


def _note_nested(invocation: Invocation, elapsed: float) -> None:
    """In the notes of the call that is served here, if it has any."""
    request = current_request()
    if request is None:
        return
    notes: _Notes | None = request.invocation.attributes.get(_NOTES)
    if notes is not None and len(notes.nested) < MOST_NESTED:
        notes.nested.append((str(invocation), elapsed))


def _warn(
    invocation: Invocation, elapsed: float, timeout: float, names: list[str], notes: _Notes
) -> None:
    layers = notes.layers
    own = zip(names, layers, layers[1:], strict=False)
    filters = [(name, max(0.0, within - further)) for name, within, further in own]
    nested: dict[str, list[float]] = {}
    for name, seconds in list(notes.nested):
        nested.setdefault(name, []).append(seconds)
    at_consumer = invocation.caller is not None
    facts: dict[str, Any] = {
        "side": CONSUMER if at_consumer else PROVIDER,
        "service": invocation.service,
        "method": invocation.name,
        "elapsed": elapsed,
        "timeout": timeout,
        "filters": dict(filters),
        "end": layers[-1],
        "nested": {name: sum(times) for name, times in nested.items()},
    }
    parts = [f"{name} {seconds * 1000:.1f} ms" for name, seconds in filters]
    parts.append(
        f"{'provider and network' if at_consumer else 'method'} {layers[-1] * 1000:.1f} ms"
    )
    if nested:
        calls = [f"{n} {len(t)} times {sum(t) * 1000:.1f} ms" for n, t in nested.items()]
        parts[-1] += f" (in its calls: {', '.join(calls)})"
    logger.warning(
        "slow call: %r used %.1f ms, %.0f %% of its %.0f ms, at the %s: %s",
        str(invocation),
        elapsed * 1000,
        100 * elapsed / timeout if timeout > 0 else 100,
        timeout * 1000,
        facts["side"],
        ", ".join(parts),
        extra=facts,
    )
