"""Read an interface: which methods it has, what they take and give, how they are called."""

import asyncio
import concurrent.futures
import inspect
import math
import re
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

import msgspec

from facade.callbacks import callback_type
from facade.core.hint import hint
from facade.core.method import InvokeMode, Method, Parameter, Service
from facade.core.settings import FilterSettings
from facade.stream import is_stream, item_type
from facade.typevars import Known, bound_in, hints_of, replaced

C = TypeVar("C", bound=type)
Fn = TypeVar("Fn", bound=Callable[..., Any])

FUTURES = (asyncio.Future, concurrent.futures.Future)


class ServiceOptions(msgspec.Struct, frozen=True):
    name: str
    version: str
    group: str
    timeout: float | None
    settings: Mapping[str, Any]


class MethodOptions(msgspec.Struct, frozen=True):
    timeout: float | None = None
    oneway: bool = False
    sent: bool = False
    idempotent: bool = False
    cancel_on_timeout: bool = False
    countdown: bool | None = None
    name: str = ""
    settings: Mapping[str, Any] = msgspec.field(default_factory=dict)


_METHOD_OPTIONS = tuple(name for name in MethodOptions.__struct_fields__ if name != "settings")


def service(
    name: str | None = None,
    *,
    version: str = "",
    group: str = "",
    timeout: float | None = None,
    **settings: Any,
) -> Callable[[C], C]:
    """Make a class an interface of this name. Its public methods are what can be called.

    ``settings`` are for filters, at both ends: those that have such a key. Without a name it
    goes by ``module.Class``. ``timeout``: seconds that a call of any
    of its methods may take.
    """
    if callable(name):
        raise TypeError("write @facade.service() or @facade.service('its.Name'), with parentheses")
    check_timeout(timeout, "timeout of the service")

    def mark(cls: C) -> C:
        cls.__facade_service__ = ServiceOptions(  # type: ignore[attr-defined]
            name or _default_name(cls), version, group, timeout, settings
        )
        return cls

    return mark


@overload
def method(function: Fn, /) -> Fn: ...
@overload
def method(
    *,
    timeout: float | None = None,
    oneway: bool = False,
    sent: bool = False,
    idempotent: bool = False,
    cancel_on_timeout: bool = False,
    countdown: bool | None = None,
    name: str = "",
    **settings: Any,
) -> Callable[[Fn], Fn]: ...
def method(function: Any = None, /, **options: Any) -> Any:
    """Say more of a method than its signature can.

    ``timeout``: seconds. ``oneway``: nothing comes back, not even an error; with ``sent``
    the caller waits until it is written. ``idempotent``: may be sent again without harm.
    ``cancel_on_timeout``: the provider cancels it when its time is up, instead of letting it
    finish for nobody.

    ``countdown=False``: a call of it stands outside of the countdown. It does not take over
    the time that is left where it is made, and the provider is not told how long it has;
    its own timeout holds at the consumer alone. (Without a stream, as with unary=True, the
    gRPC call is cancelled then, and the method with it.) ``True``: it takes part, though the
    client says ``countdown=False``.

    ``name``: of its gRPC method in native calls, such as "SayHello", where it is another.

    Anything else is a setting for filters, such as ``executes=10``.
    """
    if function is not None:
        return function
    own = {name: options.pop(name) for name in _METHOD_OPTIONS if name in options}
    known = MethodOptions(**own, settings=options)
    check_timeout(known.timeout, "timeout of the method")
    if known.name and not re.fullmatch(r"\w+", known.name):
        raise ValueError(f"name={known.name!r}: a gRPC method has one such as 'SayHello'")

    def mark(fn: Fn) -> Fn:
        fn.__facade_method__ = known  # type: ignore[attr-defined]
        return fn

    return mark


def check_timeout(timeout: float | None, what: str) -> None:
    """ValueError for what can't be a number of seconds to wait. None says nothing."""
    if timeout is not None:
        check_seconds(timeout, what, "None means the default")


def check_seconds(seconds: float, what: str, hint: str = "give more than 0") -> None:
    """ValueError or TypeError for what can't be a number of seconds to wait."""
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise TypeError(f"{what}: {seconds!r} is not a number of seconds")
    if not (0 < seconds < math.inf):
        raise ValueError(f"{what}: {seconds!r} s is no time to wait; {hint}")


def check_switches(**switches: bool) -> None:
    """TypeError for one that is neither True nor False: "no" would be yes."""
    for name, value in switches.items():
        if not isinstance(value, bool):
            raise TypeError(f"{name}={value!r}: give True or False")


def is_count(value: object, least: int = 0) -> bool:
    """Whether it is a whole number, and no less than that."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def with_timeouts(service: Service, timeouts: Mapping[str, float]) -> Service:
    """The same service, with these seconds for its methods by name. ValueError for a method
    that it does not have."""
    if not timeouts:
        return service
    methods = dict(service.methods)
    for name, seconds in timeouts.items():
        check_timeout(seconds, f"timeout of {service.name}.{name}")
        _check_method(service, name, "timeouts")
        methods[name] = methods[name]._replace(timeout=seconds)
    return service._replace(methods=methods)


def _check_method(service: Service, name: str, where: str) -> None:
    if name not in service.methods:
        meant = hint(name, service.methods, f"it has: {', '.join(service.methods)}")
        raise ValueError(f"{where}: {service.name} has no method {name!r}; {meant}")


def filter_settings(
    service: Service,
    outer: Mapping[str, Any],
    inner: Mapping[str, Any],
    methods: Mapping[str, Mapping[str, Any]] | None,
) -> FilterSettings:
    """What the filters of a service are configured with. The later goes before: ``outer`` of
    the end, the interface's, ``inner`` of the export or reference, and those of methods."""
    methods = methods or {}
    for name in methods:
        _check_method(service, name, "methods")
    own = {
        name: {**method.settings, **methods.get(name, {})}
        for name, method in service.methods.items()
    }
    return FilterSettings({**outer, **service.settings, **inner}, own)


def describe(interface: type) -> Service:
    """What can be called on ``interface``. TypeError, which says what to change, where it
    can't be called remotely."""
    if not isinstance(interface, type):
        raise TypeError(f"an interface is a class, not {interface!r}")
    options = interface.__dict__.get("__facade_service__")
    if options is None:
        options = ServiceOptions(_default_name(interface), "", "", None, {})
    methods = {
        name: _describe_method(options.name, name, function, known)
        for name, function, known in _public_functions(interface)
    }
    if not methods:
        raise TypeError(f"{interface.__qualname__} has no public methods: there is nothing to call")
    return Service(
        name=options.name,
        methods=methods,
        group=options.group,
        version=options.version,
        timeout=options.timeout,
        summary=_summary(interface),
        settings=options.settings,
    )


def find_interface(implementation: object) -> type | None:
    """The decorated class that an implementation derives from, or is an object of."""
    for cls in type(implementation).__mro__:
        if "__facade_service__" in cls.__dict__:
            return cls
    return None


def _default_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _public_functions(interface: type) -> list[tuple[str, Callable[..., Any], Known]]:
    """Each with what the type variables of its class stand for."""
    found: dict[str, tuple[Any, Known]] = {}
    bound = bound_in(interface)
    for cls in reversed(interface.__mro__):
        if cls is object or cls.__module__ in ("typing", "abc"):
            continue
        found.update((name, (value, bound.get(cls, {}))) for name, value in vars(cls).items())
    return [
        (name, value, known)
        for name, (value, known) in found.items()
        if inspect.isfunction(value) and not name.startswith("_")
    ]


def _describe_method(service: str, name: str, function: Callable[..., Any], known: Known) -> Method:
    where = f"{service}.{name}"
    hints = {key: replaced(hint, known) for key, hint in hints_of(function, where).items()}
    options = getattr(function, "__facade_method__", None) or MethodOptions()
    returns, mode = _returned(hints.get("return", Any), function)
    yields = is_stream(returns)
    generates = inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function)
    if generates and not yields and returns is not Any:
        raise TypeError(f"{where} yields: declare it `-> AsyncIterator[...]` or `-> Iterator[...]`")
    yields = yields or generates
    if options.oneway and returns not in (None, type(None), Any):
        raise TypeError(f"{where} is oneway, so nothing comes back: declare it `-> None`")
    if options.sent and not options.oneway:
        raise TypeError(f"{where}: sent=True is for oneway methods; others wait for their answer")
    parameters = tuple(_parameters(where, function, hints))
    streamed = tuple(p.name for p in parameters if is_stream(p.type))
    callbacks = tuple(p.name for p in parameters if _is_callback(where, p))
    if callbacks and (yields or streamed):
        raise TypeError(f"{where}: a method has streams or callbacks, and not both")
    if options.oneway and streamed:
        raise TypeError(f"{where} is oneway: nobody would say how much of {streamed[0]!r} to send")
    return Method(
        service=service,
        name=name,
        parameters=tuple(
            p._replace(type=item_type(p.type)) if p.name in streamed else p for p in parameters
        ),
        returns=item_type(returns) if yields else returns,
        mode=mode,
        timeout=options.timeout,
        oneway=options.oneway,
        sent=options.sent,
        idempotent=options.idempotent,
        cancel_on_timeout=options.cancel_on_timeout,
        countdown=options.countdown,
        wire_name=options.name,
        summary=_summary(function),
        settings=options.settings,
        callbacks=callbacks,
        streamed=streamed,
        yields=yields,
    )


def _is_callback(where: str, parameter: Parameter) -> bool:
    try:
        return callback_type(parameter.type) is not None
    except TypeError as error:
        raise TypeError(f"{where}({parameter.name}): {error}") from None


def _returned(hint: Any, function: Callable[..., Any]) -> tuple[Any, InvokeMode]:
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return hint, InvokeMode.ASYNC
    origin = typing.get_origin(hint) or hint
    if isinstance(origin, type) and issubclass(origin, FUTURES):
        arguments = typing.get_args(hint)
        return (arguments[0] if arguments else Any), InvokeMode.FUTURE
    return hint, InvokeMode.SYNC


def _parameters(
    where: str, function: Callable[..., Any], hints: dict[str, Any]
) -> typing.Iterator[Parameter]:
    listed = list(inspect.signature(function).parameters.values())
    if not listed:
        raise TypeError(f"{where} lacks `self`: methods of an interface are plain methods")
    for parameter in listed[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(
                f"{where}: *{parameter.name} can't be called remotely; take a list or a dict"
            )
        yield Parameter(
            name=parameter.name,
            type=hints.get(parameter.name, Any),
            required=parameter.default is parameter.empty,
            keyword_only=parameter.kind is parameter.KEYWORD_ONLY,
        )


def _summary(documented: Any) -> str:
    text = inspect.cleandoc(documented.__doc__ or "")
    return " ".join(text.split("\n\n", 1)[0].split())
