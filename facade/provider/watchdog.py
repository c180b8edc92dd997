"""Tells of methods that block the event loop."""

import asyncio
import sys
import threading
import traceback
from time import monotonic
from types import FrameType

from facade.core.log import get_logger
from facade.provider.local import LocalInvoker
from facade.service import check_seconds

logger = get_logger(__name__)


class Watchdog:
    """A thread that asks the loop again and again to turn, and looks at what it does instead.

    ``limit``: seconds without a turn after which the log names the method, with its stack.
    0: it does nothing, and there is no thread.
    """

    def __init__(self, limit: float) -> None:
        if limit != 0:
            check_seconds(limit, "slow_loop", "give more than 0, or 0 to watch nothing")
        self._limit = limit
        self._ended = threading.Event()

    def start(self) -> None:
        """Watch the running loop, and the thread that it runs in."""
        if self._limit:
            facts = asyncio.get_running_loop(), threading.get_ident()
            threading.Thread(
                target=self._watch, args=facts, name="facade-watchdog", daemon=True
            ).start()

    def stop(self) -> None:
        self._ended.set()

    def _watch(self, loop: asyncio.AbstractEventLoop, thread: int) -> None:
        while not self._ended.wait(self._limit / 2):
            turned = threading.Event()
            asked = monotonic()
            try:
                loop.call_soon_threadsafe(turned.set)
            except RuntimeError:  # it is closed
                return
            if turned.wait(self._limit):
                continue
            if monotonic() - asked < 2 * self._limit:  # else the whole process stood still
                self._tell(sys._current_frames().get(thread))
            while not turned.wait(self._limit):
                if self._ended.is_set():
                    return

    def _tell(self, frame: FrameType | None) -> None:
        if frame is None:
            return
        logger.warning(
            "%s has blocked the event loop for %g s, and with it all other calls: await, or let "
            "it be a `def`, which runs in a thread\n%s",
            _method(frame),
            self._limit,
            "".join(traceback.format_stack(frame)),
        )


def _method(frame: FrameType) -> str:
    """The call whose code this is."""
    at: FrameType | None = frame
    while at is not None:
        if at.f_code is LocalInvoker.invoke.__code__:
            return str(at.f_locals["invocation"])
        at = at.f_back
    return "something that is no method"
