"""Several providers, for clients of many."""

import asyncio
import threading

import pytest

from tests.consumer.clustered.site import Site


@pytest.fixture
async def sites():
    started = [await Site().start() for _ in range(3)]
    yield started
    for site in started:
        site.here.released.set()
    await asyncio.gather(*(site.server.stop() for site in started))


@pytest.fixture
def serve_sites():
    """Two providers in a loop of their own, for tests that block."""
    loop, started, addresses = asyncio.new_event_loop(), threading.Event(), []
    stopping = asyncio.Event()

    async def run():
        made = [await Site().start() for _ in range(2)]
        addresses.extend(site.address for site in made)
        started.set()
        await stopping.wait()
        await asyncio.gather(*(site.server.stop() for site in made))

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    started.wait()
    yield addresses
    loop.call_soon_threadsafe(stopping.set)
    thread.join()
    loop.close()
