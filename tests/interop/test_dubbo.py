"""Java's Dubbo, by Triple: its consumer and our provider, our client and its provider."""

import asyncio
import re
import sys

import pytest

import facade
from examples.interop.dubbo.interface import PetStore
from examples.interop.dubbo.petstore.petstore_pb2 import (
    AdoptRequest,
    BaggageRequest,
    NapRequest,
)
from tests.ports import free_port

# The first one builds: Maven takes a while, and more where it has to download.
pytestmark = pytest.mark.timeout(600)

WALK = """\
adopt: Rex of ""
time left: LEFT ms
attachment: shop=north
seen by: python
group: Ann of "north"
raised: code 0, UNKNOWN : nobody is called Nobody
timeout: code 2
version: code 11, UNIMPLEMENTED
"""


@pytest.fixture(scope="session")
def dubbo(java_project):
    return java_project("dubbo")


@pytest.fixture(scope="session")
def ours(serve):
    """The address of a provider in Python."""
    return serve(sys.executable, "-m", "examples.interop.dubbo.provider")


@pytest.fixture(scope="session")
def theirs(dubbo, serve):
    """The address of a Dubbo provider."""
    return serve(*dubbo.command("demo.DubboProvider", str(free_port())))


def test_consumer_walks(dubbo, ours, report):
    """Version, group, attachments, the time that is left, errors and a timeout."""
    printed = dubbo.run("demo.DubboConsumer", ours)
    left = re.search(r"time left: (\d+) ms", printed)
    assert left is not None
    assert 0 < int(left[1]) <= 30_000
    shown = printed.replace(left[0], "time left: LEFT ms")
    # Who tells of the timeout is open: Dubbo's own timer, or the provider's answer to the same one.
    shown = re.sub(r"(timeout: code 2), DEADLINE_EXCEEDED : .*", r"\1", shown)
    # What there is instead of the version is told behind it.
    shown = re.sub(r"(version: code 11, UNIMPLEMENTED) : .*2\.0\.0.*", r"\1", shown)
    assert shown == WALK
    report("dubbo", dubbo.version("dubbo"), "calls a provider here, by Triple")


async def test_provider_answers_a_client_of_ours(dubbo, theirs, report):
    """Messages, attachments, a group, what a method raised, and a timeout."""
    async with facade.AsyncClient(theirs, native=True, timeout=50.0) as client:
        store = client.refer(PetStore)
        reply = await store.Adopt(AdoptRequest(name="Rex"))
        assert (reply.name, reply.shop) == ("Rex", "")
        reply = await client.refer(PetStore, group="north").Adopt(AdoptRequest(name="Ann"))
        assert (reply.name, reply.shop) == ("Ann", "north")
        with pytest.raises(facade.RpcError, match=r"nobody is called Nobody") as raised:
            await store.Adopt(AdoptRequest(name="Nobody"))
        assert raised.value.status is facade.Status.UNKNOWN
        with pytest.raises(facade.DeadlineExceeded):
            await store.Nap.options(timeout=0.3)(NapRequest(seconds=10.0))
        replies = await asyncio.gather(
            *(store.Adopt(AdoptRequest(name=str(number))) for number in range(100))
        )
        assert [reply.name for reply in replies] == [str(number) for number in range(100)]
    report("dubbo", dubbo.version("dubbo"), "answers AsyncClient(native=True)")


async def test_baggage_both_ways(theirs):
    """Attachments there and back, our application, and the countdown that Dubbo starts of it."""
    async with facade.AsyncClient(
        theirs, native=True, timeout=50.0, application="python-petlover"
    ) as client:
        store = client.refer(PetStore)
        facade.RpcContext.client_attachments()["shop"] = "north"
        reply = await store.Baggage(BaggageRequest())
        assert reply.attachments["shop"] == "north"
        assert reply.attachments["remote.application"] == "python-petlover"
        assert 0 < reply.time_left_ms <= 50_000
        assert facade.RpcContext.response_attachments()["seen-by"] == "dubbo"


async def test_provider_lacks_a_service(theirs):
    """It is told so."""

    @facade.service("demo.Kennel")
    class Kennel:
        async def Adopt(self, request: AdoptRequest) -> AdoptRequest: ...  # noqa: N802

    async with facade.AsyncClient(theirs, native=True, timeout=50.0) as client:
        with pytest.raises(facade.Unimplemented, match="Invoker for gRPC not found"):
            await client.refer(Kennel).Adopt(AdoptRequest(name="Rex"))
