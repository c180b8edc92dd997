"""What workers announce, in the registries' view."""

import logging

import pytest

from facade.cli import board as boards
from facade.cli.board import Board
from facade.cli.relay import Notice, Relay
from facade.registry import Provider


class Memory:
    """A registry that keeps what it is told, and each list that there was."""

    def __init__(self, application):
        self.application = application
        self.providers = []
        self.lists = []
        self.failing = False
        self.closed = False

    async def register(self, provider):
        if self.failing:
            raise OSError("not there")
        self.providers.append(provider)
        self.lists.append(list(self.providers))

    async def unregister(self, provider):
        self.providers.remove(provider)
        self.lists.append(list(self.providers))

    async def close(self):
        self.closed = True


@pytest.fixture
def registries(monkeypatch):
    """By target, those that were opened."""
    opened = {}

    def open_registry(target, *, application):
        assert target not in opened
        opened[target] = Memory(application)
        return opened[target]

    monkeypatch.setattr(boards, "open_registry", open_registry)
    return opened


@pytest.fixture
async def board():
    made = Board()
    yield made
    await made.close()


def notice(service="demo.Greeter", *, started=1.0, registry="r://one", **facts):
    provider = Provider("10.0.0.1:5001", service, started=started, **facts)
    return Notice(registry, "shop", provider)


async def test_all_workers_are_one_provider(board, registries):
    """As long as one of them serves, it is there, and nothing changes for who looks."""
    for worker in range(3):
        board.say(worker, [notice(started=float(worker))])
    await board.settled()
    board.forget(0)
    board.say(3, [notice(started=9.0)])
    board.forget(1)
    board.forget(2)
    await board.settled()
    one = registries["r://one"]
    assert one.application == "shop"
    assert one.lists == [[notice(started=2.0).provider]]
    board.forget(3)
    await board.settled()
    assert one.providers == []


async def test_what_a_new_worker_says_holds(board, registries):
    """The new entry is there before the old one goes; it started when the old one did."""
    board.say("old", [notice(), notice("demo.Gone")])
    await board.settled()
    board.say("new", [notice(weight=30, started=7.0)])
    board.forget("old")
    await board.settled()
    one = registries["r://one"]
    assert one.providers == [notice(weight=30).provider]
    assert all(any(p.service == "demo.Greeter" for p in there) for there in one.lists)


async def test_each_registry_is_told(board, registries):
    board.say("worker", [notice(), notice(registry="r://two")])
    await board.settled()
    assert [r.providers for r in registries.values()] == [[notice().provider]] * 2


async def test_registry_that_refuses_hurts_no_worker(board, registries, caplog):
    """It is logged; the rest is announced."""
    caplog.set_level(logging.ERROR)
    board.say("worker", [notice(), notice(registry="r://two")])
    await board.settled()
    registries["r://one"].failing = True
    board.say("worker", [notice(), notice("demo.Other"), notice("demo.Other", registry="r://two")])
    await board.settled()
    assert "cannot register demo.Other: not there" in caplog.text
    assert len(registries["r://two"].providers) == 1


async def test_close_takes_all_away(board, registries):
    """Registries take back what is announced when they are closed; nothing is said after that."""
    board.say("worker", [notice()])
    await board.settled()
    await board.close()
    board.say("other", [notice("demo.Late")])
    board.forget("worker")
    await board.settled()
    assert registries["r://one"].closed
    assert registries["r://one"].lists == [[notice().provider]]


async def test_relay_tells_each_change():
    """Of a worker: what the parent is to announce, and nothing twice."""
    told = []
    relay = Relay("r://one", "shop", lambda: told.append(list(relay.notices)))
    await relay.register(notice().provider)
    await relay.unregister(notice().provider)
    await relay.unregister(notice().provider)
    await relay.close()
    assert told == [[notice()], []]
    with pytest.raises(ValueError, match="open another"):
        await relay.subscribe("demo.Greeter", print)
