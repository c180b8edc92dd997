"""Secrets in the texts of exceptions stay at the provider, where it says so."""

import logging
from collections.abc import AsyncIterator

import pytest

import facade
from facade.testing import connected

SECRET = "password=hunter2"


@facade.error("security.Sold")
class Sold(Exception):
    """Declared: what it says is for callers."""


class Own(Exception):
    """Nobody declared it."""


@facade.service("security.Shop")
class Shop:
    async def fail(self, kind: str) -> None: ...
    async def open(self, kind: str) -> None: ...
    def pour(self, kind: str) -> AsyncIterator[int]: ...


FAILURES = {
    "builtin": RuntimeError(SECRET),
    "key": KeyError(SECRET),
    "os": FileNotFoundError(2, SECRET, SECRET),
    "own": Own(SECRET),
    "exit": SystemExit(SECRET),
    "declared": Sold(SECRET),
    "rpc": facade.RpcError(SECRET, status=facade.Status.NOT_FOUND),
    "remote": facade.RemoteError(SECRET, type="other.Error"),
}
HIDDEN = ["builtin", "key", "os", "own", "exit", "remote"]
TOLD = ["declared", "rpc"]


class ShopImpl:
    async def fail(self, kind):
        raise FAILURES[kind]

    async def open(self, kind):
        raise FAILURES[kind]

    async def pour(self, kind):
        yield 1
        raise FAILURES[kind]


SETTINGS = {"error_texts": "declared"}


@pytest.fixture
async def shop():
    async with connected((Shop, ShopImpl()), server_settings=SETTINGS, timeout=20) as client:
        yield client.refer(Shop)


@pytest.mark.parametrize("kind", HIDDEN)
async def test_texts_that_nobody_declared_stay(shop, kind, caplog):
    """The caller learns the type, and under which number the log has the rest."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        await shop.fail(kind)
    assert SECRET not in repr(caught.value) + str(caught.value)
    number = str(caught.value).split()[-1].strip("'")
    (record,) = [r for r in caplog.records if number in r.getMessage()]
    assert record.levelno == logging.ERROR
    assert SECRET in str(record.exc_info[1])


@pytest.mark.parametrize("kind", TOLD)
async def test_declared_texts_are_told(shop, kind):
    """They are meant for callers."""
    with pytest.raises(type(FAILURES[kind]), match=SECRET):
        await shop.fail(kind)


async def test_python_s_own_come_as_themselves(shop):
    """So ``except KeyError`` still catches."""
    with pytest.raises(KeyError):
        await shop.fail("key")
    with pytest.raises(facade.RemoteError) as caught:
        await shop.fail("own")
    assert caught.value.type.endswith("test_texts.Own")


@pytest.mark.parametrize("kind", [*HIDDEN, *TOLD])
async def test_of_streams_too(shop, kind):
    """What is raised after the first value is an exception of the method as well."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        async for _ in shop.pour(kind):
            pass
    assert (SECRET in str(caught.value)) == (kind in TOLD)


@pytest.mark.parametrize("kind", HIDDEN)
@pytest.mark.parametrize("how", [{"unary": True}, {"native": True}], ids=str)
async def test_whatever_carries_the_call(kind, how):
    """Unary calls and plain gRPC's tell no more than a stream does."""
    server = facade.Server(filter_settings=SETTINGS)
    server.export(Shop, ShopImpl())
    async with server, facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20, **how) as client:
        with pytest.raises(Exception) as caught:  # noqa: PT011
            await client.refer(Shop).fail(kind)
        assert SECRET not in str(caught.value)


async def test_a_method_may_say_otherwise():
    """As with every setting of a filter."""
    server = facade.Server(filter_settings=SETTINGS)
    server.export(Shop, ShopImpl(), methods={"open": {"error_texts": "all"}})
    async with server, facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20) as client:
        with pytest.raises(RuntimeError, match=SECRET):
            await client.refer(Shop).open("builtin")
        with pytest.raises(RuntimeError, match="keeps the text"):
            await client.refer(Shop).fail("builtin")


async def test_a_broken_filter_tells_nothing():
    """What a filter raises is a bug of the provider's: its text stays in any case."""

    class Broken(facade.Filter):
        async def invoke(self, invoker, invocation):
            raise RuntimeError(SECRET)

    async with connected((Shop, ShopImpl()), server_filters=[Broken()], timeout=20) as client:
        with pytest.raises(facade.RpcError, match="see its log") as caught:
            await client.refer(Shop).fail("own")
    assert SECRET not in str(caught.value)


def test_a_wrong_value_is_an_error():
    """Where the server is made."""
    with pytest.raises(ValueError, match="error_texts='none'"):
        facade.Server(filter_settings={"error_texts": "none"})
