"""Stubs and native calls against our own providers: chains on both ends, and plain gRPC between."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.wrappers_pb2 import StringValue

import facade
from facade import AsyncClient, RpcContext, Sent
from tests.greeter import greeter_pb2_grpc
from tests.greeter.greeter_pb2 import Greeting, Hello


@dataclass
class Order:
    item: str
    count: int = 1


@facade.service("demo.Shop", group="north", version="2.0")
class Shop:
    async def price(self, order: Order, currency: str = "EUR") -> list[Order]: ...
    @facade.method(name="SayHello")
    async def say_hello(self, hello: Hello) -> Greeting: ...
    async def blob(self, data: bytes) -> bytes: ...
    async def fail(self, why: str) -> None: ...
    @facade.method(name="HowLong")
    async def left(self) -> float: ...
    async def show(self) -> dict[str, str]: ...


class ShopImpl(Shop):
    async def price(self, order, currency="EUR"):
        return [order, Order(currency)]

    async def say_hello(self, hello):
        return Greeting(text=f"Hello {hello.name}")

    async def blob(self, data):
        return data[::-1]

    async def fail(self, why):
        if why == "rich":
            packed = AnyMessage()
            packed.Pack(StringValue(value="why"))
            raise facade.RpcError("no", status=facade.Status.NOT_FOUND, details=[packed])
        raise KeyError(why)

    async def left(self):
        return RpcContext.countdown().remaining

    async def show(self):
        RpcContext.response_attachments()["seen"] = "yes"
        return {
            **{name: str(value) for name, value in RpcContext.server_attachments().items()},
            "application": RpcContext.service().remote_application,
        }


@pytest.fixture
async def shop():
    server = facade.Server("127.0.0.1:0")
    server.export(Shop, ShopImpl())
    async with server:
        address = f"127.0.0.1:{server.port}"
        async with AsyncClient(address, native=True, application="web", timeout=30) as client:
            yield client.refer(Shop)


async def test_values(shop):
    """Messages, JSON values, bytes and defaults come as they went."""
    assert await shop.price(Order("pen", 2)) == [Order("pen", 2), Order("EUR")]
    assert await shop.price(Order("pen"), currency="USD") == [Order("pen"), Order("USD")]
    assert await shop.say_hello(Hello(name="Ann")) == Greeting(text="Hello Ann")
    assert await shop.blob(b"\0\xff") == b"\xff\0"


async def test_surroundings(shop):
    """Attachments both ways, the time that is left, and who calls."""
    assert 20 < await shop.left() <= 31
    seen = await shop.show.options(attachments={"trace": "t"})()
    assert seen == {"trace": "t", "application": "web"}
    assert RpcContext.response_attachments()["seen"] == "yes"


async def test_errors(shop):
    """An exception goes by its name; an RpcError with status and details."""
    with pytest.raises(facade.RemoteError, match="pens") as caught:
        await shop.fail("pens")
    assert caught.value.type == "KeyError"
    with pytest.raises(facade.RpcError, match="no") as caught:
        await shop.fail("rich")
    assert caught.value.status is facade.Status.NOT_FOUND
    (detail,) = caught.value.details
    value = StringValue()
    assert detail.Unpack(value)
    assert value.value == "why"


async def test_stubs_and_servicers(servicer):
    """Generated code at both ends, our chains between."""
    server = facade.Server("127.0.0.1:0")
    greeter_pb2_grpc.add_GreeterServicer_to_server(servicer, server)
    async with server, AsyncClient(f"127.0.0.1:{server.port}", timeout=20) as client:
        stub = greeter_pb2_grpc.GreeterStub(client.channel())
        assert (await stub.SayHello(Hello(name="Ann"))).text == "Hello Ann"
        assert RpcContext.response_attachments() == {"place": "here", "mark-bin": b"\0\1"}
        answers = stub.SayHellos(Hello(name="Ann", count=2))
        assert [answer.text async for answer in answers] == ["Ann 0", "Ann 1"]
        hellos = [Hello(name="Ann"), Hello(name="Bob")]
        assert (await stub.SayHelloToAll(hellos)).text == "Ann, Bob"
        assert [answer.text async for answer in stub.Chat(hellos)] == ["Ann", "Bob"]
        with pytest.raises(grpc.RpcError) as caught:
            await stub.SayHello(Hello(name="rich"))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert len(caught.value.details) == 1
        async for _ in stub.SayHellos(Hello(name="endless", count=1)):
            break
        await servicer.ended.wait()


@facade.service("demo.Ticker")
class Ticker:
    async def count(self, n: int) -> AsyncIterator[int]: ...
    async def total(self, numbers: AsyncIterator[int]) -> int: ...


class TickerImpl(Ticker):
    async def count(self, n):
        for number in range(n):
            yield number

    async def total(self, numbers):
        return sum([number async for number in numbers])


async def test_streams_by_name():
    """Without an interface a native client takes a stream, and says what it needs to send one."""
    server = facade.Server("127.0.0.1:0")
    server.export(Ticker, TickerImpl())
    async with server, AsyncClient(f"127.0.0.1:{server.port}", native=True, timeout=20) as client:
        ticker = client.generic("demo.Ticker")
        assert [number async for number in ticker.stream("count", 3)] == [0, 1, 2]
        assert await client.refer(Ticker).total([1, 2, 3]) == 6
        with pytest.raises(facade.InvalidArgument, match="needs the interface"):
            await ticker.stream("total", iter([1, 2, 3]))


@facade.service("demo.Till")
class Till:
    async def pay(self, why: str) -> None: ...


@facade.service("demo.Till")
class OtherTill:
    async def pay(self) -> None: ...
    async def refund(self) -> None: ...


class TillImpl(Till):
    async def pay(self, why):
        if why == "marked":
            RpcContext.response_attachments()["execution"] = "NOT_STARTED"
        raise facade.Unimplemented("the bank has no method reserve()", sent=Sent.NOT_EXECUTED)


@pytest.fixture
async def till():
    server = facade.Server("127.0.0.1:0")
    exporter = server.export(Till, TillImpl(), methods={"pay": {"token": ""}}, token="secret")
    async with server, AsyncClient(f"127.0.0.1:{server.port}", native=True) as client:
        yield client, exporter


@pytest.mark.parametrize("why", ["plain", "marked"])
async def test_a_method_that_ran_is_not_told_as_refused(till, why):
    """What it raised is of a call of its own, and says nothing about whether it ran."""
    client, _ = till
    with pytest.raises(facade.Unimplemented, match="the bank") as caught:
        await client.refer(Till).pay(why)
    assert caught.value.sent is Sent.MAYBE_EXECUTED


async def test_what_our_provider_refused_did_not_run(till):
    """It says so: of a method that there is not, of arguments, of what its filters refuse."""
    client, exporter = till
    for method, error in (("refund", facade.Unimplemented), ("pay", facade.InvalidArgument)):
        with pytest.raises(error) as caught:
            await getattr(client.refer(OtherTill), method)()
        assert caught.value.sent is Sent.NOT_EXECUTED
    with pytest.raises(facade.RpcError, match="asks for a token") as caught:
        await client.generic("demo.Till").invoke("$echo", "OK")
    assert caught.value.sent is Sent.NOT_EXECUTED
    exporter.unexport()
    with pytest.raises(facade.Unimplemented) as caught:
        await client.refer(Till).pay("plain")
    assert caught.value.sent is Sent.NOT_EXECUTED
