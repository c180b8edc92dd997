"""Serves the greeter until SIGINT or SIGTERM.

python -m examples.greeter.provider [ADDRESS]
"""

import logging
import sys

import facade
from examples.greeter.interface import Greeter

logger = logging.getLogger(__name__)


class GreeterImpl(Greeter):
    async def hello(self, name: str) -> str:
        return f"Hello {name}, from {facade.RpcContext.service().remote_address}"

    async def log(self, line: str) -> None:
        logger.info("the consumer says: %s", line)


def main(address: str = "127.0.0.1:50051") -> None:
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    server = facade.Server(address)
    server.export(Greeter, GreeterImpl())
    server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
