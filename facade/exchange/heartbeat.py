"""Finds out whether the peer is still there.

How it works. After a silence it asks, and then looks several times while an answer is due. While
our own event loop is blocked nothing can be heard, and the peer must not be given up for that:
so only the time between looks that come when they should is counted.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

from facade.exchange.envelope import Envelope
from facade.exchange.settings import Settings

# At least so many looks must find nothing, spread over the time in which an answer is due.
LOOKS = 4

# Seconds. What is read and what is due are found together by a loop that was blocked, and in no
# certain order: a look that is later than this may have come before the reader's turn.
LATE = 0.1


class Heartbeat:
    """Asks after a silence, and says when the silence goes on. Anything heard is an answer.

    ``heard`` is when something came last, in seconds of ``monotonic``: whoever reads sets it.
    """

    def __init__(
        self, settings: Settings, ask: Callable[[], None], silent: Callable[[float], None]
    ) -> None:
        self._interval = settings.heartbeat
        self._patience = settings.heartbeat_timeout
        # Not beyond the interval: an answer may come, and a new silence begin.
        self._pause = min(settings.heartbeat_timeout / LOOKS, settings.heartbeat)
        self._ask = ask
        self._silent = silent
        self._asked = 0.0
        # Seconds since it asked in which an answer could have been heard.
        self._waited = 0.0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.heard = monotonic()

    def start(self) -> None:
        self._schedule(self._interval)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self, delay: float) -> None:
        self._due = monotonic() + delay
        self._timer = asyncio.get_running_loop().call_later(delay, self._beat)

    def _beat(self) -> None:
        now = monotonic()
        silence = now - self.heard
        if self._asked > self.heard:
            self._look(now)
        elif silence < self._interval:
            self._schedule(self._interval - silence)
        else:
            self._asked = now
            self._waited = 0.0
            self._ask()
            self._schedule(self._pause)

    def _look(self, now: float) -> None:
        if now - self._due < LATE:
            self._waited += self._pause
        if self._waited < self._patience:
            self._schedule(self._pause)
        else:
            self._silent(now - self.heard)


def ping() -> bytes:
    envelope = Envelope()
    envelope.ping.nonce = int(monotonic() * 1000)
    return bytes(envelope.SerializeToString())


def pong(nonce: int) -> bytes:
    envelope = Envelope()
    envelope.pong.nonce = nonce
    return bytes(envelope.SerializeToString())
