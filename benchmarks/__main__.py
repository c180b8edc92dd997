"""Calls per second with the default chains on, as ratios to bare grpcio.

    python -m benchmarks [--rounds N] [--seconds S] [--only aio|sync]

Consumer and provider are a process each, pinned to a core each. The sides alternate in
short rounds, as a machine's speed drifts within seconds: a ratio is the median of those of
neighbouring rounds. It ends with one line for each point: `ratio aio 256 8.20`, and with some
about filters: `filter noop 1.5` is the percentage of calls per second that one more filter
costs that only passes on, at the consumer and with 256 in flight; `ratio aio 256 full 3.4`
is with everything on that a service may want, beside bare grpcio without any of it; so is
`ratio aio 256 sampled 4.5`, where OpenTelemetry records the spans of one call in a hundred.
"""

import argparse
import platform
from contextlib import ExitStack
from statistics import median, quantiles

import grpc

from benchmarks.contenders import CONSUMERS, PROVIDERS
from benchmarks.full import missing
from benchmarks.process import Process, cores

# What is compared: name of the line, ours, theirs, calls in flight.
POINTS = [
    ("aio", "facade-aio", "bare-aio", 1),
    ("aio", "facade-aio", "bare-aio", 16),
    ("aio", "facade-aio", "bare-aio", 256),
    ("sync", "facade-sync", "bare-sync", 1),
    ("sync", "facade-sync", "bare-sync", 64),
]
FILTERS = [
    ("noop", "facade-noop", "facade-aio", 256),
    ("full", "facade-full", "bare-aio", 256),
    ("sampled", "full-sampled", "bare-aio", 256),
]
WARM_UP = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=0.3, help="of one round")
    parser.add_argument("--only", choices=["aio", "sync"])
    options = parser.parse_args()
    points = [point for point in POINTS if options.only in (None, point[0])]
    if options.only != "sync":
        points += FILTERS
    near, far = cores()
    pinned = "consumer and provider on a core each" if near is not None else "NOT pinned"
    print(f"Python {platform.python_version()}, grpcio {grpc.__version__}, {pinned}")
    if missing():
        print(f"without, in facade-full, as they are not installed: {', '.join(missing())}")
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
    if line == "noop":
        return f"filter noop {max(0.0, 100 * (1 - median(ratios))):.1f}"
    if line in ("full", "sampled"):
        return f"ratio aio {in_flight} {line} {median(ratios):.2f}"
    return f"ratio {line} {in_flight} {median(ratios):.2f}"


if __name__ == "__main__":
    main()
