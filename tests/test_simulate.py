"""The simulation, with few consumers: that what it shows can be believed."""

from dataclasses import replace
from math import inf

import pytest

from benchmarks.simulate.page import PAGE, compared, filled, scenarios, subsets
from benchmarks.simulate.plot import PLOT, plot
from benchmarks.simulate.provider import PLACES, Provider
from benchmarks.simulate.scenario import BALANCERS, BROKEN, SLOW, Scenario
from benchmarks.simulate.world import World, simulate

SMALL = Scenario(subset=10, consumers=20, providers=20, warmup=0.5, seconds=1.0)


@pytest.mark.parametrize("name", BALANCERS)
def test_every_call_ends(name):
    """With an answer, a refusal, or because its time is up, whoever chooses."""
    scenario = replace(SMALL, balancer=name, ails=BROKEN, providers=40, warmup=0.0)
    world = World(scenario)
    outcome = world.run()
    assert outcome.calls == sum(outcome.spread) > 1000
    assert outcome.calls == len(outcome.took) + outcome.refused
    assert outcome.refused > 0
    assert outcome.took[0] > 0.0
    assert outcome.took[-1] <= scenario.timeout
    assert outcome.timeouts == outcome.took.count(scenario.timeout)


def test_a_seed_gives_the_same_figures():
    """And another one others."""
    once, again = (simulate(replace(SMALL, balancer="p2c", ails=SLOW)) for _ in range(2))
    assert once == again
    assert simulate(replace(SMALL, balancer="p2c", ails=SLOW, seed=2)).took != once.took


def test_all_balancers_are_given_the_same_calls():
    """What they differ in is their own."""
    calls = {simulate(replace(SMALL, balancer=name)).calls for name in BALANCERS}
    assert len(calls) == 1


def test_p2c_leaves_slow_providers_alone():
    """Where some are slow its slowest calls are faster than those of a random choice."""
    p2c, random = (simulate(replace(SMALL, balancer=name, ails=SLOW)) for name in ("p2c", "random"))
    assert p2c.percentile(0.99) < random.percentile(0.99)
    assert p2c.timeouts < random.timeouts


def test_numbered_consumers_spread_evenly():
    """A subset by the consumer's number gives each provider as many consumers; by its name
    some have more."""
    by_name = Scenario(subset=5, consumers=100, providers=50).seen()
    by_number = Scenario(subset=5, consumers=100, providers=50, placed=True).seen()

    def counts(seen):
        addresses = [p.address for providers in seen for p in providers]
        return {addresses.count(address) for address in addresses}

    assert counts(by_number) == {10}
    assert max(counts(by_name)) > 10


def test_a_provider_does_some_at_once_and_the_others_wait():
    """Its places are filled first; then a call begins when another one ends."""
    provider = Provider(2.0)
    assert [provider.take(1.0, 0.5) for _ in range(PLACES)] == [2.0] * PLACES
    assert provider.take(1.0, 0.5) == 3.0
    assert provider.end().attachments == {"call.load": "1"}
    assert Provider(inf).take(0.0, 1.0) == inf


def test_page_shows_all_of_it():
    """Its tables have the rows of a run, which goes where the marks are; so does the plot."""
    page = PAGE.read_text()
    small = simulate(SMALL)
    found = {scenario: replace(small, scenario=scenario) for scenario in scenarios()}
    rows = [*compared(found).splitlines(), *subsets(found).splitlines()]
    for row in rows:
        assert "|".join(row.split("|")[:3]) in page, "run `make simulate`"
    assert all(row in filled(page, found) for row in rows)
    told, drawn = PLOT.read_text(), plot(found)
    assert told.count("<circle") == drawn.count("<circle") == 2 * (len(rows) - 4)
    with pytest.raises(ValueError, match="balancers"):
        filled("# a page without marks", found)
