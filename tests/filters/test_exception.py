"""What the provider writes down of an exception, and what its caller gets."""

import asyncio
import logging

import pytest

import facade
from facade.core.settings import FilterSettings
from facade.filters.exception import Exception as ExceptionFilter
from facade.testing import FakeInvoker, connected, invocation


@facade.error("exception.SoldOut")
class SoldOut(Exception):
    pass


class Undeclared(Exception):
    pass


class Worse(Undeclared):
    def __str__(self):
        raise RuntimeError("it has no text")


class NearlyDeclared(SoldOut):
    pass


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.DEBUG, "facade.filters.exception")
    return caplog


async def run(error, **settings):
    filter = ExceptionFilter.configure(FilterSettings(**settings))
    call = invocation("hello", "a secret", remote_application="shop")
    result = await filter.invoke(FakeInvoker(exception=error), call)
    assert result.exception is error  # it changes nothing
    return result


@pytest.mark.behaviour("B3.32")
@pytest.mark.parametrize(
    "error", [None, SoldOut("pie"), ValueError("no"), facade.Unavailable("gone")]
)
async def test_what_is_not_logged(log, error):
    """Values, declared exceptions, Python's own, and errors of calls that the method made."""
    await run(error)
    assert log.records == []


@pytest.mark.behaviour("B3.32")
@pytest.mark.parametrize("error", [Undeclared("no salt"), NearlyDeclared("no salt")])
async def test_undeclared(log, error):
    """One line with method, type, and who called, and the traceback; no arguments. What is
    derived from a declared one is not declared."""
    await run(error)
    (record,) = log.records
    assert record.levelno == logging.ERROR
    assert record.exc_info[1] is error
    text = record.getMessage()
    assert text.startswith("test.Service.hello raised the undeclared ")
    assert type(error).__qualname__ in text
    assert text.endswith(", called by 'shop' at ipv4:127.0.0.1:50051")
    assert "a secret" not in log.text


@pytest.mark.parametrize("log_all_by", ["service", "method"])
async def test_all(log, log_all_by):
    """Python's own are logged where that is asked for: a bug is often one of them. Errors of
    calls are not."""
    said = {"log_exceptions": "all"}
    settings = {"values": said} if log_all_by == "service" else {"methods": {"hello": said}}
    await run(AttributeError("no such thing"), **settings)
    await run(facade.Unavailable("gone"), **settings)
    (record,) = log.records
    assert "raised Python's own AttributeError" in record.getMessage()


@pytest.mark.behaviour("B3.33")
async def test_exception_without_a_text(log):
    """That its text can't be made does no harm."""
    await run(Worse())
    assert "Worse" in log.text


@pytest.mark.parametrize("error", [asyncio.CancelledError(), facade.LimitExceeded("full")])
async def test_call_that_failed_on_its_way(log, error):
    """What is no answer of the method goes out as it came in."""
    with pytest.raises(type(error)):
        await ExceptionFilter().invoke(FakeInvoker(error=error), invocation())
    assert log.records == []


@facade.service("exception.Shop")
class Shop:
    async def buy(self) -> None: ...


class Failing(Shop):
    def __init__(self, error):
        self._error = error

    async def buy(self):
        raise self._error


async def test_group(log):
    """What a TaskGroup raises can't travel with what is in it: that is in the log."""
    group = ExceptionGroup("two things", [ValueError("no salt"), SoldOut("pie")])
    async with connected((Shop, Failing(group)), timeout=10.0) as client:
        with pytest.raises(facade.RemoteError, match="two things") as caught:
            await client.refer(Shop).buy()
    assert caught.value.type == "ExceptionGroup"
    assert "raised Python's own ExceptionGroup" in log.text
    assert "ValueError: no salt" in log.text


async def test_traceback_is_logged_once(caplog):
    """Of a SystemExit the log tells twice, at its method and here: the traceback is here."""
    async with connected((Shop, Failing(SystemExit(3))), timeout=10.0) as client:
        with pytest.raises(facade.RemoteError, match="SystemExit"):
            await client.refer(Shop).buy()
    assert caplog.text.count("Traceback") == 1


def test_bad_configuration():
    """A word that means nothing is an error at once."""

    @facade.service("exception.Shop")
    class Shop:
        async def buy(self) -> None: ...

    class ShopImpl(Shop):
        async def buy(self) -> None: ...

    with pytest.raises(ValueError, match="'undeclared' or 'all'"):
        facade.Server().export(Shop, ShopImpl(), log_exceptions="al")
    with pytest.raises(TypeError, match="log_exceptions is str, not bool"):
        facade.Server().export(Shop, ShopImpl(), log_exceptions=True)


@pytest.mark.behaviour("B3.32", "B3.18")
async def test_both_ends(log):
    """The caller gets type and text, and no traceback; the provider has it in its log."""

    @facade.service("exception.Shop")
    class Shop:
        async def buy(self, item: str) -> None: ...

    class ShopImpl(Shop):
        async def buy(self, item: str) -> None:
            raise {"pie": SoldOut, "tea": Undeclared, "ink": KeyError}[item]("it is so")

    async with connected((Shop, ShopImpl()), timeout=10.0) as client:
        shop = client.refer(Shop)
        with pytest.raises(SoldOut, match="it is so"):
            await shop.buy("pie")
        with pytest.raises(KeyError):
            await shop.buy("ink")
        assert log.records == []
        with pytest.raises(facade.RemoteError) as caught:
            await shop.buy("tea")
    assert str(caught.value).endswith(".Undeclared: it is so")
    assert "Traceback" not in str(caught.value)
    assert len(log.records) == 1
    assert "in buy" in log.text
