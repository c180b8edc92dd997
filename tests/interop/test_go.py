"""Go: its programs against our provider, and our clients against its own."""

import asyncio
import os
import re
import signal
import subprocess
from pathlib import Path

import grpc.aio
import pytest

import facade
from examples.interop.interface import Greeter
from facade.v1.exchange_pb2 import Envelope, Frame

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "examples" / "interop" / "go"
PROTOC = ROOT / ".venv-protoc" / "bin" / "python"


@pytest.fixture(scope="session")
def programs(tool, missing) -> Path:
    """The folder with consumer, exchange and provider, generated and built anew."""
    go = tool("go")
    generators = {Path(tool(name)).parent for name in ("protoc-gen-go", "protoc-gen-go-grpc")}
    if not PROTOC.exists():
        missing("grpcio-tools in .venv-protoc")
    path = os.pathsep.join([*map(str, generators), os.environ["PATH"]])
    run("./generate.sh", PROTOC=f"{PROTOC} -m grpc_tools.protoc", PATH=path)
    run(go, "vet", "./...")
    run(go, "build", "-o", "bin/", "./cmd/...")
    return SOURCE / "bin"


@pytest.fixture(scope="session")
def version() -> str:
    """As go.mod pins it."""
    found = re.search(r"google.golang.org/grpc v(\S+)", (SOURCE / "go.mod").read_text())
    assert found
    return f"grpc-go {found[1]}"


@pytest.fixture(scope="session")
def go_provider(programs, serve) -> str:
    return serve(str(programs / "provider"))


def run(*command: str | Path, **environment: str) -> list[str]:
    """The lines that it printed."""
    done = subprocess.run(
        command,
        cwd=SOURCE,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


# The first build compiles grpc-go, which takes minutes where nothing is cached.
building = pytest.mark.timeout(600)

CONSUMER = [
    "by position: Hello Ann",
    "by name: 5",
    'error: type=ValueError message="no luck" raised=true',
    "late: expired=true",
    "timeout: true",
]

EXCHANGE = [
    "1000 of 1000 calls answered on one stream",
    "cancelled: true",
    "deadline: true",
    "error: ValueError: no luck (raised=true)",
    "refused: retriable=true",
    "ended in peace",
]


def test_page_shows_the_programs():
    """What docs/interop/go.md shows stands in the programs, so that it is compiled and run."""
    page = (ROOT / "docs/interop/go.md").read_text()
    source = "".join(path.read_text() for path in SOURCE.rglob("cmd/**/*.go"))
    shown = re.findall(r"^```go\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(shown) > 3
    assert not [block for block in shown if block not in source]


@building
def test_go_tests(programs, tool, version, report):
    """Its client and its server keep to the rules of the stream, also where they are broken."""
    run(tool("go"), "test", "./...")
    report("go", version, "the tests of its client and server")


@building
def test_consumer(programs, provider, version, report):
    """Plain stubs and google.protobuf.Value are enough to call us."""
    lines = run(programs / "consumer", provider)
    assert set(lines) >= {
        *CONSUMER,
        "attachments: shop=north there, seen-by=python back",
        "refused: demo.Greeter.add: argument 'a': Expected `int`, got `str`, not started",
        "demo.Greeter of interop: Greets people.",
        "  hello(name str) str",
    }
    report("go", version, "unary Invoke with Value, Describe")


@building
def test_exchange(programs, provider, version, report):
    """A client of the stream that was written from docs/wire.md gets along with us."""
    assert run(programs / "exchange", provider) == EXCHANGE
    report("go", version, "Exchange: 1,000 calls at once, cancel, drain")


@building
def test_go_calls_go(programs, go_provider, version, report):
    """Its provider answers in the caller's encoding: here in google.protobuf.Value."""
    assert set(run(programs / "consumer", go_provider)) >= set(CONSUMER)
    assert run(programs / "exchange", go_provider) == EXCHANGE
    report("go", version, "its programs with each other")


@building
@pytest.mark.parametrize("unary", [False, True], ids=["stream", "unary"])
async def test_our_client(go_provider, version, report, unary):
    """A typed client of ours sees no difference to a provider in Python."""
    async with facade.AsyncClient(go_provider, timeout=50.0, unary=unary) as client:
        greeter = client.refer(Greeter)
        assert await greeter.hello("Ann") == "Hello Ann"
        assert await greeter.add(2, b=2**62) == 2**62 + 2
        assert await greeter.add(2) == 3
        with pytest.raises(ValueError, match=r"^no luck$"):
            await greeter.fail("no luck")
        with pytest.raises(facade.DeadlineExceeded):
            await facade.bound(greeter.sleep).options(timeout=0.1)(30.0)
        with pytest.raises(facade.Unimplemented):
            await client.generic("demo.Greeter").invoke("nothing")
        with pytest.raises(facade.InvalidArgument, match='missing argument "name"'):
            await client.generic("demo.Greeter").invoke("hello")
        facade.RpcContext.client_attachments()["shop"] = "north"
        assert (await greeter.baggage())["shop"] == "north"
        assert facade.RpcContext.response_attachments()["seen-by"] == "go"
        names = [str(number) for number in range(1000)]
        greetings = await asyncio.gather(*map(greeter.hello, names))
        assert greetings == [f"Hello {name}" for name in names]
        described = await client.describe("demo.Greeter")
        assert described.application == "go"
    report("go", version, f"our AsyncClient calls its provider, {'unary' * unary or 'stream'}")


@building
@pytest.mark.parametrize("unary", [False, True], ids=["stream", "unary"])
def test_our_blocking_client(go_provider, version, report, unary):
    """The same without an event loop."""
    with facade.Client(go_provider, timeout=50.0, unary=unary) as client:
        greeter = client.refer(Greeter)
        assert greeter.hello("Ann") == "Hello Ann"
        with pytest.raises(ValueError, match=r"^no luck$"):
            greeter.fail("no luck")
        hello = facade.bound(greeter.hello)
        futures = [hello.future(str(number)) for number in range(1000)]
        assert [f.result() for f in futures] == [f"Hello {number}" for number in range(1000)]
    report("go", version, f"our Client calls its provider, {'unary' * unary or 'stream'}")


@building
async def test_by_hand(go_provider, version, report):
    """Several envelopes in one frame: a ping and a call, which is answered in its encoding."""
    setup, ping, call, drain = (Envelope(id=id) for id in (0, 0, 1, 0))
    setup.setup.version = 1
    ping.ping.nonce = 7
    call.invocation.service, call.invocation.method = "demo.Greeter", "add"
    call.invocation.value.struct_value.update({"a": 2, "b": 3})
    drain.drain.reason = "done"
    async with grpc.aio.insecure_channel(go_provider) as channel:
        stream = channel.stream_stream(
            "/facade.v1.Facade/Exchange",
            request_serializer=Frame.SerializeToString,
            response_deserializer=Frame.FromString,
        )()
        await stream.write(Frame(envelopes=[setup, ping, call, drain]))
        received = [envelope async for frame in stream for envelope in frame.envelopes]
    by_kind = {envelope.WhichOneof("kind"): envelope for envelope in received}
    assert len(received) == len(by_kind) == 4
    assert received[0].setup.application == "go"
    assert by_kind["pong"].pong.nonce == 7
    assert by_kind["result"].id == 1
    assert by_kind["result"].result.value.number_value == 5
    assert by_kind["drain"].drain.reason
    report("go", version, "its provider answers frames made by hand")


@building
async def test_provider_drains(programs, version, report):
    """Told to stop, a provider in Go answers what it has, and we know that it leaves. A call
    that was cancelled holds it up no more."""
    process = await asyncio.create_subprocess_exec(
        programs / "provider", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    address = (await process.stdout.readline()).decode().removeprefix("listening at ").strip()
    try:
        async with facade.AsyncClient(address, timeout=90.0, wait_for_ready=False) as client:
            greeter = client.refer(Greeter)
            cancelled = asyncio.ensure_future(greeter.sleep(60.0))
            slow = asyncio.ensure_future(greeter.sleep(1.0))
            await greeter.hello("Ann")  # the others are there by now
            assert client.available
            cancelled.cancel()
            process.send_signal(signal.SIGTERM)
            assert await slow == 1.0
            assert await process.stderr.read() == b""  # nothing had to be cut off
            assert await process.wait() == 0
            with pytest.raises(facade.Unavailable) as caught:
                await greeter.hello("Bob")
            assert caught.value.sent is facade.Sent.NOT_SENT
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    report("go", version, "its provider drains for our AsyncClient")
