"""Settings of a server: what makes no sense is an error at once."""

import pytest

import facade
from tests.provider.greeter import Greeter, GreeterImpl, connect


@pytest.mark.parametrize("port", ["99999", "65536", "-1"])
def test_port_that_is_none(port):
    """gRPC would listen at another one."""
    with pytest.raises(ValueError, match="a port is a number from 0 to 65535"):
        facade.Server(f"127.0.0.1:{port}")
    facade.Server("127.0.0.1:65535")
    facade.Server(f"unix:/tmp/facade:{port}")
    facade.Server(f"injvm:{port}")


def test_unknown_filter():
    """A wrong name is told when the server is made."""
    with pytest.raises(ValueError, match="did you mean 'timeout'"):
        facade.Server(filters=["timeuot"])


@pytest.mark.parametrize("settings", [{"threads": 0}, {"queue": -1}, {"heartbeat": 0}])
def test_setting_that_makes_no_sense(settings):
    """It is told when the server is made."""
    with pytest.raises(ValueError, match="|".join(settings)):
        facade.Server(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"application": 3},
        {"heartbeat": None},
        {"heartbeat_timeout": None},
        {"limits": 1000},
        {"max_message_size": 1.5},
        {"max_message_size": 0},
        {"max_message_size": 2**31 - 1},
        {"socket_mode": "600"},
        {"grace": "10"},
        {"grace": -1},
        {"grace": None},
        {"threads": 2.5},
        {"queue": True},
        {"max_connections": 1.5},
        {"max_connections": None},
        {"callbacks": 1.5},
        {"slow_loop": float("nan")},
        {"slow_loop": float("inf")},
        {"slow_loop": "1"},
        {"max_age": float("nan")},
        {"max_age": float("inf")},
        {"max_age": None},
        {"health": "no"},
        {"native": None},
        {"reuse_port": 1},
    ],
    ids=str,
)
def test_setting_of_another_kind(settings):
    """Neither is this left to the first call, or to the stop."""
    with pytest.raises((TypeError, ValueError), match=f"{next(iter(settings))}[=:]"):
        facade.Server(**settings)


def test_threads_of_an_export():
    """Are a whole number as well."""
    with pytest.raises(ValueError, match=r"threads=2\.5, queue=1024: whole numbers"):
        facade.Server().export(Greeter, GreeterImpl(), threads=2.5)


async def test_grace_that_makes_no_sense():
    """It is an error, and the server goes on."""
    async with facade.Server() as server:
        with pytest.raises(ValueError, match="grace='x': seconds"):
            await server.stop("x")
        async with connect(server) as client:
            await client.ready()


def test_timeout_of_an_export_that_makes_no_sense():
    """It is told when the service is exported."""
    with pytest.raises(ValueError, match="timeout of the export"):
        facade.Server().export(Greeter, GreeterImpl(), timeout=0)
