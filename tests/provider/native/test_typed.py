"""Exported services as gRPC methods of their own names."""
# ruff: noqa: N802 -- methods have the names of their .proto

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value
from google.protobuf.wrappers_pb2 import Int64Value

import facade
from facade import RpcContext
from facade.provider.native import typed
from tests.greeter.greeter_pb2 import Greeting, Hello
from tests.provider.native.conftest import AioGreeter, failure, serving


@dataclass
class Order:
    id: int
    note: str = ""


@facade.error("typed.Odd")
class Odd(Exception):
    pass


class Shop:
    async def hello(self, name: str) -> str: ...
    async def add(self, a: int, b: int = 1) -> int: ...
    async def save_order(self, order: Order) -> Order: ...
    async def nothing(self) -> None: ...
    async def fail(self, kind: str) -> None: ...
    async def watch(self, listener: Callable[[int], None]) -> None: ...
    async def greet(self, hello: Hello) -> Greeting: ...
    async def forget(self, hello: Hello) -> None: ...


class ShopImpl(Shop):
    async def hello(self, name):
        RpcContext.response_attachments()["Seen"] = str(
            RpcContext.server_attachments().get("tenant")
        )
        return f"Hello {name}"

    async def add(self, a, b=1):
        return a + b

    async def save_order(self, order):
        return order

    async def nothing(self):
        return None

    async def fail(self, kind):
        raise {
            "known": ValueError("known to all"),
            "declared": Odd("declared"),
            "rpc": facade.LimitExceeded("enough"),
        }[kind]

    async def watch(self, listener):
        pass

    async def greet(self, hello):
        return Greeting(text=hello.name) if hello.name else hello

    async def forget(self, hello):
        return None


def shop(name="demo.Shop", **options):
    return facade.service(name, **options)(type("Shop", (Shop,), {}))


async def call(server, path, data=None, **options):
    """As grpcurl would: JSON in, JSON out."""
    request = Value() if data is None else json_format.Parse(json.dumps(data), Value())
    method = server.channel.unary_unary(
        path, request_serializer=Value.SerializeToString, response_deserializer=Value.FromString
    )
    return json.loads(json_format.MessageToJson(await method(request, **options)))


@pytest.fixture
async def server():
    async with serving() as server:
        server.export(shop(), ShopImpl())
        yield server


@pytest.mark.parametrize(
    ("method", "data", "answer"),
    [
        ("hello", {"name": "Ann"}, "Hello Ann"),
        ("hello", ["Ann"], "Hello Ann"),
        ("hello", "Ann", "Hello Ann"),
        ("add", {"a": 1, "b": 2}, 3),
        ("add", [1], 2),
        ("add", 4, 5),
        ("nothing", None, None),
        ("nothing", [], None),
        ("save_order", {"order": {"id": 1, "note": "x"}}, {"id": 1, "note": "x"}),
        ("save_order", [{"id": 1}], {"id": 1, "note": ""}),
        ("saveOrder", [{"id": 1}], {"id": 1, "note": ""}),
        ("SaveOrder", [{"id": 1}], {"id": 1, "note": ""}),
        ("Hello", "Ann", "Hello Ann"),
    ],
)
async def test_values_of_json(server, method, data, answer):
    """By name, by position, or the only one bare; names as other languages write them."""
    assert await call(server, f"/demo.Shop/{method}", data) == answer


@pytest.mark.parametrize(
    ("method", "data", "text"),
    [
        ("hello", {"nam": "Ann"}, "demo.Shop.hello: .*nam"),
        ("hello", 7, "argument 'name': Expected `str`, got `int`"),
        ("hello", None, "missing argument 'name'"),
        ("add", [1, 2, 3], "takes 2 positional arguments, and 3 were given"),
        ("watch", None, "missing argument 'listener'"),
    ],
)
async def test_arguments_that_do_not_fit(server, method, data, text):
    """INVALID_ARGUMENT, with the codec's own words."""
    error = await failure(call(server, f"/demo.Shop/{method}", data))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert re.search(text, error.details()), error.details()


async def test_what_is_no_message(server):
    """INVALID_ARGUMENT too, for either kind of methods."""
    for method in ("hello", "greet"):
        error = await failure(server.channel.unary_unary(f"/demo.Shop/{method}")(b"\xff"))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "the request is no " in error.details()


async def test_what_is_no_message_to_protobuf_in_python(server, monkeypatch):
    """It says so in another way where a text is no UTF-8."""

    class Value:
        @staticmethod
        def FromString(data):
            return data.decode()

    monkeypatch.setattr(typed, "Value", Value)
    error = await failure(server.channel.unary_unary("/demo.Shop/hello")(b"\xff"))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_methods_of_messages(server):
    """They take and give the messages themselves."""
    greet = server.channel.unary_unary(
        "/demo.Shop/Greet", Hello.SerializeToString, Greeting.FromString
    )
    assert await greet(Hello(name="Ann")) == Greeting(text="Ann")
    forget = server.channel.unary_unary("/demo.Shop/forget", Hello.SerializeToString)
    assert await forget(Hello(name="Ann")) == b""
    error = await failure(greet(Hello()))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "returned is a tests.greeter.Hello, and no tests.greeter.Greeting" in error.details()


async def test_callbacks_are_refused(server):
    """There is no stream to call back on."""
    reference = {"callback": 1}
    error = await failure(call(server, "/demo.Shop/watch", [reference]))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "can't be called back" in error.details()


async def test_metadata_are_attachments_both_ways(server):
    """Those of the answer are in its trailing metadata."""
    method = server.channel.unary_unary("/demo.Shop/hello", Value.SerializeToString)
    answer = method(Value(string_value="Ann"), metadata=(("tenant", "acme"),))
    await answer
    assert tuple(await answer.trailing_metadata()) == (("seen", "acme"),)


@pytest.mark.parametrize(
    ("kind", "code", "text", "type"),
    [
        ("known", grpc.StatusCode.UNKNOWN, "known to all", "ValueError"),
        ("declared", grpc.StatusCode.UNKNOWN, "declared", "typed.Odd"),
        ("rpc", grpc.StatusCode.RESOURCE_EXHAUSTED, "enough", None),
    ],
)
async def test_exceptions_of_the_method(server, kind, code, text, type):
    """Their text is the message, their type is in the trailing metadata."""
    error = await failure(call(server, "/demo.Shop/fail", kind))
    assert error.code() is code
    assert error.details() == text
    assert dict(tuple(error.trailing_metadata())).get("exception-type") == type


async def test_what_there_is_not(server):
    """UNIMPLEMENTED, with what there is instead."""
    error = await failure(call(server, "/demo.Shop/hallo", "Ann"))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "did you mean 'hello'? it has: hello, add" in error.details()
    error = await failure(call(server, "/demo.Shopp/hello", "Ann"))
    assert "no service 'demo.Shopp' is exported here; did you mean 'demo.Shop'?" in error.details()


async def test_mounted_services_are_told_as_well():
    """Whoever mistypes a name sees all that there is."""
    async with serving(AioGreeter()) as server:
        server.export(shop(), ShopImpl())
        assert await call(server, "/demo.Shop/hello", "Ann") == "Hello Ann"
        error = await failure(call(server, "/demo.Nobody/hello", "Ann"))
        assert "demo.Shop; mounted: tests.greeter.Greeter" in error.details()


async def test_an_exact_name_goes_before_others():
    """``Hello`` is another method than ``hello`` where both are there."""

    class Both:
        async def Hello(self) -> str: ...
        async def hello(self) -> str: ...

    class Impl(Both):
        async def Hello(self):
            return "upper"

        async def hello(self):
            return "lower"

    async with serving() as server:
        server.export(facade.service("demo.Both")(Both), Impl())
        assert await call(server, "/demo.Both/Hello") == "upper"
        assert await call(server, "/demo.Both/hello") == "lower"


async def test_group_and_version():
    """Triple's metadata name them. Who names none gets the one without, or the only one."""
    named = (("tri-service-group", "g"), ("tri-service-version", "2.0"))
    async with serving() as server:
        exporter = server.export(shop(version="2.0", group="g"), ShopImpl())
        assert await call(server, "/demo.Shop/hello", "Ann", metadata=named) == "Hello Ann"
        assert await call(server, "/demo.Shop/hello", "Ann") == "Hello Ann"
        error = await failure(call(server, "/demo.Shop/hello", "Ann", metadata=named[:1]))
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert "it is exported as: g/demo.Shop:2.0" in error.details()

        server.export(shop(version="3.0"), ShopImpl())
        error = await failure(call(server, "/demo.Shop/hello", "Ann"))
        assert "it is exported as: g/demo.Shop:2.0, demo.Shop:3.0" in error.details()

        server.export(shop(), ShopImpl())
        assert await call(server, "/demo.Shop/hello", "Ann") == "Hello Ann"
        exporter.unexport()
        assert await failure(call(server, "/demo.Shop/hello", "Ann", metadata=named))


async def test_what_filters_see():
    """The same invocation as over the exchange."""
    seen = []

    class See(facade.Filter):
        async def invoke(self, invoker, invocation):
            seen.append(invocation)
            return await invoker.invoke(invocation)

    async with serving(filters=["default", See()]) as server:
        server.export(shop(version="2.0"), ShopImpl())
        await call(
            server,
            "/demo.Shop/Add",
            {"a": 1},
            metadata=(("tri-consumer-appname", "till"), ("tri-service-timeout", "30000")),
        )
    (invocation,) = seen
    assert str(invocation) == "demo.Shop:2.0.add"
    assert invocation.arguments == (1,)
    assert invocation.remote_application == "till"
    assert invocation.countdown.timeout == 30


async def test_a_call_whose_time_is_up():
    """It is told as elsewhere."""

    class Slow:
        async def wait(self) -> None: ...

    class SlowImpl(Slow):
        async def wait(self):
            countdown = RpcContext.countdown()
            await asyncio.sleep(countdown.remaining + 0.01)
            assert countdown.expired

    async with serving() as server:
        server.export(facade.service("demo.Slow")(Slow), SlowImpl())
        said = (("tri-service-timeout", "50"),)
        error = await failure(call(server, "/demo.Slow/wait", metadata=said))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        error = await failure(call(server, "/demo.Slow/wait", timeout=0.05))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_what_filters_guard():
    """Names that steer a call reach the filters, as they do over the exchange."""
    async with serving() as server:
        server.export(shop(), ShopImpl(), token="secret")
        with_token = (("token", "secret"),)
        assert await call(server, "/demo.Shop/hello", "Ann", metadata=with_token) == "Hello Ann"
        assert await failure(call(server, "/demo.Shop/hello", "Ann"))


async def test_not_for_the_network():
    """What is exported for this process alone is not there."""
    async with serving() as server:
        server.export(shop(), ShopImpl(), scope="local")
        error = await failure(call(server, "/demo.Shop/hello", "Ann"))
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert "demo.Shop" not in error.details().replace("'demo.Shop'", "")


async def test_opting_out():
    """Then gRPC has no such methods, and the rest works."""
    async with serving(native=False) as server:
        server.export(shop(), ShopImpl())
        error = await failure(call(server, "/demo.Shop/hello", "Ann"))
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        async with facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=30) as client:
            assert await client.generic("demo.Shop").invoke("hello", "Ann") == "Hello Ann"


async def test_numbers_beyond_json(server):
    """A wrapper message is a message."""

    class Big:
        async def double(self, number: Int64Value) -> Int64Value: ...

    class BigImpl(Big):
        async def double(self, number):
            return Int64Value(value=number.value * 2)

    server.export(facade.service("demo.Big")(Big), BigImpl())
    double = server.channel.unary_unary(
        "/demo.Big/Double", Int64Value.SerializeToString, Int64Value.FromString
    )
    assert (await double(Int64Value(value=2**60))).value == 2**61
