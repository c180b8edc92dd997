"""The tools of the scenarios do what they say."""

import asyncio
from time import monotonic

import pytest

import facade
from tests.faults.census import Census
from tests.faults.until import until
from tests.faults.work import Work


async def test_provider_keeps_a_journal_beyond_its_death(provider):
    """What began is in it, though the process was killed; it comes back at its port."""
    one = await provider()
    port = one.port
    async with facade.AsyncClient(one.target, timeout=20) as client:
        work = client.refer(Work)
        assert await work.work("a", 0) == "a"
        call = asyncio.ensure_future(work.hang("b"))
        await until(lambda: one.journal == ["a", "b"])
        one.kill()
        with pytest.raises(facade.Unavailable):
            await call
        await one.wait()
        await one.start()
        assert one.port == port
        assert await work.work("c", 0) == "c"
        assert one.journal == ["a", "b", "c"]


async def test_proxy_delays_throttles_and_holds_back(provider, proxy):
    """In each direction alone, and what was held back comes when it goes on."""
    one = await provider()
    between = await proxy(one.port)
    async with facade.AsyncClient(between.target, timeout=20, describe=False) as client:
        work = client.refer(Work)
        assert await work.echo("a") == "a"
        assert between.links == between.accepted == 1
        between.down.delay = 0.2
        start = monotonic()
        await work.echo("b")
        assert monotonic() - start >= 0.2
        between.down.delay = 0.0
        between.up.rate = 10_000
        start = monotonic()
        await work.echo("x" * 2_000)
        assert monotonic() - start >= 0.15
        between.up.rate = None
        between.up.stop()
        call = asyncio.ensure_future(work.echo("c"))
        done, _ = await asyncio.wait([call], timeout=0.2)
        assert not done
        between.up.go_on()
        assert await call == "c"
        held = asyncio.ensure_future(work.hang("d"))
        await until(lambda: one.journal == ["d"])
        between.cut()
        with pytest.raises(facade.Unavailable):
            await held
        assert await work.echo("e") == "e"
        assert between.accepted == 2


async def test_census_counts_both_ends(provider):
    """Tasks, threads, descriptors and memory, here and at the provider."""
    one = await provider()
    async with facade.AsyncClient(one.target, timeout=20) as client:
        theirs = await client.refer(Work).census()
        assert theirs["connections"] == 1
        assert theirs["running"] == 0
        assert theirs["memory"] > 1000
    ours = Census.take()
    assert ours.tasks >= 1
    assert ours.descriptors > 0
