"""What a provider exports, as data; and the messages of ``describe.proto`` that carry it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from facade.core.method import service_key
from facade.exchange.envelope import parse
from facade.v1 import describe_pb2


class ParameterDescription(msgspec.Struct, frozen=True):
    """``type`` is written as in the interface; empty where nothing is stated."""

    name: str
    type: str = ""
    optional: bool = False
    keyword_only: bool = False


class MethodDescription(msgspec.Struct, frozen=True):
    """``returns`` is the type of the value, as in the interface. ``settings`` are those of
    this method alone."""

    name: str
    parameters: tuple[ParameterDescription, ...] = ()
    returns: str = ""
    summary: str = ""
    oneway: bool = False
    idempotent: bool = False
    settings: Mapping[str, str] = msgspec.field(default_factory=dict)

    @property
    def timeout(self) -> float | None:
        """Seconds. None where the provider publishes none for this method."""
        return _seconds(self.settings)


class ServiceDescription(msgspec.Struct, frozen=True):
    """``methods`` by name. ``settings``: what the provider publishes for all of them."""

    name: str
    methods: Mapping[str, MethodDescription]
    group: str = ""
    version: str = ""
    summary: str = ""
    settings: Mapping[str, str] = msgspec.field(default_factory=dict)

    @property
    def key(self) -> str:
        """``[group/]name[:version]``."""
        return service_key(self.name, self.group, self.version)

    @property
    def timeout(self) -> float | None:
        """Seconds. None where the provider publishes none for the service."""
        return _seconds(self.settings)


class ProviderDescription(msgspec.Struct, frozen=True):
    """What one provider exports, and the name of its application."""

    services: tuple[ServiceDescription, ...]
    application: str = ""


def _seconds(settings: Mapping[str, str]) -> float | None:
    # Zero, negative or unreadable means that nothing is said. (Dubbo: URL#getPositiveParameter)
    try:
        seconds = float(settings.get("timeout", ""))
    except ValueError:
        return None
    return seconds if 0 < seconds < float("inf") else None


# Messages. Nobody else reads their fields.


def request_bytes(service: str, group: str, version: str) -> bytes:
    message = describe_pb2.DescribeRequest(service=service, group=group, version=version)
    return message.SerializeToString()


def read_request(data: bytes) -> tuple[str, str, str]:
    """Service, group, version; empty for any. ValueError for what is no such message."""
    message = parse(data, describe_pb2.DescribeRequest)
    return message.service, message.group, message.version


def description_bytes(description: ProviderDescription) -> bytes:
    message = describe_pb2.DescribeResponse(application=description.application)
    for service in description.services:
        wire = message.services.add(
            name=service.name,
            group=service.group,
            version=service.version,
            summary=service.summary,
            settings=service.settings,
        )
        for method in service.methods.values():
            _fill_method(wire.methods.add(), method)
    return message.SerializeToString()


def _fill_method(wire: Any, method: MethodDescription) -> None:
    wire.name = method.name
    wire.summary = method.summary
    wire.returns = method.returns
    wire.oneway = method.oneway
    wire.idempotent = method.idempotent
    wire.settings.update(method.settings)
    for parameter in method.parameters:
        wire.parameters.add(
            name=parameter.name,
            type=parameter.type,
            optional=parameter.optional,
            keyword_only=parameter.keyword_only,
        )


def read_description(data: bytes) -> ProviderDescription:
    """ValueError for what is no such message."""
    message = parse(data, describe_pb2.DescribeResponse)
    return ProviderDescription(tuple(map(_read_service, message.services)), message.application)


def _read_service(wire: Any) -> ServiceDescription:
    return ServiceDescription(
        name=wire.name,
        methods={method.name: _read_method(method) for method in wire.methods},
        group=wire.group,
        version=wire.version,
        summary=wire.summary,
        settings=dict(wire.settings),
    )


def _read_method(wire: Any) -> MethodDescription:
    return MethodDescription(
        name=wire.name,
        parameters=tuple(
            ParameterDescription(p.name, p.type, p.optional, p.keyword_only)
            for p in wire.parameters
        ),
        returns=wire.returns,
        summary=wire.summary,
        oneway=wire.oneway,
        idempotent=wire.idempotent,
        settings=dict(wire.settings),
    )
