"""Calls per second with the default chains on, as ratios to bare grpcio.

    python -m benchmarks [--rounds N] [--seconds S] [--only aio|sync]

Consumer and provider are a process each, pinned to a core each. The sides alternate in
short rounds, as a machine's speed drifts within seconds: a ratio is the median of those of
neighbouring rounds. It ends with one line for each point: `ratio aio 256 8.20`.
"""

import argparse
import platform
from contextlib import ExitStack
from statistics import median, quantiles

import grpc

from benchmarks.contenders import CONSUMERS, PROVIDERS
from benchmarks.process import Process, cores

# What is compared: name of the line, ours, theirs, calls in flight.
POINTS = [
    ("aio", "facade-aio", "bare-aio", 1),
    ("aio", "facade-aio", "bare-aio", 16),
    ("aio", "facade-aio", "bare-aio", 256),
    ("sync", "facade-sync", "bare-sync", 1),
    ("sync", "facade-sync", "bare-sync", 64),
]
WARM_UP = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=0.3, help="of one round")
    parser.add_argument("--only", choices=["aio", "sync"])
    options = parser.parse_args()
    points = [point for point in POINTS if options.only in (None, point[0])]
    near, far = cores()
    pinned = "consumer and provider on a core each" if near is not None else "NOT pinned"
    print(f"Python {platform.python_version()}, grpcio {grpc.__version__}, {pinned}")
    with ExitStack() as stack:
        ports = {
            name: stack.enter_context(Process("provider", name, core=far)).ask()
            for name in PROVIDERS
        }
        consumers = {
            name: stack.enter_context(Process("consumer", name, ports[provider], core=near))
            for name, (provider, _) in CONSUMERS.items()
        }
        lines = [
            _compare(consumers, *point, rounds=options.rounds, seconds=options.seconds)
            for point in points
        ]
    print(*lines, sep="\n")


def _compare(
    consumers: dict[str, Process],
    line: str,
    ours: str,
    theirs: str,
    in_flight: int,
    *,
    rounds: int,
    seconds: float,
) -> str:
    rates: dict[str, list[float]] = {ours: [], theirs: []}
    for name in rates:
        consumers[name].ask(f"{in_flight} {WARM_UP}")
    for _ in range(rounds):
        for name, measured in rates.items():
            measured.append(float(consumers[name].ask(f"{in_flight} {seconds}")))
    for name, measured in rates.items():
        print(
            f"{name:12} {in_flight:4} in flight  {median(measured):9,.0f} calls/s  "
            f"({min(measured):,.0f} to {max(measured):,.0f})",
            flush=True,
        )
    ratios = [mine / other for mine, other in zip(rates[ours], rates[theirs], strict=True)]
    low, _, high = quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    print(f"{'':12} ratio {median(ratios):.2f}, half of the rounds from {low:.2f} to {high:.2f}")
    return f"ratio {line} {in_flight} {median(ratios):.2f}"


if __name__ == "__main__":
    main()
