"""rpyc: objects over a socket; a thread per connection, and here a connection per thread."""

from typing import Any

import rpyc
from rpyc.utils.server import ThreadedServer

from benchmarks.echo import DEADLINE, TEXT, Ready
from benchmarks.load import Use, measure_threads


class EchoService(rpyc.Service):
    def exposed_echo(self, text: str) -> str:
        return text


def serve(ready: Ready) -> None:
    server = ThreadedServer(EchoService, hostname="127.0.0.1", port=0)
    ready(server.port)
    server.start()


def call(port: int, use: Use) -> None:
    def connect() -> Any:
        config = {"sync_request_timeout": DEADLINE}
        echo = rpyc.connect("127.0.0.1", port, config=config).root.echo
        return lambda: echo(TEXT)

    measure_threads(connect, TEXT, use)
