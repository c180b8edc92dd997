from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DescribeRequest(_message.Message):
    __slots__ = ("service", "group", "version")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    service: str
    group: str
    version: str
    def __init__(self, service: _Optional[str] = ..., group: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class DescribeResponse(_message.Message):
    __slots__ = ("services", "application")
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_FIELD_NUMBER: _ClassVar[int]
    services: _containers.RepeatedCompositeFieldContainer[ServiceDescription]
    application: str
    def __init__(self, services: _Optional[_Iterable[_Union[ServiceDescription, _Mapping]]] = ..., application: _Optional[str] = ...) -> None: ...

class ServiceDescription(_message.Message):
    __slots__ = ("name", "group", "version", "summary", "methods", "settings")
    class SettingsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    METHODS_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    group: str
    version: str
    summary: str
    methods: _containers.RepeatedCompositeFieldContainer[MethodDescription]
    settings: _containers.ScalarMap[str, str]
    def __init__(self, name: _Optional[str] = ..., group: _Optional[str] = ..., version: _Optional[str] = ..., summary: _Optional[str] = ..., methods: _Optional[_Iterable[_Union[MethodDescription, _Mapping]]] = ..., settings: _Optional[_Mapping[str, str]] = ...) -> None: ...

class MethodDescription(_message.Message):
    __slots__ = ("name", "summary", "parameters", "returns", "oneway", "idempotent", "settings")
    class SettingsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    RETURNS_FIELD_NUMBER: _ClassVar[int]
    ONEWAY_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENT_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    summary: str
    parameters: _containers.RepeatedCompositeFieldContainer[ParameterDescription]
    returns: str
    oneway: bool
    idempotent: bool
    settings: _containers.ScalarMap[str, str]
    def __init__(self, name: _Optional[str] = ..., summary: _Optional[str] = ..., parameters: _Optional[_Iterable[_Union[ParameterDescription, _Mapping]]] = ..., returns: _Optional[str] = ..., oneway: bool = ..., idempotent: bool = ..., settings: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ParameterDescription(_message.Message):
    __slots__ = ("name", "type", "optional", "keyword_only")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    OPTIONAL_FIELD_NUMBER: _ClassVar[int]
    KEYWORD_ONLY_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    optional: bool
    keyword_only: bool
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., optional: bool = ..., keyword_only: bool = ...) -> None: ...
