"""A port that several processes share, held by the one that looks after them."""

import socket
from typing import Any

from facade.cli.target import NoTarget


def claim(address: str) -> tuple[socket.socket, str]:
    """Take a port that nobody else serves, to share it: what holds it, and the address with the
    port that it is. OSError where it is in use."""
    family, place = _resolve(address)
    if place[1]:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Alone: another group of workers would share its callers silently.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
            except OSError as error:
                raise OSError(f"cannot listen at {address}: {error.strerror}") from None
    held = hold(address)
    return held, f"{address.rpartition(':')[0]}:{held.getsockname()[1]}"


def hold(address: str) -> socket.socket:
    """Keep it from being given to others. It does not listen, so no caller comes here."""
    family, place = _resolve(address)
    held = socket.socket(family, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        held.bind(place)
    except OSError as error:
        held.close()
        raise OSError(f"cannot listen at {address}: {error.strerror}") from None
    return held


def _resolve(address: str) -> tuple[Any, Any]:
    if not hasattr(socket, "SO_REUSEPORT"):
        raise NoTarget("this system lets no processes share a port: leave out --workers, --reload")
    host, _, port = address.rpartition(":")
    if address.startswith(("unix:", "unix-abstract:", "injvm")) or not port.isdecimal():
        raise NoTarget(f"{address!r} can't be shared by workers: give --address HOST:PORT")
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise OSError(f"cannot listen at {address}: {error.strerror}") from None
    return found[0][0], found[0][4]
