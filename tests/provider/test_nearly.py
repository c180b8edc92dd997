"""Who gives up shortly before his time is up here has run out of time there."""

import grpc
import pytest

from facade.provider.unary import nearly


async def remaining(request, context):
    return str(context.time_remaining()).encode()


@pytest.fixture
async def clock():
    """Calls that say how long they have, as the provider was told."""
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(remaining)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("clock", {"left": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await channel.channel_ready()
        yield channel.unary_unary("/clock/left")
    await server.stop(0)


@pytest.mark.parametrize("timeout", [9.991, 10.01, 99.91, 100.01, 121.1, 999.1, 1001, 9999, 10001])
async def test_rounded_time_is_near_enough(timeout, clock):
    """gRPC tells a deadline up to 1 % later than it is."""
    told = float(await clock(b"", timeout=timeout))
    assert told - nearly(told) <= timeout


@pytest.mark.parametrize("timeout", [0.001, 0.1, 1, 100])
def test_who_leaves_early_has_left(timeout):
    """In the first half of his time, however short it is."""
    assert nearly(timeout) <= timeout / 2
