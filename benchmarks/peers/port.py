"""Where servers listen that are not ours."""

import socket


def listener() -> socket.socket:
    """At a port that is free. It says that it is TCP: asyncio switches Nagle's delay off only
    where a socket does."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.bind(("127.0.0.1", 0))
    made.listen(1024)
    return made


def free_port() -> int:
    """For servers that do not say which one they got."""
    with listener() as free:
        port: int = free.getsockname()[1]
        return port
