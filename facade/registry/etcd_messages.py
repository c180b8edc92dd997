"""The messages of etcd's version 3 that are used here, as its rpc.proto and kv.proto have them.

They are in a pool of descriptors of their own: in the default one they would clash with those of
a client of etcd that a user has too.
"""

from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_BYTES = FieldDescriptorProto.TYPE_BYTES
_STRING = FieldDescriptorProto.TYPE_STRING
_INT = FieldDescriptorProto.TYPE_INT64
_BOOL = FieldDescriptorProto.TYPE_BOOL

# By message: name, number and type of a field; "*" before the name of a message: many of it.
_MESSAGES: dict[str, tuple[tuple[str, int, Any], ...]] = {
    "ResponseHeader": (("revision", 3, _INT),),
    "KeyValue": (("key", 1, _BYTES), ("value", 5, _BYTES)),
    "Event": (("type", 1, _INT), ("kv", 2, "KeyValue")),  # an enum: PUT 0, DELETE 1
    "RangeRequest": (("key", 1, _BYTES), ("range_end", 2, _BYTES), ("keys_only", 8, _BOOL)),
    "RangeResponse": (("header", 1, "ResponseHeader"), ("kvs", 2, "*KeyValue")),
    "PutRequest": (("key", 1, _BYTES), ("value", 2, _BYTES), ("lease", 3, _INT)),
    "PutResponse": (),
    "DeleteRangeRequest": (("key", 1, _BYTES),),
    "DeleteRangeResponse": (),
    "WatchCreateRequest": (
        ("key", 1, _BYTES),
        ("range_end", 2, _BYTES),
        ("start_revision", 3, _INT),
    ),
    "WatchRequest": (("create_request", 1, "WatchCreateRequest"),),
    "WatchResponse": (
        ("canceled", 4, _BOOL),
        ("compact_revision", 5, _INT),
        ("cancel_reason", 6, _STRING),
        ("events", 11, "*Event"),
    ),
    "LeaseGrantRequest": (("TTL", 1, _INT),),
    "LeaseGrantResponse": (("ID", 2, _INT), ("TTL", 3, _INT)),
    "LeaseRevokeRequest": (("ID", 1, _INT),),
    "LeaseRevokeResponse": (),
    "LeaseKeepAliveRequest": (("ID", 1, _INT),),
    "LeaseKeepAliveResponse": (("ID", 2, _INT), ("TTL", 3, _INT)),
    "AuthenticateRequest": (("name", 1, _STRING), ("password", 2, _STRING)),
    "AuthenticateResponse": (("token", 2, _STRING),),
}

DELETE = 1


def _file() -> FileDescriptorProto:
    package = "etcdserverpb"
    file = FileDescriptorProto(name="facade/etcd.proto", package=package, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            added = message.field.add(name=field, number=number)
            added.label = FieldDescriptorProto.LABEL_OPTIONAL
            if not isinstance(kind, str):
                added.type = kind
                continue
            if kind[0] == "*":
                added.label = FieldDescriptorProto.LABEL_REPEATED
            added.type = FieldDescriptorProto.TYPE_MESSAGE
            added.type_name = f".{package}.{kind.lstrip('*')}"
    return file


_POOL = DescriptorPool()
_POOL.Add(_file())


def message(name: str) -> Any:
    """The class of a message."""
    return GetMessageClass(_POOL.FindMessageTypeByName(f"etcdserverpb.{name}"))
