"""What a typed service is in a .proto, where a server does not show it yet."""

from collections.abc import Mapping

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from facade.core.method import Method, Parameter
from facade.provider.standard.descriptors import TypedFile


def declared(**facts: object) -> Mapping[str, object]:
    parameters = (Parameter("times", Timestamp),)
    method = Method("demo.Clock", "tick", parameters, Timestamp, **facts)
    file = TypedFile("demo.Clock")
    file.add(method)
    [found] = file.service.method
    assert found.input_type == found.output_type == ".google.protobuf.Timestamp"
    return {"in": found.client_streaming, "out": found.server_streaming}


@pytest.mark.parametrize("streamed", [(), ("times",)])
@pytest.mark.parametrize("yields", [False, True])
def test_streams_are_declared(streamed, yields):
    """A streamed argument is a stream of requests, a streamed value one of answers."""
    assert declared(streamed=streamed, yields=yields) == {"in": bool(streamed), "out": yields}


def test_arguments_beside_a_stream_have_no_place():
    """A method that plain gRPC can't call is not declared."""
    parameters = (Parameter("zone", str), Parameter("times", Timestamp))
    file = TypedFile("demo.Clock")
    file.add(Method("demo.Clock", "set", parameters, None, streamed=("times",)))
    assert not file.service.method
