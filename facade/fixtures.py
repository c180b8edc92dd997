"""pytest fixtures. Import those that you want into a ``conftest.py``:

    from facade.fixtures import connect, connect_blocking, fresh_context

Nothing is registered by being installed. ``connect`` is async: it needs a plugin that runs
async fixtures, such as pytest-asyncio.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack

import pytest

from facade.consumer.blocking import Client
from facade.consumer.client import AsyncClient
from facade.core.context import RpcContext, reset_here, reset_request, set_here, set_request
from facade.testing import connected, connected_blocking

try:
    from pytest_asyncio import fixture as async_fixture
except ImportError:  # then it is another plugin's to run it
    async_fixture = pytest.fixture  # type: ignore[assignment]

__all__ = ["connect", "connect_blocking", "fresh_context"]

Connect = Callable[..., Awaitable[AsyncClient]]
ConnectBlocking = Callable[..., Client]


@async_fixture
async def connect() -> AsyncIterator[Connect]:
    """``client = await connect((Greeter, GreeterImpl()))``: see ``facade.testing.connected``.
    What it made is closed when the test ends."""
    async with AsyncExitStack() as stack:

        async def make(*services: tuple[type, object], **settings: object) -> AsyncClient:
            return await stack.enter_async_context(connected(*services, **settings))  # type: ignore[arg-type]

        yield make


@pytest.fixture
def connect_blocking() -> Iterator[ConnectBlocking]:
    """``client = connect_blocking((Greeter, GreeterImpl()))``, for tests without an event loop."""
    with ExitStack() as stack:

        def make(*services: tuple[type, object], **settings: object) -> Client:
            return stack.enter_context(connected_blocking(*services, **settings))  # type: ignore[arg-type]

        yield make


@pytest.fixture
def fresh_context() -> Iterator[type[RpcContext]]:
    """RpcContext as it is where nothing has happened. Tests without an event loop share a
    thread, and with it what one of them left to send."""
    here, request = set_here(None), set_request(None)
    yield RpcContext
    reset_request(request)
    reset_here(here)
