"""Typed interfaces over plain gRPC calls, as Dubbo's Triple makes them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import grpc
import grpc.aio
import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Value

import facade
from facade import AsyncClient, Client, Code, RpcContext, Sent
from facade.codec import MethodCodec
from facade.consumer.native import PlainMessages
from facade.core.method import Method, Parameter
from facade.jsonvalue import from_value, to_value
from tests.greeter.greeter_pb2 import Greeting, Hello


@dataclass
class Order:
    item: str
    count: int = 1


@facade.service("tests.greeter.Greeter")
class Greeter:
    @facade.method(name="SayHello")
    async def say_hello(self, request: Hello) -> Greeting: ...
    @facade.method(name="Forget")
    async def forget(self, request: Hello) -> None: ...


@facade.service("demo.Shop", group="north", version="2.0")
class Shop:
    async def price(self, order: Order, currency: str = "EUR") -> list[Order]: ...
    async def blob(self, data: bytes) -> bytes: ...
    async def fail(self) -> int: ...
    @facade.method(oneway=True)
    async def note(self, line: str) -> None: ...


@facade.service("demo.Shop")
class Large:
    async def large(self) -> str: ...


class PlainShop(grpc.GenericRpcHandler):
    """Takes and gives google.protobuf.Value, and knows nothing of us."""

    def __init__(self):
        self.metadata = {}
        self.seen = asyncio.Queue()

    def service(self, details):
        name = details.method.rpartition("/")[2]
        if not details.method.startswith("/demo.Shop/") or not hasattr(self, f"_{name}"):
            return None
        return grpc.unary_unary_rpc_method_handler(
            getattr(self, f"_{name}"), Value.FromString, Value.SerializeToString
        )

    async def _price(self, request, context):
        self.metadata = dict(context.invocation_metadata())
        context.set_trailing_metadata((("rate", "2"),))
        self.seen.put_nowait(from_value(request))
        return to_value([{"item": "pen", "count": 2}])

    async def _blob(self, request, context):
        return request.list_value.values[0]

    async def _large(self, request, context):
        return to_value("x" * 10_000)

    async def _fail(self, request, context):
        await context.abort(
            grpc.StatusCode.UNKNOWN, "out of pens", (("exception-type", "shop.OutOfStock"),)
        )

    async def _note(self, request, context):
        self.seen.put_nowait(from_value(request))
        return to_value(None)


@pytest.fixture
def shop():
    return PlainShop()


@pytest.fixture
async def shop_target(shop):
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((shop,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(0)


async def test_messages_travel_as_they_are(target, servicer):
    """A method of protobuf messages is the gRPC method of its name."""
    async with AsyncClient(target, native=True, timeout=20) as client:
        greeter = client.refer(Greeter)
        assert await greeter.say_hello(Hello(name="Ann")) == Greeting(text="Hello Ann")
        assert RpcContext.response_attachments()["place"] == "here"
        with pytest.raises(facade.InvalidArgument, match="expected Hello"):
            await greeter.say_hello("Ann")
        with pytest.raises(facade.Unimplemented) as caught:
            await greeter.forget(Hello())
        assert caught.value.sent is Sent.MAYBE_EXECUTED  # any code of a server may say so
        with pytest.raises(facade.RpcError, match="no such guest: Zoë") as caught:
            await greeter.say_hello(Hello(name="refused"))
        assert caught.value.status is facade.Status.NOT_FOUND
        assert not isinstance(caught.value, grpc.RpcError)


async def test_values_travel_as_json(shop_target, shop):
    """Other methods have arguments and value in a google.protobuf.Value."""
    async with AsyncClient(shop_target, native=True, timeout=20) as client:
        remote = client.refer(Shop)
        assert await remote.price(Order("pen", 3)) == [Order("pen", 2)]
        assert await shop.seen.get() == [{"item": "pen", "count": 3}]
        await remote.price(Order("pen"), currency="USD")
        assert await shop.seen.get() == [{"item": "pen", "count": 1}, "USD"]
        assert await remote.blob(b"\0\xff") == b"\0\xff"
        with pytest.raises(facade.InvalidArgument, match="missing"):
            await remote.price()
        shop_by_name = client.generic("demo.Shop")
        assert await shop_by_name.invoke("price", order=1) == [{"item": "pen", "count": 2}]
        assert await shop.seen.get() == {"order": 1}


async def test_headers(shop_target, shop):
    """Version, group, application and time go as Triple's headers, attachments as metadata."""
    async with AsyncClient(shop_target, native=True, application="web", timeout=5) as client:
        remote = client.refer(Shop)
        await remote.price.options(attachments={"Trace": "t", "who": "Zoë"})(Order("pen"))
        told = shop.metadata
        assert told["tri-service-version"] == "2.0"
        assert told["tri-service-group"] == "north"
        assert told["tri-consumer-appname"] == "web"
        assert 0 < int(told["tri-service-timeout"]) <= 5000
        assert told["_to"] == told["tri-service-timeout"]
        assert told["trace"] == "t"
        assert told["who-bin"] == "Zoë".encode()
        assert RpcContext.response_attachments() == {"rate": "2"}
        await client.refer(Shop, group="", version="").price(Order("pen"))
        assert "tri-service-group" not in shop.metadata
    async with AsyncClient(shop_target, native=True, countdown=False, timeout=20) as client:
        await client.refer(Shop).price(Order("pen"))
        assert "tri-service-timeout" not in shop.metadata


async def test_an_exception_of_the_method(shop_target):
    """A provider that names it makes it an answer: a RemoteError of that type."""
    async with AsyncClient(shop_target, native=True, timeout=20) as client:
        with pytest.raises(facade.RemoteError) as caught:
            await client.refer(Shop).fail()
    assert (caught.value.type, caught.value.message) == ("shop.OutOfStock", "out of pens")
    assert caught.value.code is Code.BIZ


async def test_an_answer_that_is_too_large(shop_target):
    """The text names the method, and what would let it pass, beside what gRPC says."""
    async with AsyncClient(shop_target, native=True, max_message_size=2048, timeout=30) as small:
        with pytest.raises(facade.LimitExceeded, match="raise max_message_size") as caught:
            await small.refer(Large).large()
    assert str(caught.value).startswith("demo.Shop.large: ")
    assert caught.value.sent is Sent.MAYBE_EXECUTED


async def test_time_runs_out(target, servicer):
    """By the client's clock; the provider's method is cancelled. A busy machine may not have come
    to it in so little time."""
    async with AsyncClient(target, native=True, timeout=20) as client:
        await client.ready()
        while not servicer.started.is_set():
            with pytest.raises(facade.DeadlineExceeded, match="timeout: 50 ms"):
                await client.refer(Greeter).say_hello.options(timeout=0.05)(Hello(name="slow"))
        await servicer.ended.wait()


async def test_nobody_waits_for_a_oneway_call(shop_target, shop):
    """It is sent, and its answer dropped."""
    async with AsyncClient(shop_target, native=True, timeout=20) as client:
        assert await client.refer(Shop).note("hello") is None
        assert await shop.seen.get() == ["hello"]


async def test_a_client_without_asyncio(target):
    """Native calls of threads."""

    def work():
        with Client(target, native=True, timeout=20) as client:
            greeter = client.refer(Greeter)
            future = greeter.say_hello.future(Hello(name="Bob"))
            assert future.result(5).text == "Hello Bob"
            return greeter.say_hello(Hello(name="Ann")).text

    assert await asyncio.to_thread(work) == "Hello Ann"


@facade.service("tests.greeter.Greeter")
class Talker:
    @facade.method(name="Chat")
    def chat(self, hellos: AsyncIterator[Hello]) -> AsyncIterator[Greeting]: ...
    @facade.method(name="SayHellos")
    def say_hellos(self, hello: Hello) -> AsyncIterator[Greeting]: ...
    @facade.method(name="SayHelloToAll")
    async def say_hello_to_all(self, hellos: AsyncIterator[Hello]) -> Greeting: ...
    async def more(self, factor: int, hellos: AsyncIterator[Hello]) -> int: ...


async def endless():
    yield Hello(name="Ann")
    await asyncio.Event().wait()


async def test_streams(target, servicer):
    """Streams of values go as gRPC's own, each a message; one that is dropped is cancelled."""
    hellos = [Hello(name="Ann"), Hello(name="Bob")]
    async with AsyncClient(target, native=True, timeout=20) as client:
        talker = client.refer(Talker)
        assert [answer.text async for answer in talker.chat(hellos)] == ["Ann", "Bob"]
        assert [a.text async for a in talker.say_hellos(Hello(name="A", count=2))] == ["A 0", "A 1"]
        assert (await talker.say_hello_to_all(iter(hellos))).text == "Ann, Bob"
        servicer.ended.clear()
        async for _ in talker.chat(endless()):
            break
        await servicer.ended.wait()
        with pytest.raises(facade.InvalidArgument, match="takes more than the stream 'hellos'"):
            await talker.more(1, hellos)
        with pytest.raises(facade.InvalidArgument, match="missing"):
            await talker.say_hello_to_all()


async def test_it_becomes_ready(target):
    """ready() finds a provider that is no facade."""
    async with AsyncClient(target, native=True, timeout=20) as client:
        await client.ready(5)
        assert client.available
        with pytest.raises(facade.Unimplemented):
            await client.describe()


def test_what_can_not_be_together():
    """Native calls are neither ours, nor many connections', nor within the process."""
    for facts in ({"unary": True}, {"connections": 2}):
        with pytest.raises(ValueError, match="native=True"):
            AsyncClient("localhost:1", native=True, **facts)
    with pytest.raises(ValueError, match="the target 'injvm'"):
        AsyncClient("injvm", native=True)
    with pytest.raises(ValueError, match="a gRPC method has one such as"):
        facade.method(name="say hello")


async def test_callbacks_are_refused(shop_target):
    """There is nothing to call back on."""

    @facade.service("demo.Shop")
    class Watch:
        async def watch(self, told: Callable[[str], None]) -> None: ...

    async with AsyncClient(shop_target, native=True, timeout=20) as client:
        with pytest.raises(facade.InvalidArgument, match="no stream to be called back on"):
            await client.refer(Watch).watch(print)


async def test_empty_is_nothing(target):
    """A method that gives None takes google.protobuf.Empty for it."""
    codec = MethodCodec(Method("demo.Shop", "clear", (Parameter("request", Hello),), None))
    assert PlainMessages(codec, None).answer(Empty().SerializeToString()) is None
