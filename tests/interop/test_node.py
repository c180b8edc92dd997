"""Node, by @grpc/grpc-js: its consumer and our provider, our clients and its provider."""

import asyncio
import subprocess
from pathlib import Path

import grpc
import pytest

import facade
from examples.interop.interface import Greeter
from facade.v1.invocation_pb2 import Invocation, Result

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "interop" / "node"
PAGE = FOLDER.parents[2] / "docs" / "interop" / "node.md"

WALK = """\
by position: Hello Ann
by name: 5
with a default: 3
attachments: north there, python back
error of the method: ValueError no such shop
no such method: UNIMPLEMENTED true
timeout: DEADLINE_EXCEEDED
expired at the provider: true
described: add(a: int, b: int) -> int
at once: 100
exchange: Hello Ann, Hello Bob, Hello Cid
"""


@pytest.fixture(scope="session")
def node(tool, missing):
    if not (FOLDER / "node_modules").is_dir():
        missing("examples/interop/node/node_modules")
    return tool("node")


@pytest.fixture
def version(node):
    return subprocess.check_output([node, "--version"], text=True).strip().removeprefix("v")


@pytest.fixture(scope="session")
def theirs(node, serve):
    """The address of the provider in Node."""
    return serve(node, "provider.js", cwd=FOLDER)


def test_page_has_a_whole_program(node, provider):
    """What the page says to paste is the example hello.js, and that works."""
    assert f"```js\n{(FOLDER / 'hello.js').read_text()}```" in PAGE.read_text()
    command = [node, "hello.js", provider]
    assert subprocess.check_output(command, cwd=FOLDER, text=True, timeout=50) == "Hello Ann\n"


def test_consumer_walks(node, provider, version, report):
    """By position, by name, attachments, errors, timeouts, Describe, many at once, Exchange."""
    done = subprocess.run(
        [node, "consumer.js", provider], cwd=FOLDER, capture_output=True, text=True, timeout=50
    )
    assert (done.stdout, done.stderr, done.returncode) == (WALK, "", 0)
    report("node", version, "calls a provider here, by Invoke and by Exchange")


async def test_provider_answers_a_client_of_ours(theirs, version, report):
    """Values, attachments, an exception as itself, and a timeout come back from Node."""
    async with facade.AsyncClient(theirs, unary=True, timeout=10.0) as client:
        greeter = client.refer(Greeter)
        assert await greeter.hello("Ann") == "Hello Ann"
        assert await greeter.add(2) == 3
        assert await greeter.add(b=3, a=2) == 5
        facade.RpcContext.client_attachments()["shop"] = "north"
        assert (await greeter.baggage())["shop"] == "north"
        assert facade.RpcContext.response_attachments()["seen-by"] == "node"
        with pytest.raises(ValueError, match=r"^no such shop$"):
            await greeter.fail("no such shop")
        with pytest.raises(facade.DeadlineExceeded):
            await greeter.sleep.options(timeout=0.2)(30.0)
        sums = await asyncio.gather(*(greeter.add(number, 1) for number in range(100)))
        assert sums == list(range(1, 101))
    report("node", version, "answers AsyncClient(unary=True)")


async def test_provider_refuses(theirs, node):
    """What does not fit is refused before a method begins."""
    async with facade.AsyncClient(theirs, unary=True, timeout=10.0) as client:
        stranger = client.generic("demo.Greeter")
        with pytest.raises(facade.Unimplemented, match=r"no demo\.Greeter\.dance here") as refused:
            await stranger.invoke("dance")
        assert refused.value.sent is facade.Sent.NOT_EXECUTED
        with pytest.raises(facade.InvalidArgument, match=r"hello takes \(name\)"):
            await stranger.invoke("hello", "Ann", "Bob")


def test_provider_answers_a_blocking_client(theirs, node):
    """A plain thread calls it."""
    with facade.Client(theirs, unary=True, timeout=10.0) as client:
        assert client.refer(Greeter).hello("Ann") == "Hello Ann"


@pytest.fixture
def invoke(theirs):
    """Call it with a message: what the provider in Node answers to it."""
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
