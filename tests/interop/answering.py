"""What a provider answers to us, in whatever language it is written."""

import asyncio

import grpc
import pytest

import facade
from examples.interop.interface import Greeter
from facade.v1.invocation_pb2 import Invocation, Result


class Answering:
    """Its module has fixtures: ``theirs``, the provider's address, and ``told``, which reports."""

    seen_by: str
    # What it says that hello takes, as a regular expression.
    takes: str
    misfits: tuple[list[object], ...]

    async def test_client_of_ours(self, theirs, told):
        """Values, attachments, an exception as itself, and a timeout come back."""
        async with facade.AsyncClient(theirs, unary=True, timeout=50.0) as client:
            greeter = client.refer(Greeter)
            assert await greeter.hello("Ann") == "Hello Ann"
            assert await greeter.add(2) == 3
            assert await greeter.add(b=3, a=2) == 5
            facade.RpcContext.client_attachments()["shop"] = "north"
            assert (await greeter.baggage())["shop"] == "north"
            assert facade.RpcContext.response_attachments()["seen-by"] == self.seen_by
            with pytest.raises(ValueError, match=r"^no such shop$"):
                await greeter.fail("no such shop")
            with pytest.raises(facade.DeadlineExceeded):
                await greeter.sleep.options(timeout=0.2)(30.0)
            sums = await asyncio.gather(*(greeter.add(number, 1) for number in range(100)))
            assert sums == list(range(1, 101))
        told("answers AsyncClient(unary=True)")

    async def test_refusals(self, theirs):
        """What does not fit is refused before a method begins."""
        async with facade.AsyncClient(theirs, unary=True, timeout=50.0) as client:
            stranger = client.generic("demo.Greeter")
            unknown = r"no demo\.Greeter\.dance here"
            with pytest.raises(facade.Unimplemented, match=unknown) as refused:
                await stranger.invoke("dance")
            assert refused.value.sent is facade.Sent.NOT_EXECUTED
            for arguments in self.misfits:
                with pytest.raises(facade.InvalidArgument, match=self.takes):
                    await stranger.invoke("hello", *arguments)

    def test_blocking_client(self, theirs):
        """A plain thread calls it."""
        with facade.Client(theirs, unary=True, timeout=50.0) as client:
            assert client.refer(Greeter).hello("Ann") == "Hello Ann"

    @pytest.fixture
    def invoke(self, theirs):
        """Call it with a message: what the provider answers to it."""
        with grpc.insecure_channel(theirs) as channel:
            yield channel.unary_unary(
                "/facade.v1.Facade/Invoke",
                request_serializer=Invocation.SerializeToString,
                response_deserializer=Result.FromString,
            )

    def test_encoding_of_the_caller(self, invoke):
        """A caller without msgpack gets a Value for a Value."""
        call = Invocation(service="demo.Greeter", method="hello")
        call.value.list_value.append("Ann")
        assert invoke(call, timeout=50).value.string_value == "Hello Ann"

    def test_time_left(self, invoke):
        """Without gRPC's deadline too: the method is told, and the caller."""
        call = Invocation(service="demo.Greeter", method="sleep", time_left_us=100_000)
        call.value.list_value.append(30.0)
        assert invoke(call, timeout=50).error.status == facade.Status.DEADLINE_EXCEEDED

    def test_oneway_call(self, invoke):
        """An empty result, at once, whatever comes of the call."""
        call = Invocation(service="demo.Greeter", method="sleep", oneway=True, time_left_us=500_000)
        call.value.list_value.append(30.0)
        assert invoke(call, timeout=50) == Result()
