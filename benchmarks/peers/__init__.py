"""What else could a Python user pick, and how fast is that?

Each is run as its own documentation has it, and gets what we have where it knows of it: two headers
and a deadline of 1 s. Those that wait in threads, one connection each, are set beside our blocking
client with as many threads; those of asyncio beside our asyncio client.
"""

from collections.abc import Iterator
from importlib.util import find_spec

from benchmarks.bench import Bench, Line, note

# Name, as it is installed: the module that it is, ours that stands beside it.
PEERS = {
    "grpclib": ("grpclib", "facade-aio"),
    "connectrpc": ("connectrpc", "facade-aio"),
    "apache-dubbo": ("dubbo", "facade-sync"),
    "rpyc": ("rpyc", "facade-sync"),
    "Pyro5": ("Pyro5", "facade-sync"),
    "thriftpy2": ("thriftpy2", "facade-sync"),
}

# Seconds for one round: some do not come back from it.
PATIENCE = 10


def lines(bench: Bench) -> Iterator[Line]:
    for name, (module, ours) in PEERS.items():
        if find_spec(module) is None:
            note(f"peer {name}: skipped, as it is not installed (benchmarks/peers.txt)")
            continue
        for in_flight in (1, 256):
            line = f"peer {name} {in_flight}"
            try:
                yield bench.compare(line, ours, name, in_flight, longer=2, patience=PATIENCE)
            except RuntimeError as error:
                note(f"{line}: skipped, as it failed: {error}")
                bench.rest()
        bench.rest()
