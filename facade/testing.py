"""Helpers for your own tests: of services without a socket, of filters without either end."""

import inspect
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from facade.consumer.blocking import Client
from facade.consumer.client import AsyncClient
from facade.consumer.engine import engine
from facade.core.chain import check
from facade.core.context import Request, reset_request, set_request
from facade.core.countdown import TimeoutCountDown
from facade.core.filter import Filter
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.settings import FilterSettings
from facade.exchange.memory import MemoryTransport
from facade.plugins import FilterList, check_settings
from facade.provider.server import Server
from facade.service import describe

__all__ = ["FakeInvoker", "configured", "connected", "connected_blocking", "invocation", "serving"]

F = TypeVar("F", bound=Filter)

_numbers = itertools.count()


@asynccontextmanager
async def connected(
    *services: tuple[type, object],
    filters: FilterList = ("default",),
    server_filters: FilterList = ("default",),
    server_settings: Mapping[str, Any] | None = None,
    **client_settings: Any,
) -> AsyncIterator[AsyncClient]:
    """A client joined in memory to a server of ``services``: (interface, implementation) each.

    Calls run through the chains of both ends and travel as frames, as they do over gRPC;
    only the socket is missing. ``server_settings`` are for the server's filters.
    ``client_settings`` are those of AsyncClient, ``filter_settings`` among them. Its timeout of
    1 s is short for a busy machine: give a longer one where time is not what you test.
    """
    server = Server(filters=server_filters, filter_settings=server_settings)
    for interface, implementation in services:
        server.export(interface, implementation)
    transport = MemoryTransport(server.exchange, server.invoke, server.describe)
    client = AsyncClient("memory", filters=filters, transport=transport, **client_settings)
    try:
        yield client
    finally:
        try:
            await client.close()
        finally:
            await server.stop()


@contextmanager
def connected_blocking(
    *services: tuple[type, object],
    filters: FilterList = ("default",),
    server_filters: FilterList = ("default",),
    server_settings: Mapping[str, Any] | None = None,
    **client_settings: Any,
) -> Iterator[Client]:
    """The same for tests without an event loop: a blocking client, and a server that it calls
    within the process. The server's ``async def`` methods run on the library's thread."""
    server = Server(
        f"injvm:test-{next(_numbers)}", filters=server_filters, filter_settings=server_settings
    )
    for interface, implementation in services:
        server.export(interface, implementation)
    client = Client(server.address, filters=filters, **client_settings)
    engine().submit(server.start).result()
    try:
        yield client
    finally:
        try:
            client.close()
        finally:
            engine().submit(server.stop).result()


@contextmanager
def serving(call: Invocation) -> Iterator[Request]:
    """As if ``call`` were served in this block: a method that is called there finds it in
    ``RpcContext``. What it sends back is in ``response_attachments`` of what this gives."""
    request = Request(call)
    token = set_request(request)
    try:
        yield request
    finally:
        reset_request(token)


def configured(
    cls: type[F], *, methods: Mapping[str, Mapping[str, Any]] | None = None, **settings: Any
) -> F:
    """The filter as an export or a reference with these settings makes it; ``methods`` says
    them for single methods. They are checked as there: ValueError, TypeError."""
    given = FilterSettings(settings, methods)
    check_settings(given, [cls.__new__(cls)], cls.__name__)
    made = cls.configure(given)
    check(made)
    return made


class FakeInvoker:
    """What a filter calls in a test: ``await MyFilter().invoke(FakeInvoker("value"), call)``.

    value        is answered, with ``attachments``
    exception    is answered: the method raised it
    error        is raised: the call failed on its way
    function     is called with the invocation instead, and may be async; it gives a value or
                 a whole Result, and what it raises fails the call on its way
    """

    def __init__(
        self,
        value: Any = None,
        *,
        exception: Exception | None = None,
        error: BaseException | None = None,
        function: Callable[[Invocation], Any] | None = None,
        attachments: Mapping[str, str | bytes] | None = None,
    ) -> None:
        self._value = value
        self._exception = exception
        self._error = error
        self._function = function
        self._attachments = dict(attachments or {})
        # What it was called with, oldest first.
        self.invocations: list[Invocation] = []

    async def invoke(self, invocation: Invocation, /) -> Result:
        self.invocations.append(invocation)
        if self._error is not None:
            raise self._error
        if self._function is None:
            return Result(self._value, self._exception, self._attachments.copy())
        outcome = self._function(invocation)
        if inspect.isawaitable(outcome):
            outcome = await outcome
        return outcome if isinstance(outcome, Result) else Result(outcome)

    def __repr__(self) -> str:
        return "FakeInvoker"


def invocation(
    name: str = "hello",
    *arguments: Any,
    interface: type | None = None,
    service: str = "test.Service",
    group: str = "",
    version: str = "",
    keywords: dict[str, Any] | None = None,
    attachments: Mapping[str, str | bytes] | None = None,
    timeout: float | None = None,
    countdown: TimeoutCountDown | None = None,
    oneway: bool = False,
    remote_address: str = "ipv4:127.0.0.1:50051",
    remote_application: str = "",
) -> Invocation:
    """A call for a filter to see.

    With an ``interface``, service, group, version and ``Invocation.method`` are its own.
    ``timeout`` (seconds) is what a consumer's filter finds; a ``countdown`` is what a
    provider's finds, once the call has come in. ValueError for a method that the interface
    does not have.
    """
    method = None
    if interface is not None:
        described = describe(interface)
        if name not in described.methods:
            raise ValueError(f"{described.key} has no method {name!r}")
        method = described.methods[name]
        service, group, version = described.name, described.group, described.version
    made = Invocation(
        service,
        name,
        arguments,
        keywords,
        attachments=dict(attachments or {}),
        group=group,
        version=version,
        timeout=timeout,
        oneway=oneway or (method is not None and method.oneway),
        method=method,
    )
    made.countdown = countdown
    made.remote_address = remote_address
    made.remote_application = remote_application
    return made
