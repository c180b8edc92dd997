"""Which implementation a call finds."""

import pytest

import facade


@facade.service("services.Greeter", version="1.0")
class Greeter:
    async def hello(self, name: str, greeting: str = "Hello") -> str: ...


class GreeterImpl(Greeter):
    def __init__(self, name: str = "") -> None:
        self.name = name

    async def hello(self, name: str, greeting: str = "Hello") -> str:
        return f"{greeting} {name}{', from ' + self.name if self.name else ''}"


@facade.service("services.Adder")
class Adder:
    async def add(self, a: int, b: int) -> int: ...


class AdderImpl(Adder):
    async def add(self, a: int, b: int) -> int:
        return a + b


async def test_many_services_on_one_port(wire):
    """One client reaches all services of a provider."""
    server = await wire.provide((Greeter, GreeterImpl()), (Adder, AdderImpl()))
    client = wire.connect(server)
    assert await wire.call(client.refer(Greeter).hello, "Ann") == "Hello Ann"
    assert await wire.call(client.refer(Adder).add, 1, 2) == 3


async def test_many_clients_of_one_provider(wire):
    """Each client has its own answers."""
    server = await wire.provide((Adder, AdderImpl()))
    adders = [wire.connect(server).refer(Adder) for _ in range(3)]
    assert [await wire.call(adder.add, n, n) for n, adder in enumerate(adders)] == [0, 2, 4]


async def test_version_chooses_the_implementation(wire):
    """The same interface is exported in two versions, and each caller gets his."""
    server = await wire.provide()
    server.export(Greeter, GreeterImpl("one"))
    server.export(Greeter, GreeterImpl("two"), version="2.0")
    client = wire.connect(server)
    first, second = client.refer(Greeter), client.refer(Greeter, version="2.0")
    assert await wire.call(first.hello, "Ann") == "Hello Ann, from one"
    assert await wire.call(second.hello, "Ann") == "Hello Ann, from two"


async def test_group_chooses_the_implementation(wire):
    """The same interface is exported in two groups, and each caller gets his."""
    server = await wire.provide()
    server.export(Greeter, GreeterImpl("blue"), group="blue")
    server.export(Greeter, GreeterImpl("green"), group="green")
    client = wire.connect(server)
    blue, green = client.refer(Greeter, group="blue"), client.refer(Greeter, group="green")
    assert await wire.call(blue.hello, "Ann") == "Hello Ann, from blue"
    assert await wire.call(green.hello, "Ann") == "Hello Ann, from green"


async def test_export_after_the_start(wire):
    """A service that is exported to a running server is found."""
    server = await wire.provide((Adder, AdderImpl()))
    client = wire.connect(server)
    assert await wire.call(client.refer(Adder).add, 1, 2) == 3
    server.export(Greeter, GreeterImpl())
    assert await wire.call(client.refer(Greeter).hello, "Ann") == "Hello Ann"


async def test_unexport(wire):
    """What is taken away is not found any more; the rest is."""
    server = await wire.provide((Adder, AdderImpl()))
    exporter = server.export(Greeter, GreeterImpl())
    client = wire.connect(server)
    assert await wire.call(client.refer(Greeter).hello, "Ann") == "Hello Ann"
    exporter.unexport()
    with pytest.raises(facade.Unimplemented, match=r"services\.Adder"):
        await wire.call(client.refer(Greeter).hello, "Ann")
    assert await wire.call(client.refer(Adder).add, 1, 2) == 3


async def test_export_again_after_unexport(wire):
    """The place is free for another implementation."""
    server = await wire.provide()
    server.export(Greeter, GreeterImpl("old")).unexport()
    server.export(Greeter, GreeterImpl("new"))
    greeter = wire.connect(server).refer(Greeter)
    assert await wire.call(greeter.hello, "Ann") == "Hello Ann, from new"


async def test_generic_call_by_position(wire):
    """Without an interface at hand a method is called by name."""
    server = await wire.provide((Adder, AdderImpl()))
    service = wire.connect(server).generic("services.Adder")
    assert await wire.call(service.invoke, "add", 1, 2) == 3


async def test_generic_call_by_name(wire):
    """Arguments may go by name, and what has a default may be left out."""
    server = await wire.provide((Greeter, GreeterImpl()))
    service = wire.connect(server).generic("services.Greeter", version="1.0")
    assert await wire.call(service.invoke, "hello", name="Ann") == "Hello Ann"


async def test_generic_call_with_options(wire):
    """A generic method has options, too."""

    class Curious(Adder):
        async def add(self, a: int, b: int) -> int:
            return int(facade.RpcContext.server_attachments()["more"]) + a + b

    server = await wire.provide((Adder, Curious()))
    add = wire.connect(server).generic("services.Adder").method("add")
    assert await wire.call(add.options(attachments={"more": "10"}), 1, 2) == 13


async def test_generic_call_is_validated_by_the_provider(wire):
    """Arguments that do not fit are refused by name there."""
    server = await wire.provide((Adder, AdderImpl()))
    service = wire.connect(server).generic("services.Adder")
    with pytest.raises(facade.InvalidArgument, match="argument 'b'"):
        await wire.call(service.invoke, "add", 1, "two")


async def test_inherited_methods(wire):
    """An interface has the methods of those it derives from."""

    @facade.service("services.Calculator")
    class Calculator(Adder):
        async def double(self, a: int) -> int: ...

    class CalculatorImpl(Calculator):
        async def add(self, a: int, b: int) -> int:
            return a + b

        async def double(self, a: int) -> int:
            return 2 * a

    calculator = await wire.refer(Calculator, CalculatorImpl())
    assert await wire.call(calculator.add, 1, 2) == 3
    assert await wire.call(calculator.double, 4) == 8
