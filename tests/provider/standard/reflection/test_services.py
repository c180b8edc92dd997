"""Which services grpc.reflection lists: those that there are, and can be called."""

import grpc
import grpc.aio
import pytest

import facade
from tests.provider.standard.conftest import Clock, Greeter, LaterGreeter
from tests.provider.standard.reflection.tool import STANDARD, Request, Tool


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_services_are_listed(serve, impl, version):
    """Both versions list the typed services, ours, and the standard ones."""
    _, channel = await serve((Greeter, impl), (LaterGreeter, impl), (Clock, impl))
    services = await Tool(channel, version).services()
    assert services == sorted([*STANDARD, "demo.Greeter", "demo.clock.Clock"])


@pytest.mark.parametrize("name", STANDARD)
async def test_every_standard_service_is_declared(tool, name):
    """What is listed can be described, with all that it needs."""
    pool = await tool.pool(name)
    service = pool.FindServiceByName(name)
    assert service.methods


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


async def test_reflection_can_be_left_out(serve):
    """Server(reflection=False) has no such service."""
    _, channel = await serve(reflection=False)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Tool(channel).open().read()  # to write may cross the answer, and then gRPC loses it
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
