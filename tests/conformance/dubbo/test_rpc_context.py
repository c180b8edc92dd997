"""What each side finds in RpcContext, and for how long."""

import asyncio

import pytest

import facade
from facade import RpcContext


@facade.service("context.Room")
class Room:
    async def enter(self, who: str) -> str: ...


class Outer(Room):
    """Calls another room, and notes what it finds."""

    def __init__(self, inner: Room) -> None:
        self.inner = inner
        self.found: list[object] = []

    async def enter(self, who: str) -> str:
        RpcContext.response_attachments()["outer"] = who
        before = RpcContext.service()
        value = await self.inner.enter(f"{who}'s guest")
        after = RpcContext.service()
        answers = RpcContext.response_attachments()
        self.found.append((before.side, before.arguments, after.side, after.arguments))
        self.found.append((answers["outer"], answers["inner"]))
        answers["inner"] = "hidden"
        return value


class Inner(Room):
    async def enter(self, who: str) -> str:
        RpcContext.response_attachments()["inner"] = who
        return f"{who}, {RpcContext.server_attachments().get('key')}"


@pytest.fixture
async def rooms(wire):
    """The outer room as its consumer sees it, and its implementation."""
    inner = await wire.provide((Room, Inner()))
    outer = Outer(wire.hop(inner).refer(Room))
    server = await wire.provide((Room, outer), application="hotel")
    return wire.connect(server, application="guest").refer(Room), outer


@pytest.mark.behaviour("B4.2", "B1.3")
async def test_service_is_that_of_the_call_that_is_served(wire, rooms):
    """A call that the method makes does not disturb it."""
    room, outer = rooms
    await wire.call(room.enter, "Ann")
    assert outer.found[0] == ("provider", ("Ann",), "provider", ("Ann",))


@pytest.mark.behaviour("B4.2")
async def test_service_of_the_consumer(wire, rooms):
    """It is that of the last call made; before any there is none."""
    room, _ = rooms
    with pytest.raises(RuntimeError, match="none was made"):
        await wire.do(RpcContext.service)
    await wire.call(room.enter, "Ann")
    service = await wire.do(RpcContext.service)
    assert (service.side, service.service, service.method) == ("consumer", "context.Room", "enter")
    assert service.arguments == ("Ann",)
    assert service.remote_address


@pytest.mark.behaviour("B4.5", "B4.6", "B4.19")
async def test_response_attachments_of_a_method_that_calls_another(wire, rooms):
    """It reads its own and those that came back, and writes its own, which win."""
    room, outer = rooms
    await wire.call(room.enter, "Ann")
    assert outer.found[1] == ("Ann", "Ann's guest")
    back = await wire.do(RpcContext.response_attachments)
    assert dict(back) == {"outer": "Ann", "inner": "hidden"}


@pytest.mark.behaviour("B4.3", "B4.4", "B4.18", "B4.23")
async def test_what_is_sent_goes_on(wire, rooms):
    """The consumer's attachments reach the first hop and, by themselves, the second."""
    room, _ = rooms
    await wire.do(lambda: RpcContext.client_attachments().update({"key": "9"}))
    assert await wire.call(room.enter, "Ann") == "Ann's guest, 9"
    assert await wire.call(room.enter, "Ann") == "Ann's guest, None"


@pytest.mark.behaviour("B4.4", "B4.11", "B4.22")
async def test_outside_of_a_call_nothing_came(wire, rooms):
    """Server attachments are empty at the consumer, and can't be written anywhere."""
    room, _ = rooms
    await wire.call(room.enter, "Ann")
    received = await wire.do(RpcContext.server_attachments)
    assert dict(received) == {}
    with pytest.raises(TypeError):
        received["key"] = "9"


@pytest.mark.behaviour("B4.11", "B4.22")
async def test_context_of_the_provider_ends_with_the_call(wire):
    """Filters outside of ``context`` see no request, before and after."""
    seen = []

    class Around(facade.Filter):
        async def invoke(self, invoker, invocation):
            seen.append(dict(RpcContext.server_attachments()))
            result = await invoker.invoke(invocation)
            seen.append(dict(RpcContext.server_attachments()))
            return result

    server = await wire.provide((Room, Inner()), filters=[Around(), "default"])
    room = wire.connect(server).refer(Room)
    await wire.call(room.enter.options(attachments={"key": "9"}), "Ann")
    assert seen == [{}, {}]


@pytest.mark.behaviour("B4.12", "B4.14")
async def test_context_goes_along_with_tasks_and_threads(wire):
    """Whatever the method starts sees the same request, and can answer beside it."""

    class Impl(Room):
        async def enter(self, who: str) -> str:
            def note(name):
                RpcContext.response_attachments()[name] = str(RpcContext.service().arguments[0])

            async def task():
                note("task")

            await asyncio.create_task(task())
            await asyncio.to_thread(note, "thread")
            return who

    room = await wire.refer(Room, Impl())
    await wire.call(room.enter, "Ann")
    back = await wire.do(RpcContext.response_attachments)
    assert dict(back) == {"task": "Ann", "thread": "Ann"}
