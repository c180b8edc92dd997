"""Compares the ways to choose a provider, and sizes of subsets, on a virtual clock.

python -m benchmarks.simulate           1,000 consumers and 1,000 providers (minutes)
python -m benchmarks.simulate --docs    and write docs/balancing.md and its plot
python -m benchmarks.simulate --quick   40 and 40: whether it runs

The same seed gives the same figures, on any machine.
"""

import argparse
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from benchmarks.simulate.page import PAGE, compared, filled, scenarios, subsets
from benchmarks.simulate.plot import PLOT, plot
from benchmarks.simulate.scenario import Scenario
from benchmarks.simulate.world import Outcome, simulate


def outcomes(wanted: Iterable[Scenario]) -> dict[Scenario, Outcome]:
    """A process for each processor; each scenario is one's own."""
    found = {}
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        begun = [pool.submit(simulate, scenario) for scenario in wanted]
        for done in as_completed(begun):
            outcome = done.result()
            found[outcome.scenario] = outcome
            print(f"{len(found)} of {len(begun)}", end="\r", file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.simulate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="40 consumers and 40 providers")
    parser.add_argument("--docs", action="store_true", help="write docs/balancing.md and its plot")
    parser.add_argument("--seed", type=int, default=1)
    said = parser.parse_args()
    if said.quick and said.docs:
        parser.error("the page shows a full run: leave --quick out")
    found = outcomes(scenarios(seed=said.seed, by=25 if said.quick else 1))
    print(f"{compared(found)}\n\n{subsets(found)}")
    if said.docs:
        PAGE.write_text(filled(PAGE.read_text(), found))
        PLOT.write_text(plot(found))


if __name__ == "__main__":
    main()
