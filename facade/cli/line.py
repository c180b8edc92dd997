"""What a worker says to its parent."""

import asyncio
import socket
from contextlib import suppress

import msgspec

from facade.cli.relay import Relay
from facade.cli.report import Report
from facade.provider.server import Server


class Line:
    """A worker's end of the socket to its parent: what the server serves, and would announce.

    ValueError where it would announce at a registry that was given as an object.
    """

    def __init__(self, parent: socket.socket, server: Server) -> None:
        self._parent = parent
        self._server = server
        self._relays: list[Relay] = []
        self._serving = False
        server.announcer.relay(self._relay)

    def started(self, stopping: asyncio.Event) -> None:
        """It serves, until the event is set: so it is when the parent has ended."""
        self._serving = True
        self._tell()
        loop = asyncio.get_running_loop()

        def ended() -> None:
            loop.remove_reader(self._parent)  # or the loop would turn without end for it
            stopping.set()

        # Nothing ever comes: it ends when the parent does, whatever has ended him.
        loop.add_reader(self._parent, ended)

    def _relay(self, target: str, application: str) -> Relay:
        self._relays.append(Relay(target, application, self._tell))
        return self._relays[-1]

    def _tell(self) -> None:
        if not self._serving:
            return
        notices = [notice for relay in self._relays for notice in relay.notices]
        report = msgspec.json.encode(Report.of(self._server, notices))
        with suppress(OSError):  # the parent is gone, and so are we soon
            self._parent.sendall(report + b"\n")
