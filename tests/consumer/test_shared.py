"""Connectors that are counted by who holds them."""

import asyncio

from facade.consumer.connector import Connector
from facade.consumer.shared import Shared


def make() -> Connector:
    return Connector(None, None, None)


async def test_same_key_gives_the_same_connector():
    """The last one who gives it back is told; then the next one gets another."""
    shared = Shared()
    first, second = shared.take("key", make), shared.take("key", make)
    assert first is second
    assert shared.take("other", make) is not first
    assert not shared.give_back("key", first)
    assert shared.give_back("key", second)
    assert shared.take("key", make) is not first


def test_each_loop_has_its_own():
    """What a closed loop left behind is dropped when another one takes."""
    shared = Shared()

    async def take():
        return shared.take("key", make)

    first, second = asyncio.run(take()), asyncio.run(take())
    assert first is not second
    assert len(shared) == 1


def test_late_return_does_not_take_away_that_of_another_loop():
    """Each is given back where it was taken."""
    shared = Shared()

    async def take():
        return shared.take("key", make)

    first = asyncio.run(take())
    second = asyncio.run(take())
    assert shared.give_back("key", first)
    assert len(shared) == 1
    assert shared.give_back("key", second)
    assert len(shared) == 0
