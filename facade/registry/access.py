"""How a registry lets us in: who we are, and TLS."""

from dataclasses import dataclass, field

from facade.core.log import get_logger
from facade.exchange.security import in_the_open
from facade.exchange.tls import ClientTls
from facade.registry.target import Target

logger = get_logger(__name__)

# Parameters of a target that say it.
PARAMETERS = ("tls", "ca", "certificate", "key", "server_name", "password_file")

_YES_OR_NO = {"true": True, "false": False}
_OF_TLS = ("ca", "certificate", "key", "server_name")


@dataclass(frozen=True, slots=True)
class Access:
    """``user`` and ``password``, where the registry asks for them, and ``tls``, where it has that.

    Of a target it is ``user:password@`` before the hosts, or a ``password_file``; ``tls=true``,
    and the parts of ClientTls, each of which says that there is TLS.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    tls: ClientTls | None = None

    @classmethod
    def of(cls, target: Target) -> "Access":
        """ValueError for what can't be together, OSError for a file that can't be read."""
        found = cls(target.user, _password(target), _tls(target))
        if found.user and any(in_the_open(host, found.tls) for host in target.hosts):
            logger.warning(
                "the password for %s can be read on its way there: add tls=true", target.place
            )
        return found


def _password(target: Target) -> str:
    path = target.parameters.get("password_file")
    if path is None:
        return target.password
    if not target.user or target.password:
        raise ValueError(
            f"{target.scheme}: password_file is the password of a user: write "
            f"{target.scheme}://user@{','.join(target.hosts)}?password_file={path}"
        )
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError as error:
        said = f"{target.scheme}: password_file={path} can't be read: {error.strerror}"
        raise type(error)(error.errno, said) from None


def _tls(target: Target) -> ClientTls | None:
    said = target.parameters
    parts = {
        name: said[name] for name in ("ca", "certificate", "key", "server_name") if name in said
    }
    wanted = said.get("tls", "true" if parts else "false")
    if wanted not in _YES_OR_NO:
        raise ValueError(f"{target.scheme}: tls={wanted}: it is true or false")
    if not _YES_OR_NO[wanted]:
        if parts:
            raise ValueError(f"{target.scheme}: tls=false, and {next(iter(parts))}= is for TLS")
        return None
    try:
        return ClientTls(**parts)
    except ValueError as error:
        raise ValueError(f"{target.scheme}: {error}") from None
