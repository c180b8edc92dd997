"""Finds out whether the peer is still there."""

import asyncio
from collections.abc import Callable
from time import monotonic

from facade.exchange.envelope import Envelope
from facade.exchange.settings import Settings


class Heartbeat:
    """Asks after a silence, and says when the silence goes on. Anything heard is an answer.

    ``heard`` is when something came last, in seconds of ``monotonic``: whoever reads sets it.
    """

    def __init__(
        self, settings: Settings, ask: Callable[[], None], silent: Callable[[float], None]
    ) -> None:
        self._interval = settings.heartbeat
        self._patience = settings.heartbeat_timeout
        self._ask = ask
        self._silent = silent
        self._asked = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.heard = monotonic()

    def start(self) -> None:
        self._schedule(self._interval)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self, delay: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay, self._beat)

    def _beat(self) -> None:
        now = monotonic()
        silence = now - self.heard
        if silence < self._interval:
            self._schedule(self._interval - silence)
        elif self._asked <= self.heard:
            self._asked = now
            self._ask()
            self._schedule(min(self._patience, self._interval))
        elif now - self._asked < self._patience:
            # Not beyond the interval: an answer may come, and a new silence begin.
            self._schedule(min(self._patience - (now - self._asked), self._interval))
        else:
            self._silent(silence)


def ping() -> bytes:
    envelope = Envelope()
    envelope.ping.nonce = int(monotonic() * 1000)
    return bytes(envelope.SerializeToString())


def pong(nonce: int) -> bytes:
    envelope = Envelope()
    envelope.pong.nonce = nonce
    return bytes(envelope.SerializeToString())
