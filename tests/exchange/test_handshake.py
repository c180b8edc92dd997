"""How a stream begins: each end says setup, and then it is used."""

import pytest

import facade
from facade import Status
from facade.codec import decode_plain


async def test_setup_is_answered(provider, envelope):
    """The provider's own comes back, with what it accepts and who it is."""
    connection, hand = provider(application="shop", max_message_size=5000)
    await hand.send(envelope.setup(application="till"))
    answer = (await hand.receive()).setup
    assert (answer.version, answer.max_message_bytes) == (1, 5000)
    assert answer.application == "shop"
    assert connection.peer.application == "till"
    assert connection.usable


async def test_first_envelope_must_be_setup(provider, envelope, work):
    """A call before it ends the stream, and is not started."""
    connection, hand = provider()
    await hand.send(envelope.invocation(1, "work"))
    error = await hand.error()
    assert error.status is Status.INVALID_ARGUMENT
    assert "must be setup, not invocation" in error.message
    await connection.closed.wait()
    assert not work.started.is_set()


async def test_setup_of_another_version(provider, envelope):
    """It ends the stream with FAILED_PRECONDITION, and both versions are named."""
    _, hand = provider()
    await hand.send(envelope.setup(version=2))
    error = await hand.error()
    assert error.status is Status.FAILED_PRECONDITION
    assert "version 1" in error.message
    assert "not 2" in error.message


async def test_setup_comes_once(joined, envelope):
    """A second one ends the stream."""
    _, hand = await joined()
    await hand.send(envelope.setup())
    error = await hand.error()
    assert error.status is Status.INVALID_ARGUMENT
    assert "setup comes once" in error.message


async def test_no_setup_in_time(provider):
    """A consumer that says nothing is hung up on."""
    connection, hand = provider(limits=facade.Limits(handshake_timeout=0.05))
    error = await hand.error()
    assert error.status is Status.UNAVAILABLE
    assert "sent no setup within 0.05 s" in error.message
    assert connection.closed.is_set()


async def test_provider_of_another_version(consumer):
    """The consumer does not use it, and says why."""
    _, worker, transport = consumer(wait_for_ready=False)
    call = worker.echo.future("hi")
    await transport.accept(version=2)
    with pytest.raises(facade.Unavailable, match="version 1 of the protocol, not 2") as raised:
        await call
    assert raised.value.sent is facade.Sent.NOT_SENT


async def test_calls_of_the_same_frame_as_setup(provider, envelope):
    """A consumer need not wait for the answer before it calls."""
    _, hand = provider()
    await hand.send(envelope.setup(), envelope.invocation(1))
    assert (await hand.receive()).WhichOneof("kind") == "setup"
    assert decode_plain((await hand.receive()).result.msgpack) == "hi"
