"""The answering end, with the calling end written by hand. (Dubbo: HeaderExchangeHandler)"""

import asyncio
import logging
import threading

import grpc.aio
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

import facade
from facade import Code, RpcContext, Status
from facade.codec import decode_plain, encode_plain
from facade.exchange.envelope import Envelope, Frame, WireInvocation, WireResult
from facade.exchange.memory import pair
from facade.exchange.transport import INVOKE

SECRET = "correct horse battery staple"


@facade.service("dubbo.requests.Shop")
class Shop:
    async def buy(self, item: str) -> str: ...

    async def fail(self) -> None: ...

    async def work(self) -> None: ...


class ShopImpl(Shop):
    def __init__(self) -> None:
        self.bought: list[str] = []
        self.services: list[object] = []
        self.released = asyncio.Event()

    async def buy(self, item: str) -> str:
        self.bought.append(item)
        self.services.append(RpcContext.service())
        return f"a bag of {item}"

    async def fail(self) -> None:
        RpcContext.response_attachments()["receipt"] = "none"
        raise KeyError("tea")

    async def work(self) -> None:
        await self.released.wait()


class Refusing(facade.Filter):
    async def invoke(self, invoker, invocation):
        if invocation.name == "work":
            raise facade.RpcError("no work", code=Code.FORBIDDEN, status=Status.PERMISSION_DENIED)
        return await invoker.invoke(invocation)


class Hand:
    """The calling end of a stream, by hand. ``ask`` numbers its calls 1, 3, 5 ..."""

    def __init__(self, stream):
        self._stream = stream
        self._received = []
        self._next = 1

    async def send(self, *envelopes):
        await self._stream.write(Frame(envelopes=envelopes).SerializeToString())

    async def receive(self):
        while not self._received:
            self._received += Frame.FromString(await self._stream.read()).envelopes
        return self._received.pop(0)

    def call(self, method, *arguments, **facts):
        envelope = Envelope(id=self._next)
        self._next += 2
        facts = {"service": "dubbo.requests.Shop", "msgpack": encode_plain(arguments), **facts}
        for name, value in facts.items():
            setattr(envelope.invocation, name, value)
        envelope.invocation.method = method
        return envelope

    async def ask(self, *arguments, **facts):
        """Send one call, and give the result that comes next."""
        call = self.call(*arguments, **facts)
        await self.send(call)
        answer = await self.receive()
        assert answer.id == call.id
        return answer.result


@pytest.fixture
async def shop():
    """The service, and the calling end of a stream to it."""
    impl = ShopImpl()
    server = facade.Server(filters=["default", Refusing()])
    server.export(Shop, impl)
    ours, theirs = pair()
    serving = asyncio.create_task(server.exchange(theirs))
    hand = Hand(ours)
    setup = Envelope()
    setup.setup.version = 1
    await hand.send(setup)
    assert (await hand.receive()).WhichOneof("kind") == "setup"
    yield impl, hand
    ours.close()
    await serving
    await server.stop()


# What comes in


@pytest.mark.behaviour("B7.12", "B7.22")
async def test_each_kind_goes_its_way(shop) -> None:
    """Events, calls and oneway calls of one frame are told apart, and a ping needs no method."""
    impl, hand = shop
    ping = Envelope()
    ping.ping.nonce = 7
    missing = hand.call("work", service="dubbo.requests.None")
    oneway, call = hand.call("buy", "tea", oneway=True), hand.call("buy", "cake")
    await hand.send(missing, oneway, ping, call)
    answers = [await hand.receive() for _ in range(3)]
    assert {answer.id for answer in answers} == {0, missing.id, call.id}
    pong = next(answer for answer in answers if answer.id == 0)
    assert pong.pong.nonce == 7
    assert sorted(impl.bought) == ["cake", "tea"]


@pytest.mark.behaviour("B7.13")
async def test_broken_request_is_answered(shop) -> None:
    """Arguments that can't be decoded: the caller is told so, and the stream goes on."""
    impl, hand = shop
    result = await hand.ask("buy", msgpack=b"\xc1")
    assert result.error.code == Code.SERIALIZATION
    assert result.error.status == Status.INVALID_ARGUMENT
    assert "dubbo.requests.Shop.buy" in result.error.message
    assert not impl.bought
    assert decode_plain((await hand.ask("buy", "tea")).msgpack) == "a bag of tea"


@pytest.mark.behaviour("B7.4", "B1.31")
async def test_exception_travels_inside_of_an_answer(shop) -> None:
    """What the method raised is the outcome of its result, with the attachments beside it."""
    _, hand = shop
    result = await hand.ask("fail")
    assert result.error.raised
    assert (result.error.code, result.error.type) == (Code.BIZ, "KeyError")
    assert dict(result.attachments) == {"receipt": "none"}


@pytest.mark.behaviour("B7.14", "B7.15")
async def test_failure_is_told_from_an_exception(shop) -> None:
    """What a filter raised is marked as such. Ours: with its code, which Dubbo loses."""
    _, hand = shop
    result = await hand.ask("work")
    assert not result.error.raised
    assert (result.error.code, result.error.status) == (Code.FORBIDDEN, Status.PERMISSION_DENIED)
    assert result.error.message == "no work"


@pytest.mark.behaviour("B8.9")
async def test_method_learns_who_calls(shop) -> None:
    """The address of the peer is in the context before the method runs."""
    impl, hand = shop
    await hand.ask("buy", "tea")
    assert impl.services[0].remote_address == "memory"


@pytest.mark.behaviour("B8.9")
async def test_unsupported_request_is_answered(shop) -> None:
    """An envelope that asks for what this end does not do is answered under its id."""
    _, hand = shop
    odd = Envelope(id=1)
    odd.MergeFromString(b"\x9a\x06\x00")  # field 99: of a later version
    await hand.send(odd)
    answer = await hand.receive()
    assert (answer.id, answer.result.error.status) == (1, Status.UNIMPLEMENTED)


@pytest.mark.behaviour("B6.9", "B6.10")
async def test_oneway_call_is_never_answered(shop, caplog) -> None:
    """Not with a value, an exception, a refusal, nor that it is broken. Each failure is logged."""
    impl, hand = shop
    with caplog.at_level(logging.WARNING, "facade"):
        await hand.send(
            hand.call("buy", "tea", oneway=True),
            hand.call("fail", oneway=True),
            hand.call("work", oneway=True),
            hand.call("buy", oneway=True, msgpack=b"\xc1"),
            hand.call("buy", oneway=True, service="dubbo.requests.None"),
        )
        await hand.ask("buy", "cake")
    assert impl.bought == ["tea", "cake"]
    failed = [r for r in caplog.records if "oneway" in r.getMessage()]
    assert len(failed) == 4


@pytest.mark.behaviour("B6.11")
async def test_oneway_call_that_finds_no_thread(caplog) -> None:
    """Where the pool is exhausted, it is dropped: logged, and not answered."""
    running, released = threading.Event(), threading.Event()

    class InThread(ShopImpl):
        def work(self) -> None:  # type: ignore[override]
            running.set()
            released.wait()

    server = facade.Server(threads=1, queue=0)
    server.export(Shop, InThread())
    ours, theirs = pair()
    serving = asyncio.create_task(server.exchange(theirs))
    hand = Hand(ours)
    setup = Envelope()
    setup.setup.version = 1
    await hand.send(setup)
    await hand.receive()
    first = hand.call("work")
    await hand.send(first)
    await asyncio.to_thread(running.wait)
    with caplog.at_level(logging.WARNING, "facade"):
        await hand.send(hand.call("work", oneway=True))
        assert (await hand.ask("work")).error.code == Code.LIMIT_EXCEEDED
    assert [r for r in caplog.records if "oneway" in r.getMessage()]
    released.set()
    assert (await hand.receive()).id == first.id
    ours.close()
    await serving
    await server.stop()


@pytest.mark.behaviour("B7.14")
async def test_caller_that_is_gone(caplog) -> None:
    """An answer that finds nobody is dropped, and the provider serves on."""
    impl = ShopImpl()
    server = facade.Server()
    server.export(Shop, impl)
    ours, theirs = pair()
    serving = asyncio.create_task(server.exchange(theirs))
    hand = Hand(ours)
    setup = Envelope()
    setup.setup.version = 1
    await hand.send(setup, hand.call("work"))
    await hand.receive()
    ours.close()
    await serving
    impl.released.set()
    await server.stop()
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


# In which encoding


@pytest.mark.behaviour("B1.19")
async def test_answer_has_the_encoding_of_the_call(shop) -> None:
    """Whoever asks in plain values is answered in plain values, with nothing to set."""
    _, hand = shop
    call = hand.call("buy")
    ParseDict(["tea"], call.invocation.value)
    await hand.send(call)
    result = (await hand.receive()).result
    assert result.value.string_value == "a bag of tea"
    assert (await hand.ask("buy", "tea")).WhichOneof("outcome") == "msgpack"


@pytest.mark.behaviour("B7.44")
async def test_call_by_hand_on_the_service_port() -> None:
    """A tool that knows nothing of the interface calls by names and plain values.

    Ours: any gRPC tool, by the unary method Invoke, where Dubbo takes lines of telnet.
    """
    server = facade.Server()
    server.export(Shop, ShopImpl())
    call = {"service": "dubbo.requests.Shop", "method": "buy", "value": ["tea"]}
    async with server, grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        invoke = channel.unary_unary(
            INVOKE,
            request_serializer=lambda made: ParseDict(made, WireInvocation()).SerializeToString(),
            response_deserializer=lambda data: MessageToDict(WireResult.FromString(data)),
        )
        assert await invoke(call) == {"value": "a bag of tea"}
        missing = await invoke({**call, "method": "sell"})
    assert "it has: buy, fail, work" in missing["error"]["message"]


# What errors tell


@facade.service("dubbo.requests.Shop")
class Loose:
    """The same service, with its types wrong and one method too many."""

    async def buy(self, item, more): ...

    async def sell(self, item): ...

    async def work(self): ...


@pytest.mark.behaviour("B6.8")
async def test_errors_tell_no_arguments(wire, caplog) -> None:
    """No message and no line of a log has a value of an argument in it. (Dubbo: PayloadDropper)"""
    server = await wire.provide((Shop, ShopImpl()))
    client = wire.connect(server)
    loose, shop = client.refer(Loose), client.refer(Shop)
    await wire.call(shop.buy, "tea")
    with caplog.at_level(logging.DEBUG):
        for method, arguments in (
            (loose.sell, [SECRET]),
            (loose.buy, [SECRET, SECRET]),
            (loose.buy, [{SECRET: SECRET}, 1]),
            (client.refer(Shop, version="2").buy, [SECRET]),
            (shop.buy.options(attachments={"n": 5}), [SECRET]),
        ):
            with pytest.raises(facade.RpcError) as raised:
                await wire.call(method, *arguments)
            assert SECRET not in str(raised.value)
            assert SECRET not in repr(raised.value)
    assert SECRET not in caplog.text
