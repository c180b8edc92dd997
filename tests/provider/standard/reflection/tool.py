"""What asks grpc.reflection, and reads the answers into a pool."""

import grpc
import grpc.aio
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import reflection_pb2

Request = reflection_pb2.ServerReflectionRequest
Response = reflection_pb2.ServerReflectionResponse

STANDARD = [
    "facade.v1.Facade",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
]


class Tool:
    """What asks, a question for a stream."""

    def __init__(self, channel, version="v1"):
        # The packages have stubs of v1alpha alone; the messages are the same.
        self._call = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=Request.SerializeToString,
            response_deserializer=Response.FromString,
        )

    def open(self):
        return self._call(timeout=20)

    async def ask(self, **question):
        stream = self.open()
        await stream.write(Request(**question))
        await stream.done_writing()
        answer = await stream.read()
        assert await stream.read() is grpc.aio.EOF
        assert answer.original_request == Request(**question)
        return answer

    async def services(self):
        listed = (await self.ask(list_services="")).list_services_response
        return [service.name for service in listed.service]

    async def files(self, **question):
        answer = await self.ask(**question)
        found = answer.file_descriptor_response.file_descriptor_proto
        assert found, answer
        return [FileDescriptorProto.FromString(file) for file in found]

    async def pool(self, symbol):
        """What a tool knows then, and nothing else."""
        pool = DescriptorPool()
        files = await self.files(file_containing_symbol=symbol)
        for file in reversed(files):
            _add(pool, file, {f.name: f for f in files})
        return pool

    async def error(self, **question):
        answer = (await self.ask(**question)).error_response
        return grpc_code(answer.error_code), answer.error_message


def grpc_code(number):
    return next(code for code in grpc.StatusCode if code.value[0] == number)


def _add(pool, file, files):
    try:
        pool.FindFileByName(file.name)
    except KeyError:
        for name in file.dependency:
            _add(pool, files[name], files)
        pool.AddSerializedFile(file.SerializeToString())
