"""Which providers a consumer asks for."""

from dataclasses import dataclass

from facade.core.method import service_key
from facade.registry.provider import Provider

ANY = "*"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A service by name, group and version. "*" in any place takes all there is."""

    service: str
    group: str = ""
    version: str = ""

    @classmethod
    def parse(cls, key: str) -> "Wanted":
        """Of ``[group/]service[:version]``, or "*": everything."""
        if key == ANY:
            return cls(ANY, ANY, ANY)
        group, slash, rest = key.rpartition("/")
        service, colon, version = rest.partition(":")
        if not service or (slash and not group) or (colon and not version):
            raise ValueError(f"{key!r} is not [group/]service[:version], as in demo.Greeter:1.0.0")
        return cls(service, group, version)

    @property
    def key(self) -> str:
        return ANY if self == _EVERYTHING else service_key(self.service, self.group, self.version)

    def takes(self, provider: Provider) -> bool:
        """Whether it is one of these. A provider that names no service takes calls of any."""
        if not provider.service:
            return True
        pairs = (
            (self.service, provider.service),
            (self.group, provider.group),
            (self.version, provider.version),
        )
        return all(asked in (ANY, there) for asked, there in pairs)


_EVERYTHING = Wanted(ANY, ANY, ANY)
