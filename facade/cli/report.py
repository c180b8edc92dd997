"""What a server says when it has started."""

from collections.abc import Iterator, Sequence

import msgspec

from facade.cli.relay import Notice
from facade.cli.running import place
from facade.provider.server import Server


class Report(msgspec.Struct, frozen=True):
    """Where it listens, the names of the methods of each service, and what is to be announced."""

    address: str
    services: dict[str, list[str]]
    notices: Sequence[Notice] = ()

    @classmethod
    def of(cls, server: Server, notices: Sequence[Notice] = ()) -> "Report":
        services = {e.service.key: list(e.service.methods) for e in server.exporters}
        return cls(place(server), services, notices)

    def lines(self, workers: int | None = None) -> Iterator[str]:
        width = max(map(len, self.services), default=0)
        for key, methods in self.services.items():
            yield f"{key:{width}}   {', '.join(methods)}"
        if not self.services:
            yield "nothing is exported"
        count = "" if workers is None else f", {workers} worker{'' if workers == 1 else 's'}"
        yield f"listening at {self.address}{count}"
