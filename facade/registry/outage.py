"""A registry that can't be reached, said once."""

import random

from facade.core.log import get_logger

logger = get_logger(__name__)

_SHORTEST, _LONGEST = 0.1, 5.0


class Outage:
    """Since when things fail, and how long to wait before the next attempt. What fails again
    is not logged again."""

    __slots__ = ("_pause", "_what")

    def __init__(self, what: str) -> None:
        self._what = what
        self._pause = 0.0

    def begins(self, error: BaseException) -> None:
        """An attempt has failed."""
        if not self._pause:
            silent = (
                "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
            )
            reason = str(error) or silent
            logger.warning("%s fails, and is tried again until it works: %s", self._what, reason)
        self._pause = min(max(self._pause * 2, _SHORTEST), _LONGEST)

    def over(self) -> None:
        """An attempt has worked."""
        if self._pause:
            logger.info("%s works again", self._what)
        self._pause = 0.0

    @property
    def pause(self) -> float:
        """Seconds until the next attempt, not the same for all who wait for one registry."""
        return self._pause * random.uniform(0.5, 1.0)
