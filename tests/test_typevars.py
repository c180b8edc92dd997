"""Generic interfaces: what their type variables stand for is what their bases say."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import pytest

import facade
from facade.service import describe

K = TypeVar("K")
T = TypeVar("T")


@dataclass
class User:
    name: str


@dataclass
class Page(Generic[T]):
    items: list[T]


class Repo(Generic[K, T]):
    async def get(self, key: K) -> T: ...

    async def find(self, key: K | None = None) -> Page[T] | None: ...

    def all(self) -> AsyncIterator[T]: ...

    async def watch(self, listener: Callable[[T], None]) -> None: ...


class Numbered(Repo[int, T]):
    async def put(self, value: T) -> int: ...


@facade.service("typevars.Users")
class Users(Numbered["User"]):
    async def count(self) -> int: ...


def parameters(interface, method):
    return [parameter.type for parameter in describe(interface).methods[method].parameters]


def test_bases_say_what_type_variables_stand_for():
    """Through several of them, by name, and within other types."""
    methods = describe(Users).methods
    assert (parameters(Users, "get"), methods["get"].returns) == ([int], User)
    assert (parameters(Users, "find"), methods["find"].returns) == ([int | None], Page[User] | None)
    assert (methods["all"].returns, parameters(Users, "put")) == (User, [User])
    assert parameters(Users, "watch") == [Callable[[User], None]]
    assert methods["count"].returns is int


def test_a_generic_protocol_says_it_too():
    """A protocol is an interface like others."""

    class Store(Protocol[T]):
        async def put(self, value: T) -> None: ...

    class Users(Store[User], Protocol):
        pass

    assert parameters(Users, "put") == [User]


def test_method_that_is_written_again_has_its_own_hints():
    """What its base said of the same variable is not meant."""

    class Names(Repo[int, User], Generic[T]):
        async def get(self, key: T) -> str: ...

    assert (parameters(Names, "get"), describe(Names).methods["get"].returns) == ([T], str)
    assert parameters(Names, "find") == [int | None]


def test_variable_of_which_nothing_is_said():
    """It may be anything, as without a hint."""

    class Plain(Repo):
        pass

    assert parameters(Plain, "get") == [K]


def test_name_that_there_is_not_is_refused():
    """With the place, when the interface is read."""

    class Wrong(Numbered["Nobody"]):
        pass

    said = r"a base of .*Wrong: its type hints name 'Nobody', which is not defined"
    with pytest.raises(TypeError, match=said):
        describe(Wrong)


@pytest.mark.parametrize("argument", ["pytest.Nobody", "int[str]"])
def test_base_that_can_not_be_read_is_refused(argument):
    """As a hint of a method is."""

    class Wrong(Numbered[argument]):
        pass

    with pytest.raises(TypeError, match=r"a base of .*Wrong: its type hints can't be read"):
        describe(Wrong)


class UsersImpl(Users):
    async def get(self, key):
        return User(str(key))

    async def find(self, key=None):
        return Page([User("Ann")])

    async def all(self):
        yield User("Bob")

    async def watch(self, listener):
        await listener(User("Eve"))

    async def put(self, value):
        return len(value.name)

    async def count(self):
        return 1


async def test_calls_of_a_generic_interface():
    """Values come as what they are declared as, and what does not fit is refused."""
    server = facade.Server("127.0.0.1:0")
    server.export(Users, UsersImpl())
    async with server, facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20) as client:
        users = client.refer(Users)
        assert await users.get(3) == User("3")
        assert await users.find() == Page([User("Ann")])
        assert [user async for user in users.all()] == [User("Bob")]
        assert await users.put(User("Ann")) == 3
        seen = []
        await users.watch(seen.append)
        assert seen == [User("Eve")]
        with pytest.raises(facade.InvalidArgument, match="argument 'key': Expected `int`"):
            await users.get("three")
