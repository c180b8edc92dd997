"""Ports for servers that must be told theirs."""

import contextlib
import itertools
import random
import socket

# Below those that the kernel gives away: a server that ends and comes back finds its port free.
_PORTS = itertools.cycle(random.Random().sample(range(20_000, 32_000), 12_000))


def free_port() -> int:
    """One that nobody has, and none that was given a moment ago."""
    while True:
        port = next(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
