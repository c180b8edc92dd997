"""Which services of a server may be called: what grpc.health.v1 tells."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum


class Serving(IntEnum):
    """Numbers of grpc.health.v1."""

    SERVING = 1
    NOT_SERVING = 2
    SERVICE_UNKNOWN = 3


class Health:
    """The state of each service by name, and of the whole server by the name "".

    A service is known while it is exported, by its name and by its key
    (``group/name:version``), and serves until the server stops. Say otherwise by
    ``health["demo.Greeter"] = False``: that is also for its keys that nothing is said of,
    and holds until ``del health["demo.Greeter"]`` or until it is unexported. A name that
    no service has may be set too, and is known from then on. Use it from any thread.
    """

    def __init__(self) -> None:
        self._services: dict[str, str] = {}  # key: name
        self._said: dict[str, bool] = {}
        self._watchers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self.stopped = False

    def __setitem__(self, name: str, serving: bool) -> None:
        if not isinstance(serving, bool):  # gRPC's own NOT_SERVING is 2, which is true
            raise TypeError(f"health[{name!r}] is True or False, not {serving!r}")
        self._said[name] = serving
        self._tell()

    def __delitem__(self, name: str) -> None:
        """Nothing is said of it any more. No error where nothing was."""
        self._said.pop(name, None)
        self._tell()

    def __getitem__(self, name: str) -> bool:
        """Whether it serves. KeyError for a name that is not known."""
        status = self.status(name)
        if status is Serving.SERVICE_UNKNOWN:
            raise KeyError(name)
        return status is Serving.SERVING

    def __iter__(self) -> Iterator[str]:
        """All known names. The server's own, "", is the first."""
        return iter(dict.fromkeys(("", *self._services.values(), *self._services, *self._said)))

    def status(self, name: str) -> Serving:
        """What a tool is told of it."""
        said = self._said.get(name)
        if said is None:
            said = self._said.get(self._services.get(name, name))
        if said is None and name and not self._has(name):
            return Serving.SERVICE_UNKNOWN
        return Serving.NOT_SERVING if self.stopped or said is False else Serving.SERVING

    # For the server

    def add(self, name: str, key: str = "") -> None:
        """It can be called from now on."""
        self._services[key or name] = name
        self._tell()

    def remove(self, name: str, key: str = "") -> None:
        """It can't any more, and nothing is known of it."""
        self._services.pop(key or name, None)
        for gone in (name, key or name):
            if not self._has(gone):
                self._said.pop(gone, None)
        self._tell()

    def stop(self) -> None:
        """Nothing serves any more, whatever was said."""
        self.stopped = True
        self._tell()

    @contextmanager
    def watched(self) -> Iterator[asyncio.Event]:
        """An event that is set whenever something may have changed."""
        watcher = asyncio.get_running_loop(), asyncio.Event()
        self._watchers.add(watcher)
        try:
            yield watcher[1]
        finally:
            self._watchers.discard(watcher)

    def _has(self, name: str) -> bool:
        return name in self._services or name in self._services.values()

    def _tell(self) -> None:
        for loop, event in tuple(self._watchers):
            loop.call_soon_threadsafe(event.set)
