"""Latencies: percentiles, and a picture in text."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from facade.cli.duration import shown

WIDTH = 40


def percentile(ordered: Sequence[float], share: float) -> float:
    """What so large a share of them does not exceed, by nearest rank. ``ordered`` is not empty."""
    rank = int(-(-len(ordered) * share // 1))
    return ordered[max(0, min(len(ordered), rank) - 1)]


def buckets(ordered: Sequence[float]) -> list[tuple[float, int]]:
    """Upper bounds, of 1, 2 and 5 in each power of ten, and how many lie below each and above
    the one before."""
    counted: list[tuple[float, int]] = []
    before = 0
    for bound in _bounds():
        upto = bisect_left(ordered, bound)
        if upto:
            counted.append((bound, upto - before))
        before = upto
        if upto == len(ordered):
            break
    return counted


def _bounds() -> Iterator[float]:
    scale = 1e-6
    while True:
        yield from (scale, 2 * scale, 5 * scale)
        scale *= 10


def picture(ordered: Sequence[float], bar: str = "█") -> Iterator[str]:
    """A line for each bucket; the longest bar is of the fullest."""
    counted = buckets(ordered)
    most = max(count for _, count in counted)
    digits = len(str(most))
    for bound, count in counted:
        drawn = bar * round(count / most * WIDTH) or ("|" if count else "")
        yield f"< {shown(bound):>7} {count:>{digits}} {drawn}".rstrip()
