"""What a server says when it has started."""

from collections.abc import Iterator

import msgspec

from facade.cli.running import place
from facade.provider.server import Server


class Report(msgspec.Struct, frozen=True):
    """Where it listens, and the names of the methods of each service."""

    address: str
    services: dict[str, list[str]]

    @classmethod
    def of(cls, server: Server) -> "Report":
        services = {e.service.key: list(e.service.methods) for e in server.exporters}
        return cls(place(server), services)

    def lines(self, workers: int | None = None) -> Iterator[str]:
        width = max(map(len, self.services), default=0)
        for key, methods in self.services.items():
            yield f"{key:{width}}   {', '.join(methods)}"
        if not self.services:
            yield "nothing is exported"
        count = "" if workers is None else f", {workers} worker{'' if workers == 1 else 's'}"
        yield f"listening at {self.address}{count}"
