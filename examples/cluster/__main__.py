"""Three providers, calls that are spread over them, and one that goes: nobody notices.

python -m examples.cluster                                         a list in a file
python -m examples.cluster --registry zookeeper://127.0.0.1:2181   or etcd://127.0.0.1:2379
"""

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from pathlib import Path

import facade
from examples.greeter.interface import Greeter


class GreeterImpl(Greeter):
    def __init__(self, name: str) -> None:
        self.name = name

    async def hello(self, name: str) -> str:
        return f"Hello {name}, from {self.name}"

    async def log(self, line: str) -> None:
        print(f"{self.name} is told: {line}")


class Providers:
    """Servers by name; those that run stand in a file where there is no registry."""

    def __init__(self, registry: str, file: Path) -> None:
        self._registry = registry
        self._file = file
        self._servers: dict[str, facade.Server] = {}

    @property
    def target(self) -> str:
        return self._registry or f"file://{self._file}?interval=0.1"

    async def start(self, name: str) -> None:
        server = facade.Server("127.0.0.1:0", registry=self._registry or ())
        server.export(Greeter, GreeterImpl(name))
        await server.start()
        self._servers[name] = server
        self._write()

    async def stop(self, name: str) -> None:
        server = self._servers.pop(name)
        self._write()
        await server.stop()

    async def stop_all(self) -> None:
        for name in list(self._servers):
            await self.stop(name)

    def _write(self) -> None:
        if not self._registry:
            new = self._file.with_suffix(".new")
            new.write_text(json.dumps([f"127.0.0.1:{s.port}" for s in self._servers.values()]))
            new.rename(self._file)


async def spread(greeter: Greeter, names: str) -> Counter[str]:
    """Calls, until each of these has answered."""
    answered: Counter[str] = Counter()
    while not answered.keys() >= set(names):
        answered[(await greeter.hello("Ann"))[-1]] += 1
        await asyncio.sleep(0.005)
    return answered


async def main(registry: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        providers = Providers(registry, Path(folder) / "providers.json")
        for name in "abc":
            await providers.start(name)
        async with facade.AsyncClient(
            providers.target, timeout=10, loadbalance="round_robin"
        ) as client:
            greeter = client.refer(Greeter, retries=2)
            await spread(greeter, "abc")
            print("answered by:", ", ".join(sorted(await spread(greeter, "abc"))))
            await asyncio.gather(providers.stop("b"), *(greeter.hello("Bob") for _ in range(100)))
            print("b went, and no call failed")
            await providers.start("d")
            await spread(greeter, "acd")
            print("d came, and has its share")
        await providers.stop_all()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--registry", default="", help="where providers announce themselves")
    asyncio.run(main(parser.parse_args().registry))
