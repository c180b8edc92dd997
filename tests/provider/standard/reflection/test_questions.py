"""What tools ask grpc.reflection, and how long it answers."""

import asyncio

import grpc
import grpc.aio
import pytest
from grpc_reflection.v1alpha import reflection_pb2_grpc

from tests.provider.standard.reflection.tool import STANDARD, Request, Tool


async def test_official_stub_is_answered(serve):
    """The stub of v1alpha in the official package reaches it."""
    _, channel = await serve()
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    stream = stub.ServerReflectionInfo(iter([Request(host="here", list_services="*")]))
    answer = await stream.read()
    assert answer.valid_host == "here"
    assert [s.name for s in answer.list_services_response.service] == STANDARD


async def test_method_is_a_symbol(tool):
    """Tools also ask for the full name of a method, of typed and of generated services."""
    for symbol, file in (
        ("demo.Greeter.hello", "facade/exported/demo.Greeter.proto"),
        ("facade.v1.Facade.Invoke", "facade/v1/exchange.proto"),
        ("facade.v1.Invocation", "facade/v1/invocation.proto"),
    ):
        assert (await tool.files(file_containing_symbol=symbol))[0].name == file


async def test_file_is_found_by_its_name(tool):
    """It comes with all that it imports, each once."""
    names = [
        file.name
        for file in await tool.files(file_by_filename="facade/exported/demo.clock.Clock.proto")
    ]
    assert names[0] == "facade/exported/demo.clock.Clock.proto"
    assert sorted(names[1:]) == [
        f"google/protobuf/{n}.proto" for n in ("empty", "struct", "timestamp")
    ]
    names = [f.name for f in await tool.files(file_by_filename="facade/v1/exchange.proto")]
    assert len(names) == len(set(names)) == 5


async def test_what_is_not_there_is_an_answer_too(tool):
    """NOT_FOUND for a name, INVALID_ARGUMENT for no question; the stream goes on."""
    for question in (
        {"file_by_filename": "no.proto"},
        {"file_containing_symbol": "demo.Nobody"},
        {"file_containing_symbol": ""},
        {"all_extension_numbers_of_type": "demo.Nobody"},
        {
            "file_containing_extension": {
                "containing_type": "facade.v1.Frame",
                "extension_number": 9,
            }
        },
    ):
        code, message = await tool.error(**question)
        assert code is grpc.StatusCode.NOT_FOUND
        assert "is not known" in message
    assert (await tool.error())[0] is grpc.StatusCode.INVALID_ARGUMENT


async def test_one_stream_takes_many_questions(tool):
    """The stream is a conversation: it ends when the tool has no more to ask."""
    stream = tool.open()
    for _ in range(3):
        await stream.write(Request(file_containing_symbol="demo.Nobody"))
        assert (await stream.read()).HasField("error_response")
        await stream.write(Request(file_containing_symbol="demo.Greeter"))
        assert (await stream.read()).HasField("file_descriptor_response")
    await stream.done_writing()
    assert await stream.read() is grpc.aio.EOF
    assert await stream.code() is grpc.StatusCode.OK


async def test_extensions_of_a_message(tool):
    """Ours have none; of generated code those that are loaded."""
    answer = await tool.ask(all_extension_numbers_of_type="facade.v1.Frame")
    numbers = answer.all_extension_numbers_response
    assert (numbers.base_type_name, list(numbers.extension_number)) == ("facade.v1.Frame", [])


async def test_stop_ends_the_streams_of_tools(serve):
    """A tool that stays connected does not keep a server from stopping."""
    server, channel = await serve()
    stream = Tool(channel).open()
    await stream.write(Request(list_services=""))
    await stream.read()
    reading = asyncio.ensure_future(stream.read())
    await server.stop(grace=600)
    with pytest.raises(grpc.aio.AioRpcError, match="the provider stops") as caught:
        await reading
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_what_is_no_request_is_refused(serve):
    """Bytes that are no message get INVALID_ARGUMENT."""
    _, channel = await serve()
    stream = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")()
    await stream.write(b"\xff")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
