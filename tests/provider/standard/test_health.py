"""grpc.health.v1, asked by the stubs of the official package."""

import asyncio

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

import facade
from facade.provider.standard import Health
from facade.provider.standard.messages import message
from tests.provider.standard.conftest import Clock, Greeter, Impl, LaterGreeter

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class Tool:
    """What asks."""

    def __init__(self, channel):
        self.channel = channel
        self.stub = health_pb2_grpc.HealthStub(channel)

    async def check(self, name=""):
        request = health_pb2.HealthCheckRequest(service=name)
        return (await self.stub.Check(request, timeout=20)).status

    async def missing(self, name):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.check(name)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        return caught.value.details()

    def watch(self, name=""):
        return self.stub.Watch(health_pb2.HealthCheckRequest(service=name), timeout=20)


@pytest.fixture
async def greeter(serve, impl):
    server, channel = await serve((Greeter, impl), (LaterGreeter, impl))
    return server, Tool(channel)


async def test_server_and_services_serve(greeter):
    """Whoever asks for the server or for a service, by name or by key, learns that it serves."""
    _, tool = greeter
    for name in ("", "demo.Greeter", "north/demo.Greeter:2.0.0"):
        assert await tool.check(name) == SERVING


async def test_unknown_service_is_not_found(greeter):
    """A name that nobody exports is NOT_FOUND, and the message repeats it."""
    _, tool = greeter
    assert "'demo.Gretter'" in await tool.missing("demo.Gretter")
    assert "xxx" in await tool.missing("x" * 100_000)  # which is too long for a header


async def test_unexported_service_is_not_known_any_more(greeter):
    """A name is known until the last version of it is taken away."""
    server, tool = greeter
    first, second = server.exporters
    server.health["demo.Greeter"] = True
    first.unexport()
    assert await tool.check("demo.Greeter") == SERVING
    second.unexport()
    await tool.missing("north/demo.Greeter:2.0.0")
    await tool.missing("demo.Greeter")
    assert await tool.check() == SERVING


async def test_service_of_this_process_alone_is_not_told_of(serve, impl):
    """What the network can't call, tools don't see."""
    server, channel = await serve()
    exporter = server.export(Greeter, impl, scope="local")
    await Tool(channel).missing("demo.Greeter")
    exporter.unexport()


async def test_list_has_all_names(greeter):
    """List gives the server, each service, and what was set besides."""
    server, tool = greeter
    server.health["database"] = False
    # Older packages have no stub of it.
    listed = message("grpc.health.v1.HealthListResponse").FromString(
        await tool.channel.unary_unary("/grpc.health.v1.Health/List")(b"")
    )
    assert {name: status.status for name, status in listed.statuses.items()} == {
        "": SERVING,
        "demo.Greeter": SERVING,
        "north/demo.Greeter:2.0.0": SERVING,
        "database": NOT_SERVING,
    }


async def test_user_sets_the_state_of_a_service(greeter):
    """What is said of a name counts for its keys too, and can be taken back."""
    server, tool = greeter
    server.health["demo.Greeter"] = False
    assert await tool.check("demo.Greeter") == NOT_SERVING
    assert await tool.check("north/demo.Greeter:2.0.0") == NOT_SERVING
    assert await tool.check() == SERVING
    server.health["north/demo.Greeter:2.0.0"] = True
    assert await tool.check("north/demo.Greeter:2.0.0") == SERVING
    del server.health["demo.Greeter"]
    assert await tool.check("demo.Greeter") == SERVING


async def test_watch_tells_each_change(greeter):
    """First what holds, then changes, and nothing twice: also a service that comes later."""
    server, tool = greeter
    watch = tool.watch("demo.clock.Clock")
    assert (await watch.read()).status == SERVICE_UNKNOWN
    exporter = server.export(Clock, Impl())
    assert (await watch.read()).status == SERVING
    server.health["another"] = False
    await asyncio.to_thread(server.health.__setitem__, "demo.clock.Clock", False)
    assert (await watch.read()).status == NOT_SERVING
    exporter.unexport()
    assert (await watch.read()).status == SERVICE_UNKNOWN
    watch.cancel()


async def test_watcher_who_leaves_is_forgotten(greeter):
    """A watch that is cancelled leaves nothing behind."""
    server, tool = greeter
    watch = tool.watch()
    await watch.read()
    assert len(server.health._watchers) == 1
    watch.cancel()
    while server.health._watchers:  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0.001)


async def test_stop_is_told_before_calls_have_ended(greeter, impl):
    """A watcher learns at the begin of a stop, while calls still run; then his stream ends."""
    server, tool = greeter
    watch = tool.watch("demo.Greeter")
    assert (await watch.read()).status == SERVING
    async with facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20) as client:
        call = asyncio.ensure_future(client.refer(Greeter).wait())
        await impl.started.wait()
        stopping = asyncio.ensure_future(server.stop())
        assert (await watch.read()).status == NOT_SERVING
        with pytest.raises(grpc.aio.AioRpcError, match="the provider stops") as caught:
            await watch.read()
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert not server.health["demo.Greeter"]
        assert not call.done()
        impl.released.set()
        assert await call == "done"
        await stopping


async def test_stop_does_not_wait_for_watchers(greeter):
    """A watch is no call under way: an idle server stops at once, whatever its grace."""
    server, tool = greeter
    watch = tool.watch()
    await watch.read()
    await server.stop(grace=600)


async def test_what_is_no_request_is_refused(serve):
    """Bytes that are no message get INVALID_ARGUMENT."""
    _, channel = await serve()
    for call in (
        channel.unary_unary("/grpc.health.v1.Health/Check")(b"\xff"),
        channel.unary_stream("/grpc.health.v1.Health/Watch")(b"\xff").read(),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_health_can_be_left_out(serve):
    """Server(health=False) has no such service."""
    _, channel = await serve(health=False)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Tool(channel).check()
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_mounted_health_service_is_the_users(serve):
    """Ours stands back for one of the same name: it is left to whoever is asked next."""
    server, channel = await serve()
    server._standard.add("grpc.health.v1.Health")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Tool(channel).check()
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_filters_see_nothing_of_it(serve, impl):
    """A filter that refuses all calls does not make a server unhealthy."""

    class Refuse(facade.Filter):
        async def invoke(self, invoker, invocation):
            raise facade.LimitExceeded("no")

    _, channel = await serve((Greeter, impl), filters=[Refuse()])
    assert await Tool(channel).check("demo.Greeter") == SERVING


def test_names_can_be_asked():
    """The state is also for the program: True, False, or KeyError."""
    health = Health()
    assert health[""]
    health["database"] = False
    assert not health["database"]
    assert list(health) == ["", "database"]
    del health["database"]
    with pytest.raises(KeyError):
        health["database"]


def test_numbers_of_grpc_are_refused():
    """gRPC's own NOT_SERVING is a number that is true: it would be told as serving."""
    health = Health()
    with pytest.raises(TypeError, match="True or False, not 2"):
        health["database"] = health_pb2.HealthCheckResponse.NOT_SERVING
    assert "database" not in list(health)
