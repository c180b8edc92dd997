"""A stub of grpcio's on an AsyncClient."""

import pytest

from facade import AsyncClient
from tests.greeter.greeter_pb2_grpc import GreeterStub


@pytest.fixture
async def client(target):
    async with AsyncClient(target, timeout=20) as client:
        yield client


@pytest.fixture
def stub(client):
    return GreeterStub(client.channel())
