"""What can be known to be wrong is told when it is made."""

import datetime
import logging

import pytest

import facade

PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def test_missing_file(tmp_path, host):
    """The error names what it is for, and the file."""
    with pytest.raises(FileNotFoundError, match=r"certificate='.*none\.pem' can't be read"):
        facade.ServerTls(str(tmp_path / "none.pem"), host.key)
    with pytest.raises(FileNotFoundError, match=r"ca='.*none\.pem' can't be read"):
        facade.ClientTls(tmp_path / "none.pem")


def test_file_that_is_no_pem(tmp_path, host):
    """It may be DER, or something else altogether."""
    (tmp_path / "binary").write_bytes(b"\x30\x82")
    with pytest.raises(ValueError, match=r"key='.*binary' is no PEM"):
        facade.ServerTls(host.certificate, tmp_path / "binary")


def test_pem_as_text(host):
    """It is no path, and the error does not show it."""
    with pytest.raises(ValueError, match="PEM as text") as raised:
        facade.ServerTls(host.certificate, host.key.decode())
    assert "BEGIN" not in str(raised.value)


def test_key_of_another_certificate(host, ann, written):
    """Said at once, of the file or of the bytes, and not at the first connection."""
    with pytest.raises(ValueError, match="ServerTls: the key is not that of the certificate"):
        facade.ServerTls(host.certificate, ann.key)
    certificate, _ = written(host)
    with pytest.raises(ValueError, match=r"ClientTls of .*host\.pem: the key is not that"):
        facade.ClientTls(None, certificate, ann.key)


def test_broken_certificate(host):
    """It says PEM, and is none."""
    broken = host.certificate.replace(b"MII", b"XXX")
    with pytest.raises(ValueError, match="can't be used"):
        facade.ServerTls(broken, host.key)
    with pytest.raises(ValueError, match="ca: the certificates can't be used"):
        facade.ClientTls(broken)
    with pytest.raises(ValueError, match="client_ca: the certificates can't be used"):
        facade.ServerTls(host.certificate, host.key, client_ca=broken)


def test_key_with_a_passphrase(host):
    """gRPC can't ask for it, and nobody is asked at a terminal."""
    locked = host.key.replace(b"BEGIN PRIVATE", b"BEGIN ENCRYPTED PRIVATE")
    locked = locked.replace(b"BEGIN EC", b"BEGIN ENCRYPTED EC")
    with pytest.raises(ValueError, match="passphrase"):
        facade.ServerTls(host.certificate, locked)


def test_certificate_without_its_key(host):
    """One is of no use without the other."""
    with pytest.raises(ValueError, match="certificate and key go together"):
        facade.ClientTls(certificate=host.certificate)


def test_expired_certificate(authority, caplog):
    """Only a warning: it may be replaced before anybody connects."""
    old = authority.issue("localhost", not_before=PAST, not_after=PAST.replace(year=2021))
    facade.ServerTls(old.certificate, old.key)
    facade.ClientTls(None, old.certificate, old.key)
    assert [text.getMessage()[:52] for text in caplog.records] == [
        "the certificate of ServerTls expired at 2021-01-01T0",
        "the certificate of ClientTls expired at 2021-01-01T0",
    ]


def test_good_certificate_is_not_warned_of(host, authority, caplog):
    """Nor one that lasts long, whose end is written in another way."""
    late = authority.issue("localhost", not_after=PAST.replace(year=2070))
    facade.ServerTls(host.certificate, host.key)
    facade.ServerTls(late.certificate, late.key)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_settings_are_values(host, authority):
    """They compare and hash by what they say, can't be changed, and never show the key."""
    one, two = facade.ClientTls(authority.pem), facade.ClientTls(authority.pem)
    assert one == two
    assert hash(one) == hash(two)
    assert one != facade.ClientTls(authority.pem, server_name="other")
    with pytest.raises(AttributeError):
        one.ca = None
    assert "PRIVATE" not in repr(facade.ServerTls(host.certificate, host.key))


@pytest.mark.parametrize("wrong", ["cert.pem", facade.ServerTls, 1])
def test_something_else_as_tls(wrong):
    """The error says what it is to be."""
    with pytest.raises(TypeError, match=r"tls is ClientTls\(\.\.\.\)"):
        facade.AsyncClient("127.0.0.1:1", tls=wrong)
    with pytest.raises(TypeError, match=r"tls is ServerTls\(certificate, key\)"):
        facade.Server(tls=wrong)


def test_tls_within_the_process(host):
    """There is nothing to encrypt: the setting is a mistake."""
    tls = facade.ServerTls(host.certificate, host.key)
    with pytest.raises(ValueError, match="called within its process"):
        facade.Server("injvm", tls=tls)
    with pytest.raises(ValueError, match="tls= is for a network"):
        facade.AsyncClient("injvm", tls=True)


@pytest.mark.parametrize("end", [facade.Server, facade.AsyncClient])
def test_unknown_compression(end):
    """The error lists what there is."""
    with pytest.raises(ValueError, match='compression=\'brotli\': "gzip", "deflate" or None'):
        end("127.0.0.1:1", compression="brotli")
