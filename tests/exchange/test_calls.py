"""Calls on a stream: answered, oneway, cancelled, and too large."""

import asyncio

import pytest

import facade
from facade import Status
from facade.codec import decode_plain


async def test_answers_of_one_frame(joined, envelope):
    """Each call of a frame is answered under its id."""
    _, hand = await joined()
    await hand.send(*(envelope.invocation(id, "echo", str(id)) for id in (1, 3, 5)))
    answers = [await hand.receive() for _ in range(3)]
    assert {a.id: decode_plain(a.result.msgpack) for a in answers} == {1: "1", 3: "3", 5: "5"}


async def test_more_calls_than_the_reader_hands_out_at_once(joined, envelope):
    """A frame of very many calls is served whole."""
    _, hand = await joined()
    ids = range(1, 1001, 2)
    await hand.send(*(envelope.invocation(id) for id in ids))
    assert {(await hand.receive()).id for _ in ids} == set(ids)


async def test_oneway_call_is_not_answered(joined, envelope):
    """The answer that comes is that of the call after it."""
    _, hand = await joined()
    oneway = envelope.invocation(1)
    oneway.invocation.oneway = True
    await hand.send(oneway)
    await hand.send(envelope.invocation(3))
    assert (await hand.receive()).id == 3


async def test_cancel_of_a_running_call(joined, envelope, work):
    """It cancels the method, and no answer comes."""
    _, hand = await joined()
    await hand.send(envelope.invocation(1, "work"))
    await work.started.wait()
    await hand.send(envelope.empty("cancel", id=1))
    await work.cancelled.wait()
    await hand.send(envelope.invocation(3))
    assert (await hand.receive()).id == 3


async def test_cancel_of_no_call(joined, envelope):
    """It is nothing: the call may have ended meanwhile."""
    _, hand = await joined()
    await hand.send(envelope.invocation(1))
    assert (await hand.receive()).id == 1
    await hand.send(
        envelope.empty("cancel", id=1), envelope.empty("cancel", id=99), envelope.invocation(101)
    )
    assert (await hand.receive()).id == 101


async def test_arguments_that_are_garbage(joined, envelope):
    """They fail that call, and not the stream."""
    _, hand = await joined()
    broken = envelope.invocation(1)
    broken.invocation.msgpack = b"\xc1"
    await hand.send(broken, envelope.invocation(3))
    answers = {answer.id: answer.result for answer in [await hand.receive(), await hand.receive()]}
    assert answers[1].error.status == Status.INVALID_ARGUMENT
    assert decode_plain(answers[3].msgpack) == "hi"


async def test_answer_larger_than_the_consumer_accepts(provider, envelope):
    """The limit that the consumer's setup states is kept: that call gets an error instead."""
    _, hand = provider()
    await hand.send(envelope.setup(max_message_bytes=1000))
    await hand.receive()
    await hand.send(envelope.invocation(1, "echo", "x" * 2000), envelope.invocation(3))
    answers = {answer.id: answer.result for answer in [await hand.receive(), await hand.receive()]}
    assert answers[1].error.status == Status.RESOURCE_EXHAUSTED
    assert "1000" in answers[1].error.message
    assert decode_plain(answers[3].msgpack) == "hi"


async def test_cancel_of_a_call_that_was_sent(consumer):
    """The provider is told, under its id."""
    _, worker, transport = consumer()
    call = worker.work.future()
    hand = await transport.accept()
    id = (await hand.receive()).id
    call.cancel()
    cancel = await hand.receive()
    assert (cancel.WhichOneof("kind"), cancel.id) == ("cancel", id)


async def test_cancel_of_a_call_before_it_was_written(consumer, envelope, calls_under_way):
    """Nothing of it is ever sent."""
    client, worker, transport = consumer()
    ready = asyncio.create_task(client.ready(20))
    hand = await transport.accept()
    await ready
    transport.gate.clear()
    first = worker.echo.future("a")
    await transport.held.wait()
    second = worker.echo.future("b")
    await calls_under_way(client, 2)
    second.cancel()
    await calls_under_way(client, 1)
    third = worker.echo.future("c")
    await calls_under_way(client, 2)
    transport.gate.set()
    received = [await hand.receive() for _ in range(2)]
    assert [decode_plain(each.invocation.msgpack) for each in received] == [["a"], ["c"]]
    await hand.send(*(envelope.result(each.id, "answer") for each in received))
    assert await asyncio.gather(first, third) == ["answer", "answer"]


@pytest.mark.parametrize(
    "error", [facade.RpcError("no", details=["text"]), facade.RpcError("no", code="busy")]
)
async def test_error_that_can_t_be_told(joined, envelope, work, error, caplog):
    """One that a filter made of what can't travel: its caller does not wait in vain."""
    find = work.find

    def refuse(invocation):
        raise error

    _, hand = await joined()
    work.find = refuse
    await hand.send(envelope.invocation(1))
    answer = (await hand.receive()).result.error
    assert answer.status == facade.Status.INTERNAL
    assert "a RpcError that can't be told" in answer.message
    assert "can't be told as it is" in caplog.text
    work.find = find
    await hand.send(envelope.invocation(3))
    assert (await hand.receive()).id == 3
