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


async def test_channelz_tells_of_the_server(serve):
    """The server is there, with a socket for each connection."""
    _, channel = await serve(channelz=True)
    stub = channelz_pb2_grpc.ChannelzStub(channel)
    found = await stub.GetServers(channelz_pb2.GetServersRequest())
    ours = max(found.server, key=lambda server: server.ref.server_id)
    sockets = await stub.GetServerSockets(
        channelz_pb2.GetServerSocketsRequest(server_id=ours.ref.server_id)
    )
    assert len(sockets.socket_ref) == 1


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
