"""Finds out whether a connection is of use to anybody."""

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, Protocol

from facade.exchange.settings import Settings

# How often it is looked, in parts of the time after which a connection counts as idle.
LOOKS = 8


Drain = Callable[[str, float], Coroutine[Any, Any, None]]


class Ends(Protocol):
    """What is looked at: the calls of both directions, and the callbacks that are held."""

    calls: Any
    answers: Any
    peer: Any


class Idle:
    """Has it drained once there has been no call for as long as ``idle`` of the limits says, or
    an eighth longer. Looks now and then, so that no call has to say that it was there."""

    def __init__(self, settings: Settings, ends: Ends, drain: Drain) -> None:
        self._seconds = settings.limits.idle
        self._grace = settings.heartbeat_timeout
        self._ends = ends
        self._drain = drain
        self._draining: asyncio.Future[None] | None = None
        self._seen: Any = None
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        if self._seconds:
            self._since = monotonic()
            self._schedule()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds / LOOKS, self._beat)

    def _beat(self) -> None:
        calls, answers = self._ends.calls, self._ends.answers
        used = bool(calls or answers or answers.callbacks or self._ends.peer.listeners)
        seen = calls.last, answers.last
        if used or seen != self._seen:
            self._seen, self._since = seen, monotonic()
        elif monotonic() - self._since >= self._seconds:
            reason = f"no calls for {self._seconds:g} s (idle)"
            self._draining = asyncio.ensure_future(self._drain(reason, self._grace))
            return
        self._schedule()
