"""The port of an address."""

import re

from facade.exchange.unixsocket import is_unix


def check_port(address: str) -> None:
    """ValueError for a port that is none: gRPC would take another for it, without a word."""
    said = re.search(":(-?[0-9]+)$", address)
    if said and not is_unix(address) and not 0 <= int(said[1]) < 2**16:
        raise ValueError(f"{address!r}: a port is a number from 0 to 65535")
