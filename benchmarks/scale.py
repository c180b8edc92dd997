"""Does it hold with ten thousand calls in flight?"""

from collections.abc import Iterator

from benchmarks.bench import Bench, Line, line_of

CROWD, FEW = 10_000, 256


def lines(bench: Bench) -> Iterator[Line]:
    side = bench.consumer("facade-crowd")
    crowd = bench.effort.count(CROWD)
    # A round has to have several calls of each.
    seconds = 4 * bench.effort.seconds
    for in_flight in (crowd, FEW):
        side.measure(in_flight, seconds)
    rounds = max(1, bench.effort.rounds // 2)
    pairs = [(side.measure(crowd, seconds), side.measure(FEW, seconds)) for _ in range(rounds)]
    many, few = zip(*pairs, strict=True)
    line = line_of("scale inflight", [a / b for a, b in pairs], "calls/s")
    line.ours, line.theirs = sorted(many)[rounds // 2], sorted(few)[rounds // 2]
    yield line
