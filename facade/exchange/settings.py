"""What can be set of a stream."""

import msgspec

DEFAULT_MAX_MESSAGE = 4 * 1024 * 1024


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Of one end. Times are in seconds, sizes in bytes.

    ``heartbeat``: after how long a silence to ask whether the peer is there;
    ``heartbeat_timeout``: how long it may take to say anything then.
    ``max_calls``: how many calls are answered at once on one stream; ``max_cancels``: how many
    calls a second its peer may cancel, or make beyond that. 0: any number.
    """

    application: str = ""
    max_message_size: int = DEFAULT_MAX_MESSAGE
    heartbeat: float = 30.0
    heartbeat_timeout: float = 10.0
    handshake_timeout: float = 5.0
    max_calls: int = 10_000
    max_cancels: int = 1_000

    def __post_init__(self) -> None:
        for name in ("max_calls", "max_cancels"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ValueError(f"{name}={value!r}: 0 for any number, or how many")
