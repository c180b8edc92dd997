"""The messages of grpc.health.v1 and grpc.reflection, as their .proto files have them.

They are in a pool of descriptors of their own: in the default one they would clash with
those of grpcio-health-checking and grpcio-reflection, where a user has these too.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

STRING = FieldDescriptorProto.TYPE_STRING
BYTES = FieldDescriptorProto.TYPE_BYTES
INT32 = FieldDescriptorProto.TYPE_INT32


def health_file() -> FileDescriptorProto:
    """grpc/health/v1/health.proto"""
    file = _file("grpc/health/v1/health.proto", "grpc.health.v1")
    _field(_message(file, "HealthCheckRequest"), "service", 1, STRING)
    response = _message(file, "HealthCheckResponse")
    status = response.enum_type.add(name="ServingStatus")
    for number, name in enumerate(("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")):
        status.value.add(name=name, number=number)
    kind = f".{file.package}.HealthCheckResponse"
    response.field.add(
        name="status",
        number=1,
        label=FieldDescriptorProto.LABEL_OPTIONAL,
        type=FieldDescriptorProto.TYPE_ENUM,
        type_name=f"{kind}.ServingStatus",
    )
    _message(file, "HealthListRequest")
    listed = _message(file, "HealthListResponse")
    entry = listed.nested_type.add(name="StatusesEntry")
    entry.options.map_entry = True
    _field(entry, "key", 1, STRING)
    _field(entry, "value", 2, kind)
    _field(listed, "statuses", 1, f".{file.package}.HealthListResponse.StatusesEntry", many=True)
    service = file.service.add(name="Health")
    for name, noun in (("Check", "Check"), ("List", "List"), ("Watch", "Check")):
        service.method.add(
            name=name,
            input_type=f".{file.package}.Health{noun}Request",
            output_type=f".{file.package}.Health{noun}Response",
            server_streaming=True if name == "Watch" else None,
        )
    return file


def reflection_file(version: str) -> FileDescriptorProto:
    """grpc/reflection/v1/reflection.proto, or that of v1alpha: they differ by the package."""
    file = _file(f"grpc/reflection/{version}/reflection.proto", f"grpc.reflection.{version}")
    package = f".{file.package}"

    request = _message(file, "ServerReflectionRequest", oneof="message_request")
    _field(request, "host", 1, STRING)
    _field(request, "file_by_filename", 3, STRING, choice=True)
    _field(request, "file_containing_symbol", 4, STRING, choice=True)
    _field(request, "file_containing_extension", 5, f"{package}.ExtensionRequest", choice=True)
    _field(request, "all_extension_numbers_of_type", 6, STRING, choice=True)
    _field(request, "list_services", 7, STRING, choice=True)

    extension = _message(file, "ExtensionRequest")
    _field(extension, "containing_type", 1, STRING)
    _field(extension, "extension_number", 2, INT32)

    response = _message(file, "ServerReflectionResponse", oneof="message_response")
    _field(response, "valid_host", 1, STRING)
    _field(response, "original_request", 2, f"{package}.ServerReflectionRequest")
    for number, (name, kind) in enumerate(
        (
            ("file_descriptor_response", "FileDescriptorResponse"),
            ("all_extension_numbers_response", "ExtensionNumberResponse"),
            ("list_services_response", "ListServiceResponse"),
            ("error_response", "ErrorResponse"),
        ),
        start=4,
    ):
        _field(response, name, number, f"{package}.{kind}", choice=True)

    files = _message(file, "FileDescriptorResponse")
    _field(files, "file_descriptor_proto", 1, BYTES, many=True)
    numbers = _message(file, "ExtensionNumberResponse")
    _field(numbers, "base_type_name", 1, STRING)
    _field(numbers, "extension_number", 2, INT32, many=True)
    listed = _message(file, "ListServiceResponse")
    _field(listed, "service", 1, f"{package}.ServiceResponse", many=True)
    _field(_message(file, "ServiceResponse"), "name", 1, STRING)
    error = _message(file, "ErrorResponse")
    _field(error, "error_code", 1, INT32)
    _field(error, "error_message", 2, STRING)

    file.service.add(name="ServerReflection").method.add(
        name="ServerReflectionInfo",
        input_type=f"{package}.ServerReflectionRequest",
        output_type=f"{package}.ServerReflectionResponse",
        client_streaming=True,
        server_streaming=True,
    )
    return file


def _file(name: str, package: str) -> FileDescriptorProto:
    return FileDescriptorProto(name=name, package=package, syntax="proto3")


def _message(file: FileDescriptorProto, name: str, *, oneof: str = "") -> DescriptorProto:
    message = file.message_type.add(name=name)
    if oneof:
        message.oneof_decl.add(name=oneof)
    return message


def _field(
    message: DescriptorProto,
    name: str,
    number: int,
    kind: FieldDescriptorProto.Type.ValueType | str,
    *,
    many: bool = False,
    choice: bool = False,
) -> None:
    """``kind``: of a scalar its type, of a message its name. ``choice``: in the oneof."""
    label = FieldDescriptorProto.LABEL_REPEATED if many else FieldDescriptorProto.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, label=label)
    if isinstance(kind, str):
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, kind
    else:
        field.type = kind
    if choice:
        field.oneof_index = 0


POOL = DescriptorPool()
for _each in (health_file(), reflection_file("v1"), reflection_file("v1alpha")):
    POOL.AddSerializedFile(_each.SerializeToString())


def message(name: str) -> Any:
    """The class of a message by its full name."""
    return GetMessageClass(POOL.FindMessageTypeByName(name))
