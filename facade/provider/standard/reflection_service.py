"""grpc.reflection.v1 and v1alpha, over gRPC: what can be called, for tools."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio

from facade.core.errors import Status
from facade.exchange.envelope import parse
from facade.provider.standard.files import Files
from facade.provider.standard.messages import message

NAMES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


class Reflection:
    """Answers ``ServerReflectionInfo`` of one version.

    ``files`` gives what there is as of now. ``stopped`` is set when the server stops, and
    ends the streams.
    """

    def __init__(self, name: str, files: Callable[[], Files], stopped: asyncio.Event) -> None:
        package = name.rpartition(".")[0]
        self._request = message(f"{package}.ServerReflectionRequest")
        self._response = message(f"{package}.ServerReflectionResponse")
        self._files = files
        self._stopped = stopped
        self.handler = grpc.method_handlers_generic_handler(
            name, {"ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(self._serve)}
        )

    async def _serve(self, _: Any, context: Any) -> None:
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            while (data := await _first(context.read(), stopped)) is not grpc.aio.EOF:
                if data is None:
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "the provider stops")
                try:
                    request = parse(data, self._request)
                except ValueError as error:
                    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
                    raise
                await context.write(self._answer(request).SerializeToString())
        finally:
            stopped.cancel()

    def _answer(self, request: Any) -> Any:
        response = self._response(valid_host=request.host, original_request=request)
        kind = request.WhichOneof("message_request")
        if kind is None:
            _fail(response, Status.INVALID_ARGUMENT, "the request asks for nothing that is known")
            return response
        asked = getattr(request, kind)
        try:
            getattr(self, f"_{kind}")(asked, response)
        except KeyError:
            what = str(asked).strip().replace("\n", ", ")
            _fail(response, Status.NOT_FOUND, f"{kind.replace('_', ' ')}: {what} is not known")
        return response

    # By the name of what is asked for; KeyError for what is not there.

    def _list_services(self, _: str, response: Any) -> None:
        response.list_services_response.SetInParent()
        for name in self._files().services:
            response.list_services_response.service.add(name=name)

    def _file_by_filename(self, name: str, response: Any) -> None:
        files = self._files().named(name)
        response.file_descriptor_response.file_descriptor_proto.extend(files)

    def _file_containing_symbol(self, symbol: str, response: Any) -> None:
        files = self._files().with_symbol(symbol)
        response.file_descriptor_response.file_descriptor_proto.extend(files)

    def _file_containing_extension(self, asked: Any, response: Any) -> None:
        files = self._files().with_extension(asked.containing_type, asked.extension_number)
        response.file_descriptor_response.file_descriptor_proto.extend(files)

    def _all_extension_numbers_of_type(self, name: str, response: Any) -> None:
        numbers = self._files().extensions(name)
        response.all_extension_numbers_response.base_type_name = name
        response.all_extension_numbers_response.extension_number.extend(numbers)


def _fail(response: Any, status: Status, message: str) -> None:
    response.error_response.error_code = status
    response.error_response.error_message = message


async def _first(reading: Awaitable[Any], stopped: asyncio.Future[Any]) -> Any:
    """What is read; None where it has stopped before."""
    read = asyncio.ensure_future(reading)
    try:
        await asyncio.wait((read, stopped), return_when=asyncio.FIRST_COMPLETED)
        return read.result() if read.done() else None
    finally:
        read.cancel()
