"""Attempts of one call: how many, how long each, with what pause between them."""

import random
from collections.abc import Callable
from typing import NamedTuple, Self

from facade.core.countdown import TimeoutCountDown
from facade.core.invocation import Invocation
from facade.core.repeat import ATTEMPT
from facade.core.settings import FilterSettings


class Plan(NamedTuple):
    """How the calls of one method are repeated. The names are those of the settings."""

    retries: int = 0
    retry_backoff: float = 0.05
    retry_backoff_max: float = 1.0
    attempt_timeout: float | None = None

    def pause(self, attempt: int, share: Callable[[], float] | None = None) -> float:
        """Full jitter: anything up to a bound that doubles, so that the clients of a provider
        that comes back don't all come at once. Seconds after this attempt."""
        # No power of a large number: it would overflow long after the maximum is reached.
        bound = min(self.retry_backoff_max, self.retry_backoff * 2.0 ** min(attempt - 1, 64))
        return (share or random.random)() * bound

    def checked(self) -> Self:
        """ValueError for what can't be."""
        if self.retries < 0:
            raise ValueError(f"retries={self.retries}: attempts after the first, 0 or more")
        if not (self.retry_backoff >= 0 and self.retry_backoff_max >= 0):
            raise ValueError(
                f"retry_backoff={self.retry_backoff}, retry_backoff_max="
                f"{self.retry_backoff_max}: seconds, 0 or more"
            )
        if self.attempt_timeout is not None and not self.attempt_timeout > 0:
            raise ValueError(
                f"attempt_timeout={self.attempt_timeout}: seconds, or None for no limit"
            )
        return self


def plans(settings: FilterSettings, default: Plan) -> tuple[dict[str, Plan], Plan]:
    """The plans that methods have of their own, and that of all others."""
    said = {key: settings.by_method(key, value) for key, value in default._asdict().items()}
    methods = {name for values in said.values() for name in values}
    own = {
        name: Plan(**{key: values[name] for key, values in said.items()}).checked()
        for name in methods
    }
    return own, Plan(**{key: values.default for key, values in said.items()}).checked()


def number(invocation: Invocation, attempt: int) -> None:
    """Let filters and the provider know which attempt this is."""
    invocation.attributes[ATTEMPT] = attempt
    invocation.attachments[ATTEMPT] = str(attempt)


def limit(invocation: Invocation, seconds: float, countdown: TimeoutCountDown | None) -> None:
    """Let this attempt take no longer, so that there is time for another."""
    if countdown is None or seconds < countdown.remaining:
        invocation.timeout = seconds
        invocation.countdown = TimeoutCountDown(seconds)
