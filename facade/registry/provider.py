"""One provider of one service, as a registry knows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from facade.core.method import service_key

# What a provider counts beside others that say nothing. (Dubbo: Constants#DEFAULT_WEIGHT)
DEFAULT_WEIGHT = 100

# As large as Dubbo's can be: an int, and a long of milliseconds.
_HEAVIEST = 2**31 - 1
_LONGEST = 2**63 / 1000


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a service can be called, and what was published of it there.

    address      "host:port"; of IPv6 "[::1]:50051"
    service      the name of the interface; "" where a registry knows addresses only, and any
                 service may be asked for there
    weight       its share of the calls beside that of others; 0 takes none, 2147483647 is the most
    warmup       seconds after ``started`` until it takes its whole share
    started      when it started, as seconds since 1970 by its own clock; 0.0: nobody knows
    application  the name of the process that serves
    timeout      seconds that it suggests for calls of the service; None: it says nothing
    timeouts     and for methods by name
    methods      the names of the methods; none where they are not known
    exchange     whether it speaks facade's Exchange, or gRPC (Triple) alone
    parameters   all else that was published, as text
    """

    address: str
    service: str = ""
    group: str = ""
    version: str = ""
    weight: int = DEFAULT_WEIGHT
    warmup: float = 0.0
    started: float = 0.0
    application: str = ""
    timeout: float | None = None
    timeouts: Mapping[str, float] = field(default_factory=dict, hash=False)
    methods: tuple[str, ...] = ()
    exchange: bool = True
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        check_address(self.address)
        check_share(self.address, self.weight, warmup=self.warmup, started=self.started)

    @property
    def key(self) -> str:
        """``[group/]service[:version]``."""
        return service_key(self.service, self.group, self.version)

    @property
    def tag(self) -> str:
        """Which calls it is for; "": those without a tag. (Dubbo: dubbo.tag)"""
        return self.parameters.get("dubbo.tag", "")

    @property
    def zone(self) -> str:
        """Where it is, as it says itself; "": nowhere in particular."""
        return self.parameters.get("zone", "")


def check_share(of: str, weight: int, **seconds: float) -> None:
    """ValueError for what can't be reckoned with: it would fail the calls of all, where they are
    balanced."""
    if weight < 0:
        raise ValueError(f"the weight of {of} is {weight}: it is 0 or more")
    if not weight <= _HEAVIEST:
        raise ValueError(f"the weight of {of} is more than {_HEAVIEST}")
    for name, value in seconds.items():
        if not abs(value) <= _LONGEST:
            raise ValueError(f"{name} of {of} is no number of seconds")


def check_address(address: str) -> None:
    """That it is "host:port". ValueError says what it lacks."""
    host, colon, port = address.rpartition(":")
    plain = host and not any(c.isspace() for c in host)
    if not (colon and plain and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{address!r} is not host:port, as in 127.0.0.1:50051")
    if ":" in host and not (host[0] == "[" and host[-1] == "]"):
        raise ValueError(f"{address!r}: write an IPv6 address in brackets, as in [::1]:50051")
