"""Where others on the way could read the token."""

import pytest

import facade


def warnings_of(caplog, target, **settings):
    caplog.clear()
    client = facade.AsyncClient(target, filter_settings={"bearer": "secret-token"}, **settings)
    assert repr(client)
    return [record.getMessage() for record in caplog.records]


@pytest.fixture
def unwarned(monkeypatch):
    monkeypatch.setattr("facade.filters.bearer._warned", set())


def test_token_in_the_open(caplog, unwarned):
    """It is warned of once for each target, without the token."""
    (told,) = warnings_of(caplog, "shop.example.org:50051")
    assert "bearer= sends a token to shop.example.org:50051" in told
    assert "secret-token" not in told
    assert warnings_of(caplog, "shop.example.org:50051") == []
    assert len(warnings_of(caplog, "dns:///10.0.0.1:50051")) == 1


@pytest.mark.parametrize(
    "target",
    [
        *("127.0.0.1:50051", "localhost:50051", "[::1]:50051", "dns:///localhost:50051"),
        *("ipv4:127.0.0.1:50051", "ipv6:[::1]:50051", "unix:/run/shop", "unix-abstract:shop"),
        "injvm",
    ],
)
def test_token_that_stays_on_this_machine(target, caplog, unwarned):
    """Nobody is on the way."""
    assert warnings_of(caplog, target) == []


def test_token_over_tls(caplog, unwarned):
    """Nobody on the way can read it."""
    assert warnings_of(caplog, "shop.example.org:50051", tls=True) == []


def test_client_without_a_token(caplog, unwarned):
    """There is nothing to warn of."""
    facade.AsyncClient("shop.example.org:50051", filters=["bearer"])
    assert caplog.records == []


def test_token_of_one_reference(caplog, unwarned):
    """A setting of the reference counts as well."""

    @facade.service("bearer.Shop")
    class Shop:
        async def hello(self) -> str: ...

    client = facade.AsyncClient("shop.example.org:50051")
    client.refer(Shop, bearer="secret-token")
    assert "bearer= sends a token to shop.example.org:50051" in caplog.text
