"""The plot of docs/balancing.md."""

from html import escape
from math import log

from benchmarks.simulate.page import DOCS, Outcomes, of_balancers, of_subsets, seen, times
from benchmarks.simulate.scenario import AILS
from benchmarks.simulate.world import Outcome

PLOT = DOCS / "balancing.svg"

# Size of its parts, in pixels.
ROW, LABEL, WIDTH, TOP, RIGHT = 18, 190, 520, 40, 130
# Milliseconds at both ends, and the lines between them.
LOW, HIGH = 30.0, 1000.0
LINES = (50, 100, 200, 500, 1000)


def plot(outcomes: Outcomes) -> str:
    """For each way to choose: p50, p99, and a line to p99.9."""
    parts, y = [], TOP
    for title, rows in _groups(outcomes):
        parts.append(f'<text x="{LABEL}" y="{y + 13}" font-weight="bold">{escape(title)}</text>')
        y += ROW
        for label, outcome in rows:
            parts.append(_row(label, outcome, y + ROW // 2))
            y += ROW
        y += ROW // 2
    return "\n".join([*_frame(y), *parts, "</svg>\n"])


def _groups(outcomes: Outcomes) -> list[tuple[str, list[tuple[str, Outcome]]]]:
    groups = []
    compared = of_balancers(outcomes)
    for ails, about in AILS.items():
        rows = [(o.scenario.balancer, o) for o in compared if o.scenario.ails == ails]
        groups.append((f"{ails}: {about}", rows))
    rows = [(f"{seen(o.scenario)}: {o.scenario.balancer}", o) for o in of_subsets(outcomes)]
    return [*groups, ("how many of even providers each consumer sees", rows)]


def _frame(bottom: int) -> list[str]:
    size = f'width="{LABEL + WIDTH + RIGHT}" height="{bottom + 20}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LABEL - 8}" y="{TOP - 10}" text-anchor="end">milliseconds</text>',
        f'<text x="{LABEL}" y="{bottom + 10}">light: p50; dark: p99; the line ends at p99.9; '
        "red: what timed out, after 1 s</text>",
    ]
    for ms in LINES:
        parts.append(
            f'<line x1="{_x(ms)}" y1="{TOP}" x2="{_x(ms)}" y2="{bottom - 8}" stroke="#ddd"/>'
            f'<text x="{_x(ms)}" y="{TOP - 10}" text-anchor="middle">{ms}</text>'
        )
    return parts


def _row(label: str, outcome: Outcome, y: int) -> str:
    median, high, highest = map(_x, times(outcome))
    parts = [
        f'<text x="{LABEL - 8}" y="{y + 4}" text-anchor="end">{escape(label)}</text>',
        f'<line x1="{median}" y1="{y}" x2="{highest}" y2="{y}" stroke="#4c78a8"/>',
        f'<circle cx="{median}" cy="{y}" r="4" fill="#b8c9dc"/>',
        f'<circle cx="{high}" cy="{y}" r="4" fill="#4c78a8"/>',
    ]
    share = 100.0 * outcome.timeouts / outcome.calls
    if share >= 0.01:
        parts.append(
            f'<text x="{LABEL + WIDTH + 12}" y="{y + 4}" fill="#d62728">{share:.2f} %</text>'
        )
    return "".join(parts)


def _x(ms: float) -> float:
    return round(LABEL + WIDTH * log(max(ms, LOW) / LOW) / log(HIGH / LOW), 1)
