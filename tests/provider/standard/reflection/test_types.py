"""How grpc.reflection declares methods: the types of what they take and return."""

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

import facade
from tests.provider.standard.reflection.tool import Tool


def shape(method):
    """The types of a method, and which of them are streams."""
    return (
        method.input_type.full_name,
        method.client_streaming,
        method.output_type.full_name,
        method.server_streaming,
    )


VALUE = ("google.protobuf.Value", False, "google.protobuf.Value", False)


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
