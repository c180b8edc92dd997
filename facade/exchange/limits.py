"""What one end takes of the other."""

import math

import msgspec

# gRPC's numbers are of 32 bits.
MOST_STREAMS = 2**31 - 1


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """``Server(limits=facade.Limits(max_calls_total=1000))``; clients take the same.

    Reaching one is an error that gives its name and value. 0 is no limit.

    max_calls_total       how many calls a server answers at once, over all connections
    max_streams           how many gRPC calls may be open on one connection to a server; more
                          of them wait at the consumer. (gRPC: MAX_CONCURRENT_STREAMS)
    max_attachments       how many attachments a call or an answer may bring
    max_attachment_bytes  how many bytes their names and values may have together
    max_waiting_bytes     how many bytes of answers may wait for a consumer to read them: beyond,
                          a server reads nothing of his until he does
    handshake_timeout     seconds for a stream's setup and who it is from; never unlimited
    idle                  a connection without calls for so many seconds is ended in peace. One
                          that holds callbacks stays
    """

    max_calls_total: int = 65_536
    max_streams: int = 10_000
    max_attachments: int = 1_000
    max_attachment_bytes: int = 1024 * 1024
    max_waiting_bytes: int = 64 * 1024 * 1024
    handshake_timeout: float = 5.0
    idle: float = 0.0

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            whole = name not in ("handshake_timeout", "idle")
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise TypeError(f"{name}={value!r}: it is {'an int' if whole else 'seconds'}")
            if not 0 <= value < math.inf:
                raise ValueError(f"{name}={value!r}: 0 for no limit, or how much")
        if not self.handshake_timeout:
            raise ValueError("handshake_timeout=0: a stream has to be set up at some time")
        if self.max_streams > MOST_STREAMS:
            raise ValueError(
                f"max_streams={self.max_streams}: 0 for no limit, or up to {MOST_STREAMS}"
            )


DEFAULT = Limits()
