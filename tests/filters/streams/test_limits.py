"""Filters that limit calls hold a stream's place until its end."""

import pytest

import facade
from facade.filters.active_limit import ActiveLimit
from facade.filters.adaptive_limit import AdaptiveLimit
from facade.filters.bulkhead import Bulkhead
from facade.filters.execute_limit import ExecuteLimit
from facade.testing import FakeInvoker
from tests.filters.streams.ticker import HOW, call, stream_that_ends


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("kind", [ExecuteLimit, ActiveLimit], ids=["executes", "actives"])
async def test_place_is_held_until_the_end(kind, how):
    """The place of a stream comes back with its end, however that comes."""
    limit = kind(**{"executes" if kind is ExecuteLimit else "actives": 1})
    places = limit.places.of(call())
    async for _ in stream_that_ends(limit, how):
        assert (places.active, places.total) == (1, 0)
    assert (places.active, places.total) == (0, 1)
    assert places.failed == (how in ("close", "let go"))


@pytest.mark.parametrize("how", HOW)
async def test_bulkhead_is_held_until_the_end(how):
    """A stream takes one of its places for as long as it lasts."""
    bulkhead = Bulkhead(bulkhead=1)
    async for _ in stream_that_ends(bulkhead, how):
        with pytest.raises(facade.LimitExceeded):
            await bulkhead.invoke(FakeInvoker("more"), call())
    assert (await bulkhead.invoke(FakeInvoker("more"), call())).value == "more"


@pytest.mark.parametrize("how", HOW)
async def test_adaptive_limit_counts_streams_and_learns_nothing(how):
    """They run, but how long they do is their reader's doing."""
    limit = AdaptiveLimit(adaptive_limit=1)
    async for _ in stream_that_ends(limit, how):
        with pytest.raises(facade.LimitExceeded):
            await limit.invoke(FakeInvoker("more"), call())
    (learnt,) = limit._limits.values()
    assert (learnt.active, learnt._count) == (0, 0)
