"""Certificates and keys as PEM text: where they are read from, and what is wrong with them."""

import contextlib
import os
import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

from facade.core.log import get_logger

logger = get_logger(__name__)

# A path, or the text itself.
Pem = str | os.PathLike[str] | bytes

_CERTIFICATE = re.compile(
    rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL | re.ASCII
)


def read(source: Pem, what: str) -> bytes:
    """ValueError for what is no PEM, and OSError for a file that can't be read: both say which."""
    if isinstance(source, bytes):
        text, where = source, what
    elif isinstance(source, str) and "-----BEGIN " in source:
        # As the path of no file it would show a key in the error.
        raise ValueError(f"{what} is a path, or PEM as bytes: this is PEM as text, so encode() it")
    else:
        where = f"{what}={os.fspath(source)!r}"
        try:
            with open(source, "rb") as file:
                text = file.read()
        except OSError as error:
            raise type(error)(error.errno, f"{where} can't be read: {error.strerror}") from None
    if b"-----BEGIN " not in text:
        raise ValueError(f"{where} is no PEM: it has no line -----BEGIN ...-----")
    return text


def stamp(source: Pem) -> object:
    """Changes when the file does."""
    if isinstance(source, bytes):
        return None
    try:
        found = os.stat(source)
    except OSError as error:
        return error.errno
    return found.st_mtime_ns, found.st_size, found.st_ino


def check_pair(certificate: bytes, key: bytes) -> None:
    """ValueError where no connection could be made with them."""
    if b"ENCRYPTED" in key:
        raise ValueError("the key has a passphrase, which gRPC can't use: give it without one")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with contextlib.ExitStack() as stack:
        paths = [stack.enter_context(_path(text)) for text in (certificate, key)]
        if "" in paths:
            return  # then gRPC is the first to find out
        try:
            context.load_cert_chain(paths[0], paths[1], password="")
        except ssl.SSLError as error:
            if "MISMATCH" in str(error).upper():
                raise ValueError("the key is not that of the certificate") from None
            raise ValueError(f"the certificate or its key can't be used: {error}") from None


def check_roots(certificates: bytes) -> None:
    """ValueError where nobody could be verified with them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=certificates.decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise ValueError(f"the certificates can't be used: {error}") from None


@contextlib.contextmanager
def _path(text: bytes) -> Iterator[str]:
    """Where ``ssl``, which reads files alone, finds this: in memory, as it may be a secret.
    Empty where there is no such place."""
    if not hasattr(os, "memfd_create") or not os.path.isdir("/dev/fd"):
        yield ""
        return
    with open(os.memfd_create("pem"), "wb", buffering=0) as file:
        file.write(text)
        yield f"/dev/fd/{file.fileno()}"


def warn_if_expired(certificates: bytes, what: str) -> None:
    """Log it. It may be replaced while the program runs, so it is no error."""
    found = _CERTIFICATE.search(certificates)
    if found is None:
        return
    try:
        last = _not_after(ssl.PEM_cert_to_DER_cert(found[0].decode("ascii")))
    except (ValueError, IndexError):
        return  # whoever uses it will say more
    if last < datetime.now(UTC):
        logger.warning("%s expired at %s: the other end will refuse it", what, last.isoformat())


def _not_after(der: bytes) -> datetime:
    """The end of its validity. The standard library has no public way to it."""
    _, at, _ = _item(der, 0)  # Certificate
    _, at, _ = _item(der, at)  # TBSCertificate
    tag, _, end = _item(der, at)
    if tag == 0xA0:  # version, which may be missing
        at = end
    for _ in range(3):  # serial number, signature, issuer
        _, _, at = _item(der, at)
    _, at, _ = _item(der, at)  # validity
    _, _, at = _item(der, at)  # notBefore
    tag, start, end = _item(der, at)
    year = "%y" if tag == 0x17 else "%Y"  # UTCTime, or GeneralizedTime
    return datetime.strptime(der[start:end].decode("ascii"), f"{year}%m%d%H%M%SZ").replace(
        tzinfo=UTC
    )


def _item(der: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start and end of what is encoded there."""
    tag, length = der[at], der[at + 1]
    at += 2
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(der[at : at + size], "big")
        at += size
    return tag, at, at + length
