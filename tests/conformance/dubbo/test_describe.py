"""What a provider says of itself, and what consumers make of it."""

import asyncio
import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import grpc.aio
import pytest

import facade
from facade import MethodDescription, ParameterDescription, RpcContext
from facade.exchange.description import read_request
from facade.provider.description import type_text
from facade.v1 import describe_pb2
from tests.ports import free_port


@dataclass
class Order:
    id: int


@facade.service("conformance.Shop", group="north", version="1.0", timeout=300)
class Shop:
    """Sells things.

    More of it here.
    """

    @facade.method(timeout=200, idempotent=True, cancel_on_timeout=True)
    async def find(self, id: int, *, exact: bool = True) -> Order | None:
        """Find an order."""

    async def list(self, names: list[str], anything: Any = None) -> dict[str, list[Order]]: ...

    @facade.method(oneway=True)
    async def tell(self, what) -> None: ...


@facade.service("conformance.Clock")
class Clock:
    async def limit(self) -> float: ...


class ShopImpl:
    async def find(self, id, *, exact=True): ...
    async def list(self, names, anything=None): ...
    async def tell(self, what): ...


class ClockImpl:
    async def limit(self) -> float:
        countdown = RpcContext.countdown()
        assert countdown is not None
        return countdown.timeout


SERVICES = ((Shop, ShopImpl()), (Clock, ClockImpl()))


async def client_of(wire: Any, **settings: Any) -> Any:
    server = await wire.provide(*SERVICES, application="store")
    return wire.connect(server, **settings)


@pytest.mark.behaviour("B5.3")
async def test_description(wire):
    """It has the services with their methods, types as they are written, summaries and the
    provider's settings."""
    description = await wire.call((await client_of(wire)).describe)
    assert description.application == "store"
    shop, clock = description.services
    assert (shop.key, shop.summary) == ("north/conformance.Shop:1.0", "Sells things.")
    assert (shop.settings, shop.timeout) == ({"timeout": "300"}, 300)
    assert (clock.key, clock.settings, clock.timeout) == ("conformance.Clock", {}, None)
    assert shop.methods["find"] == MethodDescription(
        name="find",
        parameters=(
            ParameterDescription("id", "int"),
            ParameterDescription("exact", "bool", optional=True, keyword_only=True),
        ),
        returns="Order | None",
        summary="Find an order.",
        idempotent=True,
        settings={"timeout": "200", "cancel_on_timeout": "true"},
    )
    assert shop.methods["find"].timeout == 200
    assert shop.methods["list"] == MethodDescription(
        name="list",
        parameters=(
            ParameterDescription("names", "list[str]"),
            ParameterDescription("anything", "", optional=True),
        ),
        returns="dict[str, list[Order]]",
    )
    assert shop.methods["tell"].oneway
    assert shop.methods["tell"].returns == "None"


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ({}, ["north/conformance.Shop:1.0", "conformance.Clock"]),
        ({"service": "conformance.Clock"}, ["conformance.Clock"]),
        ({"group": "north"}, ["north/conformance.Shop:1.0"]),
        ({"service": "conformance.Shop", "version": "1.0"}, ["north/conformance.Shop:1.0"]),
        ({"service": "conformance.Shop", "version": "2.0"}, []),
        ({"service": "conformance.Clock", "group": "north"}, []),
    ],
)
async def test_description_of_some(wire, filter, found):
    """Name, group and version choose; what is left out means any; what fits nothing is none."""
    description = await wire.call((await client_of(wire)).describe, **filter)
    assert [service.key for service in description.services] == found


async def test_unexported_service_is_not_described(wire):
    """It tells what can be called now."""
    server = await wire.provide(*SERVICES)
    client = wire.connect(server)
    server.exporters[0].unexport()
    (clock,) = (await wire.call(client.describe)).services
    assert clock.name == "conformance.Clock"


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (int, "int"),
        (None, "None"),
        (type(None), "None"),
        (Order, "Order"),
        (list[Order | None], "list[Order | None]"),
        (dict[str, tuple[int, ...]], "dict[str, tuple[int, ...]]"),
        (Literal["a", 1], "Literal['a', 1]"),
        (Annotated[int, "even"], "Annotated[int, 'even']"),
        (list[Any], "list[Any]"),
        (Callable[[int], str], "Callable[[int], str]"),
        (list["Order"], "list[Order]"),
    ],
)
def test_type_as_it_is_written(hint, text):
    """Types are shown as one writes them, without their modules."""
    assert type_text(hint) == text


# On the wire


async def test_any_grpc_client_may_ask():
    """Describe is an rpc like any other; what is no request is refused as such."""
    server = facade.Server()
    server.export(Clock, ClockImpl(), timeouts={"limit": 0.5})
    async with server, grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        describe = channel.unary_unary("/facade.v1.Facade/Describe")
        answer = describe_pb2.DescribeResponse.FromString(await describe(b""))
        (service,) = answer.services
        assert service.methods[0].settings == {"timeout": "0.5"}
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await describe(b"\xff")
        assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def silent(request: bytes) -> bytes:
    raise facade.Unimplemented("an older provider", remote=True)


async def broken(request: bytes) -> bytes:
    return b"\xff"


async def failing(request: bytes) -> bytes:
    raise facade.Unavailable("not now")


async def mistaken(request: bytes) -> bytes:
    return describe_pb2.DescribeResponse(
        services=[
            describe_pb2.ServiceDescription(
                name="conformance.Clock",
                settings={"timeout": "soon", "more": "x"},
                methods=[
                    describe_pb2.MethodDescription(name="limit", settings={"timeout": "-1"}),
                    describe_pb2.MethodDescription(name="unheard_of", settings={"timeout": "1"}),
                ],
            )
        ]
    ).SerializeToString()


@pytest.mark.behaviour("B5.7", "B9.3")
@pytest.mark.parametrize("answer", [silent, broken, failing, mistaken])
async def test_provider_that_publishes_nothing_of_use(wire, answer, monkeypatch):
    """A provider that has no Describe, or answers nonsense, hurts no call and no ready(): what
    the consumer says itself holds."""
    monkeypatch.setattr(facade.Server, "describe", lambda self, request: answer(request))
    client = await client_of(wire, timeout=600)
    if not (wire.name == "unary" and answer in (broken, failing)):
        await wire.call(client.ready)
    limit = await wire.call(client.refer(Clock).limit)
    assert 550 < limit <= 600


@pytest.mark.parametrize("wire", ["memory", "stream", "unary", "blocking"], indirect=True)
async def test_failures_are_told_to_who_asks(wire, monkeypatch):
    """describe() raises Unimplemented where a provider does not say, and says what is wrong."""
    answers = {"conformance.Clock": silent, "conformance.Shop": broken}
    monkeypatch.setattr(
        facade.Server,
        "describe",
        lambda self, request: answers.get(read_request(request)[0], failing)(request),
    )
    client = await client_of(wire)
    with pytest.raises(facade.Unimplemented):
        await wire.call(client.describe, "conformance.Clock")
    with pytest.raises(facade.RpcError, match="no description"):
        await wire.call(client.describe, "conformance.Shop")
    with pytest.raises(facade.Unavailable, match="not now"):
        await wire.call(client.describe)


async def test_describe_without_a_provider():
    """Nobody there: it is Unavailable after the client's timeout, as a call would be."""
    async with facade.AsyncClient("127.0.0.1:1", timeout=0.2) as client:
        with pytest.raises(facade.Unavailable):
            await client.describe()


@pytest.mark.parametrize("wire", ["memory", "stream", "unary", "blocking"], indirect=True)
async def test_calls_do_not_wait_for_it(wire, monkeypatch):
    """While the provider has not said anything yet calls go on; close() does not wait either."""

    async def never(request: bytes) -> bytes:
        asked.set()
        await asyncio.Event().wait()
        return b""

    asked = asyncio.Event()
    monkeypatch.setattr(facade.Server, "describe", lambda self, request: never(request))
    client = await client_of(wire, timeout=600)
    assert await wire.call(client.refer(Clock).limit) > 500
    await asyncio.wait_for(asked.wait(), 20)
    assert await wire.call(client.refer(Clock).limit) > 500
    await wire.call(client.close)


async def test_switched_off(wire, monkeypatch):
    """A client with describe=False never asks by itself."""

    async def ask(request: bytes) -> bytes:
        asked.append(request)
        return b""

    asked: list[bytes] = []
    monkeypatch.setattr(facade.Server, "describe", lambda self, request: ask(request))
    client = await client_of(wire, describe=False)
    if wire.name != "unary":  # whose ready() is a question too
        await wire.call(client.ready)
    await wire.call(client.refer(Clock).limit)
    assert asked == []


@pytest.mark.behaviour("B5.4", "B5.5")
async def test_published_values_follow_the_provider():
    """After a reconnect what the provider says now holds, also for references made before."""
    address = f"127.0.0.1:{free_port()}"
    server = facade.Server(address)
    server.export(Clock, ClockImpl(), timeouts={"limit": 300})
    await server.start()
    async with facade.AsyncClient(address, timeout=600) as client:
        clock = client.refer(Clock)
        optioned = clock.limit.options(attachments={"a": "b"})
        await client.ready()
        assert 250 < await clock.limit() <= 300
        await server.stop()
        again = facade.Server(address)
        again.export(Clock, ClockImpl(), timeout=400)
        async with again:
            await client.ready(30)
            assert 350 < await clock.limit() <= 400
            assert 350 < await optioned() <= 400
            assert 350 < await client.generic("conformance.Clock").invoke("limit") <= 400


def test_limits_are_not_kept():
    """A reference that is made for one call, and dropped, leaves nothing behind."""
    with facade.Client("localhost:1") as client:
        for _ in range(100):
            client.refer(Shop)
        gc.collect()  # a class is part of a cycle
        assert len(client._client._limits._made) == 0


def test_timeouts_for_a_method_that_is_not_there():
    """A wrong name is an error at once, which says what there is."""
    with pytest.raises(ValueError, match="did you mean 'find'"):
        facade.Server().export(Shop, ShopImpl(), timeouts={"fund": 1})
    with (
        facade.Client("localhost:1") as client,
        pytest.raises(ValueError, match="it has: find, list, tell"),
    ):
        client.refer(Shop, timeouts={"xyz": 1})
    with pytest.raises(ValueError, match=r"timeout of conformance\.Shop\.find"):
        facade.Server().export(Shop, ShopImpl(), timeouts={"find": 0})
