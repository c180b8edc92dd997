import builtins
import dataclasses

import pytest

from facade.core import error
from facade.core.exceptions import is_known, restore, wire_arguments, wire_name

PYTHONS_OWN = sorted(
    {
        kind
        for kind in vars(builtins).values()
        if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, Warning)
    },
    key=lambda kind: kind.__name__,
)


def travel(exception):
    """What the other end makes of it."""
    return restore(wire_name(exception), wire_arguments(exception))


@error("tests.OutOfStock")
class OutOfStock(Exception):
    def __init__(self, item, wanted=1):
        super().__init__(f"{item} is out of stock: {wanted} wanted")
        self.item = item
        self.wanted = wanted


# Travelling


def test_declared_exception_is_made_anew_from_its_attributes():
    """An attribute for each parameter is enough, whatever the text is made of."""
    again = travel(OutOfStock("tea", wanted=3))
    assert type(again) is OutOfStock
    assert (again.item, again.wanted) == ("tea", 3)
    assert str(again) == "tea is out of stock: 3 wanted"


def test_declared_exception_is_made_anew_from_its_arguments():
    """A class that hands all of its arguments to Exception needs no attributes."""

    @error("tests.Refused")
    class Refused(Exception):
        def __init__(self, who, why):
            super().__init__(who, why)

    again = travel(Refused("Ann", "closed"))
    assert type(again) is Refused
    assert again.args == ("Ann", "closed")


def test_declared_exception_without_a_constructor():
    """A class with nothing in it keeps what it was raised with."""

    @error("tests.Plain")
    class Plain(ValueError):
        pass

    again = travel(Plain("text", 5))
    assert type(again) is Plain
    assert again.args == ("text", 5)


def test_declared_exception_whose_constructor_takes_nothing():
    """A class that makes its text itself is made anew with no arguments."""

    @error("tests.SoldOut")
    class SoldOut(Exception):
        def __init__(self):
            super().__init__("everything is sold")

    again = travel(SoldOut())
    assert type(again) is SoldOut
    assert str(again) == "everything is sold"


def test_declared_dataclass():
    """An exception that is a dataclass keeps its fields."""

    @error("tests.Overdrawn")
    @dataclasses.dataclass
    class Overdrawn(Exception):
        account: str
        by: int = 0

    again = travel(Overdrawn("A1", 7))
    assert type(again) is Overdrawn
    assert (again.account, again.by) == ("A1", 7)


@pytest.mark.parametrize(
    "exception",
    [
        ValueError("bad", 3),
        KeyError("name"),
        ZeroDivisionError(),
        FileNotFoundError(2, "No such file or directory"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        TimeoutError("too late"),
    ],
    ids=lambda exception: type(exception).__name__,
)
def test_pythons_own_come_back_as_themselves(exception):
    """A builtin exception needs no declaration."""
    again = travel(exception)
    assert type(again) is type(exception)
    assert (again.args, str(again)) == (exception.args, str(exception))


def test_file_error_keeps_its_file_name():
    """The text of a file error names the file at the other end too."""
    exception = FileNotFoundError(2, "No such file or directory", "/etc/orders.toml")
    again = travel(exception)
    assert type(again) is FileNotFoundError
    assert (again.filename, str(again)) == (exception.filename, str(exception))


@pytest.mark.parametrize("kind", PYTHONS_OWN, ids=lambda kind: kind.__name__)
def test_every_builtin_exception_is_known_by_name(kind):
    """All of Python's exceptions travel under their own names, warnings apart."""
    exception = kind.__new__(kind, "text", [ValueError()])
    assert is_known(exception)
    assert wire_name(exception) == kind.__name__


@pytest.mark.parametrize(
    "name",
    [
        "SystemExit",
        "KeyboardInterrupt",
        "UserWarning",
        "os.system",
        "builtins.eval",
        "tests.Never",
        "",
    ],
)
def test_name_that_was_not_declared_makes_nothing(name):
    """A peer can't choose a class: only what was declared here is ever made."""
    assert restore(name, ("x",)) is None


def test_arguments_that_do_not_fit_make_nothing():
    """Where the constructor differs at the other end, the exception is not made at all."""
    assert restore("tests.OutOfStock", ()) is None
    assert restore("tests.OutOfStock", (1, 2, 3)) is None


def test_undeclared_exception_goes_by_the_name_of_its_class():
    """Others show where their class is from, and are not known."""

    class Private(Exception):
        pass

    exception = Private("secret")
    assert not is_known(exception)
    assert wire_name(exception) == f"{__name__}.{Private.__qualname__}"


def test_subclass_of_a_declared_exception_is_not_declared():
    """Each class is declared for itself."""

    class Rarer(OutOfStock):
        pass

    assert is_known(OutOfStock("tea"))
    assert not is_known(Rarer("tea"))


def test_attribute_that_is_missing_falls_back_to_the_arguments():
    """Where not every parameter is kept, what was handed to Exception goes."""

    @error("tests.Halfway")
    class Halfway(Exception):
        def __init__(self, one, two):
            super().__init__(one, two)
            self.one = one

    assert wire_arguments(Halfway(1, 2)) == (1, 2)


# Declaring


def test_declaring_gives_the_class_back():
    """The decorator leaves the class as it is."""

    class Plain(Exception):
        pass

    assert error("tests.GivenBack")(Plain) is Plain


def test_name_that_is_taken_is_refused():
    """Two classes can't share a name, and the text says which class has it."""

    class Other(Exception):
        pass

    with pytest.raises(ValueError, match="choose another") as caught:
        error("tests.OutOfStock")(Other)
    assert str(caught.value) == (
        f"the error name 'tests.OutOfStock' is taken by {__name__}.OutOfStock: "
        f"choose another for {__name__}.{Other.__qualname__}"
    )


def test_name_of_pythons_own_is_taken():
    """A declared class can't pass for a builtin one."""

    class Mine(Exception):
        pass

    with pytest.raises(ValueError, match=r"'ValueError' is taken by builtins\.ValueError"):
        error("ValueError")(Mine)


def test_module_that_is_reloaded_declares_again():
    """The same class made a second time takes the place of the first."""

    def load():
        @error("tests.Reloaded")
        class Reloaded(Exception):
            pass

        return Reloaded

    load()
    second = load()
    assert type(restore("tests.Reloaded", ())) is second


@pytest.mark.parametrize("wrong", [int, ValueError("an object"), KeyboardInterrupt, len])
def test_only_exception_classes_can_be_declared(wrong):
    """The decorator says where it belongs."""
    with pytest.raises(
        TypeError, match=r"facade\.error\('tests\.Wrong'\) goes on an exception class"
    ):
        error("tests.Wrong")(wrong)
