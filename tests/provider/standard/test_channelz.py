"""grpc.channelz.v1, by the official package."""

import importlib.util

import grpc
import grpc.aio
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc

import facade

NAME = "grpc.channelz.v1.Channelz"


async def test_channelz_is_off_unless_wanted(serve):
    """It tells of the whole process, so nobody has it by accident."""
    _, channel = await serve()
    stub = channelz_pb2_grpc.ChannelzStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetServers(channelz_pb2.GetServersRequest())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def sockets_of(stub, server):
    """How many it has. None, where it has gone since: it may be an earlier test's."""
    request = channelz_pb2.GetServerSocketsRequest(server_id=server.ref.server_id)
    try:
        return len((await stub.GetServerSockets(request)).socket_ref)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return 0


async def test_channelz_tells_of_the_server(serve):
    """The server is there, and the connection by which it is asked."""
    _, channel = await serve(channelz=True)
    stub = channelz_pb2_grpc.ChannelzStub(channel)
    request = channelz_pb2.GetServersRequest()
    connected = 0
    while True:
        found = await stub.GetServers(request)
        for server in found.server:
            connected += await sockets_of(stub, server)
        if found.end:
            break
        request.start_server_id = found.server[-1].ref.server_id + 1
    assert connected


def test_missing_package_is_named_at_once(monkeypatch):
    """Where it is not installed, the server is not even made; the error names the extra."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "facade.provider.standard.channelz_service.find_spec",
        lambda name: None if name == "grpc_channelz" else find(name),
    )
    facade.Server()
    with pytest.raises(ImportError, match=r"pip install 'facade-rpc\[channelz\]'"):
        facade.Server(channelz=True)
