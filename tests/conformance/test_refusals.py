"""Errors that tell the caller what to change."""

import socket

import pytest

import facade


@facade.service("refusals.Greeter", version="1.0")
class Greeter:
    async def hello(self, name: str, times: int = 1, *, loud: bool = False) -> str: ...

    async def goodbye(self, name: str) -> str: ...

    async def describe(self, thing: dict[str, list[int]]) -> object: ...


class GreeterImpl(Greeter):
    async def hello(self, name: str, times: int = 1, *, loud: bool = False) -> str:
        return f"Hello {name}" * times

    async def goodbye(self, name: str) -> str:
        return f"Goodbye {name}"

    async def describe(self, thing: dict[str, list[int]]) -> object:
        return object()


@facade.service("refusals.Other")
class Other:
    async def nothing(self) -> None: ...


class OtherImpl(Other):
    async def nothing(self) -> None:
        pass


@facade.service("refusals.Greeter", version="1.0")
class Loose:
    """Greeter's service, with no types: for arguments that do not fit."""

    async def hello(self, name, times): ...

    async def describe(self, thing): ...


@pytest.fixture
async def client(wire):
    server = await wire.provide((Greeter, GreeterImpl()), (Other, OtherImpl()))
    client = wire.connect(server)
    yield client
    # Whatever was refused, the next call works.
    assert await wire.call(client.refer(Greeter).hello, "Ann") == "Hello Ann"


# Within a process a key is looked up in all servers of it: see dubbo/test_injvm.py.
OVER_A_NETWORK = pytest.mark.parametrize(
    "wire", ["memory", "stream", "unary", "blocking"], indirect=True
)


async def refused(wire, kind, method, *arguments, **keywords):
    with pytest.raises(kind) as raised:
        await wire.call(method, *arguments, **keywords)
    return raised.value


@OVER_A_NETWORK
async def test_unknown_service(wire, client):
    """It lists the services that there are, and names one that is near."""
    service = client.generic("refusals.Othr")
    error = await refused(wire, facade.Unimplemented, service.invoke, "nothing")
    assert "'refusals.Othr'" in str(error)
    assert "did you mean 'refusals.Other'?" in str(error)
    assert "refusals.Greeter:1.0" in str(error)
    assert (error.sent, error.remote) == (facade.Sent.NOT_EXECUTED, True)


@OVER_A_NETWORK
async def test_unknown_service_of_an_empty_provider(wire):
    """A provider without any service says that."""
    client = wire.connect(await wire.provide())
    service = client.generic("refusals.Other")
    error = await refused(wire, facade.Unimplemented, service.invoke, "nothing")
    assert "none at all" in str(error)


async def test_unknown_method(wire, client):
    """It lists the methods that there are, and names one that is near."""
    service = client.generic("refusals.Greeter", version="1.0")
    error = await refused(wire, facade.Unimplemented, service.invoke, "goodby")
    assert "'goodby'" in str(error)
    assert "did you mean 'goodbye'?" in str(error)
    assert "hello" in str(error)
    assert error.code is facade.Code.METHOD_NOT_FOUND


@OVER_A_NETWORK
async def test_wrong_version(wire, client):
    """It lists the versions that there are."""
    greeter = client.refer(Greeter, version="3.0")
    error = await refused(wire, facade.Unimplemented, greeter.hello, "Ann")
    assert "version '3.0'" in str(error)
    assert "refusals.Greeter:1.0" in str(error)


@OVER_A_NETWORK
async def test_wrong_group(wire, client):
    """It lists the groups that there are."""
    greeter = client.refer(Greeter, group="blue")
    error = await refused(wire, facade.Unimplemented, greeter.hello, "Ann")
    assert "group 'blue'" in str(error)
    assert "refusals.Greeter:1.0" in str(error)


async def test_missing_argument(wire, client):
    """It names the argument, is a TypeError too, and nothing is sent."""
    error = await refused(wire, facade.InvalidArgument, client.refer(Greeter).hello)
    assert "refusals.Greeter.hello" in str(error)
    assert "'name'" in str(error)
    assert isinstance(error, TypeError)
    assert (error.sent, error.remote) == (facade.Sent.NOT_SENT, False)


async def test_too_many_arguments(wire, client):
    """It says so, and nothing is sent."""
    hello = client.refer(Greeter).hello
    error = await refused(wire, facade.InvalidArgument, hello, "Ann", 1, True)
    assert "too many positional arguments" in str(error)
    assert error.sent is facade.Sent.NOT_SENT


async def test_unknown_keyword(wire, client):
    """It names the argument, and nothing is sent."""
    hello = client.refer(Greeter).hello
    error = await refused(wire, facade.InvalidArgument, hello, "Ann", nmae="Bob")
    assert "'nmae'" in str(error)
    assert error.sent is facade.Sent.NOT_SENT


async def test_argument_of_a_wrong_type(wire, client):
    """It names the argument, what was expected and what was given; the method is not called."""
    hello = client.refer(Greeter).hello
    error = await refused(wire, facade.InvalidArgument, hello, "Ann", "twice")
    assert "argument 'times'" in str(error)
    assert "int" in str(error)
    assert "str" in str(error)
    assert error.status is facade.Status.INVALID_ARGUMENT
    assert error.sent is not facade.Sent.MAYBE_EXECUTED


async def test_wrong_type_inside_of_an_argument(wire, client):
    """It says where in the argument."""
    describe = client.refer(Loose).describe
    error = await refused(wire, facade.InvalidArgument, describe, {"a": [1, "two"]})
    assert "argument 'thing'" in str(error)
    assert "[1]" in str(error)


async def test_missing_argument_of_a_generic_call(wire, client):
    """Without an interface at hand it is the provider that names the argument."""
    service = client.generic("refusals.Greeter", version="1.0")
    error = await refused(wire, facade.InvalidArgument, service.invoke, "hello")
    assert "'name'" in str(error)
    assert error.remote


async def test_too_many_arguments_of_a_generic_call(wire, client):
    """It says how many the method takes."""
    service = client.generic("refusals.Greeter", version="1.0")
    error = await refused(wire, facade.InvalidArgument, service.invoke, "hello", "Ann", 1, True)
    assert "takes 2 positional arguments, and 3 were given" in str(error)


async def test_argument_that_can_not_be_encoded(wire, client):
    """It names the argument and its type, and nothing is sent."""
    hello = client.refer(Loose).hello
    error = await refused(wire, facade.InvalidArgument, hello, "Ann", object())
    assert "argument 'times'" in str(error)
    assert "object" in str(error)
    assert error.sent is facade.Sent.NOT_SENT


async def test_value_that_can_not_be_encoded(wire, client):
    """The method returned it: that is the provider's fault, and the caller learns which method."""
    describe = client.refer(Greeter).describe
    error = await refused(wire, facade.RpcError, describe, {})
    assert "refusals.Greeter.describe" in str(error)
    assert "can't be encoded" in str(error)
    assert (error.status, error.code) == (facade.Status.INTERNAL, facade.Code.SERIALIZATION)


async def test_value_that_is_not_what_the_caller_declares(wire, client):
    """An interface that differs from the provider's is told apart from a wrong value."""

    @facade.service("refusals.Greeter", version="1.0")
    class Wrong:
        async def hello(self, name: str) -> int: ...

    error = await refused(wire, facade.RpcError, client.refer(Wrong).hello, "Ann")
    assert "refusals.Greeter.hello" in str(error)
    assert "int" in str(error)


@pytest.mark.parametrize("wire", ["stream", "unary", "blocking"], indirect=True)
async def test_connection_refused(wire):
    """Nobody listens there: it names the address, and nothing was sent."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        target = f"127.0.0.1:{taken.getsockname()[1]}"
        kind = facade.Client if wire.blocking else facade.AsyncClient
        client = kind(target, timeout=20, unary=wire.name == "unary", wait_for_ready=False)
        error = await refused(wire, facade.Unavailable, client.refer(Other).nothing)
        if wire.blocking:
            await wire.do(client.close)
        else:
            await client.close()
    assert target in str(error)
    assert "refused" in str(error)
    assert (error.sent, error.code) == (facade.Sent.NOT_SENT, facade.Code.NETWORK)
