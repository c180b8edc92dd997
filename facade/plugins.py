"""Filters by name: entry points of the group "facade.filters"."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from facade.activations import OURS
from facade.core.chain import check
from facade.core.cluster import ANNOUNCED, KEYS
from facade.core.filter import Activation, Filter
from facade.core.hint import hint
from facade.core.settings import FilterSettings
from facade.entrypoints import entry_points

GROUP = "facade.filters"

# Text that says that nothing is set. (Dubbo: ConfigUtils#isNotEmpty)
_EMPTY = ("false", "0", "null", "N/A")

# What `filters=` of a client or a server takes: names, objects, "default", "+name" and "-name".
FilterList = Sequence[str | Filter]
_SIGNS = ("+", "-")


class Installed(Mapping[str, type[Filter]]):
    """Filter classes by name. Each is loaded when it is asked for."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self._entries = entries
        self._loaded: dict[str, type[Filter]] = {}

    def __getitem__(self, name: str) -> type[Filter]:
        if name not in self._loaded:
            self._loaded[name] = self._entries[name].load()
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def awake(self, side: str, settings: FilterSettings) -> list[str]:
        """The names of those that may switch themselves on there; the others do not."""
        names = []
        for name, entry in self._entries.items():
            sides, when = OURS.get(entry.value, ((side,), ()))
            if side in sides and _is_on(when, settings):
                names.append(name)
        return names


@cache
def installed() -> Installed:
    """All filter classes that are installed. ValueError where two share a name."""
    found: dict[str, Any] = {}
    for entry in entry_points(group=GROUP):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value and (one := other.load()) is not (two := entry.load()):
            raise ValueError(
                f"two filters are installed as {entry.name!r}: {_place(one)} and {_place(two)}; "
                "uninstall one, or rename its entry point"
            )
    if not found:
        raise RuntimeError(
            "no filter is installed, not even ours: facade was not installed with its metadata; "
            "run `pip install facade-rpc`, or `pip install -e .` in its source"
        )
    return Installed(found)


def merge(outer: FilterList, inner: FilterList) -> FilterList:
    """One list of two: of an end, and of one service there. The end's filters come first;
    what either takes away is away. (Dubbo: the lists of provider and consumer)"""
    for filters in (outer, inner):
        if isinstance(filters, str):
            raise TypeError(f"filters is a list: filters=[{filters!r}]")
    return [*outer, *(item for item in inner if item != "default")]


def resolve(
    filters: FilterList,
    side: str,
    settings: Mapping[str, Any],
    *,
    per_attempt: bool | None = None,
) -> list[Filter]:
    """The filters of one end, outermost first. (Dubbo: ExtensionLoader#getActivateExtension)

    "default" stands for those that switch themselves on, and comes first where it is not
    named; "+name" is one more of them, at its own place, "-name" takes one away, "-default" all
    that switch themselves on. A name counts once. ``per_attempt`` leaves only those out that
    say otherwise. ValueError for an unknown name.
    """
    if isinstance(filters, str):
        raise TypeError(f"filters is a list: filters=[{filters!r}]")
    if not isinstance(settings, FilterSettings):
        settings = FilterSettings(settings)
    names = [item for item in filters if isinstance(item, str)]
    added = [name[1:] for name in names if name.startswith("+")]
    removed = [name[1:] for name in names if name.startswith("-")]
    for name in (*added, *removed, *names):
        if not name.startswith(_SIGNS) and name != "default":
            _find(name)
    wanted = _once(filters)
    if "default" not in names:
        wanted.insert(0, "default")
    chosen: list[Filter | type[Filter]] = []
    for item in wanted:
        if not isinstance(item, str):
            check(item)
            chosen.append(item)
        elif item == "default":
            awake = () if "default" in removed else installed().awake(side, settings)
            candidates = {*added, *awake} - {*removed, *names}
            chosen += _active(candidates, added, side, settings)
        elif not item.startswith(_SIGNS) and item not in removed:
            chosen.append(_find(item))
    return [
        item.configure(settings) if isinstance(item, type) else item
        for item in chosen
        if per_attempt is None or item.per_attempt is per_attempt
    ]


def check_settings(settings: FilterSettings, filters: FilterList, what: str) -> None:
    """That each setting is one that a filter reads, a cluster or a registry. ValueError for an
    unknown one, TypeError for a value of another kind; ``what`` says where they were given."""
    if not settings.says_anything:
        return  # most say nothing, and need not load what they do not use
    classes = [*installed().values(), *(type(item) for item in filters if isinstance(item, Filter))]
    known = _known_keys(classes)
    common = {key for cls in classes for key in cls.common}
    for method, key, value in settings.places():
        where = f"{what}.{method}" if method else what
        if key not in known:
            listed = f"there are: {', '.join(sorted(known))}"
            meant = hint(key, (*known, *_OWN_OPTIONS), listed)
            raise ValueError(f"{where}: no filter has a setting {key!r}: {meant}")
        if method and key in common:
            raise ValueError(f"{where}: {key} is one for all methods: say it of {what} as a whole")
        kinds = known[key]
        if kinds and not _fits(value, kinds):
            names = " or ".join(
                "None" if k is type(None) else k.__name__ for k in dict.fromkeys(kinds)
            )
            # Not the value: it may be a secret.
            raise TypeError(f"{where}: {key} is {names}, not {type(value).__name__}")


# What export, refer and the decorators take themselves.
_OWN_OPTIONS = (
    *("group", "version", "timeout", "timeouts", "filters", "methods", "mode", "stub", "scope"),
    *("threads", "queue", "oneway", "sent", "idempotent", "cancel_on_timeout", "countdown"),
)


def _known_keys(classes: Iterable[type[Filter]]) -> dict[str, tuple[type, ...]]:
    """By name, with the types that a value may have; none where it may be anything."""
    known: dict[str, tuple[type, ...]] = {}
    for cls in classes:
        activation: Activation | None = getattr(cls, "__facade_activation__", None)
        for key in activation.when if activation is not None else ():
            known.setdefault(key.partition(":")[0], ())
        for key, kinds in cls.keys.items():
            known[key] = known.get(key, ()) + _kinds(kinds)
    for key, kinds in {**KEYS, **ANNOUNCED}.items():
        known.setdefault(key, _kinds(kinds))
    return known


def _kinds(kinds: type | tuple[type, ...]) -> tuple[type, ...]:
    return kinds if isinstance(kinds, tuple) else (kinds,)


def _fits(value: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool) and bool not in kinds:
        return False
    return isinstance(value, (*kinds, int) if float in kinds else kinds)


def _once(filters: FilterList) -> list[str | Filter]:
    """A name that stands there twice counts where it is first."""
    once: list[str | Filter] = []
    for item in filters:
        if not isinstance(item, str) or item not in once:
            once.append(item)
    return once


def _active(
    candidates: Iterable[str], added: Sequence[str], side: str, settings: FilterSettings
) -> list[type[Filter]]:
    """Those that switch themselves on at this side or were added there, in their order."""
    active: list[tuple[int, str, type[Filter]]] = []
    for name in candidates:
        cls = installed()[name]
        activation: Activation | None = getattr(cls, "__facade_activation__", None)
        if activation is None or side not in activation.group:
            if name in added:
                raise ValueError(
                    f"'+{name}': {name} has no place of its own at a {side}; write {name!r} where "
                    "it is to stand"
                )
        elif name in added or _is_on(activation.when, settings):
            active.append((activation.order, name, cls))
    return [cls for _, _, cls in sorted(active, key=lambda item: item[:2])]


def _is_on(when: Sequence[str], settings: FilterSettings) -> bool:
    return not when or any(_is_set(key, settings) for key in when)


def _is_set(key: str, settings: FilterSettings) -> bool:
    """Whether a setting is there and not empty, or is what ``key`` says behind a colon; for
    all methods or for one. (Dubbo: URL#getAnyMethodParameter)"""
    name, colon, wanted = key.partition(":")
    if colon:
        return any(str(value) == wanted for value in settings.all(name) if value is not None)
    return any(bool(value) and value not in _EMPTY for value in settings.all(name))


def _find(name: str) -> type[Filter]:
    known = installed()
    if name in known:
        return known[name]
    meant = hint(name, known, f"there are: {', '.join(sorted(known))}")
    raise ValueError(f"no filter is called {name!r}: {meant}")


def _place(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
