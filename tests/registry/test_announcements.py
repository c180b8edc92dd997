"""What is to stand in a registry, and what is not."""

import asyncio

import pytest

from facade.registry.announcements import Announcements
from tests.registry.listening import eventually


@pytest.mark.parametrize("late", [False, True], ids=["at once", "late"])
async def test_dropped_while_its_put_seems_to_fail(late, monkeypatch):
    """A put that got no answer may be done all the same, and even after it was taken away: it
    does not stay."""
    monkeypatch.setattr("facade.registry.announcements.PATIENCE", 0.5)
    going, go_on = asyncio.Event(), asyncio.Event()
    there, removed = set(), []

    async def put(path):
        going.set()
        await go_on.wait()
        if not late:
            there.add(path)
        raise ConnectionError("no answer")

    async def remove(path):
        removed.append(path)
        there.discard(path)
        if late and len(removed) == 2:
            there.add(path)

    announcements = Announcements("memory", put, remove)
    announcements.add_soon("/x")
    await going.wait()
    await announcements.drop("/x")
    assert removed == ["/x"]
    go_on.set()
    await eventually(lambda: len(removed) >= 2 + late)
    assert not there
    await announcements.close()
