"""A call to list endpoints for, and what the tests look at then."""

import asyncio

from facade.testing import invocation

CALL = invocation()


def addresses(endpoints):
    return [endpoint.address for endpoint in endpoints]


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)
