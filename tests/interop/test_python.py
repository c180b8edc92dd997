"""The provider that the programs of other languages call, called from here."""

from importlib.metadata import version

import facade
from examples.interop.interface import Greeter


async def test_provider(provider, report):
    """What the other languages are to see."""
    async with facade.AsyncClient(provider, timeout=50.0) as client:
        greeter = client.refer(Greeter)
        assert await greeter.hello("Ann") == "Hello Ann"
        assert await greeter.add(2, 3) == 5
        facade.RpcContext.client_attachments()["shop"] = "north"
        assert (await greeter.baggage())["shop"] == "north"
        assert facade.RpcContext.response_attachments()["seen-by"] == "python"
    report("python", version("facade-rpc"), "typed calls, attachments")
