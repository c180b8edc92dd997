"""Targets as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facade.registry import is_registry, open_registry, parse
from facade.registry.target import EXAMPLES


@pytest.mark.parametrize(
    ("text", "hosts", "path", "service"),
    [
        ("static:a:1,b:2", ("a:1", "b:2"), "", ""),
        ("static:[::1]:1, b:2", ("[::1]:1", "b:2"), "", ""),
        ("static://a:1/demo.Greeter", ("a:1",), "/demo.Greeter", "demo.Greeter"),
        ("file:///etc/a%20b.json", (), "/etc/a b.json", ""),
        ("file:list.toml", (), "list.toml", ""),
        ("dns:///demo:50051", (), "/demo:50051", ""),
        ("zookeeper://h1:2181,h2/demo.Greeter", ("h1:2181", "h2"), "/demo.Greeter", "demo.Greeter"),
        (
            "etcd://h:2379/demo.Greeter?group=north&version=2.0",
            ("h:2379",),
            "/demo.Greeter",
            "north/demo.Greeter:2.0",
        ),
    ],
)
def test_parts(text, hosts, path, service):
    """Hosts, path and the key of the service are found, of each way to write it."""
    target = parse(text)
    assert (target.hosts, target.path, target.service) == (hosts, path, service)


def test_login():
    """User and password stand before the hosts, encoded; the password is never shown."""
    target = parse("zookeeper://shop:s%40cret@h1:2181")
    assert (target.user, target.password, target.hosts) == ("shop", "s@cret", ("h1:2181",))
    assert "s@cret" not in repr(target) + target.place


@pytest.mark.parametrize("text", EXAMPLES.values())
def test_examples_are_registries(text):
    """Each example that an error names can be opened."""
    assert is_registry(text)
    open_registry(text)


@pytest.mark.parametrize(
    "text", ["localhost:50051", "static:50051", "[::1]:1", "injvm", "unix:///tmp/x", "unix:/tmp/x"]
)
def test_plain_addresses(text):
    """What a client has always taken for one address stays one, whatever its host is called."""
    assert not is_registry(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zookeper://h:1", "zookeper:// is unknown: did you mean 'zookeeper'\\? there are: dns"),
        ("localhost:50051", "names no registry: write it as static:10"),
        ("static:", "names no address"),
        ("static:a", "'a' is not host:port"),
        ("static:a:b", "'a:b' is not host:port"),
        ("static:::1:5", "in brackets"),
        ("static:a:1?wieght=3", "no parameter 'wieght'"),
        ("zookeeper:///demo.Greeter", "names no host: write it as zookeeper://10"),
        ("zookeeper://h:x/demo.Greeter", "'h:x' is not host:port"),
        ("zookeeper://h?rot=x", "no parameter 'rot': did you mean 'root'\\?"),
        ("zookeeper://h?session=soon", "session=soon: it is a positive number"),
        ("zookeeper://h?session=-1", "session=-1: it is a positive number"),
        ("zookeeper://h?root=a&root=b", "'root' is given twice"),
        ("zookeeper://h?protocol=dubbo", "protocol=dubbo: it is tri or facade"),
        ("file://etc/list.json", "with three slashes"),
        ("file:///etc/list.yaml", "is a .json or a .toml file"),
        ("file:", "names no file"),
        ("dns:///demo", "'demo' is not host:port"),
        ("dns+srv:///demo:1", "no name of a service"),
        ("dns+srv://", "no name of a service"),
        ("dns://a,b/demo:1", "several name servers"),
    ],
)
def test_mistakes(text, said):
    """A wrong target is told as such where it is opened, with what was expected."""
    with pytest.raises(ValueError, match=said):
        open_registry(text)


@given(st.text())
def test_any_text(text):
    """Whatever it is, it is a target, a plain address, or a ValueError."""
    try:
        if is_registry(text):
            parse(text)
    except ValueError:
        pass


names = st.text("abcXYZ.-_*", min_size=1)


@given(st.lists(names, min_size=1), names, st.dictionaries(names, names))
def test_what_was_written_is_read(hosts, path, parameters):
    """All parts come back as they were written."""
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    target = parse(f"etcd://{','.join(hosts)}/{path}?{query}")
    assert (target.hosts, target.path) == (tuple(hosts), f"/{path}")
    assert target.parameters == parameters
