"""``facade ping``: is a provider there, and how far away."""

from time import perf_counter
from typing import Annotated, Any

import typer

from facade.cli import failure
from facade.cli.provider import PATIENCE, Target, connected, described
from facade.cli.tls import Tls
from facade.core.errors import RpcError, Unimplemented


def ping(
    target: Target,
    count: Annotated[int, typer.Option("-c", "--count", min=1, help="How many round trips.")] = 4,
    tls: Tls = None,
) -> None:
    """Connect, and measure round trips over the stream that calls take.

    Exit code 1 where the provider can't be reached.
    """

    async def work() -> None:
        start = perf_counter()
        try:
            async with connected(target, tls) as client:
                typer.echo(f"connected to {client.target} in {_ms(perf_counter() - start)}")
                services = (await described(client)).services
                # Of a service that is not there we hear so, which is an answer as good as another.
                key: dict[str, Any] = {"service": "facade.Ping"}
                if services:
                    first = services[0]
                    key = {"service": first.name, "group": first.group, "version": first.version}
                echo = client.generic(**key).method("$echo").options(timeout=PATIENCE)
                _sum_up([await _round_trip(echo, number) for number in range(1, count + 1)])
        except RpcError as error:
            failure.fail(failure.told(error))

    failure.run(work())


async def _round_trip(echo: Any, number: int) -> float:
    start = perf_counter()
    try:
        await echo("OK")
    except RpcError as error:  # a filter may refuse it: it is there all the same
        if not error.remote and not isinstance(error, Unimplemented):
            raise
    taken = perf_counter() - start
    typer.echo(f"round trip {number}: {_ms(taken)}")
    return taken


def _sum_up(taken: list[float]) -> None:
    average = sum(taken) / len(taken)
    typer.echo(
        f"{len(taken)} round trips: min {_ms(min(taken))}, avg {_ms(average)}, "
        f"max {_ms(max(taken))}"
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3f} ms"
