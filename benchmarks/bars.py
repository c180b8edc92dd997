"""What each line is to reach."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """``least``: the value is to be at least ``limit``; else it is at most that."""

    limit: float
    least: bool = True

    def met(self, value: float) -> bool:
        return value >= self.limit if self.least else value <= self.limit

    def __str__(self) -> str:
        return f"{'at least' if self.least else 'at most'} {self.limit:g}"


def _most(limit: float) -> Bar:
    return Bar(limit, least=False)


BARS: dict[str, Bar] = {
    "ratio aio 1": Bar(2.2),
    "ratio aio 16": Bar(6),
    "ratio aio 256": Bar(9),
    "ratio aio 4096": Bar(9),
    "ratio sync 1": Bar(1.5),
    "ratio sync 64": Bar(4.5),
    "ratio sync pool 64": Bar(2.5),
    "ratio future 256": Bar(3),
    "ratio limit 256": Bar(0.4),
    "ratio size 1k": Bar(6),
    "ratio size 16k": Bar(3),
    "ratio size 64k": Bar(1.2),
    "ratio size 1m": Bar(1.1),
    "ratio stream": Bar(3),
    "ratio oneway": Bar(1.3),
    "p99 1": _most(0.6),
    "p99 load": _most(0.5),
    "hol": _most(270),  # 3 round trips of 40 ms and 150 ms: see hol.py
    "scale inflight": Bar(0.7),
    "ratio conns 100": Bar(4),
    "scale workers 2": Bar(1.5),
    "bytes inflight": _most(10_000),
    "bytes conn": _most(150_000),
    "leak": _most(1_000_000),
    "import ms": _most(50),
    "first call ms": _most(40),
    "peer grpclib 1": Bar(1),
    "peer grpclib 256": Bar(1),
    "peer connectrpc 1": Bar(1),
    "peer connectrpc 256": Bar(1),
    "peer apache-dubbo 1": Bar(1),
    "peer apache-dubbo 256": Bar(1),
    # Raw sockets are faster alone: no bar there.
    "peer rpyc 256": Bar(1),
    "peer Pyro5 256": Bar(1),
    "peer thriftpy2 256": Bar(1),
}
