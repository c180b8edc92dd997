"""What filters are configured with."""

from collections.abc import Iterator, Mapping
from typing import Any


class FilterSettings(Mapping[str, Any]):
    """The settings of an end, or of one service there, and those of its methods.

    As a mapping it has what holds for all methods. What a method may say for itself is found
    with ``by_method``, once, when the filter is made. While they are ``partial``, services may
    still say more: then nothing is missing yet.
    """

    __slots__ = ("_methods", "_values", "partial")

    def __init__(
        self,
        values: Mapping[str, Any] | None = None,
        methods: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        partial: bool = False,
    ) -> None:
        self.partial = partial
        self._values = dict(values or {})
        self._methods = {name: dict(own) for name, own in (methods or {}).items() if own}

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def by_method(self, key: str, default: Any = None) -> "ByMethod":
        """The values of one setting; ``default`` where nothing is said."""
        own = {name: values[key] for name, values in self._methods.items() if key in values}
        return ByMethod(own, self._values.get(key, default))

    def all(self, key: str) -> list[Any]:
        """Each value that is said for this setting, anywhere."""
        said = [self._values[key]] if key in self._values else []
        return said + [values[key] for values in self._methods.values() if key in values]

    def says_no_more_than(self, values: Mapping[str, Any]) -> bool:
        """Whether it is these values for all methods, and nothing else."""
        return not self._methods and self._values == values

    @property
    def says_anything(self) -> bool:
        return bool(self._values or self._methods)

    def places(self) -> Iterator[tuple[str, str, Any]]:
        """Method (or ""), setting and value, of all that is said."""
        for key, value in self._values.items():
            yield "", key, value
        for name, values in self._methods.items():
            for key, value in values.items():
                yield name, key, value

    def __repr__(self) -> str:
        # Values may be secrets.
        keys = sorted({key for _, key, _ in self.places()})
        return f"<FilterSettings {', '.join(keys)}>"


class ByMethod(dict[str, Any]):
    """A value by the name of a method. A method that says nothing has the one for all."""

    __slots__ = ("default",)

    def __init__(self, own: Mapping[str, Any], default: Any) -> None:
        super().__init__(own)
        self.default = default

    def __missing__(self, method: str) -> Any:
        return self.default
