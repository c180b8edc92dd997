"""The port of an address."""

import re

from facade.exchange.unixsocket import is_unix


def check_port(address: str) -> None:
    """ValueError for one that is missing, or is none: gRPC would take 443, or another one,
    without a word."""
    if is_unix(address):
        return
    said = re.fullmatch(r".*[^:]:(-?[0-9]+)", address)
    if said is None:
        raise ValueError(f"{address!r} has no port: write it as HOST:PORT")
    if not 0 <= int(said[1]) < 2**16:
        raise ValueError(f"{address!r}: a port is a number from 0 to 65535")
