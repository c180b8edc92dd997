"""grpc.reflection, asked by the stubs of the official package and read into a pool."""

import asyncio

import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

import facade

from .conftest import Clock, Greeter, Impl, LaterGreeter

Request = reflection_pb2.ServerReflectionRequest
Response = reflection_pb2.ServerReflectionResponse

STANDARD = [
    "facade.v1.Facade",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
]


class Tool:
    """What asks, a question for a stream."""

    def __init__(self, channel, version="v1"):
        # The packages have stubs of v1alpha alone; the messages are the same.
        self._call = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=Request.SerializeToString,
            response_deserializer=Response.FromString,
        )

    def open(self):
        return self._call(timeout=20)

    async def ask(self, **question):
        stream = self.open()
        await stream.write(Request(**question))
        await stream.done_writing()
        answer = await stream.read()
        assert await stream.read() is grpc.aio.EOF
        assert answer.original_request == Request(**question)
        return answer

    async def services(self):
        listed = (await self.ask(list_services="")).list_services_response
        return [service.name for service in listed.service]

    async def files(self, **question):
        answer = await self.ask(**question)
        found = answer.file_descriptor_response.file_descriptor_proto
        assert found, answer
        return [FileDescriptorProto.FromString(file) for file in found]

    async def pool(self, symbol):
        """What a tool knows then, and nothing else."""
        pool = DescriptorPool()
        files = await self.files(file_containing_symbol=symbol)
        for file in reversed(files):
            _add(pool, file, {f.name: f for f in files})
        return pool

    async def error(self, **question):
        answer = (await self.ask(**question)).error_response
        return grpc_code(answer.error_code), answer.error_message


def grpc_code(number):
    return next(code for code in grpc.StatusCode if code.value[0] == number)


def _add(pool, file, files):
    try:
        pool.FindFileByName(file.name)
    except KeyError:
        for name in file.dependency:
            _add(pool, files[name], files)
        pool.AddSerializedFile(file.SerializeToString())


def shape(method):
    """The types of a method, and which of them are streams."""
    return (
        method.input_type.full_name,
        method.client_streaming,
        method.output_type.full_name,
        method.server_streaming,
    )


VALUE = ("google.protobuf.Value", False, "google.protobuf.Value", False)


@pytest.fixture
async def tool(serve):
    impl = Impl()
    _, channel = await serve((Greeter, impl), (LaterGreeter, impl), (Clock, impl))
    return Tool(channel)


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_services_are_listed(serve, impl, version):
    """Both versions list the typed services, ours, and the standard ones."""
    _, channel = await serve((Greeter, impl), (LaterGreeter, impl), (Clock, impl))
    services = await Tool(channel, version).services()
    assert services == sorted([*STANDARD, "demo.Greeter", "demo.clock.Clock"])


async def test_official_stub_is_answered(serve):
    """The stub of v1alpha in the official package reaches it."""
    _, channel = await serve()
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    stream = stub.ServerReflectionInfo(iter([Request(host="here", list_services="*")]))
    answer = await stream.read()
    assert answer.valid_host == "here"
    assert [s.name for s in answer.list_services_response.service] == STANDARD


@pytest.mark.parametrize("name", STANDARD)
async def test_every_standard_service_is_declared(tool, name):
    """What is listed can be described, with all that it needs."""
    pool = await tool.pool(name)
    service = pool.FindServiceByName(name)
    assert service.methods


async def test_methods_of_plain_types_take_and_return_json(tool):
    """A service has the methods of all its versions; what are no messages is a Value."""
    service = (await tool.pool("demo.Greeter")).FindServiceByName("demo.Greeter")
    assert {m.name: shape(m) for m in service.methods} == {
        "hello": VALUE,
        "wait": VALUE,
        "bye": VALUE,
    }


async def test_methods_of_messages_have_their_types(tool):
    """Such a method is declared as in a .proto; None is Empty."""
    service = (await tool.pool("demo.clock.Clock")).FindServiceByName("demo.clock.Clock")
    struct, time, empty = (f"google.protobuf.{n}" for n in ("Struct", "Timestamp", "Empty"))
    assert {m.name: shape(m) for m in service.methods} == {
        "read": (struct, False, time, False),
        "set": (time, False, empty, False),
        "name": VALUE,
    }


async def test_method_is_a_symbol(tool):
    """Tools also ask for the full name of a method, of typed and of generated services."""
    for symbol, file in (
        ("demo.Greeter.hello", "facade/exported/demo.Greeter.proto"),
        ("facade.v1.Facade.Invoke", "facade/v1/exchange.proto"),
        ("facade.v1.Invocation", "facade/v1/invocation.proto"),
    ):
        assert (await tool.files(file_containing_symbol=symbol))[0].name == file


async def test_file_is_found_by_its_name(tool):
    """It comes with all that it imports, each once."""
    names = [
        file.name
        for file in await tool.files(file_by_filename="facade/exported/demo.clock.Clock.proto")
    ]
    assert names[0] == "facade/exported/demo.clock.Clock.proto"
    assert sorted(names[1:]) == [
        f"google/protobuf/{n}.proto" for n in ("empty", "struct", "timestamp")
    ]
    names = [f.name for f in await tool.files(file_by_filename="facade/v1/exchange.proto")]
    assert len(names) == len(set(names)) == 5


async def test_what_is_not_there_is_an_answer_too(tool):
    """NOT_FOUND for a name, INVALID_ARGUMENT for no question; the stream goes on."""
    for question in (
        {"file_by_filename": "no.proto"},
        {"file_containing_symbol": "demo.Nobody"},
        {"file_containing_symbol": ""},
        {"all_extension_numbers_of_type": "demo.Nobody"},
        {
            "file_containing_extension": {
                "containing_type": "facade.v1.Frame",
                "extension_number": 9,
            }
        },
    ):
        code, message = await tool.error(**question)
        assert code is grpc.StatusCode.NOT_FOUND
        assert "is not known" in message
    assert (await tool.error())[0] is grpc.StatusCode.INVALID_ARGUMENT


async def test_one_stream_takes_many_questions(tool):
    """The stream is a conversation: it ends when the tool has no more to ask."""
    stream = tool.open()
    for _ in range(3):
        await stream.write(Request(file_containing_symbol="demo.Nobody"))
        assert (await stream.read()).HasField("error_response")
        await stream.write(Request(file_containing_symbol="demo.Greeter"))
        assert (await stream.read()).HasField("file_descriptor_response")
    await stream.done_writing()
    assert await stream.read() is grpc.aio.EOF
    assert await stream.code() is grpc.StatusCode.OK


async def test_extensions_of_a_message(tool):
    """Ours have none; of generated code those that are loaded."""
    answer = await tool.ask(all_extension_numbers_of_type="facade.v1.Frame")
    numbers = answer.all_extension_numbers_response
    assert (numbers.base_type_name, list(numbers.extension_number)) == ("facade.v1.Frame", [])


async def test_services_come_and_go(serve, impl):
    """It tells what there is now: also on a stream that was opened before."""
    server, channel = await serve()
    tool = Tool(channel)
    stream = tool.open()

    async def known():
        await stream.write(Request(file_containing_symbol="demo.Greeter"))
        return (await stream.read()).HasField("file_descriptor_response")

    assert not await known()
    exporter = server.export(Greeter, impl)
    assert await known()
    assert "demo.Greeter" in await tool.services()
    exporter.unexport()
    assert not await known()
    server.export(Clock, impl, scope="local")
    assert await tool.services() == STANDARD
    stream.cancel()


async def test_names_that_no_proto_can_have_are_left_out(serve, impl):
    """``$echo`` can be called, and a service may have any name; descriptors can't say so."""

    @facade.service("demo-odd")
    class Odd(Clock): ...

    _, channel = await serve((Odd, impl), (Greeter, impl))
    tool = Tool(channel)
    assert await tool.services() == sorted([*STANDARD, "demo.Greeter"])
    [file, *_] = await tool.files(file_containing_symbol="demo.Greeter")
    assert not [m.name for m in file.service[0].method if "$" in m.name]


async def test_service_without_a_package(serve, impl):
    """A plain name is declared in no package."""

    @facade.service("Plain")
    class Plain(Greeter): ...

    _, channel = await serve((Plain, impl))
    pool = await Tool(channel).pool("Plain")
    assert pool.FindServiceByName("Plain").full_name == "Plain"


async def test_generated_service_of_the_same_methods_is_shown(serve, impl):
    """Two files that declare one service would not go into one pool: the generated one wins,
    where it says the same."""
    from grpc_health.v1 import health_pb2

    class Same:
        async def Check(  # noqa: N802
            self, request: health_pb2.HealthCheckRequest
        ) -> health_pb2.HealthCheckResponse: ...

    class Other:
        async def Check(self, name: str) -> str: ...  # noqa: N802

    class Checks:
        async def Check(self, request): ...  # noqa: N802

    for interface, file in (
        (Same, "grpc_health/v1/health.proto"),
        (Other, "facade/exported/grpc.health.v1.Health.proto"),
    ):
        named = facade.service("grpc.health.v1.Health")(interface)
        _, channel = await serve((named, Checks()))
        tool = Tool(channel)
        assert (await tool.services()).count("grpc.health.v1.Health") == 1
        [found, *_] = await tool.files(file_containing_symbol="grpc.health.v1.Health")
        assert found.name == file


async def test_messages_of_a_pool_of_ones_own(serve):
    """Messages that were made at run time are shown as those of generated code."""
    from google.protobuf.message_factory import GetMessageClass

    pool = DescriptorPool()
    file = FileDescriptorProto(name="own/order.proto", package="own", syntax="proto3")
    file.message_type.add(name="Order")
    pool.AddSerializedFile(file.SerializeToString())
    order = GetMessageClass(pool.FindMessageTypeByName("own.Order"))

    async def place(self, order): ...

    class Place:
        async def place(self, order): ...

    place.__annotations__ = {"order": order, "return": order}
    orders = facade.service("own.Orders")(type("Orders", (), {"place": place}))
    _, channel = await serve((orders, Place()))
    tool = Tool(channel)
    service = (await tool.pool("own.Orders")).FindServiceByName("own.Orders")
    assert shape(service.methods[0]) == ("own.Order", False, "own.Order", False)
    assert (await tool.files(file_containing_symbol="own.Order"))[0].name == "own/order.proto"
    assert (await tool.files(file_by_filename="own/order.proto"))[0].name == "own/order.proto"


async def test_stop_ends_the_streams_of_tools(serve):
    """A tool that stays connected does not keep a server from stopping."""
    server, channel = await serve()
    stream = Tool(channel).open()
    await stream.write(Request(list_services=""))
    await stream.read()
    reading = asyncio.ensure_future(stream.read())
    await server.stop(grace=600)
    with pytest.raises(grpc.aio.AioRpcError, match="the provider stops") as caught:
        await reading
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_what_is_no_request_is_refused(serve):
    """Bytes that are no message get INVALID_ARGUMENT."""
    _, channel = await serve()
    stream = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")()
    await stream.write(b"\xff")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_reflection_can_be_left_out(serve):
    """Server(reflection=False) has no such service."""
    _, channel = await serve(reflection=False)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Tool(channel).open().read()  # to write may cross the answer, and then gRPC loses it
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_channelz_is_declared_too(serve):
    """By the official package."""
    _, channel = await serve(channelz=True)
    tool = Tool(channel)
    name = "grpc.channelz.v1.Channelz"
    assert name in await tool.services()
    assert (await tool.pool(name)).FindServiceByName(name).methods


async def test_mounted_service_is_listed_and_declared(serve):
    """A service of generated code, by the descriptors of that code."""
    from grpc_health.v1 import health_pb2

    server, channel = await serve(health=False)
    name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
    server._standard.add(name)
    tool = Tool(channel)
    assert name in await tool.services()
    [file] = await tool.files(file_containing_symbol=f"{name}.Check")
    assert file.name == health_pb2.DESCRIPTOR.name
    assert server.health[name]
