"""What carries the calls of threads."""

import asyncio

import pytest

from facade.consumer.engine import engine
from facade.core import Invocation


class Broken:
    """Connections that can't be had, for no reason that a call knows."""

    current = None

    async def connect(self, invocation):
        raise RuntimeError("out of memory")


async def test_connecting_fails_as_it_should_not():
    """The thread that waits is told; it does not wait for ever."""
    call = asyncio.to_thread(
        engine().exchange, Broken(), Invocation("demo.Bell", "ring"), ("msgpack", b"")
    )
    with pytest.raises(RuntimeError, match="out of memory"):
        await asyncio.wait_for(call, 20)
