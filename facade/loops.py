"""Which event loop we make where the user leaves it to us, and which one a client is used in."""

import asyncio


def new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop's where it is installed (the extra "uvloop"), else asyncio's."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def running_loop() -> asyncio.AbstractEventLoop | None:
    """That of this thread; None where none runs."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def check_alone(other: asyncio.AbstractEventLoop | None, target: str) -> None:
    """Before a client goes over to the loop that runs here. RuntimeError where the ``other``, in
    which it was used, still runs: what it has there is not to be touched from here."""
    if other is not None and other.is_running() and other is not running_loop():
        raise RuntimeError(
            f"this AsyncClient of {target} is in use in another event loop, which still runs: "
            "make one in each loop (or a Client, which all threads may share)"
        )


class Home:
    """The event loop that something belongs to: the one in which it is used first."""

    __slots__ = ("_loop", "_what")

    def __init__(self, what: str) -> None:
        self._what = what
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def ended(self) -> bool:
        """Whether that loop is closed."""
        return self._loop is not None and self._loop.is_closed()

    def check(self) -> None:
        """RuntimeError in any other loop, whether this one still runs or not."""
        running = running_loop()
        if self._loop is None:
            self._loop = running
        elif self._loop is not running:
            raise RuntimeError(
                f"{self._what} belongs to the event loop in which it was used first: make one in "
                "each loop (or a Client, which all threads may share)"
            )
