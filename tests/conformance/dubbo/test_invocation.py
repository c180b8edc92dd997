"""Invocations."""

import pytest

import facade


@pytest.mark.behaviour("B1.2")
def test_attributes_stay_local() -> None:
    """Attributes take any key and are apart from what travels."""
    invocation = facade.Invocation("demo.Echo", "echo", attachments={"trace": "1"})
    invocation.attributes[test_attributes_stay_local] = 1
    assert invocation.attachments == {"trace": "1"}


@facade.service("calls.Desk", version="2.0", group="front")
class Desk:
    async def ask(self, what: str, *, loudly: bool = False) -> str: ...


class DeskImpl(Desk):
    async def ask(self, what: str, *, loudly: bool = False) -> str:
        if what == "refuse":
            raise facade.Unavailable("the shelf is empty")
        return what


class See(facade.Filter):
    needs_loop = False

    def __init__(self):
        self.invocations = []

    async def invoke(self, invoker, invocation):
        self.invocations.append(invocation)
        return await invoker.invoke(invocation)


@pytest.mark.behaviour("B1.1", "B1.3")
async def test_what_an_invocation_carries(wire):
    """A call of the proxy becomes one, with the same facts at both ends."""
    consumer, provider = See(), See()
    server = await wire.provide((Desk, DeskImpl()), filters=["default", provider])
    desk = wire.connect(server, filters=["default", consumer]).refer(Desk)
    assert await wire.call(desk.ask, "why", loudly=True) == "why"
    (asked,), (answered,) = consumer.invocations, provider.invocations
    for invocation in (asked, answered):
        assert invocation.service_key == "front/calls.Desk:2.0"
        assert (invocation.name, invocation.method.returns) == ("ask", str)
        assert invocation.timeout is not None
        assert not invocation.oneway
    assert (asked.arguments, asked.keywords) == (("why",), {"loudly": True})
    assert {
        **dict(zip(["what"], answered.arguments, strict=False)),
        **(answered.keywords or {}),
    } == {
        "what": "why",
        "loudly": True,
    }


@pytest.mark.behaviour("B1.3")
async def test_methods_of_every_object_stay_local(wire):
    """repr, comparison and hash of a proxy call nobody."""
    see = See()
    server = await wire.provide((Desk, DeskImpl()))
    client = wire.connect(server, filters=["default", see])
    desk = client.refer(Desk)
    assert repr(desk) == "<front/calls.Desk:2.0, remote>"
    assert desk == desk
    assert desk != client.refer(Desk)
    assert len({desk, desk}) == 1
    assert see.invocations == []


@pytest.mark.behaviour("B1.4", "B1.5")
async def test_attachments_are_text_or_bytes(wire):
    """Our decision: nothing else travels, and what can't is refused before it is sent."""
    see = See()
    server = await wire.provide((Desk, DeskImpl()), filters=["default", see])
    ask = wire.connect(server).refer(Desk).ask
    await wire.call(ask.options(attachments={"text": "1", "bytes": b"\x00"}), "why")
    (invocation,) = see.invocations
    assert {name: invocation.attachments[name] for name in ("text", "bytes")} == {
        "text": "1",
        "bytes": b"\x00",
    }
    with pytest.raises(facade.InvalidArgument, match="'count'") as caught:
        await wire.call(ask.options(attachments={"count": 1}), "why")
    assert caught.value.sent is facade.Sent.NOT_SENT


@pytest.mark.behaviour("B1.6", "B1.13")
async def test_failure_is_raised_where_filters_see_it(wire):
    """From invoke itself, so that a filter can try again."""
    attempts = []

    class Again(facade.Filter):
        needs_loop = False

        async def invoke(self, invoker, invocation):
            try:
                return await invoker.invoke(invocation)
            except facade.Unimplemented as error:
                attempts.append(error.code)
                invocation.group = "front"
                return await invoker.invoke(invocation)

    server = await wire.provide((Desk, DeskImpl()))
    desk = wire.connect(server, filters=["default", Again()]).refer(Desk, group="back")
    assert await wire.call(desk.ask, "why") == "why"
    assert attempts == [facade.Code.METHOD_NOT_FOUND]


@pytest.mark.behaviour("B1.52", "B1.53")
async def test_rpc_error_of_the_method(wire):
    """What the method raises is its answer, an RpcError as well; it may have run."""
    seen = []

    class Listener(facade.Filter):
        def on_response(self, result, invoker, invocation):
            seen.append(type(result.exception))

    server = await wire.provide((Desk, DeskImpl()))
    desk = wire.connect(server, filters=["default", Listener()]).refer(Desk)
    with pytest.raises(facade.Unavailable, match="shelf") as caught:
        await wire.call(desk.ask, "refuse")
    assert caught.value.sent is facade.Sent.MAYBE_EXECUTED
    assert seen == [facade.Unavailable]


@pytest.mark.behaviour("B1.30")
async def test_arguments_that_do_not_fit_are_no_result(wire):
    """The call fails on its way: the method was not started, whoever finds out."""
    server = await wire.provide((Desk, DeskImpl()))
    generic = wire.connect(server).generic("calls.Desk", group="front", version="2.0")
    with pytest.raises(facade.InvalidArgument) as caught:
        await wire.call(generic.invoke, "ask", 1)
    assert caught.value.sent is facade.Sent.NOT_EXECUTED


@pytest.mark.behaviour("B1.48")
async def test_filter_that_gives_no_result(wire):
    """The caller gets an error of the provider's, which logs why."""

    class Forgets(facade.Filter):
        async def invoke(self, invoker, invocation):
            await invoker.invoke(invocation)

    server = await wire.provide((Desk, DeskImpl()), filters=["default", Forgets()])
    with pytest.raises(facade.RpcError, match="see its log") as caught:
        await wire.call(wire.connect(server).refer(Desk).ask, "why")
    assert caught.value.status is facade.Status.INTERNAL


@pytest.mark.behaviour("B1.51", "B1.15")
def test_codes():
    """Dubbo's numbers. Our decision: TIMEOUT_TERMINATE is a timeout to whoever asks."""
    assert [code.value for code in facade.Code] == list(range(14))
    codes = {
        facade.DeadlineExceeded: facade.Code.TIMEOUT,
        facade.Unavailable: facade.Code.NETWORK,
        facade.InvalidArgument: facade.Code.SERIALIZATION,
        facade.LimitExceeded: facade.Code.LIMIT_EXCEEDED,
        facade.Unimplemented: facade.Code.METHOD_NOT_FOUND,
        facade.RpcError: facade.Code.UNKNOWN,
    }
    assert {kind: kind("why").code for kind in codes} == codes
    terminated = facade.DeadlineExceeded("why", code=facade.Code.TIMEOUT_TERMINATE)
    assert isinstance(terminated, TimeoutError)
    assert terminated.code is facade.Code.TIMEOUT_TERMINATE


@pytest.mark.behaviour("B1.11", "B2.8")
async def test_invoker_prints_as_what_it_is(wire):
    """The chain, and where it leads."""
    client = wire.connect(await wire.provide((Desk, DeskImpl())))
    invoker = {"unary": "UnaryInvoker", "injvm": "InjvmInvoker"}.get(wire.name, "RemoteInvoker")
    assert repr(client.invoker) == f"consumer_context -> {invoker}({client.target!r})"


@pytest.mark.behaviour("B1.27")
def test_what_can_be_exported():
    """An object that has the methods; a class, or one that lacks some, is refused."""
    with pytest.raises(TypeError, match="export an object"):
        facade.Server().export(Desk, DeskImpl)
    with pytest.raises(TypeError, match="does not implement"):
        facade.Server().export(Desk, object())
