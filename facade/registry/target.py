"""Where providers are found, as one line of text."""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from facade.core.hint import suggest
from facade.core.method import service_key
from facade.registry.wanted import Wanted

EXAMPLES = {
    "static": "static:10.0.0.1:50051,10.0.0.2:50051",
    "file": "file:///etc/demo/providers.json",
    "dns": "dns:///demo.example:50051",
    "dns+srv": "dns+srv:///_grpc._tcp.demo.example",
    "zookeeper": "zookeeper://10.0.0.1:2181,10.0.0.2:2181/demo.Greeter",
    "etcd": "etcd://10.0.0.1:2379/demo.Greeter",
}

# These may come without the slashes. Any other word before a colon is the name of a host.
_SHORT = ("static", "file", "dns", "dns+srv")
# Of these the path is not a service.
_PATHS = ("file", "dns", "dns+srv")
# These are addresses of gRPC, and one place each.
_GRPC = ("unix", "unix-abstract", "ipv4", "ipv6", "vsock", "xds", "passthrough")
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<slashes>//)?")

_PASSWORD = re.compile(r"(//[^/?:@]*):[^/?]*@")


@dataclass(frozen=True, slots=True)
class Target:
    """``scheme://[user:password@]host[,host...]/path?parameters``, taken apart.

    hosts       what stands between the slashes, at commas
    path        behind them: a file, a name, or the key of a service
    parameters  what stands behind the question mark
    """

    scheme: str
    hosts: tuple[str, ...] = ()
    path: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def service(self) -> str:
        """The key of the service that the path names, or ""; ``group`` and ``version`` may be
        parameters. ValueError for a path that is no key."""
        name = self.path.strip("/")
        if not name or self.scheme in _PATHS:
            return ""
        group, version = (self.parameters.get(name, "") for name in ("group", "version"))
        found = Wanted.parse(name)
        return service_key(found.service, group or found.group, version or found.version)

    @property
    def place(self) -> str:
        """What to call it in messages: without the password and the parameters."""
        return f"{self.scheme}://{','.join(self.hosts)}{self.path}"

    def addresses(self, default_port: int) -> tuple[str, ...]:
        """The hosts with ports. ValueError where there are none."""
        if not self.hosts:
            raise ValueError(f"{self.place!r} names no host: {expected(self.scheme)}")
        return tuple(_with_port(host, default_port, self) for host in self.hosts)

    def check(self, known: Collection[str]) -> None:
        """That it has no other parameters. ValueError names the one, and what there is."""
        known = (*known, "application", "group", "version")
        for name in self.parameters:
            if name not in known:
                listed = f"there are: {', '.join(sorted(known))}"
                near = suggest(name, known)
                raise ValueError(f"{self.scheme}: has no parameter {name!r}: {near}{listed}")

    def seconds(self, name: str, default: float) -> float:
        """A parameter that is a positive number of seconds. ValueError where it is none."""
        text = self.parameters.get(name)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{self.scheme}: {name}={text}: it is a positive number of seconds")
        return value


def scheme_of(text: str, schemes: Collection[str]) -> str | None:
    """Which of the ``schemes`` a target names; None where it is one plain address.

    ValueError where it names one that there is not.
    """
    match = _SCHEME.match(text)
    if match is None:
        return None
    scheme = match["scheme"].lower()
    if match["slashes"] is None:
        short = scheme in _SHORT and not text[match.end() :].isdigit()
        return scheme if short else None
    if scheme in schemes:
        return scheme
    if scheme in _GRPC:
        return None
    near = suggest(scheme, schemes)
    raise ValueError(f"{scheme}:// is unknown: {near}there are: {', '.join(sorted(schemes))}")


def parse(text: str) -> Target:
    """Take it apart. ValueError where it has no scheme."""
    match = _SCHEME.match(text)
    if match is None:
        raise ValueError(f"{text!r} names no registry: {expected('static')}")
    scheme, rest = match["scheme"].lower(), text[match.end() :]
    rest, _, query = rest.partition("?")
    if match["slashes"]:
        authority, slash, path = rest.partition("/")
    elif scheme == "static":
        authority, slash, path = rest, "", ""
    else:
        authority, slash, path = "", "", rest
    login, _, hosts = authority.rpartition("@")
    user, _, password = login.partition(":")
    return Target(
        scheme,
        tuple(host.strip() for host in hosts.split(",") if host.strip()),
        unquote(slash + path),
        _parameters(query),
        unquote(user),
        unquote(password),
    )


def hidden(text: str) -> str:
    """The same target without its password, for who may read it."""
    return _PASSWORD.sub(r"\1:***@", text)


def expected(scheme: str) -> str:
    """The end of a message: how it is written."""
    return f"write it as {EXAMPLES.get(scheme, f'{scheme}://host:port/demo.Greeter')}"


def _parameters(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in found:
            raise ValueError(f"the parameter {name!r} is given twice in {query!r}")
        found[name] = value
    return found


def _with_port(host: str, port: int, target: Target) -> str:
    if host[0] == "[":
        name, bracket, rest = host.partition("]")
        name += bracket
    else:
        name, colon, rest = host.partition(":")
        rest = colon + rest
    if not name.strip("[]") or (rest and not (rest[1:].isascii() and rest[1:].isdigit())):
        raise ValueError(f"{host!r} is not host:port: {expected(target.scheme)}")
    return host if rest else f"{name}:{port}"
