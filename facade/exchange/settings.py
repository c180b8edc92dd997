"""What can be set of a stream."""

from typing import TYPE_CHECKING, Any

import msgspec

from facade.core.method import is_text
from facade.exchange.credentials import Credentials
from facade.exchange.limits import DEFAULT, Limits
from facade.service import check_seconds, is_count

if TYPE_CHECKING:
    from facade.exchange.tls import ClientTls, ServerTls

COMPRESSIONS = (None, "deflate", "gzip")
DEFAULT_MAX_MESSAGE = 4 * 1024 * 1024
# gRPC counts to 2**31, and there is room for a frame around it.
MOST_MESSAGE = 2**31 - 1025


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Of one end. Times are in seconds, sizes in bytes.

    ``heartbeat``: after how long a silence to ask whether the peer is there;
    ``heartbeat_timeout``: how long it may take to say anything then.
    ``max_calls``: how many calls are answered at once on one stream; ``max_cancels``: how many
    calls a second its peer may cancel, or make beyond that. 0: any number.
    ``socket_mode``: of the file of a unix socket that is listened at.
    """

    application: str = ""
    max_message_size: int = DEFAULT_MAX_MESSAGE
    heartbeat: float = 30.0
    heartbeat_timeout: float = 10.0
    max_calls: int = 10_000
    max_cancels: int = 1_000
    limits: Limits = DEFAULT
    credentials: Credentials | None = None
    tls: "ClientTls | ServerTls | None" = None
    compression: str | None = None
    socket_mode: int | None = None

    def __post_init__(self) -> None:
        if self.compression not in COMPRESSIONS:
            raise ValueError(f'compression={self.compression!r}: "gzip", "deflate" or None')
        for name in ("max_calls", "max_cancels"):
            value = getattr(self, name)
            if not is_count(value):
                raise ValueError(f"{name}={value!r}: 0 for any number, or how many")
        for name, kind in _KINDS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, kind):
                raise TypeError(f"{name}={value!r}: give {_NAMES[kind]}")
        check_seconds(self.heartbeat, "heartbeat")
        check_seconds(self.heartbeat_timeout, "heartbeat_timeout")
        if not is_text(self.application):
            raise ValueError(f"application={self.application!r}: it can't be sent as UTF-8")
        if not 1 <= self.max_message_size <= MOST_MESSAGE:
            raise ValueError(
                f"max_message_size={self.max_message_size}: from 1 byte to {MOST_MESSAGE}"
            )


_SECONDS = (int, float)
_MODE = (int, type(None))
_NAMES = {
    str: "text",
    int: "a whole number",
    Limits: "facade.Limits(...)",
    _SECONDS: "seconds",
    _MODE: "a whole number, such as 0o600",
}
_KINDS: dict[str, Any] = {
    "application": str,
    "max_message_size": int,
    "heartbeat": _SECONDS,
    "heartbeat_timeout": _SECONDS,
    "limits": Limits,
    "socket_mode": _MODE,
}
