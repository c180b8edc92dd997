"""Java, by grpc-java: its consumer and our provider, our clients and its provider."""

import asyncio

import grpc
import pytest

import facade
from examples.interop.interface import Greeter
from facade.v1.invocation_pb2 import Invocation, Result

# The first one builds: Maven takes a while, and more where it has to download.
pytestmark = pytest.mark.timeout(600)

WALK = """\
by position: Hello Ann
by name: 5
with a default: 3
attachments: north there, python back
error of the method: ValueError no such shop
no such method: UNIMPLEMENTED true
timeout: DEADLINE_EXCEEDED
expired at the provider: true
described: hello(name: str) -> str
described: add(a: int, b: int) -> int
described: fail(text: str) -> str
described: sleep(seconds: float) -> float
described: baggage() -> dict[str, str]
"""


@pytest.fixture(scope="session")
def java(java_project):
    return java_project("java")


@pytest.fixture(scope="session")
def theirs(java, serve):
    """The address of the provider in Java."""
    return serve(*java.command("demo.Provider"))


def test_consumer_walks(java, provider, report):
    """By position, by name, attachments, errors, timeouts, Describe."""
    assert java.run("demo.Consumer", provider) == WALK
    report("java", java.version("grpc"), "calls a provider here, by Invoke and Describe")


def test_docs_show_the_program(java, provider):
    """What docs/interop/java.md says is a whole consumer is one."""
    source = (java.folder / "src/main/java/demo/Hello.java").read_text()
    page = (java.folder.parents[2] / "docs/interop/java.md").read_text()
    assert source[source.index("/** One call") :] in page
    assert java.run("demo.Hello", provider) == "Hello Ann\n"


async def test_provider_answers_a_client_of_ours(theirs, java, report):
    """Values, attachments, an exception as itself, and a timeout come back from Java."""
    async with facade.AsyncClient(theirs, unary=True, timeout=10.0) as client:
        greeter = client.refer(Greeter)
        assert await greeter.hello("Ann") == "Hello Ann"
        assert await greeter.add(2) == 3
        assert await greeter.add(b=3, a=2) == 5
        facade.RpcContext.client_attachments()["shop"] = "north"
        assert (await greeter.baggage())["shop"] == "north"
        assert facade.RpcContext.response_attachments()["seen-by"] == "java"
        with pytest.raises(ValueError, match=r"^no such shop$"):
            await greeter.fail("no such shop")
        with pytest.raises(facade.DeadlineExceeded):
            await greeter.sleep.options(timeout=0.2)(30.0)
        sums = await asyncio.gather(*(greeter.add(number, 1) for number in range(100)))
        assert sums == list(range(1, 101))
    report("java", java.version("grpc"), "answers AsyncClient(unary=True)")


async def test_provider_refuses(theirs):
    """What does not fit is refused before a method begins."""
    async with facade.AsyncClient(theirs, unary=True, timeout=10.0) as client:
        stranger = client.generic("demo.Greeter")
        with pytest.raises(facade.Unimplemented, match=r"no demo\.Greeter\.dance here") as refused:
            await stranger.invoke("dance")
        assert refused.value.sent is facade.Sent.NOT_EXECUTED
        for arguments in (["Ann", "Bob"], [], [7]):
            with pytest.raises(facade.InvalidArgument, match=r"hello takes \(name: String\)"):
                await stranger.invoke("hello", *arguments)


def test_provider_answers_a_blocking_client(theirs):
    """A plain thread calls it."""
    with facade.Client(theirs, unary=True, timeout=10.0) as client:
        assert client.refer(Greeter).hello("Ann") == "Hello Ann"


@pytest.fixture
def invoke(theirs):
    """Call it with a message: what the provider in Java answers to it."""
    with grpc.insecure_channel(theirs) as channel:
        yield channel.unary_unary(
            "/facade.v1.Facade/Invoke",
            request_serializer=Invocation.SerializeToString,
            response_deserializer=Result.FromString,
        )


def test_provider_answers_in_the_encoding_of_the_caller(invoke):
    """A caller without msgpack gets a Value for a Value."""
    call = Invocation(service="demo.Greeter", method="hello")
    call.value.list_value.append("Ann")
    assert invoke(call, timeout=10).value.string_value == "Hello Ann"


def test_provider_counts_the_time_left(invoke):
    """Without gRPC's deadline too: the method is told, and the caller."""
    call = Invocation(service="demo.Greeter", method="sleep", time_left_us=100_000)
    call.value.list_value.append(30.0)
    assert invoke(call, timeout=10).error.status == facade.Status.DEADLINE_EXCEEDED


def test_provider_answers_a_oneway_call_at_once(invoke):
    """An empty result, whatever comes of the call."""
    call = Invocation(service="demo.Greeter", method="sleep", oneway=True, time_left_us=500_000)
    call.value.list_value.append(30.0)
    assert invoke(call, timeout=10) == Result()
