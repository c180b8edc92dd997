"""A function that gives the token, and does not, or not in time."""

import asyncio

import pytest

import facade
from facade.core import Code, RpcError, Sent
from facade.filters.bearer import Bearer
from facade.testing import FakeInvoker, connected, invocation


@facade.service("test.Shop")
class Shop:
    async def hello(self) -> str: ...


class ShopImpl(Shop):
    async def hello(self):
        return "hello"


async def hang():
    await asyncio.Event().wait()


@pytest.mark.parametrize("filters", [["default"], ["bearer"]])
async def test_function_that_does_not_end(filters):
    """The call does, when its time is up, with any other filters or none; nothing is sent."""
    settings = {"filter_settings": {"bearer": hang}, "filters": filters, "timeout": 0.1}
    async with connected((Shop, ShopImpl()), **settings) as client, asyncio.timeout(20):
        with pytest.raises(facade.DeadlineExceeded, match="gave no token in time") as caught:
            await client.refer(Shop).hello()
    assert caught.value.sent is Sent.NOT_SENT


@pytest.mark.parametrize("error", [TimeoutError, asyncio.CancelledError])
async def test_function_that_was_late_itself(error):
    """Its own timeouts, and what it waits for and is cancelled, are failures as others are."""

    async def fail():
        raise error

    with pytest.raises(RpcError, match=f"gave no token .{error.__name__}") as caught:
        await Bearer(fail).invoke(FakeInvoker(), invocation(timeout=20))
    assert (caught.value.code, caught.value.sent) == (Code.AUTHORIZATION, Sent.NOT_SENT)


async def test_caller_may_give_up():
    """His cancellation ends the function too."""
    began, ended = asyncio.Event(), asyncio.Event()

    async def ask():
        began.set()
        try:
            await hang()
        finally:
            ended.set()

    asking = asyncio.create_task(Bearer(ask).invoke(FakeInvoker(), invocation(timeout=20)))
    await began.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert ended.is_set()
