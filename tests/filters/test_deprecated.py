"""Warnings of what is to go, at either end."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

import facade
from facade.core.settings import FilterSettings
from facade.filters import deprecated as module
from facade.filters.deprecated import Deprecated
from facade.testing import FakeInvoker, connected, invocation


@facade.service("deprecated.Greeter")
class Greeter:
    async def hello(self, name: str) -> str: ...
    @facade.method(deprecated=True)
    async def hi(self, name: str) -> str: ...
    @facade.method(deprecated="use hello()")
    async def moin(self, name: str) -> str: ...


class GreeterImpl(Greeter):
    async def hello(self, name: str) -> str:
        return f"Hello {name}"

    async def hi(self, name: str) -> str:
        return f"Hi {name}"

    async def moin(self, name: str) -> str:
        return f"Moin {name}"


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.DEBUG, "facade.filters.deprecated")
    return caplog


async def call(filter, name="hi", **facts):
    result = await filter.invoke(FakeInvoker("answer"), invocation(name, "a secret", **facts))
    assert result.value == "answer"


@pytest.mark.behaviour("B3.35")
async def test_consumer_is_told_once(log):
    """At the first call of each method, with what to do instead; calls go on as ever."""
    filter = Deprecated(methods={"hi": True, "moin": "use hello()"})
    for name in ("hi", "moin", "hello", "hi", "moin"):
        await call(filter, name, remote_address="")
    assert log.messages == [
        "test.Service.hi is deprecated",
        "test.Service.moin is deprecated: use hello()",
    ]
    assert {record.levelno for record in log.records} == {logging.WARNING}


async def test_provider_learns_who_calls(log):
    """Once for each application, or host where it has no name; a new connection of the same
    one is nothing new, and what a peer calls itself can't forge a line."""
    filter = Deprecated(deprecated=True)
    for _ in range(2):
        await call(filter, remote_application="shop")
        await call(filter, remote_application="a\nb", remote_address="ipv4:10.0.0.1:1")
        await call(filter, remote_address="ipv4:10.0.0.1:1")
        await call(filter, remote_address="ipv4:10.0.0.1:2")
    assert log.messages == [
        "test.Service.hi is deprecated; it was called by 'shop'",
        "test.Service.hi is deprecated; it was called by 'a\\nb'",
        "test.Service.hi is deprecated; it was called by 'ipv4:10.0.0.1'",
    ]


async def test_callers_are_not_kept_without_end(log, monkeypatch):
    """Who makes up names fills no memory: beyond a number nobody is told of."""
    monkeypatch.setattr(module, "MOST", 3)
    filter = Deprecated(deprecated=True)
    for number in range(10):
        await call(filter, remote_application=f"app-{number}")
    assert len(log.records) == len(filter._told) == 3


def test_many_threads_are_told_once(log):
    """A blocking client runs it on the threads that call."""
    filter = Deprecated(deprecated=True)
    assert not filter.needs_loop
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: asyncio.run(call(filter)), range(64)))
    assert len(log.records) == 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (FilterSettings({"deprecated": True}), ["hello", "hi"]),
        (FilterSettings({"deprecated": "gone in 3.0"}, {"hello": {"deprecated": False}}), ["hi"]),
        (FilterSettings({}, {"hi": {"deprecated": "gone"}}), ["hi"]),
    ],
)
async def test_by_method(log, settings, told):
    """A method says it for itself, over what the service says."""
    filter = Deprecated.configure(settings)
    for name in ("hello", "hi"):
        await call(filter, name)
    assert [m.split(" ")[0].rpartition(".")[2] for m in log.messages] == told


def test_bad_configuration():
    """Without a method it would do nothing; and a number is no advice."""
    with pytest.raises(ValueError, match="no method"):
        Deprecated(methods={"hi": False})
    with pytest.raises(TypeError, match="deprecated is bool or str, not int"):
        facade.Server().export(Greeter, GreeterImpl(), methods={"hi": {"deprecated": 3}})


@pytest.mark.behaviour("B3.35")
async def test_both_ends(log):
    """The interface says it, and each end has its own warning."""
    async with connected((Greeter, GreeterImpl()), application="shop", timeout=10.0) as client:
        greeter = client.refer(Greeter)
        for _ in range(2):
            assert await greeter.moin("Ann") == "Moin Ann"
        assert await greeter.hello("Ann") == "Hello Ann"
        assert log.messages == [
            "deprecated.Greeter.moin is deprecated: use hello()",
            "deprecated.Greeter.moin is deprecated: use hello(); it was called by 'shop'",
        ]
        assert await client.generic("deprecated.Greeter").invoke("hi", "Ann") == "Hi Ann"
    assert log.messages[2:] == ["deprecated.Greeter.hi is deprecated; it was called by 'shop'"]
