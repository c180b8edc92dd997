"""python -m examples.tour"""

import argparse
import asyncio
from itertools import chain

from examples.tour import calls, context, deadlines, failures, lifecycle, page, services
from examples.tour.guest import Guest

GROUPS = [calls, context, deadlines, failures, services, lifecycle]


async def tour(port: str) -> int:
    """All stops; their number. Raises what went wrong at one."""
    print("A tour of facade. A guest (this process) calls a waiter and a kitchen, which are")
    print("providers in processes of their own. All that follows comes from real calls.")
    async with Guest(port) as guest:
        number = 0
        for number, stop in enumerate(chain.from_iterable(g.STOPS for g in GROUPS), 1):
            page.introduce(number, stop)
            await stop(guest)
    return number


def main() -> None:
    parser = argparse.ArgumentParser(prog="examples.tour", description="What a call can do.")
    parser.add_argument("--no-speed", action="store_true", help="leave the comparison out")
    parser.add_argument("--port", default="", help="the kitchen's (default: one that is free)")
    options = parser.parse_args()
    stops = asyncio.run(tour(options.port))
    if not options.no_speed:
        from examples.tour import speed  # it needs benchmarks/

        stops += 1
        page.introduce(stops, speed.compare)
        speed.compare()
    print(f"\nThat was the tour: {stops} stops, and each found what it tells.")


if __name__ == "__main__":
    main()
