"""Types as Describe tells them, as code. What comes from a peer is looked at, never run."""

import ast
import builtins
import keyword

# What a type may be made of: where each name is imported from; None: it is a builtin.
_BUILTINS = "bool bytes complex dict float frozenset int list object set str tuple"
_COLLECTIONS = (
    "AsyncIterable AsyncIterator Awaitable Callable Collection Iterable Iterator Mapping "
    "MutableMapping MutableSequence Sequence"
)
KNOWN: dict[str, str | None] = {
    **dict.fromkeys(_BUILTINS.split(), None),
    **dict.fromkeys(_COLLECTIONS.split(), "collections.abc"),
    **dict.fromkeys(("Any", "Literal", "Optional", "Union"), "typing"),
    **dict.fromkeys(("date", "datetime", "time", "timedelta"), "datetime"),
    "Decimal": "decimal",
    "UUID": "uuid",
}

Imports = dict[str, set[str]]
ANY = "Any"


def known_type(text: str, imports: Imports) -> str | None:
    """The same type, in names that can be imported; they are added to ``imports``. None for a
    type that only its provider knows, and for what is no type at all."""
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names: set[str] = set()
    if not _is_type(tree, names):
        return None
    for name in names:
        module = KNOWN[name]
        if module is not None:
            imports.setdefault(module, set()).add(name)
    return ast.unparse(tree)


def _is_type(node: ast.expr, names: set[str]) -> bool:
    if isinstance(node, ast.Name):
        names.add(node.id)
        return node.id in KNOWN
    if isinstance(node, ast.Constant):
        return node.value is None or node.value is ...
    if isinstance(node, ast.BinOp):
        sides = (node.left, node.right)
        return isinstance(node.op, ast.BitOr) and all(_is_type(side, names) for side in sides)
    if isinstance(node, (ast.Tuple, ast.List)):
        return all(_is_type(part, names) for part in node.elts)
    if isinstance(node, ast.Subscript):
        if isinstance(node.value, ast.Name) and node.value.id == "Literal":
            names.add("Literal")
            return all(isinstance(n, ast.Constant) for n in _parts(node.slice))
        return _is_type(node.value, names) and _is_type(node.slice, names)
    return False


def _parts(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]


def is_name(text: str) -> bool:
    """Whether it can be the name of a method or a parameter."""
    return text.isidentifier() and not keyword.iskeyword(text)


def class_name(service: str, taken: set[str]) -> str:
    """One for the interface: the last part of the service's name, and more where that is taken."""
    parts = ["".join(c for c in part if c.isalnum() or c == "_") for part in service.split(".")]
    parts = [part[:1].upper() + part[1:] for part in parts if part]
    for count in range(1, len(parts) + 1):
        name = "".join(parts[-count:])
        if is_name(name) and name not in taken and not hasattr(builtins, name):
            return name
    base = next((p for p in reversed(parts) if is_name(p)), "Service")
    number = 2
    while f"{base}{number}" in taken:
        number += 1
    return f"{base}{number}"


def comment(text: str) -> str:
    """Text of a peer, harmless behind a ``#``: on one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def docstring(text: str, indent: str) -> list[str]:
    """Text of somebody else as a docstring; nothing for none."""
    said = comment(text).replace("\\", "\\\\").replace('"', "'")
    return [f'{indent}"""{said}"""'] if said else []
