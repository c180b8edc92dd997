"""The service that a client's target names, as in "zookeeper://h1:2181/demo.Greeter"."""

from typing import NamedTuple

from facade.core.method import Service, service_key


class Named(NamedTuple):
    """The client is for it alone. What is not said of it, name, group or version, is any."""

    service: str = ""
    group: str = ""
    version: str = ""
    place: str = ""

    @classmethod
    def of(cls, target: str) -> "Named":
        """ValueError where the path is no ``[group/]service[:version]``."""
        from facade.registry import parse  # for those who have many providers
        from facade.registry.wanted import Wanted

        parsed = parse(target)
        if not (key := parsed.service):
            return cls()
        wanted = Wanted.parse(key)
        return cls(wanted.service, wanted.group, wanted.version, parsed.place)

    def referred(
        self, service: Service, group: str | None, version: str | None
    ) -> tuple[str, str, str]:
        """Key, group and version of a reference to this interface."""
        group = service.group if group is None else group
        version = service.version if version is None else version
        return self.fitting(service.name, group, version)[1:]

    def fitting(self, service: str, group: str, version: str) -> tuple[str, str, str, str]:
        """Name, key, group and version: those that were asked for, and where nothing was, those
        of the target. ValueError where that names another service, or none of them does."""
        asked = service_key(service, group, version)
        if not service and not self.service:
            raise ValueError("which service? Its name is missing, and the target names none")
        service, group = service or self.service, group or self.group
        version = version or self.version
        if self.service and (
            service != self.service
            or group != (self.group or group)
            or version != (self.version or version)
        ):
            raise ValueError(
                f"this client is for {self}, which its target names, and not for {asked}: leave "
                f"the name out of {self.place}, or make another client"
            )
        return service, service_key(service, group, version), group, version

    def __str__(self) -> str:
        return service_key(self.service, self.group, self.version)


ANY = Named()
