"""Native calls that are refused."""

from types import SimpleNamespace

import grpc
import pytest

import facade


@facade.service("demo.Bell")
class Bell:
    async def ring(self) -> int: ...


class Counting(Bell):
    rung = 0

    async def ring(self):
        self.rung += 1
        return self.rung


class Gone:
    """The context of a call whose caller has left."""

    async def abort(self, *outcome):
        raise grpc.aio.InternalError("the call is over")

    def peer(self):
        return "ipv4:127.0.0.1:1"

    def auth_context(self):
        return {}

    def invocation_metadata(self):
        return ()

    def time_remaining(self):
        return None

    def set_trailing_metadata(self, trailing):
        """It goes nowhere."""


@pytest.fixture
def server():
    bell = Counting()
    server = facade.Server("127.0.0.1:0", limits=facade.Limits(max_calls_total=1))
    server.export(Bell, bell)
    return server, bell


def stop(native):
    native.stopping = "the provider stops"


def fill(native):
    native._share.grow()
    native._tasks.add(None)


@pytest.mark.parametrize("why", [stop, fill])
async def test_call_whose_caller_has_left(server, why):
    """It is not made all the same, though there is nobody to tell of the refusal."""
    server, bell = server
    details = SimpleNamespace(method="/demo.Bell/ring", invocation_metadata=())
    native = server._native.calls
    handler = native.service(details)
    why(native)
    await handler.unary_unary(b"", Gone())
    assert not bell.rung
