"""Callback arguments (S61)."""

import logging
from collections.abc import Callable
from typing import Any, Protocol

import pytest

import facade
from facade.exchange.reference import INSTANCE
from facade.provider.callback import DEFAULT_TIMEOUT
from facade.testing import connected

LONG = 20.0


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The 1 s that a call back has is short for a busy machine, and not what is tested here."""
    monkeypatch.setattr("facade.provider.callback.DEFAULT_TIMEOUT", LONG)


class Listener(Protocol):
    async def changed(self, text: str) -> str: ...


class NewerListener(Protocol):
    """The same interface, a version later."""

    async def changed(self, text: str) -> str: ...

    async def removed(self, text: str) -> str: ...


@facade.service("dubbo.Callbacks")
class Service:
    async def add(self, listener: Listener) -> None: ...

    async def add_function(self, listener: Callable[[str], str] | None) -> None: ...


@facade.service("dubbo.Callbacks")
class NewerService:
    async def add(self, listener: NewerListener) -> None: ...

    async def add_function(self, listener: Callable[[str], str] | None) -> None: ...


class ServiceImpl:
    def __init__(self) -> None:
        self.listeners: list[Any] = []

    async def add(self, listener: Any) -> None:
        self.listeners.append(listener)

    async def add_function(self, listener: Any) -> None:
        self.listeners.append(listener)


class Screen:
    async def changed(self, text: str) -> str:
        return f"shows {text}"

    async def removed(self, text: str) -> str:
        raise AssertionError("it is not in the interface of the consumer")


@pytest.mark.behaviour("B7.45")
async def test_argument_is_a_remote_object() -> None:
    """What is passed for such a parameter stays with the consumer; the provider has a proxy for
    it, which calls over the connection on which it came, as often as it likes, later too."""
    impl = ServiceImpl()
    async with connected((Service, impl), timeout=LONG) as client:
        await client.refer(Service).add(Screen())
        assert await impl.listeners[0].changed("a") == "shows a"
        assert await impl.listeners[0].changed("b") == "shows b"


@pytest.mark.behaviour("B7.45")
async def test_one_proxy_for_one_object() -> None:
    """The object keeps its id on the connection, and the provider its proxy."""
    impl, screen = ServiceImpl(), Screen()
    async with connected((Service, impl), timeout=LONG) as client:
        service = client.refer(Service)
        await service.add(screen)
        await service.add(screen)
        await service.add(Screen())
        first, again, other = impl.listeners
        assert first is again
        assert first is not other


@pytest.mark.behaviour("B7.45")
async def test_limit_for_a_connection() -> None:
    """Beyond ``callbacks`` the call fails. Ours is 1024 for a stream, where Dubbo's is 1 for
    each interface: that is too few for subscriptions."""
    impl = ServiceImpl()
    async with connected((Service, impl), callbacks=2, timeout=LONG) as client:
        service = client.refer(Service)
        await service.add(Screen())
        await service.add(Screen())
        with pytest.raises(facade.LimitExceeded, match="2 callbacks of this client are in use"):
            await service.add(Screen())
        assert len(impl.listeners) == 2


@pytest.mark.behaviour("B7.45")
async def test_destroyed() -> None:
    """Un-exported by the consumer, it can't be called any more. (Dubbo: a parameter declared
    ``callback=false``. Here: ``client.release``.)"""
    impl, screen = ServiceImpl(), Screen()
    async with connected((Service, impl), timeout=LONG) as client:
        await client.refer(Service).add(screen)
        client.release(screen)
        with pytest.raises(facade.Unavailable, match="withdrawn"):
            await impl.listeners[0].changed("a")


@pytest.mark.behaviour("B7.45")
async def test_invocation_of_a_callback() -> None:
    """It carries the instance's id in ``callback.service.instid``. Its timeout is the default
    one. Ours counts down at the consumer, where Dubbo sends no time with it."""
    impl, seen = ServiceImpl(), []

    def look(text: str) -> str:
        # What the filters see; the attachment is reserved, and hidden from the context.
        invocation = facade.RpcContext.service()._invocation
        seen.append(invocation)
        assert INSTANCE not in facade.RpcContext.server_attachments()
        return text

    async with connected((Service, impl), timeout=LONG) as client:
        await client.refer(Service).add_function(look)
        assert await impl.listeners[0]("a") == "a"
    assert INSTANCE == "callback.service.instid"
    assert seen[0].attachments[INSTANCE] == "1"
    assert DEFAULT_TIMEOUT == 1.0  # before we were patient
    assert 0 < seen[0].timeout <= LONG


@pytest.mark.behaviour("B7.45")
async def test_oneway_callback() -> None:
    """A call back may be oneway; nothing of it comes back, not even its error."""
    impl, seen = ServiceImpl(), []

    def note(text: str) -> str:
        seen.append(text)
        raise ValueError(text)

    async with connected((Service, impl), timeout=LONG) as client:
        await client.refer(Service).add_function(note)
        assert await impl.listeners[0].oneway("a") is None
        with pytest.raises(ValueError, match="b"):
            await impl.listeners[0].options(timeout=LONG)("b")
    assert seen == ["a", "b"]


@pytest.mark.behaviour("B3.6")
@pytest.mark.behaviour("B2.5")
async def test_filters_of_a_call_back() -> None:
    """The provider's end of it has a consumer's chain, which gives it its surroundings; the
    consumer's end has a provider's."""
    impl = ServiceImpl()
    async with connected((Service, impl), timeout=LONG) as client:
        await client.refer(Service).add_function(
            lambda _: str(facade.RpcContext.server_attachments()["trace"])
        )
        facade.RpcContext.client_attachments()["trace"] = "7"
        assert await impl.listeners[0]("a") == "7"
        assert repr(impl.listeners[0]._handle.invoker).startswith("consumer_context -> ")
        table = client._wire.connector.current.answers.callbacks
        end = table._callbacks["1"].methods["call"].invoker
        assert repr(end) == ("context -> exception -> timeout -> Callback('Callable[[str], str]')")


@pytest.mark.behaviour("B7.46")
async def test_unknown_method_is_ignored(caplog: pytest.LogCaptureFixture) -> None:
    """A method that the consumer's interface does not have is not run, though the object has
    one of that name: a warning there, and an error for who waits."""
    impl = ServiceImpl()
    async with connected((NewerService, impl), timeout=LONG) as client:
        await client.refer(Service).add(Screen())
        with (
            caplog.at_level(logging.WARNING, "facade"),
            pytest.raises(facade.Unimplemented, match="it has: changed") as raised,
        ):
            await impl.listeners[0].removed("a")
        assert raised.value.sent is facade.Sent.NOT_EXECUTED
        assert "calls the method 'removed' of a callback which has changed" in caplog.text
        assert await impl.listeners[0].changed("a") == "shows a"
