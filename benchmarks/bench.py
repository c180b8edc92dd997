"""Lets the sides of a question take turns, and sums up what they measured."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from benchmarks.contenders import CONSUMERS
from benchmarks.process import LOOP, PATIENCE, Process, cores


@dataclass
class Line:
    """One figure. ``low`` and ``high`` enclose half of the ``rounds``. ``ours`` and ``theirs``:
    the medians of the sides, where it is a ratio, in ``unit``."""

    name: str
    value: float
    low: float
    high: float
    rounds: int
    unit: str = ""
    ours: float | None = None
    theirs: float | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.shown(self.value)}"

    def told(self) -> str:
        """With its spread, for people."""
        sides = ""
        if self.ours is not None and self.theirs is not None:
            sides = f"   {self.ours:,.4g} / {self.theirs:,.4g} {self.unit}"
        spread = f"({self.shown(self.low)} to {self.shown(self.high)}, {self.rounds} rounds)"
        return f"{self.name:24} {self.shown(self.value):>10}  {spread}{sides}"

    @staticmethod
    def shown(value: float) -> str:
        return (
            f"{value:.0f}"
            if abs(value) >= 1000
            else f"{value:.1f}"
            if abs(value) >= 100
            else (f"{value:.2f}")
        )


def line_of(name: str, values: Sequence[float], unit: str = "", **sides: float) -> Line:
    """The median of rounds, and the quarters around it."""
    low, _, high = quantiles(values, n=4) if len(values) > 1 else [*values] * 3
    return Line(name, median(values), low, high, len(values), unit, **sides)


@dataclass(frozen=True)
class Effort:
    """How long to measure: ``rounds`` of ``seconds``; ``share`` of the counts where calls are
    counted rather than timed."""

    rounds: int = 13
    seconds: float = 0.25
    warm_up: float = 0.4
    share: float = 1.0

    def count(self, full: int, least: int = 1) -> int:
        return max(least, int(full * self.share))


FULL = Effort()
QUICK = Effort(rounds=7, seconds=0.2, warm_up=0.3, share=0.2)
# Everything, in a few minutes, to see where it stands.
ROUGH = Effort(rounds=3, seconds=0.15, warm_up=0.3, share=0.2)
# Not to measure anything: to see that all of it runs.
SMOKE = Effort(rounds=1, seconds=0.05, warm_up=0.05, share=0.01)


class Bench:
    """Consumers and providers are a process each, pinned to a core each. They are started when
    they are first asked for, and ended by ``rest``."""

    def __init__(self, effort: Effort, loop: str = "asyncio") -> None:
        os.environ[LOOP] = loop
        self.effort = effort
        self.near, self.far = cores()
        self._providers: dict[str, tuple[Process, str]] = {}
        self._consumers: dict[str, Process] = {}

    def provider(self, name: str) -> Process:
        return self._provider(name)[0]

    def port(self, name: str) -> str:
        """At which the provider listens."""
        return self._provider(name)[1]

    def _provider(self, name: str) -> tuple[Process, str]:
        if name not in self._providers:
            process = Process("provider", name, core=self.far)
            self._providers[name] = process, process.ask()
        return self._providers[name]

    def consumer(self, name: str) -> Process:
        """With its provider."""
        if name not in self._consumers:
            _, port = self._provider(CONSUMERS[name][0])
            self._consumers[name] = Process("consumer", name, port, core=self.near)
        return self._consumers[name]

    def rest(self) -> None:
        """End all processes. The next question starts its own."""
        for process in (*self._consumers.values(), *(p for p, _ in self._providers.values())):
            process.end()
        self._providers.clear()
        self._consumers.clear()

    def turns(
        self,
        *consumers: str,
        arguments: Sequence[float] = (),
        longer: int = 1,
        patience: float = PATIENCE,
    ) -> list[list[Any]]:
        """What each of them measured, by rounds of (``arguments``, seconds). They take turns,
        as a machine's speed drifts within seconds, and in every other round the last begins.
        ``longer``: fewer rounds, and longer ones."""
        effort = self.effort
        seconds = effort.seconds * longer
        sides = [self.consumer(name) for name in consumers]
        for side in sides:
            side.measure(*arguments, effort.warm_up, patience=patience)
        measured: list[list[Any]] = [[] for _ in sides]
        for number in range(max(1, 2 * effort.rounds // (1 + longer))):
            order = list(zip(sides, measured, strict=True))
            for side, values in order[:: -1 if number % 2 else 1]:
                values.append(side.measure(*arguments, seconds, patience=patience))
        return measured

    def compare(
        self,
        name: str,
        ours: str,
        theirs: str,
        *arguments: float,
        unit: str = "calls/s",
        longer: int = 1,
        patience: float = PATIENCE,
        ratio: Callable[[float, float], float] = lambda ours, theirs: ours / theirs,
    ) -> Line:
        """The line ``name``: ratios of neighbouring rounds."""
        mine, other = self.turns(
            ours, theirs, arguments=arguments, longer=longer, patience=patience
        )
        ratios = [ratio(a, b) for a, b in zip(mine, other, strict=True)]
        return line_of(name, ratios, unit, ours=median(mine), theirs=median(other))


def note(text: str) -> None:
    """For who reads along."""
    print(text, file=sys.stdout, flush=True)
