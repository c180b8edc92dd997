"""The function that a server asks about each caller."""

import asyncio

import pytest

import facade
from facade import Status
from tests.security.authentication.door import client
from tests.security.conftest import Vault


async def never(peer, credentials):
    await asyncio.Event().wait()


async def nobody(peer, credentials):
    return None


async def busy(peer, credentials):
    raise facade.Unavailable("the directory is away")


async def test_it_may_be_async(serving):
    """And what it gives is the identity."""

    async def ask(peer, credentials):
        await asyncio.sleep(0)
        return ("user", credentials["authorization"].decode()[:6])

    async with client(await serving(authenticate=ask)) as consumer:
        assert await consumer.refer(Vault).who() == "('user', 'Bearer')"


async def test_none_is_nobody(serving):
    """A look-up that found nothing lets nobody in."""
    async with client(await serving(authenticate=nobody)) as consumer:
        with pytest.raises(facade.RpcError) as caught:
            await consumer.ready()
    assert caught.value.status is Status.UNAUTHENTICATED


async def test_a_slow_function_is_given_up(serving):
    """The stream is refused, and may try again."""
    limits = facade.Limits(handshake_timeout=0.05)
    target = await serving(authenticate=never, limits=limits)
    async with client(target, unary=True) as consumer:
        with pytest.raises(facade.Unavailable, match="handshake_timeout"):
            await consumer.refer(Vault).who()


def finds_none(peer, credentials):
    return next(name for name in () if name == credentials)


def exits(peer, credentials):
    raise SystemExit(1)


async def exits_later(peer, credentials):
    raise SystemExit(1)


async def waits_too_long_itself(peer, credentials):
    raise TimeoutError("the directory did not answer")


async def waits_for_what_is_cancelled(peer, credentials):
    keys = asyncio.get_running_loop().create_future()
    keys.cancel()
    return await keys


@pytest.mark.parametrize("how", [{}, {"unary": True}, {"native": True}], ids=str)
@pytest.mark.parametrize(
    "ask", [finds_none, exits, exits_later, waits_for_what_is_cancelled, waits_too_long_itself]
)
async def test_whatever_it_raises_is_a_refusal(serving, ask, how):
    """Nobody ends the process by it, and nobody waits in vain."""
    async with client(await serving(authenticate=ask), **how) as consumer:
        with pytest.raises(facade.RpcError) as caught:
            await consumer.refer(Vault).who()
    assert caught.value.status is Status.UNAUTHENTICATED


async def test_its_own_errors_are_told(serving):
    """An RpcError says that it was not about the credentials."""
    async with client(await serving(authenticate=busy), unary=True) as consumer:
        with pytest.raises(facade.Unavailable, match="the directory is away"):
            await consumer.refer(Vault).who()


def test_what_is_no_function_is_an_error():
    """At once, and not when somebody calls."""
    with pytest.raises(TypeError, match="authenticate is a function"):
        facade.Server(authenticate="secret")
