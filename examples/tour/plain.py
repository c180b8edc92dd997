"""A consumer without the library: gRPC and the messages of protos/, as in any language."""

import json

import grpc.aio
from google.protobuf import json_format

from facade.v1 import invocation_pb2


async def invoke(
    address: str, service: str, method: str, *arguments: object, milliseconds: int = 0
) -> invocation_pb2.Result:
    """One unary call, its arguments in JSON. ``milliseconds``: the time it says it has left."""
    request = invocation_pb2.Invocation(
        service=service, method=method, time_left_us=milliseconds * 1000
    )
    json_format.Parse(json.dumps(arguments), request.value)
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary(
            "/facade.v1.Facade/Invoke",
            request_serializer=invocation_pb2.Invocation.SerializeToString,
            response_deserializer=invocation_pb2.Result.FromString,
        )
        result: invocation_pb2.Result = await call(request, timeout=10)
    return result
