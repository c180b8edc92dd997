"""The life of a stream: its table, and that no order of events leaves a call pending."""

import asyncio
import itertools
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import facade
from facade.codec import MethodCodec
from facade.core.invocation import Invocation
from facade.exchange.connection import Connection, Settings
from facade.exchange.life import BROKEN, NEXT, Event, Life, State
from facade.exchange.memory import pair
from facade.service import describe
from facade.testing import FakeInvoker

# The table


def test_every_event_has_its_place():
    """In every state each event leads somewhere or is an error; but for what a stream that is
    closed still hears of its peer."""
    for place in itertools.product(State, Event):
        ignored = place[0] is State.CLOSED and place[1] in (Event.SETUP, Event.PEER_LEAVES)
        assert (place in NEXT) + (place in BROKEN) + ignored == 1, place


@given(st.lists(st.sampled_from(Event), max_size=12))
def test_any_order_of_events(events):
    """A stream can always be ended, never comes back, and is usable where it is ready, or its
    peer alone wants to leave."""
    life = Life()
    closed = False
    for event in events:
        try:
            changed = life.happen(event)
        except ValueError:
            changed = life.happen(Event.LOST)  # as a violation does
        assert life.usable == (life.state in (State.READY, State.FOLLOWED))
        assert not (closed and changed)
        closed = life.closed
        assert not life.hears_calls or life.set_up
    life.happen(Event.LOST)
    assert life.closed


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ("setup", State.READY),
        ("setup leave", State.DRAINING),
        ("setup leave peer_leaves", State.DRAINED),
        ("setup peer_leaves", State.FOLLOWED),
        ("setup peer_leaves leave", State.DRAINED),
        ("setup peer_leaves leave idle", State.CLOSED),
        ("setup leave idle", State.DRAINING),  # the peer has not heard of it
        ("setup idle", State.READY),
        ("leave", State.CLOSED),
        ("lost", State.CLOSED),
        ("setup lost", State.CLOSED),
    ],
)
def test_ways(events, state):
    """The ways through a life that the protocol describes."""
    life = Life()
    for event in events.split():
        life.happen(Event[event.upper()])
    assert life.state is state


# Two ends


@facade.service("life.Worker")
class Worker:
    async def work(self) -> str: ...


CODEC = MethodCodec(describe(Worker).methods["work"])


class Slow:
    """Exports one method. Each call of it goes on until it is let go."""

    def __init__(self):
        self.oneway_failures = 0
        self.waiting = []

    def find(self, invocation):
        async def work(invocation):
            done = asyncio.get_running_loop().create_future()
            self.waiting.append(done)
            return await done

        method = CODEC.method
        invoker = FakeInvoker(function=work)
        return SimpleNamespace(special=False, method=method, codec=CODEC, invoker=invoker)

    def let_one_go(self):
        while self.waiting:
            done = self.waiting.pop(0)
            if not done.done():
                done.set_result("done")
                return


class Ends:
    """Both ends of a stream in memory: each may call the other."""

    def __init__(self):
        left, right = pair()
        self.work = Slow(), Slow()
        self.streams = left, right
        self.connections = (
            Connection(left, Settings(), self.work[0], opened=True),
            Connection(right, Settings(), self.work[1], opened=False),
        )
        self.running = [asyncio.create_task(c.run()) for c in self.connections]
        self.leaving = []
        self.calls = []
        self.given_up = 0

    async def ready(self):
        await asyncio.gather(*(c.ready for c in self.connections))

    def act(self, what, side):
        connection = self.connections[side]
        if what == "call" and connection.usable:
            self.call(connection)
        elif what == "give up" and connection.calls.pending():
            call = connection.calls.pending()[0]
            connection.calls.give_up(call)
            call.waiter.cancel()
        elif what == "answer":
            self.work[side].let_one_go()
        elif what == "leave":
            self.leaving.append(asyncio.create_task(connection.drain("leaves", 5)))
        elif what == "cut":
            connection.abort(facade.Unavailable("cut"))
        elif what == "garbage":
            self.leaving.append(asyncio.create_task(self.say_garbage(side)))

    def call(self, connection):
        invocation = Invocation("life.Worker", "work")
        waiter = asyncio.get_running_loop().create_future()
        try:
            connection.calls.begin(invocation, CODEC.encode_arguments((), None), waiter)
        except facade.RpcError:
            return
        self.calls.append(waiter)

    async def say_garbage(self, side):
        try:
            await self.streams[side].write(b"\xff\xff\xff")
        except facade.RpcError:
            return  # it has ended

    async def end(self):
        for connection in self.connections:
            connection.abort(facade.Unavailable("the test is over"))
        await asyncio.gather(*self.running, *self.leaving)


ACTIONS = ("call", "call", "answer", "give up", "turn", "leave", "cut", "garbage")


@given(
    st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from((0, 1))), max_size=25),
    st.booleans(),
)
def test_no_order_of_events_leaves_a_call_pending(steps, ready):
    """Whatever happens to a stream, and in whatever order: once it has ended, each call at
    either end has an answer or an error, nothing is served any more, and no task is left."""

    async def live():
        ends = Ends()
        if ready:
            await ends.ready()
        for what, side in steps:
            ends.act(what, side)
            if what == "turn":
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        await ends.end()
        assert all(call.done() for call in ends.calls)
        for call in ends.calls:
            if not call.cancelled():
                call.exception()
        for connection in ends.connections:
            assert connection.closed.is_set()
            assert not connection.usable
            assert len(connection.calls) == 0
        for _ in range(20):  # what was cancelled ends
            await asyncio.sleep(0)
        assert [len(c.answers) for c in ends.connections] == [0, 0]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(live())


@given(st.lists(st.sampled_from(("call", "turn")), max_size=10), st.sampled_from((0, 1)))
def test_leaving_in_peace_answers_every_call(steps, side):
    """Whichever end leaves: calls that were begun before are answered, and the stream ends
    without an error."""

    async def live():
        ends = Ends()
        await ends.ready()
        for step in steps:
            ends.act(step, 0)
            ends.act(step, 1)
            await asyncio.sleep(0)
        leaving = asyncio.create_task(ends.connections[side].drain("leaves", 20))
        while not leaving.done():
            for work in ends.work:
                work.let_one_go()
            await asyncio.sleep(0)
        await asyncio.gather(*ends.running)
        assert all(call.result().WhichOneof("outcome") == "msgpack" for call in ends.calls)
        assert [c.error for c in ends.connections] == [None, None]

    asyncio.run(live())
