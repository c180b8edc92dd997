"""What is in an invocation, seen from both ends. (Dubbo: RpcInvocation)"""

import pytest

import facade
from facade import RpcContext


@facade.service("dubbo.invocation.Echo", group="blue", version="1.0")
class Echo:
    async def echo(self, text: str, *, loud: bool = False) -> str: ...


class EchoImpl(Echo):
    def __init__(self) -> None:
        self.attachments: dict[str, str | bytes] = {}

    async def echo(self, text: str, *, loud: bool = False) -> str:
        self.attachments = dict(RpcContext.server_attachments())
        return text.upper() if loud else text


class Seen(facade.Filter):
    """Keeps each invocation, and its attributes as they were."""

    def __init__(self, **notes):
        self.notes = notes
        self.invocations = []
        self.attributes = []

    async def invoke(self, invoker, invocation):
        self.attributes.append(dict(invocation.attributes))
        invocation.attributes.update(self.notes)
        self.invocations.append(invocation)
        return await invoker.invoke(invocation)


@pytest.mark.behaviour("B1.1")
async def test_invocation_says_what_is_called(wire) -> None:
    """Both ends find service, group, version, method and arguments, and which method it is."""
    near, far = Seen(), Seen()
    server = await wire.provide((Echo, EchoImpl()), filters=["default", far])
    echo = wire.connect(server, filters=["default", near]).refer(Echo)
    assert await wire.call(echo.echo, "hi", loud=True) == "HI"
    for invocation in (*near.invocations, *far.invocations):
        assert invocation.service_key == "blue/dubbo.invocation.Echo:1.0"
        assert str(invocation) == "blue/dubbo.invocation.Echo:1.0.echo"
        assert (invocation.arguments, invocation.keywords) == (("hi",), {"loud": True})
        assert invocation.method.parameters[0].type is str
        assert invocation.method.returns is str


@pytest.mark.behaviour("B1.1")
def test_no_arguments_are_none_given() -> None:
    """Without arguments there is an empty tuple, and never None."""
    assert facade.Invocation("demo.Echo", "echo").arguments == ()
    assert facade.Invocation("demo.Echo", "echo").attachments == {}


@pytest.mark.behaviour("B1.2", "B2.30")
async def test_attributes_do_not_travel(wire) -> None:
    """What a filter notes of a call is seen further in, not at the other end, nor in the next."""
    outer, inner, far = Seen(mark=object()), Seen(), Seen()
    impl = EchoImpl()
    server = await wire.provide((Echo, impl), filters=["default", far])
    echo = wire.connect(server, filters=[outer, "default", inner]).refer(Echo)
    await wire.call(echo.echo, "hi")
    await wire.call(echo.echo, "ho")
    assert inner.attributes == [outer.notes, outer.notes]
    assert outer.attributes == far.attributes == [{}, {}]
    assert impl.attachments == {}


@pytest.mark.behaviour("B1.4")
async def test_attachments_are_text_or_bytes(wire) -> None:
    """Each comes out as what it went in as, under the very name that it had.

    Ours: anything else is refused before it is sent, where Dubbo's reads as null at the other
    end; and no name is tried again in lower case.
    """
    impl = EchoImpl()
    echo = await wire.refer(Echo, impl)
    sent = {"Trace": "1", "raw": b"\xff", "empty": ""}
    await wire.call(echo.echo.options(attachments=sent), "hi")
    assert impl.attachments == sent
    with pytest.raises(facade.InvalidArgument, match="attachment 'count'") as raised:
        await wire.call(echo.echo.options(attachments={"count": 5}), "hi")
    assert raised.value.sent is facade.Sent.NOT_SENT


@pytest.mark.behaviour("B1.5")
async def test_attachments_are_a_dictionary(wire) -> None:
    """Filters set, keep and take away as with any dictionary; an empty value is a value."""

    class Setting(facade.Filter):
        async def invoke(self, invoker, invocation):
            invocation.attachments["set"] = "filter"
            invocation.attachments.setdefault("kept", "filter")
            invocation.attachments.setdefault("empty", "filter")
            del invocation.attachments["gone"]
            return await invoker.invoke(invocation)

    impl = EchoImpl()
    echo = await wire.refer(Echo, impl, filters=["default", Setting()])
    given = {"set": "call", "kept": "call", "empty": "", "gone": "call"}
    await wire.call(echo.echo.options(attachments=given), "hi")
    assert impl.attachments == {"set": "filter", "kept": "call", "empty": ""}
