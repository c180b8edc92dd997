"""Watch live calls of a method. (Dubbo: TraceFilter)"""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Self

from facade.core.errors import RpcError
from facade.core.filter import PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.settings import FilterSettings
from facade.core.stream import at_end, is_stream


@dataclass(frozen=True, slots=True)
class Record:
    """A call that was watched. ``elapsed`` is in seconds.

    ``failed`` is the name of what it ended with: of the exception's type, or "expired"; "" for
    a value. Arguments and value are there only where the watch asked for ``values``, and stay
    out of the text of this.
    """

    service: str
    method: str
    peer: str
    application: str
    elapsed: float
    failed: str
    arguments: tuple[Any, ...] = field(default=(), repr=False)
    keywords: dict[str, Any] = field(default_factory=dict, repr=False)
    value: Any = field(default=None, repr=False)


class Watch(AsyncIterator[Record]):
    """The next calls, as they end. Iterate it in the event loop where it was made.

    It ends by itself after so many, or by ``close``; also as ``with trace.watch(...) as calls``.
    """

    def __init__(self, trace: "_Watches", service: str, method: str, left: int, values: bool):
        self._trace = trace
        self._service = service
        self._method = method
        self._left = left
        self.values = values
        self._loop = asyncio.get_running_loop()
        self._records: asyncio.Queue[Record | None] = asyncio.Queue()
        self._ended = False

    def fits(self, invocation: Invocation) -> bool:
        """Whether it asks for this call."""
        if self._method and self._method != invocation.name:
            return False
        return self._service in (invocation.service, invocation.service_key)

    def close(self) -> None:
        """Watch no longer. What was seen already can still be read."""
        with self._trace.lock:
            self._left = 0
            self._end()

    def see(self, record: Record) -> None:
        """Hand it to who watches, in his loop; the trace's lock is held."""
        if self._left:
            self._left -= 1
            self._send(record)
            if not self._left:
                self._end()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._trace.open = tuple(watch for watch in self._trace.open if watch is not self)
            self._send(None)

    def _send(self, record: Record | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._records.put_nowait, record)
        except RuntimeError:  # who watched is gone, and so is his loop
            self._left = 0
            self._end()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Record:
        record = await self._records.get()
        if record is None:
            self._records.put_nowait(None)  # for whoever asks again
            raise StopAsyncIteration
        return record

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _Watches:
    """Who watches now. Read without the lock: each change makes a new tuple."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.open: tuple[Watch, ...] = ()

    def watch(self, service: str, method: str, times: int, values: bool) -> Watch:
        if not service:
            raise ValueError("watch: give the name of a service, as it is exported")
        if times < 1:
            raise ValueError(f"times={times}: at least 1 call")
        made = Watch(self, service, method, times, values)
        with self.lock:
            self.open = (*self.open, made)
        return made


# Of all filters that the setting switches on.
_process = _Watches()


@activate(group=PROVIDER, order=-8500, when="trace")
class Trace(Filter):
    """Let somebody watch the next calls of a method, with who made them and how long they took.

        server.export(Greeter, impl, trace=True)
        async for call in facade.filters.trace.watch("demo.Greeter", "hello", times=10):
            print(call)

        trace = Trace()     # as an object: watch with trace.watch(...)

    While nobody watches it does nothing. It raises nothing. Dubbo traces for whoever comes by
    telnet, with all values; here the application decides who may watch, and values are told
    only by ``values=True``. Dubbo misses calls that fail; here they are told.
    """

    keys = {"trace": bool}

    def __init__(self) -> None:
        self._watches = _Watches()
        self._by_method: dict[str, bool] = {}
        self._default = True

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        made = cls()
        made._watches = _process
        # Named, and nothing said: on. Said for single methods: on for them.
        on = settings.by_method("trace", not any(settings.all("trace")))
        made._by_method, made._default = on, on.default
        return made

    def watch(
        self, service: str, method: str = "", times: int = 1, *, values: bool = False
    ) -> Watch:
        """The next ``times`` calls of a service or of one method there, which run through this
        object. ValueError for less than one."""
        return self._watches.watch(service, method, times, values)

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        on = self._watches.open and self._by_method.get(invocation.name, self._default)
        if not on:
            return await invoker.invoke(invocation)
        start = perf_counter()
        try:
            result = await invoker.invoke(invocation)
        except BaseException as error:
            self._tell(invocation, error, perf_counter() - start)
            raise
        if is_stream(result.value):
            at_end(result, lambda end: self._tell(invocation, end, perf_counter() - start))
        else:
            self._tell(invocation, result, perf_counter() - start)
        return result

    def _tell(
        self, invocation: Invocation, outcome: Result | BaseException, elapsed: float
    ) -> None:
        watches = [watch for watch in self._watches.open if watch.fits(invocation)]
        if not watches:
            return
        facts = (
            invocation.service_key,
            invocation.name,
            invocation.remote_address,
            invocation.remote_application,
            elapsed,
            _failed(outcome),
        )
        with self._watches.lock:
            for watch in watches:
                if watch.values:
                    value = outcome.value if isinstance(outcome, Result) else None
                    values = (invocation.arguments, dict(invocation.keywords or {}), value)
                    watch.see(Record(*facts, *values))
                else:
                    watch.see(Record(*facts))


def watch(service: str, method: str = "", times: int = 1, *, values: bool = False) -> Watch:
    """The next ``times`` calls of any service in this process that is exported with
    ``trace=True``. ValueError for less than one."""
    return _process.watch(service, method, times, values)


def _failed(outcome: Result | BaseException) -> str:
    if isinstance(outcome, Result):
        if outcome.expired:
            return "expired"
        if outcome.exception is None:
            return ""
        outcome = outcome.exception
    if isinstance(outcome, RpcError):
        return f"{type(outcome).__name__} {outcome.code.name}"
    return type(outcome).__name__
