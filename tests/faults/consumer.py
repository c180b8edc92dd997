"""A consumer with a call that hangs, in a process that a scenario may freeze.

python -m tests.faults.consumer TARGET SETTINGS
"""

import asyncio
import json
import sys

import facade
from tests.faults.work import Work


async def main(target: str, settings: dict[str, float]) -> None:
    async with facade.AsyncClient(target, timeout=600, **settings) as client:  # type: ignore[arg-type]
        await client.refer(Work).hang("held")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
