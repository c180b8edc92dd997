"""The time that a call has left."""

from time import monotonic


class TimeoutCountDown:
    """Counts a timeout down on this process's monotonic clock. All times are seconds.

    (Dubbo: TimeoutCountDown)
    """

    __slots__ = ("deadline", "timeout")

    def __init__(self, timeout: float, started: float | None = None) -> None:
        self.timeout = timeout
        self.deadline = (monotonic() if started is None else started) + timeout

    @property
    def remaining(self) -> float:
        """Seconds left; negative once expired."""
        return self.deadline - monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the start; more than the timeout once expired."""
        return self.timeout - self.remaining

    @property
    def expired(self) -> bool:
        return monotonic() >= self.deadline

    def __repr__(self) -> str:
        return f"TimeoutCountDown({self.timeout:g} s, {self.remaining:.3f} s left)"
