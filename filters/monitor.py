"""Count calls, to be read in this process. (Dubbo: MonitorFilter, MetricsFilter, RpcStatus)"""

import threading
from asyncio import CancelledError
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from types import MappingProxyType
from typing import NamedTuple, Self

from facade.core.errors import RemoteError, RpcError
from facade.core.filter import CONSUMER, PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.method import service_key
from facade.core.result import Result
from facade.core.settings import FilterSettings
from facade.core.stream import at_end, is_stream

# More methods than these are counted as one: names of generic calls may be made up.
MOST_METHODS = 10_000


class Key(NamedTuple):
    """Whose numbers. ``side`` is "consumer" or "provider", ``service`` [group/]name[:version]."""

    side: str
    service: str
    method: str


OTHERS = Key("", "(others)", "")


@dataclass(frozen=True, slots=True)
class Statistics:
    """The numbers of one method, at one moment. Times are seconds.

    ``success``: the method gave a value. ``exceptions``: it raised. ``failures``: the call
    failed on its way; by the name of the error's code, "CANCELLED", or that of another
    exception's type. ``concurrent``: calls under way now, ``concurrent_max``: at most.
    """

    success: int
    exceptions: int
    failures: Mapping[str, int]
    concurrent: int
    concurrent_max: int
    elapsed: float
    elapsed_max: float

    @property
    def failure(self) -> int:
        """How many failed on their way."""
        return sum(self.failures.values())

    @property
    def total(self) -> int:
        """How many ended."""
        return self.success + self.exceptions + self.failure

    @property
    def elapsed_mean(self) -> float:
        """0 before any call ended."""
        return self.elapsed / self.total if self.total else 0.0


class _Counter:
    """What is counted of one method. Several threads of a blocking client may."""

    __slots__ = ("_lock", "concurrent", "elapsed", "failures", "longest", "most", "ok", "raised")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.concurrent = self.most = 0
        self.ok = self.raised = 0
        self.failures: dict[str, int] = {}
        self.elapsed = self.longest = 0.0

    def begin(self) -> None:
        with self._lock:
            self.concurrent += 1
            if self.concurrent > self.most:
                self.most = self.concurrent

    def end(self, outcome: Result | BaseException, elapsed: float) -> None:
        with self._lock:
            self.concurrent -= 1
            self.elapsed += elapsed
            if elapsed > self.longest:
                self.longest = elapsed
            name = _failure(outcome)
            if name is None:
                self.ok += 1
            elif not name:
                self.raised += 1
            else:
                self.failures[name] = self.failures.get(name, 0) + 1

    def read(self) -> Statistics:
        with self._lock:
            return Statistics(
                self.ok,
                self.raised,
                MappingProxyType(dict(self.failures)),
                self.concurrent,
                self.most,
                self.elapsed,
                self.longest,
            )

    def reset(self) -> None:
        with self._lock:
            self.most = self.concurrent
            self.ok = self.raised = 0
            self.failures.clear()
            self.elapsed = self.longest = 0.0


_Name = tuple[bool, str, str, str, str]
_Counters = dict[_Name, _Counter]

# Of all filters that are switched on by the setting.
_process: _Counters = {}


@activate(order=-9000, when="monitor")
class Monitor(Filter):
    """Count the calls of each method: how they ended, how long they took, how many at once.

        server.export(Greeter, impl, monitor=True)
        facade.filters.monitor.statistics()[key].success   # all of the process

        monitor = Monitor()                                # as an object: its own numbers
        AsyncClient(..., filters=[monitor])
        monitor.snapshot()

    It raises nothing. Dubbo counts an exception of the method as success, and sends its numbers
    to a monitor center; here they are read in the process. ``reset`` starts them anew.
    """

    needs_loop = False
    keys = {"monitor": bool}

    def __init__(self) -> None:
        self._counters: _Counters = {}
        self._by_method: dict[str, bool] = {}
        self._default = True

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        made = cls()
        made._counters = _process
        # Named, and nothing said: on. Said for single methods: on for them.
        on = settings.by_method("monitor", not any(settings.all("monitor")))
        made._by_method, made._default = on, on.default
        return made

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        if not self._by_method.get(invocation.name, self._default):
            return await invoker.invoke(invocation)
        name = (
            invocation.caller is not None,
            invocation.service,
            invocation.group,
            invocation.version,
            invocation.name,
        )
        counter = self._counters.get(name) or _counter(self._counters, name)
        counter.begin()
        start = perf_counter()
        try:
            result = await invoker.invoke(invocation)
        except BaseException as error:
            counter.end(error, perf_counter() - start)
            raise
        if is_stream(result.value):
            at_end(result, lambda outcome: counter.end(outcome, perf_counter() - start))
        else:
            counter.end(result, perf_counter() - start)
        return result

    def snapshot(self) -> dict[Key, Statistics]:
        """The numbers of each method that was called; each method's are of one moment."""
        return _read(self._counters)

    def reset(self) -> None:
        """Count from 0 again; calls under way stay counted as such."""
        _reset(self._counters)


def statistics() -> dict[Key, Statistics]:
    """The numbers of the whole process: of all that ``monitor=True`` switched on."""
    return _read(_process)


def reset() -> None:
    """Count the process's from 0 again."""
    _reset(_process)


def _counter(counters: _Counters, name: _Name) -> _Counter:
    if len(counters) >= MOST_METHODS:
        name = (False, "", "", "", "")
    return counters.setdefault(name, _Counter())  # another thread may have been first


def _read(counters: _Counters) -> dict[Key, Statistics]:
    return {_key(name): counter.read() for name, counter in list(counters.items())}


def _reset(counters: _Counters) -> None:
    for counter in list(counters.values()):
        counter.reset()


def _key(name: _Name) -> Key:
    consumer, service, group, version, method = name
    if not method:
        return OTHERS
    side = CONSUMER if consumer else PROVIDER
    return Key(side, service_key(service, group, version), method)


def _failure(outcome: Result | BaseException) -> str | None:
    """None for a value, nothing for an exception of the method, else what failed."""
    if isinstance(outcome, Result):
        if outcome.expired:
            return "TIMEOUT"
        if outcome.exception is None:
            return None
        if isinstance(outcome.exception, RemoteError) or not isinstance(
            outcome.exception, RpcError
        ):
            return ""
        outcome = outcome.exception
    if isinstance(outcome, CancelledError):
        return "CANCELLED"
    return outcome.code.name if isinstance(outcome, RpcError) else type(outcome).__name__
