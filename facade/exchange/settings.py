"""What can be set of a stream."""

import msgspec

from facade.exchange.credentials import Credentials
from facade.exchange.limits import DEFAULT, Limits
from facade.exchange.tls import ClientTls, ServerTls

COMPRESSIONS = (None, "deflate", "gzip")
DEFAULT_MAX_MESSAGE = 4 * 1024 * 1024


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Of one end. Times are in seconds, sizes in bytes.

    ``heartbeat``: after how long a silence to ask whether the peer is there;
    ``heartbeat_timeout``: how long it may take to say anything then. ``socket_mode``: of the
    file of a unix socket that is listened at.
    """

    application: str = ""
    max_message_size: int = DEFAULT_MAX_MESSAGE
    heartbeat: float = 30.0
    heartbeat_timeout: float = 10.0
    limits: Limits = DEFAULT
    credentials: Credentials | None = None
    tls: ClientTls | ServerTls | None = None
    compression: str | None = None
    socket_mode: int | None = None

    def __post_init__(self) -> None:
        if self.compression not in COMPRESSIONS:
            raise ValueError(f'compression={self.compression!r}: "gzip", "deflate" or None')
