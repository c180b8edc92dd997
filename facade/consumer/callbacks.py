"""Callbacks at the end that hands them over: how they go out, and how they are run."""

import asyncio
import concurrent.futures
import contextvars
import inspect
import threading
import weakref
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property, partial
from typing import Any, Protocol

from facade.consumer.connections import Connections
from facade.core.chain import chain
from facade.core.context import override
from facade.core.errors import LimitExceeded, RpcError, Sent
from facade.core.filter import PROVIDER, Filter, Invoker
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.stream import NOT_OF_THE_STREAM
from facade.exchange.callbacks import CallbackTable, Handed
from facade.exchange.calling import call
from facade.exchange.reference import CallbackCodec, CallbackInterface, Reference
from facade.plugins import resolve

Function = Callable[..., Any]


class Runner(Protocol):
    """Where the functions of a user run."""

    async def run(self, function: Function, invocation: Invocation) -> Any:
        """What it returns; raises what it raises."""
        ...


class CallbackInvoker:
    """Sends calls that have callbacks among their arguments. (Dubbo: CallbackServiceCodec)

    ``limit``: how many callbacks may be in use on one stream.
    """

    def __init__(self, connector: Connections, runner: Runner, limit: int) -> None:
        if limit < 0:
            raise ValueError(f"callbacks={limit}: no less than 0")
        self._connector = connector
        self._runner = runner
        self._limit = limit
        # Those of the streams that something was handed over on.
        self._tables: weakref.WeakSet[CallbackTable] = weakref.WeakSet()

    @cached_property
    def _filters(self) -> list[Filter]:
        """Of calls that come back."""
        return resolve(("default",), PROVIDER, {})

    async def invoke(self, invocation: Invocation) -> Result:
        override(invocation)
        codec: CallbackCodec = invocation.codec
        invocation.start_countdown()
        connection = self._connector.steady
        loop = asyncio.get_running_loop()
        if connection is None or not connection.usable or connection.calls.loop is not loop:
            connection = await self._connector.connect(invocation)
        table = connection.answers.callbacks
        self._tables.add(table)
        handed: list[Handed] = []

        def hand_over(interface: CallbackInterface, argument: Any) -> Reference | None:
            if argument is None and interface.optional:
                return None
            handed.append(self._hand_over(table, codec, interface, argument))
            return Reference(handed[-1].id)

        try:
            arguments = codec.substitute(invocation.arguments, invocation.keywords, hand_over)
            payload = codec.encode_arguments(*arguments)
            take_back = partial(table.take_back, handed)
            return await call(connection.calls, invocation, payload, take_back)
        except RpcError as error:
            if error.sent is not Sent.MAYBE_EXECUTED:
                table.take_back(handed, error.sent)
            raise

    def _hand_over(
        self, table: CallbackTable, codec: CallbackCodec, interface: CallbackInterface, target: Any
    ) -> Handed:
        callback = table.known(self, target, interface)
        if callback is None:
            end = CallbackEnd(interface, codec.check(interface, target), self._runner)
            invoker = chain(self._filters, end)
            callback = table.add(self, target, interface, invoker, self._limit)
        callback.times += 1
        return callback

    def withdraw(self, target: Any) -> bool:
        """Forget a callback. False where none is in use."""
        found = [table.withdraw(self, target) for table in self._tables]
        return any(found)

    @property
    def held(self) -> bool:
        """Whether any is in use."""
        return any(table.holds(self) for table in self._tables)

    def close(self) -> None:
        """The client closes: others may go on with the streams."""
        for table in self._tables:
            table.withdraw_all(self)

    @property
    def available(self) -> bool:
        return self._connector.available

    def __repr__(self) -> str:
        return f"CallbackInvoker({self._connector.target!r})"


class NoCallbacks:
    """For a client without streams: refuses callbacks, and lets other calls pass."""

    held = False

    def __init__(self, invoker: Invoker) -> None:
        self._invoker = invoker

    async def invoke(self, invocation: Invocation) -> Result:
        codec: CallbackCodec = invocation.codec
        codec.refuse_callbacks(invocation, "this client has no stream to be called back on")
        return await self._invoker.invoke(invocation)

    def withdraw(self, target: Any) -> bool:
        return False

    def close(self) -> None:
        """Nothing was handed over."""

    def __repr__(self) -> str:
        return repr(self._invoker)


class CallbackEnd:
    """The inner end of the chain that the provider's calls run through: the user's function."""

    def __init__(
        self, interface: CallbackInterface, functions: Mapping[str, Function], runner: Runner
    ) -> None:
        self._name = interface.name
        self._functions = functions
        self._runner = runner
        self._silent = {n for n, m in interface.methods.items() if m.returns in (None, type(None))}

    async def invoke(self, invocation: Invocation) -> Result:
        try:
            value = await self._runner.run(self._functions[invocation.name], invocation)
        except _NOT_OF_THE_FUNCTION:
            raise
        except BaseException as error:  # SystemExit, say: the provider is told, as of a method's
            return Result(exception=error)
        # A lambda returns something, though nobody asked for it.
        return Result(None if invocation.name in self._silent else value)

    def __repr__(self) -> str:
        return f"Callback({self._name!r})"


class OnLoop:
    """Runs them where the rest of an asyncio program runs, so that they may touch its state."""

    async def run(self, function: Function, invocation: Invocation) -> Any:
        value = function(*invocation.arguments, **(invocation.keywords or {}))
        return await value if inspect.isawaitable(value) else value


class CallbacksExhausted(LimitExceeded):
    """No thread was free, and no place to wait for one."""


_NOT_OF_THE_FUNCTION = (CallbacksExhausted, *NOT_OF_THE_STREAM)


class InThreads:
    """Runs them in a few threads, never in the one that carries all calls."""

    def __init__(self, threads: int = 8, queue: int = 1024) -> None:
        self._threads = threads
        self._queue = queue
        self._pool: concurrent.futures.ThreadPoolExecutor | None = None
        self._taken = 0
        self._lock = threading.Lock()

    async def run(self, function: Function, invocation: Invocation) -> Any:
        if self._taken >= self._threads + self._queue:
            raise CallbacksExhausted(
                f"{self._threads} callbacks run at the consumer, and {self._queue} wait",
                sent=Sent.NOT_EXECUTED,
            )
        if self._pool is None:
            self._pool = concurrent.futures.ThreadPoolExecutor(
                self._threads, thread_name_prefix="facade-callback"
            )
        run = partial(_outcome, function, invocation)
        with self._lock:
            self._taken += 1
        future = self._pool.submit(contextvars.copy_context().run, run)
        future.add_done_callback(self._release)
        value, error = await asyncio.wrap_future(future)
        if isinstance(error, KeyboardInterrupt):
            # The operator's comes to the main thread: this one would end the loop of all calls.
            raise RuntimeError("the callback raised KeyboardInterrupt")
        if error is not None:
            raise error
        return value

    def _release(self, _: concurrent.futures.Future[Any]) -> None:
        """Its place is taken until it has really ended, whoever still waits for it."""
        with self._lock:
            self._taken -= 1

    def close(self) -> None:
        """Start nothing new. What runs is left to end."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)


def _outcome(function: Function, invocation: Invocation) -> tuple[Any, BaseException | None]:
    """Value and error, as a future can't carry StopIteration."""
    try:
        value = function(*invocation.arguments, **(invocation.keywords or {}))
        return (asyncio.run(_result(value)) if inspect.isawaitable(value) else value), None
    except BaseException as error:
        return None, error


async def _result(value: Awaitable[Any]) -> Any:
    return await value
