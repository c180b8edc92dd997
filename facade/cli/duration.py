"""Times as people write them."""

import math
import re

import typer

_TIME = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(us|ms|s|m|h)?")
_SECONDS = {None: 1.0, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration(text: str) -> float:
    """``1s``, ``250ms``, ``2m``, or seconds. BadParameter for what is no time to wait."""
    match = _TIME.fullmatch(text.strip())
    seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if not 0 < seconds < math.inf:
        raise typer.BadParameter(f"{text!r} is no time: write 1s, 250ms, 2m, or seconds")
    return seconds


def shown(seconds: float) -> str:
    """With a unit that suits it: ``1.5 s``, ``250 ms``, ``80 us``."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} us"
