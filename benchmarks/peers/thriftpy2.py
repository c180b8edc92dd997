"""thriftpy2: Thrift over a socket, coded in Cython; without metadata and deadlines.

A thread per connection, and here a connection per thread.
"""

import io
from typing import Any

import thriftpy2
from thriftpy2.rpc import make_client, make_server

from benchmarks.echo import TEXT, Ready
from benchmarks.load import Use, measure_threads
from benchmarks.peers.port import free_port

INTERFACE: Any = thriftpy2.load_fp(
    io.StringIO("service Echo { string echo(1: string text) }"), "echo_thrift"
)


class Echo:
    def echo(self, text: str) -> str:
        return text


def serve(ready: Ready) -> None:
    port = free_port()
    server = make_server(INTERFACE.Echo, Echo(), "127.0.0.1", port, client_timeout=None)
    server.trans.listen()
    server.trans.listen = lambda: None  # it listens now, so that nobody comes too early
    ready(port)
    server.serve()


def call(port: int, use: Use) -> None:
    def connect() -> Any:
        client = make_client(INTERFACE.Echo, "127.0.0.1", port, timeout=None)
        return lambda: client.echo(TEXT)

    measure_threads(connect, TEXT, use)
