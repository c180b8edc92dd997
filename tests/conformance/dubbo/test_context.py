"""Nobody sees what is another's: contexts of many calls at once, over several hops."""

import asyncio
import random

import pytest

import facade
from facade import RpcContext

CALLS = 1000
# Seconds that they may take: more than a busy machine needs for all of them.
PATIENCE = 50.0
# Of these calls one in so many is abandoned while it is under way.
ABANDONED = 5


@facade.service("hops.Hop")
class Hop:
    async def carry(self, token: str) -> str: ...


class Witness:
    """What the hops have seen that was not theirs, and which calls have come through."""

    def __init__(self) -> None:
        self.foreign: list[str] = []
        self.stuck = asyncio.Semaphore(0)
        self.over = asyncio.Event()

    def check(self, where: str, token: str, found: object) -> None:
        if found != token:
            self.foreign.append(f"{where} of {token} found {found}")


class HopImpl(Hop):
    """Looks at its context before and after it calls the next hop."""

    def __init__(self, number: int, witness: Witness, chance: random.Random) -> None:
        self.number = number
        self.next: Hop | None = None
        self._witness = witness
        self._chance = chance

    async def carry(self, token: str) -> str:
        self._look("arriving", token)
        RpcContext.values()["token"] = token
        RpcContext.response_attachments()[f"by-{self.number}"] = token
        await self._pause()
        if self.next is not None:
            RpcContext.client_attachments()[f"from-{self.number}"] = token
            await self._pause()
            self._witness.check("the answer", token, await self.next.carry(token))
            came_back = RpcContext.response_attachments()[f"by-{self.number + 1}"]
            self._witness.check("what came back", token, came_back)
        elif token.endswith("-abandoned"):
            self._witness.stuck.release()
            await self._witness.over.wait()
        await self._pause()
        self._look("leaving", token)
        self._witness.check("the notes", token, RpcContext.values()["token"])
        return token

    def _look(self, when: str, token: str) -> None:
        received = dict(RpcContext.server_attachments())
        expected = {"trace", *(f"from-{number}" for number in range(self.number))}
        if set(received) != expected:
            self._witness.foreign.append(f"{when}: {token} came with {received}")
        for value in received.values():
            self._witness.check(when, token, value)
        arguments = RpcContext.service().arguments
        self._witness.check(f"{when}, its arguments", token, arguments[0])

    async def _pause(self) -> None:
        for _ in range(self._chance.randrange(3)):
            await asyncio.sleep(0)


async def three_hops(wire, witness):
    """The first hop as its consumer sees it."""
    chance = random.Random(83)
    following = None
    for number in (3, 2, 1):
        impl = HopImpl(number, witness, chance)
        if following is not None:
            impl.next = wire.hop(following, timeout=PATIENCE).refer(Hop)
        following = await wire.provide((Hop, impl))
    return wire.connect(following, timeout=PATIENCE).refer(Hop)


def tokens():
    chance = random.Random(7)
    for number in range(CALLS):
        kind = "abandoned" if number % ABANDONED == 0 else "answered"
        yield f"{number}-{chance.random()}-{kind}"


def make(hop, token, **options):
    """Start one call of a caller who makes many."""
    RpcContext.client_attachments()["trace"] = token
    RpcContext.client_attachments()["from-0"] = token
    return facade.bound(hop.carry).options(**options).future(token)


@pytest.mark.behaviour("B4.22", "B4.23", "B4.11")
@pytest.mark.parametrize("wire", ["memory", "stream", "unary"], indirect=True)
async def test_a_thousand_calls_over_three_hops(wire):
    """No call sees an attachment, an answer or a note of another; a fifth is cancelled."""
    witness = Witness()
    hop = await three_hops(wire, witness)

    async def call(token):
        RpcContext.client_attachments().update({"trace": token, "from-0": token})
        await asyncio.sleep(0)
        value = await hop.carry(token)
        witness.check("the consumer", token, value)
        witness.check("the way back", token, RpcContext.response_attachments()["by-1"])
        witness.check("the last hop", token, RpcContext.response_attachments()["by-3"])
        witness.check("the future", token, RpcContext.future().result())
        return value

    calls = {token: asyncio.create_task(call(token)) for token in tokens()}
    abandoned = [task for token, task in calls.items() if token.endswith("abandoned")]
    for _ in abandoned:
        await witness.stuck.acquire()
    for task in abandoned:
        task.cancel()
    outcomes = await asyncio.gather(*calls.values(), return_exceptions=True)
    kinds = [
        "abandoned" if isinstance(outcome, asyncio.CancelledError) else "answered"
        for outcome in outcomes
    ]
    assert kinds == [token.rsplit("-")[-1] for token in calls]
    assert witness.foreign == []


@pytest.mark.behaviour("B4.22", "B4.23", "B4.11")
async def test_a_thousand_calls_of_one_caller(wire):
    """Each goes with the attachments that were set for it; a fifth has no time to end."""
    witness = Witness()
    hop = await three_hops(wire, witness)
    # To begin them all may take the time that some have: none is to wait for a connection, too.
    await wire.value(await wire.do(make, hop, "first"))

    def start():
        return {
            token: make(hop, token, timeout=1.5 if "abandoned" in token else PATIENCE)
            for token in tokens()
        }

    calls = await wire.do(start)
    waits = [asyncio.ensure_future(wire.value(future)) for future in calls.values()]
    outcomes = await asyncio.gather(*waits, return_exceptions=True)
    witness.over.set()
    for token, outcome in zip(calls, outcomes, strict=True):
        if token.endswith("abandoned"):
            assert isinstance(outcome, facade.DeadlineExceeded)
        else:
            witness.check("the consumer", token, outcome)
    assert witness.foreign == []


@pytest.mark.behaviour("B4.12", "B4.27")
async def test_callbacks_see_the_call_that_they_were_made_in(wire):
    """A snapshot carries the request to a callback that runs long after."""

    class Impl(Hop):
        async def carry(self, token: str) -> str:
            context = RpcContext.capture()
            done = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(lambda: done.set_result(context.run(look)))
            return await done

    def look():
        return str(RpcContext.server_attachments()["trace"])

    hop = await wire.refer(Hop, Impl())
    await wire.do(lambda: RpcContext.client_attachments().update({"trace": "mine"}))
    assert await wire.call(hop.carry, "") == "mine"


@pytest.mark.behaviour("B4.25", "B4.8")
async def test_values_do_not_travel(wire):
    """Our decision, as in Dubbo 2.7: notes stay where they are made."""

    class Impl(Hop):
        async def carry(self, token: str) -> str:
            return str(RpcContext.values().get("token"))

    hop = await wire.refer(Hop, Impl())
    await wire.do(lambda: RpcContext.values().update({"token": "mine"}))
    assert await wire.call(hop.carry, "") == "None"
    assert (await wire.do(RpcContext.values))["token"] == "mine"


@pytest.mark.behaviour("B4.17")
async def test_nothing_is_inherited_by_another_caller(wire):
    """A new thread, or a task, has neither attachments to send nor a last call of its parent's."""
    hop = await wire.refer(Hop, HopImpl(0, Witness(), random.Random(1)))
    await wire.do(lambda: RpcContext.client_attachments().update({"trace": "mine"}))

    async def child():
        return look()

    def look():
        return dict(RpcContext.client_attachments()), RpcContext.future()

    if wire.blocking:
        assert await asyncio.to_thread(look) == ({}, None)
    else:
        assert await asyncio.create_task(child()) == ({}, None)
    assert hop is not None


@pytest.mark.behaviour("B4.5", "B4.6")
async def test_response_attachments_are_of_the_last_call(wire):
    """Each call begins with none, and brings its own."""

    class Impl(Hop):
        async def carry(self, token: str) -> str:
            if token:
                RpcContext.response_attachments()["token"] = token
            return token

    hop = await wire.refer(Hop, Impl())
    for token in ("one", "", "two"):
        await wire.call(hop.carry, token)
        found = await wire.do(RpcContext.response_attachments)
        assert found.get("token", "") == token
