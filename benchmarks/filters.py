"""What each filter adds to a call, in microseconds: within one process, without a network.

    python -m benchmarks.filters [--calls N] [NAME ...]

Measured is a chain of the one filter beside a chain of none, by turns, in a coroutine that
never waits; the least of the rounds counts, as noise only adds. The processor's time is in it
and nothing else. Filters that are not installed, or refuse a lone call, are noted below the
table.
"""

import argparse
import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any

import facade
from benchmarks.full import FULL, prepare
from facade.core.chain import chain
from facade.core.context import Request, current_caller, reset_request, set_request
from facade.core.countdown import TimeoutCountDown
from facade.core.filter import CONSUMER, PROVIDER
from facade.plugins import installed
from facade.service import describe

# Of those that have to be told anything; as mild as may be, so that no call is refused.
SETTINGS: dict[str, dict[str, Any]] = {
    **FULL,
    "active_limit": {"actives": 1000},
    "adaptive_limit": {"adaptive_limit": True},
    "auth_sign": {"auth_key_id": "bench", "auth_secret": "x" * 32},
    "auth_verify": {"auth_keys": {"bench": "x" * 32}},
    "bearer": {"bearer": "x"},
    "bulkhead": {"bulkhead": 1000},
    "cache": {"cache": "lru"},
    "circuit_breaker": {"circuit_breaker": True},
    "consumer_token": {"token": "x"},
    "deprecated": {"deprecated": True},
    "fault": {"fault_delay": 0.001, "fault_share": 0.0},
    "future_events": {"onreturn": lambda *_: None},
    "hedge": {"hedge_after": 1.0, "hedges": 1},
    "monitor": {"monitor": True},
    "profiler": {"profiler": 1.0},
    "provider_cache": {"cache": "lru"},
    "provider_validation": {"validation": True},
    "retry": {"retries": 2},
    "trace": {"trace": True},
    "validation": {"validation": True},
}
ROUNDS = 15


@facade.service("bench.Echo")
class Echo:
    async def echo(self, text: str) -> str: ...


class End:
    """The cheapest invoker."""

    async def invoke(self, invocation: facade.Invocation) -> facade.Result:
        return facade.Result("x" * 64)


METHOD = describe(Echo).methods["echo"]


def call_of(side: str) -> facade.Invocation:
    call = facade.Invocation(
        "bench.Echo",
        "echo",
        ("x" * 64,),
        attachments={"tenant": "benchmark", "token": "x"},
        timeout=10.0,
        method=METHOD,
    )
    call.remote_address = "ipv4:127.0.0.1:50051"
    call.remote_application = "bench"
    if side == CONSUMER:
        call.caller = current_caller()
    else:
        call.countdown = TimeoutCountDown(10.0)
    return call


async def seconds_of(invoker: facade.Invoker, side: str, calls: int) -> float:
    """Of one call."""
    start = perf_counter()
    for _ in range(calls):
        await invoker.invoke(call_of(side))
    return (perf_counter() - start) / calls


async def cost(make: Callable[[], facade.Filter], side: str, calls: int) -> float:
    """What the filter adds, in microseconds."""
    end = End()
    filtered, bare = chain([make()], end), chain([], end)
    for invoker in (filtered, bare):
        await seconds_of(invoker, side, calls)
    pairs = [
        (await seconds_of(filtered, side, calls), await seconds_of(bare, side, calls))
        for _ in range(ROUNDS)
    ]
    return (min(pair[0] for pair in pairs) - min(pair[1] for pair in pairs)) * 1e6


async def cost_where_it_stands(make: Callable[[], facade.Filter], side: str, calls: int) -> float:
    """A provider's filter finds the call in ``RpcContext``, as within the filter ``context``."""
    if side == CONSUMER:
        return await cost(make, side, calls)
    token = set_request(Request(call_of(side)))
    try:
        return await cost(make, side, calls)
    finally:
        reset_request(token)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.filters", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="only these filters")
    parser.add_argument("--calls", type=int, default=3000, help="in a round")
    options = parser.parse_args()
    prepare()
    names = options.names or sorted(SETTINGS.keys() | installed().keys())
    notes: list[str] = []
    print(f"{'filter':20} {'consumer':>9} {'provider':>9}  microseconds per call")
    for name in names:
        if name not in installed():
            notes.append(f"{name}: not installed")
            continue
        cells = [_cell(name, side, options.calls, notes) for side in (CONSUMER, PROVIDER)]
        print(f"{name:20} {cells[0]:>9} {cells[1]:>9}", flush=True)
    print(*notes, sep="\n")


def _cell(name: str, side: str, calls: int, notes: list[str]) -> str:
    cls = installed()[name]
    activation = getattr(cls, "__facade_activation__", None)
    if activation is not None and side not in activation.group:
        return ""

    def make() -> facade.Filter:
        return cls.configure(facade.FilterSettings(SETTINGS.get(name, {})))

    try:
        return f"{asyncio.run(cost_where_it_stands(make, side, calls)):.2f}"
    except Exception as error:  # one that wants more than we know must not end the table
        notes.append(f"{name} ({side}): {type(error).__name__}: {error}")
        return "-"


if __name__ == "__main__":
    main()
