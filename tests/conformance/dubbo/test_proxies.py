"""Remote services as objects, and implementations as invokers."""

import asyncio
import copy
from dataclasses import dataclass

import pytest

import facade
from facade.core import Invocation


@facade.service("proxies.Greeter", version="1.0")
class Greeter:
    async def hello(self, name: str) -> str: ...


class GreeterImpl(Greeter):
    async def hello(self, name: str) -> str:
        return f"Hello {name}"


class GreeterStub(Greeter):
    """Runs at the consumer, around the remote service."""

    def __init__(self, remote: Greeter) -> None:
        self.remote = remote

    async def hello(self, name: str) -> str:
        if not name:
            return "Hello nobody"
        return await self.remote.hello(name.title())


@pytest.mark.behaviour("B1.3", "B8.30")
def test_what_every_object_has_is_answered_here():
    """repr, equality, hash and truth are not calls: here there is nobody to call."""
    client = facade.AsyncClient("127.0.0.1:1", filters=["-default"])
    greeter, again = client.refer(Greeter), client.refer(Greeter)
    assert repr(greeter) == "<proxies.Greeter:1.0, remote>"
    assert str(greeter) == repr(greeter)
    assert greeter == greeter
    assert greeter != again
    assert len({greeter, again, greeter}) == 2
    assert greeter
    assert isinstance(greeter, Greeter)
    assert copy.copy(greeter).hello.options(timeout=1)


@pytest.mark.behaviour("B1.3")
def test_interface_with_fields():
    """What a class says of its own objects' equality and hash does not hold for remote ones."""

    @dataclass
    class Own:
        name: str

        async def hello(self) -> str:
            return self.name

    client = facade.AsyncClient("127.0.0.1:1")
    one, other = client.refer(Own), client.refer(Own)
    assert one != other
    assert len({one, other}) == 2
    assert str(one).endswith("Own, remote>")


@pytest.mark.behaviour("B1.3")
def test_name_that_the_interface_lacks():
    """It is an AttributeError here, and no call."""
    greeter = facade.AsyncClient("127.0.0.1:1").refer(Greeter)
    with pytest.raises(AttributeError):
        greeter.helo  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.behaviour("B8.1")
def test_each_reference_is_an_object_of_its_own():
    """Their classes are, too: what one is given, the other does not see."""
    client = facade.AsyncClient("127.0.0.1:1")
    one, other = client.refer(Greeter), client.refer(Greeter)
    one.note = 1  # type: ignore[attr-defined]
    assert not hasattr(other, "note")


@pytest.mark.behaviour("B8.30")
@pytest.mark.parametrize("wire", ["memory", "stream", "unary", "injvm"], indirect=True)
async def test_stub(wire):
    """Code of the consumer may stand in front of the remote service: it answers itself, or
    changes the call."""
    server = await wire.provide((Greeter, GreeterImpl()))
    greeter = wire.connect(server).refer(Greeter, stub=GreeterStub)
    assert isinstance(greeter, GreeterStub)
    assert await greeter.hello("ann") == "Hello Ann"
    await server.stop()
    assert await greeter.hello("") == "Hello nobody"


@pytest.mark.behaviour("B8.30")
async def test_stub_of_a_blocking_client():
    """It waits, as the service does that it is given."""

    @facade.service("proxies.Greeter", version="1.0")
    class Waiting:
        def hello(self, name: str) -> str: ...

    class Stub(Waiting):
        def __init__(self, remote: Waiting) -> None:
            self.remote = remote

        def hello(self, name: str) -> str:
            return self.remote.hello(name) + "!"

    def use() -> str:
        with facade.Client("injvm", timeout=20) as client:
            return client.refer(Waiting, stub=Stub).hello("Ann")

    server = facade.Server("injvm")
    server.export(Greeter, GreeterImpl())
    async with server:
        assert await asyncio.to_thread(use) == "Hello Ann!"


@pytest.mark.behaviour("B8.30")
def test_stub_that_can_not_be_made():
    """Our decision: an error at once, where Dubbo logs it and calls without the stub."""

    class Wrong(Greeter):
        pass

    with pytest.raises(TypeError):
        facade.AsyncClient("127.0.0.1:1").refer(Greeter, stub=Wrong)  # type: ignore[arg-type]


# At the provider


@pytest.mark.behaviour("B1.27", "B8.31")
def test_implementation_that_lacks_a_method():
    """It is refused when it is exported, not when the method is called."""
    with pytest.raises(TypeError, match=r"object does not implement proxies\.Greeter\.hello"):
        facade.Server().export(Greeter, object())


@pytest.mark.behaviour("B8.31")
async def test_implementation_is_called_by_name():
    """The methods are looked up at the export; what is done to the object later is not seen."""
    impl = GreeterImpl()
    end = facade.Server(filters=["-default"]).export(Greeter, impl).invoker
    impl.hello = None  # type: ignore[assignment]
    result = await end.invoke(Invocation("proxies.Greeter", "hello", ("Ann",), version="1.0"))
    assert result.value == "Hello Ann"
