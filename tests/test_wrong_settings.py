"""Times that can't be meant fail where they are written, at either end."""

import pytest

import facade


@pytest.mark.parametrize("end", [facade.AsyncClient, facade.Client, facade.Server])
@pytest.mark.parametrize("name", ["heartbeat", "heartbeat_timeout"])
def test_heartbeat_is_no_time_to_wait(end, name):
    """The error does not promise a default for None, which is an error itself."""
    with pytest.raises(ValueError, match=f"{name}: 0 s is no time to wait; give more than 0"):
        end("127.0.0.1:1", **{name: 0})
    with pytest.raises(TypeError, match=f"{name}=None"):
        end("127.0.0.1:1", **{name: None})


@facade.service("settings.Shop")
class Shop:
    async def buy(self) -> int: ...


class ShopImpl(Shop):
    async def buy(self):
        return 1


@pytest.mark.parametrize("seconds", [2_147_484, 1e300])
async def test_heartbeat_that_never_comes(seconds):
    """More milliseconds than gRPC can count are for ever: who wants no heartbeat has none."""
    never = {"heartbeat": seconds, "heartbeat_timeout": seconds}
    server = facade.Server("127.0.0.1:0", **never)
    server.export(Shop, ShopImpl())
    async with (
        server,
        facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20, **never) as client,
    ):
        assert await client.refer(Shop).buy() == 1


async def test_more_streams_than_grpc_can_count():
    """It is an error at once, and the most that there may be are none."""
    with pytest.raises(ValueError, match="max_streams=2147483648: 0 for no limit, or up to"):
        facade.Limits(max_streams=2**31)
    async with facade.Server("127.0.0.1:0", limits=facade.Limits(max_streams=2**31 - 1)):
        pass


@pytest.mark.parametrize("end", [facade.AsyncClient, facade.Client])
def test_a_client_always_has_a_timeout(end):
    """None is no timeout of a client: there is nothing left that could say one."""
    with pytest.raises(TypeError, match="timeout of the client: None is not a number of seconds"):
        end("127.0.0.1:1", timeout=None)


@pytest.mark.parametrize("end", [facade.AsyncClient, facade.Client, facade.Server])
@pytest.mark.parametrize("address", [None, "", 50051])
def test_what_is_no_address(end, address):
    """An environment variable that is not set, say: it is told at once, and how one is written."""
    with pytest.raises(ValueError, match=f"{address!r} is no .*: write it as HOST:PORT"):
        end(address)


@pytest.mark.parametrize("end", [facade.AsyncClient, facade.Client, facade.Server])
@pytest.mark.parametrize("port", [65536, -1])
def test_port_that_there_is_not(end, port):
    """gRPC would take another for it, without a word."""
    with pytest.raises(ValueError, match="a port is a number from 0 to 65535"):
        end(f"127.0.0.1:{port}")


@pytest.mark.parametrize("end", [facade.AsyncClient, facade.Client, facade.Server])
@pytest.mark.parametrize("address", ["localhost", "10.0.0.1", "10.0.0.1:", "[::1]"])
def test_port_that_is_missing(end, address):
    """gRPC would take 443."""
    with pytest.raises(ValueError, match=r"has no port: write it as HOST:PORT"):
        end(address)


@pytest.mark.parametrize(
    "address", ["localhost:1", "[::1]:1", "ipv4:10.0.0.1:1", "unix:a/b", "injvm"]
)
def test_address_with_a_port_or_without_need_of_one(address):
    """As gRPC writes them."""
    facade.AsyncClient(address)
    facade.Server(address)


@pytest.mark.parametrize("end", [facade.AsyncClient, facade.Client])
def test_application_that_can_not_be_sent(end):
    """Else no connection could be made, and no error would say why."""
    with pytest.raises(ValueError, match=r"application='.ud800': it can't be sent"):
        end("127.0.0.1:1", application="\ud800")


@pytest.mark.parametrize("end", [facade.AsyncClient, facade.Client])
@pytest.mark.parametrize("name", ["countdown", "describe", "wait_for_ready", "unary", "native"])
def test_switches_are_on_or_off(end, name):
    """Text is true, whatever it says."""
    with pytest.raises(TypeError, match=f"{name}='no': give True or False"):
        end("127.0.0.1:1", **{name: "no"})


def test_propagate_is_a_list_of_names():
    """For a client as for one reference."""

    @facade.service("demo.Shop")
    class Shop:
        async def buy(self) -> None: ...

    with pytest.raises(TypeError, match="it is a list of names"):
        facade.AsyncClient("127.0.0.1:1", propagate=["a", 3])
    with pytest.raises(TypeError, match="it is a list of names"):
        facade.AsyncClient("127.0.0.1:1").refer(Shop, propagate=["a", 3])


def test_names_that_can_not_be_sent():
    """Of a service it is told at once, of a method as an error of the call."""
    client = facade.AsyncClient("127.0.0.1:1")
    with pytest.raises(ValueError, match=r"no service '.ud800': it can't be sent"):
        client.generic("\ud800")
    shop = client.generic("demo.Shop")
    for call in (shop.invoke, shop.stream):
        for name in ("\ud800", 3):
            with pytest.raises(
                facade.InvalidArgument, match=r"has no method .*: it can't"
            ) as caught:
                call(name)
            assert caught.value.sent is facade.Sent.NOT_SENT
