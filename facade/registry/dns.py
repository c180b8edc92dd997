"""Names that lead to many addresses."""

from collections.abc import Awaitable, Callable, Sequence

from facade.registry.polling import PolledList
from facade.registry.provider import Provider, check_address
from facade.registry.resolver import addresses_of, asked_addresses, services_of
from facade.registry.target import Target, expected

# The providers of a name.
Resolve = Callable[[], Awaitable[Sequence[Provider]]]


class DnsRegistry(PolledList):
    """All addresses of ``dns:///host:port``, or all targets of ``dns+srv:///_service._tcp.name``.

    They are resolved every ``interval`` seconds (30), and at ``refresh``. A name server may
    stand between the slashes: ``dns://10.0.0.2:53/host:port``. That, and SRV, takes the extra
    ``dns``. ``resolve`` is for tests.
    """

    def __init__(self, target: Target, resolve: Resolve | None = None) -> None:
        target.check(("interval",))
        server = target.addresses(53)[0] if target.hosts else ""
        if len(target.hosts) > 1:
            raise ValueError(f"{target.place!r} names several name servers: name one, or none")
        self._resolve = resolve or _resolver(target, server)
        interval = target.seconds("interval", 30.0)
        super().__init__(target.place, self._find, interval, soonest=1.0)

    async def _find(self) -> Sequence[Provider]:
        found = await self._resolve()
        if not found:
            raise ValueError("the name leads to no address")
        return found


def _resolver(target: Target, server: str) -> Resolve:
    name = target.path.strip("/")
    if target.scheme == "dns+srv":
        if not name or ":" in name:
            raise ValueError(f"{target.place!r} is no name of a service: {expected('dns+srv')}")
        return services_of(name, server)
    try:
        check_address(name)
    except ValueError as error:
        raise ValueError(f"{target.place!r}: {error}: {expected('dns')}") from None
    host, _, port = name.rpartition(":")
    host = host.strip("[]")
    return asked_addresses(host, port, server) if server else addresses_of(host, port)
