"""google.rpc.Status: the code, the message and the typed details of an error, as bytes.

Its class belongs to a package that we do not need for three fields: ours is of another name,
in a pool of its own, and the same on the wire.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError

_Field = descriptor_pb2.FieldDescriptorProto


@cache
def _message() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="facade/status.proto", package="facade", syntax="proto3"
    )
    made = file.message_type.add(name="Status")
    for number, (name, kind, label) in enumerate(
        (
            ("code", _Field.TYPE_INT32, _Field.LABEL_OPTIONAL),
            ("message", _Field.TYPE_STRING, _Field.LABEL_OPTIONAL),
            # Each an Any. That of this pool would be another class than everybody's.
            ("details", _Field.TYPE_BYTES, _Field.LABEL_REPEATED),
        ),
        start=1,
    ):
        made.field.add(name=name, number=number, type=kind, label=label)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("facade.Status"))


def encode_status(code: int, message: str, details: Iterable[Any]) -> bytes:
    """``details`` are messages of google.protobuf.Any."""
    packed = [detail.SerializeToString() for detail in details]
    data: bytes = _message()(code=code, message=message, details=packed).SerializeToString()
    return data


def decode_details(data: bytes) -> tuple[Any, ...]:
    """The details alone; none of what is no such message."""
    try:
        return tuple(AnyMessage.FromString(part) for part in _message().FromString(data).details)
    except DecodeError:
        return ()
