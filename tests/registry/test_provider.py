import pytest

from facade.registry import Provider


def test_provider_is_the_same_as_one_that_says_the_same():
    """A registry tells all of them each time: what has not changed must be seen as such."""
    one = Provider("a:1", "demo.Greeter", methods=["hello"], parameters={"zone": "east"})
    two = Provider("a:1", "demo.Greeter", methods=("hello",), parameters={"zone": "east"})
    assert one == two
    assert hash(one) == hash(two)
    assert one != Provider("a:1", "demo.Greeter", methods=["hello"], parameters={"zone": "west"})


def test_provider_tells_its_parts():
    """Host and port, IPv6 too; the service key as Dubbo writes it; the tag of routers."""
    one = Provider("[::1]:50051", "demo.Greeter", "g", "1.0", parameters={"dubbo.tag": "gray"})
    assert (one.host, one.port) == ("::1", 50051)
    assert one.key == "g/demo.Greeter:1.0"
    assert one.tag == "gray"
    assert str(one) == "[::1]:50051"


@pytest.mark.parametrize("address", ["", "a", "a:", ":1", "a:b", "a:65536"])
def test_address_without_host_or_port_is_refused(address):
    """At once, and not when a call is made."""
    with pytest.raises(ValueError, match="host:port"):
        Provider(address)


@pytest.mark.parametrize("wrong", [{"weight": -1}, {"warmup": -1.0}])
def test_numbers_below_0_are_refused(wrong):
    """The message names the server, as it comes out of a registry."""
    with pytest.raises(ValueError, match="a:1: w"):
        Provider("a:1", **wrong)
