"""Attachments: what travels beside a call and its answer."""

from typing import Any

import pytest

import facade
from facade import RpcContext


@facade.service("attachments.Mirror")
class Mirror:
    async def show(self) -> dict[str, Any]: ...

    async def reply(self, name: str) -> None: ...


class MirrorImpl(Mirror):
    """``show`` gives what came along. ``reply`` sends something back."""

    async def show(self) -> dict[str, Any]:
        return dict(RpcContext.server_attachments())

    async def reply(self, name: str) -> None:
        RpcContext.response_attachments()[name] = f"by {name}"


class Hop(Mirror):
    """Calls the next one."""

    def __init__(self, next: Mirror) -> None:
        self.next = next
        self.got: dict[str, Any] = {}

    async def show(self) -> dict[str, Any]:
        self.got = dict(RpcContext.server_attachments())
        return await self.next.show()

    async def reply(self, name: str) -> None:
        await self.next.reply(name)


def attach(**attachments):
    RpcContext.client_attachments().update(attachments)


async def hop(wire, kind=Hop, **settings):
    """The service of a provider B, which calls another one, C; and the object at B."""
    end = await wire.provide((Mirror, MirrorImpl()))
    middle = kind(wire.hop(end, **settings).refer(Mirror))
    return await wire.refer(Mirror, middle), middle


async def test_text_and_bytes_go_there(wire):
    """Either comes out as it went in."""
    mirror = await wire.refer(Mirror, MirrorImpl())
    await wire.do(attach, text="ä", bytes=b"\xff\x00", empty="")
    assert await wire.call(mirror.show) == {"text": "ä", "bytes": b"\xff\x00", "empty": ""}


async def test_attachments_go_once(wire):
    """They go with the next call, and not with the one after it."""
    mirror = await wire.refer(Mirror, MirrorImpl())
    await wire.do(attach, who="Ann")
    assert await wire.call(mirror.show) == {"who": "Ann"}
    assert await wire.call(mirror.show) == {}


async def test_attachments_are_the_caller_s_own(wire):
    """What one caller sets does not go with the call of another."""
    mirror = await wire.refer(Mirror, MirrorImpl())
    await wire.do(attach, who="Ann")
    assert await wire.start(mirror.show) == {}
    assert await wire.call(mirror.show) == {"who": "Ann"}


async def test_attachments_of_options(wire):
    """They go with every call of that method object, and with no other."""
    mirror = await wire.refer(Mirror, MirrorImpl())
    method = mirror.show.options(attachments={"who": "Ann", "raw": b"\xff"})
    assert await wire.call(method) == {"who": "Ann", "raw": b"\xff"}
    assert await wire.call(method) == {"who": "Ann", "raw": b"\xff"}
    assert await wire.call(mirror.show) == {}


async def test_options_override_the_context(wire):
    """Those given to the call win over those of the context, name by name."""
    mirror = await wire.refer(Mirror, MirrorImpl())
    await wire.do(attach, who="Ann", where="here")
    method = mirror.show.options(attachments={"who": "Bob"})
    assert await wire.call(method) == {"who": "Bob", "where": "here"}


async def test_attachments_are_read_only_at_the_provider(wire):
    """A method can't change what came along."""

    class Writing(MirrorImpl):
        async def show(self) -> dict[str, Any]:
            RpcContext.server_attachments()["who"] = "Bob"  # type: ignore[index]
            return {}

    mirror = await wire.refer(Mirror, Writing())
    with pytest.raises(TypeError, match="assignment"):
        await wire.call(mirror.show)


async def test_attachment_that_is_neither_text_nor_bytes(wire):
    """It is refused by name, and nothing is sent."""
    mirror = await wire.refer(Mirror, MirrorImpl())
    with pytest.raises(facade.InvalidArgument, match="attachment 'count'") as raised:
        await wire.call(mirror.show.options(attachments={"count": 1}))
    assert raised.value.sent is facade.Sent.NOT_SENT


async def test_attachments_come_back(wire):
    """What the method sets, the caller finds after the call; text and bytes."""

    class Bytes(MirrorImpl):
        async def reply(self, name: str) -> None:
            RpcContext.response_attachments().update({name: "text", "raw": b"\xff"})

    mirror = await wire.refer(Mirror, Bytes())
    await wire.call(mirror.reply, "key")
    back = await wire.do(RpcContext.response_attachments)
    assert dict(back) == {"key": "text", "raw": b"\xff"}


async def test_attachments_come_back_with_each_call(wire):
    """Those of the last call replace those of the one before."""
    mirror = await wire.refer(Mirror, MirrorImpl())
    await wire.call(mirror.reply, "first")
    await wire.call(mirror.reply, "second")
    assert dict(await wire.do(RpcContext.response_attachments)) == {"second": "by second"}


async def test_attachments_come_back_with_an_exception(wire):
    """A method that raises can send something back, too."""

    class Raising(MirrorImpl):
        async def reply(self, name: str) -> None:
            RpcContext.response_attachments()[name] = "still here"
            raise ValueError("no")

    mirror = await wire.refer(Mirror, Raising())
    with pytest.raises(ValueError, match="no"):
        await wire.call(mirror.reply, "key")
    assert dict(await wire.do(RpcContext.response_attachments)) == {"key": "still here"}


async def test_attachments_go_on_over_two_hops(wire):
    """What A sends to B goes on to C."""
    mirror, middle = await hop(wire)
    await wire.do(attach, trace="7", raw=b"\xff")
    assert await wire.call(mirror.show) == {"trace": "7", "raw": b"\xff"}
    assert middle.got == {"trace": "7", "raw": b"\xff"}


async def test_attachments_of_the_hop_override(wire):
    """What B sets itself wins over what it received."""

    class Setting(Hop):
        async def show(self) -> dict[str, Any]:
            RpcContext.client_attachments().update(who="B", by="B")
            return await self.next.show()

    mirror, _ = await hop(wire, Setting)
    await wire.do(attach, who="A", trace="7")
    assert await wire.call(mirror.show) == {"who": "B", "by": "B", "trace": "7"}


async def test_attachments_go_on_with_every_call_of_the_hop(wire):
    """Unlike those of ``client_attachments``, received ones go more than once."""

    class Twice(Hop):
        async def show(self) -> dict[str, Any]:
            await self.next.show()
            return await self.next.show()

    mirror, _ = await hop(wire, Twice)
    await wire.do(attach, trace="7")
    assert await wire.call(mirror.show) == {"trace": "7"}


async def test_reserved_names_do_not_go_on(wire):
    """A reserved name reaches the provider's filters, but neither methods nor further hops."""
    seen = []

    class Guard(facade.Filter):
        async def invoke(self, invoker, invocation):
            seen.append(invocation.attachments.get("token"))
            return await invoker.invoke(invocation)

    end = await wire.provide((Mirror, MirrorImpl()))
    middle = Hop(wire.hop(end).refer(Mirror))
    server = await wire.provide((Mirror, middle), filters=[Guard()])
    mirror = wire.connect(server).refer(Mirror)
    method = mirror.show.options(attachments={"token": "secret", "group": "x", "who": "Ann"})
    assert await wire.call(method) == {"who": "Ann"}
    assert middle.got == {"who": "Ann"}
    assert seen == ["secret"]


async def test_propagate_names(wire):
    """With ``propagate=[...]`` only what is named goes on."""
    mirror, middle = await hop(wire, propagate=["trace"])
    await wire.do(attach, trace="7", secret="s")
    assert await wire.call(mirror.show) == {"trace": "7"}
    assert middle.got == {"trace": "7", "secret": "s"}


async def test_propagate_nothing(wire):
    """With ``propagate=None`` nothing goes on, save what the hop sets itself."""

    class Setting(Hop):
        async def show(self) -> dict[str, Any]:
            RpcContext.client_attachments()["by"] = "B"
            return await self.next.show()

    mirror, _ = await hop(wire, Setting, propagate=None)
    await wire.do(attach, trace="7")
    assert await wire.call(mirror.show) == {"by": "B"}


async def test_response_attachments_come_back_up_the_hops(wire):
    """What C sends back reaches A, though B does nothing about it."""
    mirror, _ = await hop(wire)
    await wire.call(mirror.reply, "C")
    assert dict(await wire.do(RpcContext.response_attachments)) == {"C": "by C"}


async def test_response_attachments_of_the_hop_win(wire):
    """B can read what C sent, and what it sets itself goes back instead."""
    seen = []

    class Setting(Hop):
        async def reply(self, name: str) -> None:
            await self.next.reply(name)
            seen.append(RpcContext.response_attachments()[name])
            RpcContext.response_attachments().update({name: "by B", "more": "by B"})

    mirror, _ = await hop(wire, Setting)
    await wire.call(mirror.reply, "key")
    back = await wire.do(RpcContext.response_attachments)
    assert dict(back) == {"key": "by B", "more": "by B"}
    assert seen == ["by key"]
