"""Providers and consumers as Dubbo writes them: one URL each. (Dubbo: URL, ServiceConfig)"""

import os
import time
from collections.abc import Mapping
from urllib.parse import quote_plus, unquote_plus

from facade.registry.provider import DEFAULT_WEIGHT, Provider
from facade.registry.wanted import ANY, Wanted

# What Dubbo's own consumers can call here: our servers answer Triple.
TRIPLE = "tri"
# What only consumers of ours can call: Dubbo's pass it over.
OWN = "facade"
# With it a provider behind tri:// speaks the Exchange too.
EXCHANGE = "facade.exchange"

# Of the protocol, as providers of Dubbo since 2.7 say it. (Dubbo: Version)
_PROTOCOL_VERSION = "2.0.2"
# Seconds that a provider of Dubbo warms up where it does not say. (Constants#DEFAULT_WARMUP)
_DUBBO_WARMUP = 600.0
# What is no further parameter, since a Provider has a place for it, or it says the same of all.
_READ = frozenset(
    "application dubbo dynamic generic group interface methods side timeout timestamp version "
    f"warmup weight category deprecated pid release {EXCHANGE}".split()
)


class UnknownProtocol(ValueError):
    """It is a provider that can't be called from here."""


def provider_url(provider: Provider, protocol: str = TRIPLE) -> str:
    """As a provider of Dubbo 2.7 and later registers. ValueError where it can't be written."""
    if not provider.service:
        raise ValueError(f"{provider.address} names no service: nobody would find it")
    said = {
        "application": provider.application,
        "deprecated": "false",
        "dubbo": _PROTOCOL_VERSION,
        "dynamic": "true",
        "generic": "false",
        "group": provider.group,
        "interface": provider.service,
        "methods": ",".join(provider.methods) or "*",
        "pid": str(os.getpid()),
        "release": "facade",
        "side": "provider",
        "timestamp": str(_milliseconds(provider.started)) if provider.started else "",
        "version": provider.version,
        # Said even where it is 0: Dubbo's consumers take ten minutes where nothing is said.
        "warmup": str(_milliseconds(provider.warmup)),
        "weight": str(provider.weight) if provider.weight != DEFAULT_WEIGHT else "",
        "timeout": str(_milliseconds(provider.timeout)) if provider.timeout else "",
        EXCHANGE: "true" if provider.exchange and protocol != OWN else "",
    }
    for method, timeout in provider.timeouts.items():
        said[f"{method}.timeout"] = str(_milliseconds(timeout))
    return _url(protocol, provider.address, provider.service, {**provider.parameters, **said})


def consumer_url(wanted: Wanted, host: str, application: str) -> str:
    """As a consumer of Dubbo registers, for those who look at the registry."""
    said = {
        "application": application,
        "category": "consumers",
        "check": "false",
        "dubbo": _PROTOCOL_VERSION,
        "group": wanted.group,
        "interface": wanted.service,
        "pid": str(os.getpid()),
        "release": "facade",
        "side": "consumer",
        "timestamp": str(_milliseconds(time.time())),
        "version": wanted.version,
    }
    return _url("consumer", host, wanted.service, said)


def read_provider(url: str) -> Provider | None:
    """The provider; None where it is disabled. UnknownProtocol, or ValueError for what is no
    URL of a provider."""
    protocol, separator, rest = url.partition("://")
    if not separator:
        raise ValueError(f"{url!r} is no URL")
    if protocol not in (TRIPLE, OWN):
        raise UnknownProtocol(protocol)
    place, _, query = rest.partition("?")
    authority, _, path = place.partition("/")
    said = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
    if said.get("enabled") == "false" or said.get("disabled") == "true":
        return None
    warmup = said.get("warmup")
    methods = said.get("methods", ANY)
    return Provider(
        authority.rpartition("@")[2],
        said.get("interface") or path,
        said.get("group", ""),
        said.get("version", ""),
        weight=int(said.get("weight") or DEFAULT_WEIGHT),
        warmup=_seconds(warmup) if warmup else _DUBBO_WARMUP,
        started=_seconds(said.get("timestamp") or "0"),
        application=said.get("application", ""),
        timeout=_seconds(said["timeout"]) if said.get("timeout") else None,
        timeouts=_timeouts(said),
        methods=() if methods == ANY else tuple(methods.split(",")),
        exchange=protocol == OWN or said.get(EXCHANGE) == "true",
        parameters={k: v for k, v in said.items() if k not in _READ and not _times(k)},
    )


def encoded(text: str) -> str:
    """As the name of a node. (Dubbo: URL#encode)"""
    return quote_plus(text, safe="*")


def decoded(name: str) -> str:
    """Of the name of a node."""
    return unquote_plus(name)


def _url(protocol: str, address: str, service: str, said: Mapping[str, str]) -> str:
    pairs = sorted((name, value) for name, value in said.items() if value)
    for name, value in pairs:
        # The whole is encoded, not its parts: Dubbo can't tell such an & from its own.
        if "&" in value or set("&=") & set(name):
            raise ValueError(f"{name}={value!r} of {service}: a registry can't keep such an & or =")
    return f"{protocol}://{address}/{service}?{'&'.join(f'{n}={v}' for n, v in pairs)}"


def _timeouts(said: Mapping[str, str]) -> dict[str, float]:
    found = {name.removesuffix(".timeout"): said[name] for name in said if _times(name)}
    return {name: _seconds(value) for name, value in found.items() if value.isdigit()}


def _times(name: str) -> bool:
    """Whether it is a method's timeout."""
    return name.endswith(".timeout") and name.count(".") == 1


def _seconds(milliseconds: str) -> float:
    try:
        return int(milliseconds) / 1000
    except OverflowError:
        raise ValueError(f"{milliseconds} ms is no time") from None


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
