"""Calls whose time is up: before they are sent, and after."""

import asyncio

import pytest

import facade
from facade.core import TimeoutCountDown


@facade.service("demo.Bell")
class Bell:
    @facade.method(oneway=True)
    async def ring(self) -> None: ...

    @facade.method(oneway=True, sent=True)
    async def alarm(self) -> None: ...

    async def strike(self) -> int: ...


class Silent(Bell):
    rung = 0

    async def ring(self):
        self.rung += 1

    alarm = strike = ring


class Slow(facade.Filter):
    """Takes all the time that a call has."""

    async def invoke(self, invoker, invocation):
        invocation.countdown = TimeoutCountDown(-0.001)
        return await invoker.invoke(invocation)


@pytest.mark.parametrize("unary", [False, True])
@pytest.mark.parametrize("name", ["ring", "alarm", "strike"])
async def test_nothing_is_sent(name, unary):
    """Each kind of call fails with DeadlineExceeded, and says that it was not sent."""
    bell = Silent()
    async with facade.Server() as server:
        server.export(Bell, bell)
        target = f"127.0.0.1:{server.port}"
        filters = ["default", Slow()]
        async with facade.AsyncClient(target, filters=filters, unary=unary, timeout=20) as client:
            await client.ready()
            with pytest.raises(facade.DeadlineExceeded) as caught:
                await getattr(client.refer(Bell), name)()
    assert caught.value.sent is facade.Sent.NOT_SENT
    assert not bell.rung


@facade.service("demo.Oven")
class Oven:
    @facade.method(countdown=False)
    async def bake(self) -> None: ...


class Baking(Oven):
    def __init__(self):
        self.done = asyncio.Event()
        self.ends = asyncio.Queue()
        self.begun = False

    async def bake(self):
        self.begun = True
        try:
            await self.done.wait()
        except asyncio.CancelledError:
            self.ends.put_nowait("cancelled")
            raise
        self.ends.put_nowait("finished")


@pytest.mark.parametrize(
    ("way", "end"),
    [({}, "finished"), ({"unary": True}, "cancelled"), ({"native": True}, "cancelled")],
    ids=str,
)
async def test_method_outside_of_the_countdown(way, end):
    """Over a stream it finishes, though nobody waits; a gRPC call of its own is cancelled."""
    oven = Baking()
    async with facade.Server() as server:
        server.export(Oven, oven)
        async with facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=0.2, **way) as client:
            bake = client.refer(Oven).bake
            while not oven.begun:  # a busy machine may take longer to get there
                with pytest.raises((facade.DeadlineExceeded, facade.Unavailable)):
                    await bake()
            if end == "finished":
                oven.done.set()
            assert await asyncio.wait_for(oven.ends.get(), 20) == end
