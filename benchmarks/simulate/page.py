"""The tables of docs/balancing.md."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks.simulate.scenario import AILS, BALANCERS, EVEN, Scenario
from benchmarks.simulate.world import Outcome

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "balancing.md"

Outcomes = Mapping[Scenario, Outcome]

# What subsets are compared, and by which balancers. The last: each consumer knows its number.
SUBSETS: tuple[tuple[int | None, bool], ...] = (
    (None, False),
    (100, False),
    (20, False),
    (5, False),
    (20, True),
    (5, True),
)
CHOOSING = ("random", "p2c")


def scenarios(*, seed: int = 1, by: int = 1) -> list[Scenario]:
    """All of them, with a part of the consumers and providers; the slowest first."""
    of_tables = [Scenario(balancer=name, ails=ails) for ails in AILS for name in BALANCERS]
    of_tables += [
        Scenario(balancer=name, subset=size, placed=placed)
        for size, placed in SUBSETS
        for name in CHOOSING
    ]
    once = dict.fromkeys(replace(s, seed=seed).smaller(by) for s in of_tables)
    return sorted(once, key=lambda s: -(s.subset or s.providers))


def compared(outcomes: Outcomes) -> str:
    rows = [
        "| Providers | `loadbalance` | p50 | p99 | p99.9 | timed out | refused |",
        "|---|---|---|---|---|---|---|",
    ]
    for outcome in of_balancers(outcomes):
        scenario = outcome.scenario
        took = " | ".join(f"{ms:.0f} ms" for ms in times(outcome))
        failed = f"{_share(outcome.timeouts, outcome)} | {_share(outcome.refused, outcome)}"
        rows.append(f"| {scenario.ails} | {scenario.balancer} | {took} | {failed} |")
    return "\n".join(rows)


def subsets(outcomes: Outcomes) -> str:
    rows = [
        "| Each consumer sees | `loadbalance` | p50 | p99 | p99.9 | busiest provider |",
        "|---|---|---|---|---|---|",
    ]
    for outcome in of_subsets(outcomes):
        took = " | ".join(f"{ms:.0f} ms" for ms in times(outcome))
        scenario = outcome.scenario
        rows.append(f"| {seen(scenario)} | {scenario.balancer} | {took} | {outcome.busiest:.2f} |")
    return "\n".join(rows)


def of_balancers(outcomes: Outcomes) -> list[Outcome]:
    """Those of the first table, in its order."""
    order = [(ails, name, Scenario().subset) for ails in AILS for name in BALANCERS]
    found = {(s.ails, s.balancer, s.subset): o for s, o in outcomes.items() if not s.placed}
    return [found[key] for key in order if key in found]


def of_subsets(outcomes: Outcomes) -> list[Outcome]:
    """Those of the second."""
    order = [(size, placed, name) for size, placed in SUBSETS for name in CHOOSING]
    found = {(s.subset, s.placed, s.balancer): o for s, o in outcomes.items() if s.ails == EVEN}
    return [found[key] for key in order if key in found]


def times(outcome: Outcome) -> list[float]:
    """p50, p99, p99.9 in milliseconds."""
    return [1000.0 * outcome.percentile(share) for share in (0.5, 0.99, 0.999)]


def _share(count: int, outcome: Outcome) -> str:
    return f"{100.0 * count / outcome.calls:.2f} %"


def seen(scenario: Scenario) -> str:
    how = ", by its number" if scenario.placed else ""
    return f"{scenario.subset or f'all {scenario.providers:,}'}{how}"


def filled(page: str, outcomes: Outcomes) -> str:
    """The page with these figures where its marks are."""
    for name, text in (("balancers", compared(outcomes)), ("subsets", subsets(outcomes))):
        head, tail = f"<!-- {name}: make simulate -->\n", f"\n<!-- end of {name} -->"
        before, found, rest = page.partition(head)
        _, ends, after = rest.partition(tail)
        if not (found and ends):
            raise ValueError(f"{PAGE} has no {head!r} with its end")
        page = f"{before}{head}{text}{tail}{after}"
    return page
