"""One server of one service, as a registry tells of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from facade.core.method import service_key

# What a provider is worth that does not say it. (Dubbo: Constants#DEFAULT_WEIGHT)
DEFAULT_WEIGHT = 100

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Provider:
    """Facts that a server publishes of itself, the same for every consumer. (Dubbo: URL)

    ``address`` is "host:port". ``weight`` is its share of the calls beside others'; 0: none.
    ``warmup``: seconds in which a server that has just started comes to its whole weight; 0: it
    has it at once. ``started``: when that was, seconds of the wall clock since 1970; None: not
    known, and nothing to warm up. ``timeout``: seconds, for all of its methods. ``methods``:
    their names, where they are known. ``parameters``: all else that was said, "dubbo.tag" for
    instance.

    ValueError for an address without a port, or a number that can't be.
    """

    address: str
    service: str = ""
    group: str = ""
    version: str = ""
    weight: int = DEFAULT_WEIGHT
    warmup: float = 0.0
    started: float | None = None
    application: str = ""
    timeout: float | None = None
    methods: Sequence[str] = ()
    parameters: Mapping[str, str] = field(default_factory=lambda: _NOTHING, hash=False)

    def __post_init__(self) -> None:
        host, colon, port = self.address.rpartition(":")
        if not (colon and host and port.isdecimal() and int(port) < 65536):
            raise ValueError(f"{self.address!r} is no address: write host:port")
        if self.weight < 0:
            raise ValueError(f"{self.address}: weight={self.weight}: 0 or more")
        if self.warmup < 0:
            raise ValueError(f"{self.address}: warmup={self.warmup}: seconds, 0 or more")
        object.__setattr__(self, "methods", tuple(self.methods))

    @property
    def host(self) -> str:
        """Without the brackets of an IPv6 address."""
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def key(self) -> str:
        """``[group/]name[:version]`` of its service."""
        return service_key(self.service, self.group, self.version)

    @property
    def tag(self) -> str:
        """Calls with this tag are its own. (Dubbo: dubbo.tag)"""
        return self.parameters.get("dubbo.tag", "")

    def __str__(self) -> str:
        return self.address
