import random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from facade.exchange.inflight import SLACK, TICK, InFlight

# Floats of the clock's size differ by less than this, and a tick is far wider.
TINY = 1e-6


class Call:
    """What the table keeps: anything with a deadline."""

    def __init__(self, deadline):
        self.deadline = deadline


def expired(table, now):
    return {id for id, _ in table.expire(now)}


# One call


@pytest.mark.parametrize(("even", "ids"), [(False, [1, 3, 5]), (True, [2, 4, 6])])
def test_ids_rise_and_differ_between_the_ends(even, ids):
    """One end has the odd ids and the other the even ones, so both may call."""
    table = InFlight(even=even)
    assert [table.open(Call(None)) for _ in range(3)] == ids


def test_oneway_calls_use_ids_up():
    """A call that waits for nothing is not kept, and its id is not given again."""
    table = InFlight()
    assert [table.take_id(), table.open(Call(None)), table.take_id()] == [1, 3, 5]
    assert len(table) == 1


@pytest.mark.parametrize("deadline", [None, 100.0])
def test_closing_gives_the_call_once(deadline):
    """An answer finds its call; a second one, or one for nobody, finds nothing."""
    table, call = InFlight(), Call(deadline)
    id = table.open(call)
    assert id in table
    assert table.close(id) is call
    assert table.close(id) is None
    assert table.close(99) is None
    assert (len(table), id in table) == (0, False)


def test_closed_call_does_not_expire():
    """What was answered in time is never late afterwards."""
    table = InFlight()
    table.close(table.open(Call(100.0)))
    assert table.expire(1000.0) == []


def test_expired_call_is_closed():
    """A late answer finds nobody."""
    table, call = InFlight(), Call(100.0)
    id = table.open(call)
    assert table.expire(200.0) == [(id, call)]
    assert table.close(id) is None
    assert len(table) == 0


def test_call_without_a_deadline_waits_for_ever():
    """Only what has a deadline expires."""
    table = InFlight()
    id = table.open(Call(None))
    assert table.expire(1e9) == []
    assert id in table


def test_earlier_deadlines_expire_first():
    """Calls that run out together are given in the order of their deadlines."""
    table = InFlight()
    late, early = table.open(Call(200.0)), table.open(Call(100.0))
    assert [id for id, _ in table.expire(300.0)] == [early, late]


def test_closing_all_gives_them_oldest_first():
    """When a connection ends, every call is told, and nothing stays behind."""
    table = InFlight()
    calls = [Call(None), Call(200.0), Call(100.0)]
    ids = [table.open(call) for call in calls]
    assert table.close_all() == list(zip(ids, calls, strict=True))
    assert len(table) == 0
    assert table.next_expiry() is None
    assert table.expire(1000.0) == []


def test_ids_go_on_after_closing_all():
    """An id is never used twice on one stream."""
    table = InFlight()
    table.open(Call(None))
    table.close_all()
    assert table.open(Call(None)) == 3


def test_next_expiry_is_the_earliest():
    """The timer is to be set for the deadline that comes first, and within a tick of it."""
    table = InFlight()
    assert table.next_expiry() is None
    table.open(Call(None))
    assert table.next_expiry() is None
    table.open(Call(200.0))
    first = table.open(Call(100.0))
    assert 100.0 <= table.next_expiry() <= 100.0 + TICK + TINY
    table.close(first)
    assert 200.0 <= table.next_expiry() <= 200.0 + TICK + TINY


# Many calls


def test_hundred_thousand_pending_calls():
    """Those that are answered, given up and expired are each found once, whatever their order,
    and what stays behind of the answered ones is bounded."""
    table, order = InFlight(), random.Random(7)
    calls = {}
    for _ in range(100_000):
        call = Call(order.choice([None, order.uniform(1000, 1060)]))
        calls[table.open(call)] = call
    answered = set(order.sample(sorted(calls), 60_000))
    assert all(table.close(id) is calls[id] for id in answered)
    found = {}
    now = 1000.0
    while (at := table.next_expiry()) is not None:
        assert at + TICK > now
        now = max(now, at + TINY)
        for id, call in table.expire(now):
            assert now - TICK - 2 * TINY <= call.deadline <= now
            assert id not in found
            found[id] = call
    left = {id: call for id, call in calls.items() if id not in answered}
    assert found == {id: call for id, call in left.items() if call.deadline is not None}
    assert len(table) == len(left) - len(found)


def test_answered_calls_leave_little_behind():
    """The heap does not grow with the calls that were answered long before their time."""
    table = InFlight()
    waiting = [table.open(Call(5000.0 + n)) for n in range(100)]
    for n in range(100_000):
        table.close(table.open(Call(1000.0 + n % 77)))
        assert len(table._deadlines) <= 2 * (len(waiting) + 1) + SLACK
    assert [id for id, _ in table.expire(10_000.0)] == waiting


# Any number of calls, in any order, against a model


class Table(RuleBasedStateMachine):
    """The model is a dictionary of what is open, and every deadline is looked at."""

    even = False

    def __init__(self):
        super().__init__()
        self.table = InFlight(even=self.even)
        self.model = {}
        self.last = 0
        self.now = 1000.0

    def register(self, id):
        assert id % 2 == (0 if self.even else 1)
        assert id > self.last
        self.last = id

    @rule(left=st.none() | st.floats(0, 1) | st.floats(0, 3 * TICK))
    def open(self, left):
        call = Call(None if left is None else self.now + left)
        id = self.table.open(call)
        self.register(id)
        self.model[id] = call

    @rule()
    def take_id(self):
        self.register(self.table.take_id())

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def close(self, data):
        id = data.draw(st.sampled_from(sorted(self.model)))
        assert self.table.close(id) is self.model.pop(id)

    @rule(id=st.integers(0, 50))
    def close_perhaps(self, id):
        assert self.table.close(id) is self.model.pop(id, None)

    @rule(passed=st.floats(0, 0.5) | st.floats(0, 3 * TICK))
    def expire(self, passed):
        self.now += passed
        self.check_expired(self.table.expire(self.now))

    @rule()
    def expire_when_told(self):
        at = self.table.next_expiry()
        if at is not None:
            self.now = max(self.now, at + TINY)
            gone = self.table.expire(self.now)
            assert gone
            self.check_expired(gone)

    def check_expired(self, gone):
        for id, call in gone:
            assert self.model.pop(id) is call
            assert call.deadline <= self.now, "expired early"
        for call in self.model.values():
            if call.deadline is not None:
                assert self.now <= call.deadline + TICK + TINY, "expired more than a tick late"

    @rule()
    def close_all(self):
        assert self.table.close_all() == list(self.model.items())
        self.model.clear()

    @invariant()
    def nothing_is_lost(self):
        assert len(self.table) == len(self.model)
        assert all(id in self.table for id in self.model)

    @invariant()
    def timer_is_right(self):
        deadlines = [c.deadline for c in self.model.values() if c.deadline is not None]
        at = self.table.next_expiry()
        if not deadlines:
            assert at is None
        else:
            assert min(deadlines) - TINY <= at <= min(deadlines) + TICK + TINY


class EvenTable(Table):
    even = True


@pytest.mark.parametrize("machine", [Table, EvenTable])
def test_table_agrees_with_a_model(machine):
    """Never early, at most a tick late, no call lost: whatever is opened, closed and when."""
    run_state_machine_as_test(machine)
