"""Each limit holds, and an error names it with its value."""

import asyncio

import pytest

import facade
from facade import Sent, Status
from facade.exchange.room import Room
from tests.security.conftest import Vault, invocation
from tests.security.corpus import envelope


async def until(condition):
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


# Calls in total


async def test_calls_in_total(serving, vault):
    """Over streams, unary and native calls together; a place that is free again is given again."""
    target = await serving(limits=facade.Limits(max_calls_total=3))
    async with (
        facade.AsyncClient(target, timeout=20, connections=1) as one,
        facade.AsyncClient(target, timeout=20, unary=True) as two,
        facade.AsyncClient(target, timeout=20, native=True) as three,
        facade.AsyncClient(target, timeout=20, connections=1) as four,
    ):
        clients = (one, two, three)
        running = [asyncio.ensure_future(c.refer(Vault).wait()) for c in clients]
        await until(lambda: vault.waiting == 3)
        for client in (*clients, four):
            with pytest.raises(facade.LimitExceeded, match=r"3 calls .* max_calls_total") as caught:
                await client.refer(Vault).echo("x")
            assert client is three or caught.value.sent is Sent.NOT_EXECUTED
        vault.released.set()
        assert await asyncio.gather(*running) == ["done"] * 3
        assert [await c.refer(Vault).echo("x") for c in (*clients, four)] == ["x"] * 4


def test_places_are_never_more_than_there_are():
    """Whoever takes them, in whatever steps, and however many carriers come and go."""
    room, counts = Room(100), [0, 0, 0]
    shares = [room.share(lambda n=n: counts[n]) for n in range(3)]
    for turn in range(1000):
        one = (turn * 7) % 3
        if turn % 5 == 4 and counts[one]:
            counts[one] -= 1
        elif not shares[one].full():
            counts[one] += 1
        assert sum(counts) <= 100
    while not shares[0].full():
        counts[0] += 1
    assert sum(counts) == 100
    counts[:] = [0, 0, 0]
    shares[0].close()
    taken = 0
    while not shares[1].full():
        counts[1] += 1
        taken += 1
    assert taken == 100


def test_a_share_has_its_own_limit():
    """That of a connection, within that of all."""
    room, count = Room(100), [0]
    share = room.share(lambda: count[0], 5)
    while not share.full():
        count[0] += 1
    assert count == [5]
    assert "max_calls of" in str(share.refusal("x"))


def test_carriers_that_are_gone_leave_nothing():
    """Neither those that never had a call, nor one whose last call ends after it."""
    room, running = Room(100), [1]
    late = room.share(lambda: running[0])
    assert late.grow()
    for _ in range(100):
        room.share(lambda: 0).close()
    assert room._shares == {late}
    late.close()
    running[0] = 0
    other, taken = room.share(lambda: taken), 0
    while not other.full():
        taken += 1
    assert taken == 100
    assert room._shares == {other}


# Idle


async def test_an_idle_connection_is_ended_in_peace(serving):
    """By the server; the next call makes another."""
    ended = asyncio.Event()
    errors = []

    def gone(peer, error):
        errors.append(error)
        loop.call_soon_threadsafe(ended.set)

    loop = asyncio.get_running_loop()
    target = await serving(limits=facade.Limits(idle=0.1))
    async with facade.AsyncClient(target, timeout=20, on_disconnect=gone) as client:
        assert await client.refer(Vault).echo("x") == "x"
        await ended.wait()
        assert errors == [None]
        assert await client.refer(Vault).echo("y") == "y"


async def test_a_client_may_end_its_own(serving):
    """The same setting there."""
    target = await serving(limits=facade.Limits())
    limits = facade.Limits(idle=0.1)
    async with facade.AsyncClient(target, timeout=20, limits=limits) as client:
        assert await client.refer(Vault).echo("x") == "x"
        await until(lambda: not client.available)
        assert await client.refer(Vault).echo("y") == "y"


async def test_a_call_keeps_a_connection(serving, vault):
    """However long it takes."""
    target = await serving(limits=facade.Limits(idle=0.02))
    async with facade.AsyncClient(target, timeout=20) as client:
        running = asyncio.ensure_future(client.refer(Vault).wait())
        await until(lambda: vault.waiting == 1)
        await asyncio.sleep(0.1)
        assert client.available
        vault.released.set()
        assert await running == "done"


# Handshake


async def test_handshake_timeout_is_named(attack):
    """Who says nothing is sent away."""
    hostile = attack(limits=facade.Limits(handshake_timeout=0.02))
    assert await hostile.status() is Status.UNAVAILABLE
    assert "handshake_timeout" in str(hostile.connection.error)


# Streams of gRPC


async def test_max_streams(serving, vault):
    """More of them wait at the consumer until there is room."""
    target = await serving(limits=facade.Limits(max_streams=2))
    async with facade.AsyncClient(target, timeout=20, unary=True, describe=False) as client:
        running = [asyncio.ensure_future(client.refer(Vault).wait()) for _ in range(3)]
        await until(lambda: vault.waiting == 2)
        await asyncio.sleep(0.05)
        assert vault.waiting == 2
        vault.released.set()
        assert await asyncio.gather(*running) == ["done"] * 3


# Settings


@pytest.mark.parametrize("name", facade.Limits.__struct_fields__)
@pytest.mark.parametrize("wrong", [-1, "many", None, True])
def test_a_wrong_limit_is_an_error(name, wrong):
    """Where it is made, with its name."""
    with pytest.raises((TypeError, ValueError), match=name):
        facade.Limits(**{name: wrong})


async def test_no_limits(joined):
    """0 is none, where there may be none."""
    names = set(facade.Limits.__struct_fields__) - {"handshake_timeout"}
    hostile = await joined(limits=facade.Limits(**dict.fromkeys(names, 0)))
    call = invocation(1, "any", 1)
    for number in range(5000):
        call.invocation.attachments[str(number)] = "x"
    await hostile.send(call)
    assert (await hostile.until("result", 1)).result.msgpack
    await hostile.send(envelope(0, ping={}))
    await hostile.until("pong")
