"""What gRPC is told of a connection."""

from collections.abc import Sequence
from typing import Any

from facade.exchange.settings import COMPRESSIONS, Settings

Options = Sequence[tuple[str, Any]]

# gRPC's numbers are of 32 bits, and the largest of its times is for ever.
_MOST_MS = 2**31 - 1

# For single calls, to whoever serves them: gRPC's servers, as they are set where nobody says
# otherwise, end a connection that is pinged between calls, or more often than every 5 minutes.
SELDOM_PINGED = (("grpc.keepalive_permit_without_calls", 0), ("grpc.keepalive_time_ms", 300_000))


def channel_options(settings: Settings) -> Options:
    return (
        *common_options(settings),
        # A connection of its own, and with it no memory of failures: C-core's backoff would
        # make a provider that is back wait for seconds. We have a backoff ourselves.
        ("grpc.use_local_subchannel_pool", 1),
        # That of single calls has its channel for good, and its backoff would grow to minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1_000),
    )


def common_options(settings: Settings) -> Options:
    """What both ends set alike."""
    # Room for the frame around the largest envelope.
    longest = settings.max_message_size + 1024
    patience = _ms(settings.heartbeat_timeout)
    return (
        ("grpc.max_send_message_length", longest),
        ("grpc.max_receive_message_length", longest),
        ("grpc.keepalive_time_ms", _ms(settings.heartbeat)),
        ("grpc.keepalive_timeout_ms", patience),
        # Without it the keepalive's own timeout is not honoured: a frozen peer would be
        # noticed after a minute.
        ("grpc.http2.ping_timeout_ms", patience),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        # By gRPC's number. What comes in is unpacked either way, as it says itself what it is.
        ("grpc.default_compression_algorithm", COMPRESSIONS.index(settings.compression)),
    )


def _ms(seconds: float) -> int:
    return int(min(seconds * 1000, _MOST_MS))
