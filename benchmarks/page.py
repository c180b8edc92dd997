"""Writes the figures of the record into docs/performance.md, with its plot, and README.md.

python -m benchmarks.page [RECORD]
"""

import sys
from collections.abc import Callable
from html import escape
from math import log2
from pathlib import Path

from benchmarks.bars import BARS
from benchmarks.bench import Line
from benchmarks.record import RECORD, Record

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGE = DOCS / "performance.md"
PLOT = DOCS / "performance.svg"

# Size of the plot's parts, in pixels.
ROW, LABEL, WIDTH, MARGIN = 20, 190, 640, 30


def figures(record: Record) -> str:
    rows = [
        "| Line | Value | Half of the rounds | Ours / theirs | To reach |",
        "|---|---|---|---|---|",
    ]
    rows += [_row(line) for line in record.lines.values()]
    return "\n".join(rows)


def _row(line: Line) -> str:
    bar = BARS.get(line.name)
    reached = "" if bar is None else f"{bar}{'' if bar.met(line.value) else ': **missed**'}"
    sides = ""
    if line.ours is not None and line.theirs is not None:
        sides = f"{_side(line.ours)} / {_side(line.theirs)} {line.unit}"
    spread = f"{line.shown(line.low)} to {line.shown(line.high)}" if line.rounds > 1 else ""
    return f"| `{line.name}` | {line.shown(line.value)} | {spread} | {sides} | {reached} |"


def _side(value: float) -> str:
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 10 else f"{value:.2f}"


def compared(record: Record) -> str:
    """The few that README.md has: how many are in flight, and beside what."""
    rows = ["| In flight | asyncio: ours / bare | threads: ours / bare |", "|---|---|---|"]
    for calls in (1, 16, 64, 256):
        cells = [_times(record.lines.get(f"ratio {kind} {calls}")) for kind in ("aio", "sync")]
        rows.append(f"| {calls} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _times(line: Line | None) -> str:
    if line is None or line.ours is None or line.theirs is None:
        return ""
    spread = f"{line.low:.1f} to {line.high:.1f}"
    sides = f"{_side(line.ours)} / {_side(line.theirs)} {line.unit}"
    return f"{sides}, {line.value:.1f} times ({spread})"


def layers(record: Record) -> str:
    rows = ["| Layer | End | Microseconds per call |", "|---|---|---|"]
    rows += [f"| {row['layer']} | {row['end']} | {row['us']:.2f} |" for row in record.layers]
    return "\n".join(rows)


def machine(record: Record) -> str:
    facts = record.facts
    packages = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    rough = (
        "" if facts["effort"] == "full" else f" This is a {facts['effort']} run: see it as such."
    )
    pinned = "each process pinned to a core" if facts["pinned"] else "processes not pinned"
    return (
        f"Recorded {facts['date']}: {facts['system']}, {facts['cores']} cores, {pinned}, load "
        f"{facts['load']} before it began; Python {facts['python']}, {facts['loop']} on both "
        f"sides; {packages}.{rough}"
    )


def plot(record: Record) -> str:
    """The ratios as bars, each step doubling; a mark shows what is to be reached."""
    lines = [line for name, line in record.lines.items() if name.startswith(("ratio", "peer"))]
    most = max((line.value for line in lines), default=1.0)
    low, high = -3.0, max(5.0, log2(most) + 0.5)

    def x(value: float) -> float:
        place = (max(low, log2(max(value, 0.01))) - low) / (high - low)
        return round(LABEL + place * WIDTH, 1)

    height = MARGIN + ROW * len(lines) + MARGIN
    size = f'width="{LABEL + WIDTH + 70}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for power in range(int(low), int(high) + 1):
        at, name = x(2.0**power), f"{2.0**power:g}"
        colour = "#444" if power == 0 else "#ddd"
        parts.append(
            f'<line x1="{at}" y1="{MARGIN}" x2="{at}" y2="{height - MARGIN}" stroke="{colour}"/>'
            f'<text x="{at}" y="{MARGIN - 8}" text-anchor="middle">{name}</text>'
        )
    for number, line in enumerate(lines):
        parts.append(_bar(line, MARGIN + number * ROW, x))
    parts.append(
        f'<text x="{LABEL}" y="{height - 8}">ours / theirs; thin: half of the rounds; '
        "red: what is to be reached</text>"
    )
    return "\n".join([*parts, "</svg>\n"])


def _bar(line: Line, top: int, x: Callable[[float], float]) -> str:
    bar = BARS.get(line.name)
    good = bar is None or bar.met(line.value)
    start, middle = x(1.0), top + ROW // 2
    left, width = min(start, x(line.value)), abs(x(line.value) - start)
    parts = [
        f'<text x="{LABEL - 8}" y="{middle + 4}" text-anchor="end">{escape(line.name)}</text>',
        f'<rect x="{left}" y="{top + 4}" width="{width:.1f}" height="{ROW - 8}" '
        f'fill="{"#4c78a8" if good else "#b8c9dc"}"/>',
        f'<line x1="{x(line.low)}" y1="{middle}" x2="{x(line.high)}" y2="{middle}" stroke="#222"/>',
        f'<text x="{LABEL + WIDTH + 8}" y="{middle + 4}">{line.shown(line.value)}</text>',
    ]
    if bar is not None:
        at = x(bar.limit)
        parts.append(
            f'<line x1="{at}" y1="{top + 2}" x2="{at}" y2="{top + ROW - 2}" '
            'stroke="#d62728" stroke-width="2"/>'
        )
    return "".join(parts)


# What each page shows of the record.
PAGES = {PAGE: (machine, figures, layers), README: (compared,)}


def filled(page: Path, record: Record) -> str:
    """Its text, with the record's figures where its marks are."""
    text = page.read_text()
    for part in PAGES[page]:
        name = part.__name__
        head, tail = f"<!-- {name}: python -m benchmarks.page -->\n", f"\n<!-- end of {name} -->"
        before, _, rest = text.partition(head)
        _, mark, after = rest.partition(tail)
        if not mark:
            raise ValueError(f"{page} has no marks for {name}:\n{head}{tail}")
        text = f"{before}{head}{part(record)}{tail}{after}"
    return text


def main(path: str = str(RECORD)) -> None:
    record = Record.read(Path(path))
    for page in PAGES:
        page.write_text(filled(page, record))
    PLOT.write_text(plot(record))


if __name__ == "__main__":
    main(*sys.argv[1:])
