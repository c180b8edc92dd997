from google.protobuf import any_pb2 as _any_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Code(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CODE_UNSPECIFIED: _ClassVar[Code]
    CODE_NETWORK: _ClassVar[Code]
    CODE_TIMEOUT: _ClassVar[Code]
    CODE_BIZ: _ClassVar[Code]
    CODE_FORBIDDEN: _ClassVar[Code]
    CODE_SERIALIZATION: _ClassVar[Code]
    CODE_NO_INVOKER_AVAILABLE: _ClassVar[Code]
    CODE_LIMIT_EXCEEDED: _ClassVar[Code]
    CODE_TIMEOUT_TERMINATE: _ClassVar[Code]
    CODE_REGISTRY: _ClassVar[Code]
    CODE_ROUTER_CACHE_NOT_BUILT: _ClassVar[Code]
    CODE_METHOD_NOT_FOUND: _ClassVar[Code]
    CODE_VALIDATION: _ClassVar[Code]
    CODE_AUTHORIZATION: _ClassVar[Code]

class Execution(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXECUTION_UNSPECIFIED: _ClassVar[Execution]
    EXECUTION_NOT_STARTED: _ClassVar[Execution]
    EXECUTION_MAYBE: _ClassVar[Execution]
CODE_UNSPECIFIED: Code
CODE_NETWORK: Code
CODE_TIMEOUT: Code
CODE_BIZ: Code
CODE_FORBIDDEN: Code
CODE_SERIALIZATION: Code
CODE_NO_INVOKER_AVAILABLE: Code
CODE_LIMIT_EXCEEDED: Code
CODE_TIMEOUT_TERMINATE: Code
CODE_REGISTRY: Code
CODE_ROUTER_CACHE_NOT_BUILT: Code
CODE_METHOD_NOT_FOUND: Code
CODE_VALIDATION: Code
CODE_AUTHORIZATION: Code
EXECUTION_UNSPECIFIED: Execution
EXECUTION_NOT_STARTED: Execution
EXECUTION_MAYBE: Execution

class Invocation(_message.Message):
    __slots__ = ("service", "method", "group", "version", "time_left_us", "oneway", "attachments", "binary_attachments", "msgpack", "value", "any", "raw")
    class AttachmentsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class BinaryAttachmentsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TIME_LEFT_US_FIELD_NUMBER: _ClassVar[int]
    ONEWAY_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    BINARY_ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    MSGPACK_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ANY_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    service: str
    method: str
    group: str
    version: str
    time_left_us: int
    oneway: bool
    attachments: _containers.ScalarMap[str, str]
    binary_attachments: _containers.ScalarMap[str, bytes]
    msgpack: bytes
    value: _struct_pb2.Value
    any: _any_pb2.Any
    raw: bytes
    def __init__(self, service: _Optional[str] = ..., method: _Optional[str] = ..., group: _Optional[str] = ..., version: _Optional[str] = ..., time_left_us: _Optional[int] = ..., oneway: bool = ..., attachments: _Optional[_Mapping[str, str]] = ..., binary_attachments: _Optional[_Mapping[str, bytes]] = ..., msgpack: _Optional[bytes] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., any: _Optional[_Union[_any_pb2.Any, _Mapping]] = ..., raw: _Optional[bytes] = ...) -> None: ...

class Result(_message.Message):
    __slots__ = ("msgpack", "value", "any", "raw", "error", "attachments", "binary_attachments", "expired")
    class AttachmentsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class BinaryAttachmentsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    MSGPACK_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ANY_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    BINARY_ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    msgpack: bytes
    value: _struct_pb2.Value
    any: _any_pb2.Any
    raw: bytes
    error: Error
    attachments: _containers.ScalarMap[str, str]
    binary_attachments: _containers.ScalarMap[str, bytes]
    expired: bool
    def __init__(self, msgpack: _Optional[bytes] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., any: _Optional[_Union[_any_pb2.Any, _Mapping]] = ..., raw: _Optional[bytes] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., attachments: _Optional[_Mapping[str, str]] = ..., binary_attachments: _Optional[_Mapping[str, bytes]] = ..., expired: bool = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("code", "status", "type", "message", "arguments", "execution", "raised", "details")
    CODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_FIELD_NUMBER: _ClassVar[int]
    RAISED_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    code: Code
    status: int
    type: str
    message: str
    arguments: bytes
    execution: Execution
    raised: bool
    details: _containers.RepeatedCompositeFieldContainer[_any_pb2.Any]
    def __init__(self, code: _Optional[_Union[Code, str]] = ..., status: _Optional[int] = ..., type: _Optional[str] = ..., message: _Optional[str] = ..., arguments: _Optional[bytes] = ..., execution: _Optional[_Union[Execution, str]] = ..., raised: bool = ..., details: _Optional[_Iterable[_Union[_any_pb2.Any, _Mapping]]] = ...) -> None: ...
