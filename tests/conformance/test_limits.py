"""Messages that are too large: only that call fails. Within a process there are no messages."""

import asyncio

import pytest

import facade

pytestmark = pytest.mark.parametrize(
    "wire", ["memory", "stream", "unary", "blocking"], indirect=True
)

# Bytes that one message may have.
LIMIT = 64 * 1024


@facade.service("limits.Store")
class Store:
    async def put(self, data: bytes) -> bytes: ...

    async def get(self, size: int) -> str: ...


class StoreImpl(Store):
    async def put(self, data: bytes) -> bytes:
        return b"%d" % len(data)

    async def get(self, size: int) -> str:
        return "x" * size


async def store(wire, *, client=LIMIT, server=LIMIT):
    provider = await wire.provide((Store, StoreImpl()), max_message_size=server)
    return wire.connect(provider, max_message_size=client).refer(Store)


async def test_request_that_is_too_large(wire):
    """It fails before it is sent, names method and limit, and the next call works."""
    service = await store(wire)
    with pytest.raises(facade.LimitExceeded) as raised:
        await wire.call(service.put, bytes(3 * LIMIT))
    assert raised.value.sent is facade.Sent.NOT_SENT
    assert "limits.Store.put" in str(raised.value)
    assert str(LIMIT) in str(raised.value)
    assert "max_message_size" in str(raised.value)
    assert await wire.call(service.put, b"abc") == b"3"


async def test_answer_that_is_too_large(wire):
    """Its caller is told, and the next call works."""
    service = await store(wire)
    with pytest.raises(facade.LimitExceeded):
        await wire.call(service.get, 3 * LIMIT)
    assert await wire.call(service.get, 3) == "xxx"


async def test_message_of_an_answer_that_is_too_large(wire):
    """It names the method, the limit and what to set."""
    service = await store(wire)
    with pytest.raises(facade.LimitExceeded) as raised:
        await wire.call(service.get, 3 * LIMIT)
    for part in ("limits.Store.get", str(LIMIT), "max_message_size"):
        assert part in str(raised.value)


async def test_message_just_below_the_limit(wire):
    """It passes in either direction."""
    service = await store(wire)
    size = LIMIT - 1024
    assert await wire.call(service.put, bytes(size)) == b"%d" % size
    assert await wire.call(service.get, size) == "x" * size


async def test_provider_takes_less_than_the_consumer_sends(wire):
    """The smaller limit of the two holds for requests: only that call fails."""
    service = await store(wire, client=10 * LIMIT)
    with pytest.raises(facade.LimitExceeded):
        await wire.call(service.put, bytes(3 * LIMIT))
    assert await wire.call(service.put, b"abc") == b"3"


async def test_consumer_takes_less_than_the_provider_sends(wire):
    """The smaller limit of the two holds for answers: only that call fails."""
    service = await store(wire, server=10 * LIMIT)
    with pytest.raises(facade.LimitExceeded):
        await wire.call(service.get, 3 * LIMIT)
    assert await wire.call(service.get, 3) == "xxx"


async def test_others_go_on_beside_a_message_that_is_too_large(wire):
    """Calls that are under way at the time are not harmed."""
    service = await store(wire)
    calls = [wire.start(service.get, 1000) for _ in range(4)]
    with pytest.raises(facade.LimitExceeded):
        await wire.call(service.get, 3 * LIMIT)
    calls += [wire.start(service.get, 1000) for _ in range(4)]
    assert [len(await call) for call in calls] == [1000] * 8


async def test_many_small_ones_together(wire):
    """Those that are small enough each do not become too large by being sent at once."""
    service = await store(wire, client=4000, server=4000)
    answers = await asyncio.gather(*(wire.call(service.get, 1000) for _ in range(50)))
    assert answers == ["x" * 1000] * 50
    answers = await asyncio.gather(*(wire.call(service.put, bytes(1000)) for _ in range(50)))
    assert answers == [b"1000"] * 50
