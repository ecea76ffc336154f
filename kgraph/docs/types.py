"""The types of arguments, results and attributes: as annotated, else by the tables of kgraph.docs.vocabulary, else by
default values and by what the source shows.

Args:
    value, f: a function or a class.
    name: of an argument or an attribute.
"""
from __future__ import annotations

import functools
import inspect
import re
import sys
from types import UnionType

from kgraph.docs import sources
from kgraph.docs.vocabulary import ATTRIBUTES, KEPT, PARAMETERS, RETURNS

__all__ = ["CLASSES", "attribute_types", "default_text", "member_type", "parameter_type",
           "result_type", "setter_type"]

CLASSES = {}   # name -> class: those that were met in the source
_GENERIC = {"list": "list[Any]", "dict": "dict[str, Any]", "tuple": "tuple[Any, ...]", "set": "set[Any]",
            "frozenset": "frozenset[Any]", "type": "type[Any]", "Callable": "Callable[..., Any]",
            "ndarray": "ndarray", "Iterator": "Iterator[Any]", "property": "property"}
_BY_DEFAULT = {bool: "bool", int: "Float", float: "Float", str: "str"}   # 0 is often the default of a float


def _by_name(table: dict) -> dict:
    """{scope: {name: type}} of a table {scope: {type: "names ..."}}."""
    return {scope: {name: text for text, names in rows.items() for name in names.split()}
            for scope, rows in table.items()}


_PARAMETERS, _ATTRIBUTES, _RETURNS = map(_by_name, (PARAMETERS, ATTRIBUTES, RETURNS))


def _scopes(module: str, qualname: str) -> list:
    """Where a name is looked up: in what it is part of, from the nearest on."""
    parts, places = qualname.split("."), module.split(".")
    inner = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return [*inner, *(".".join(places[:n]) for n in range(len(places), 1, -1))]


def _look_up(table: dict, scopes, name: str, every=True) -> str | None:
    for scope in (*scopes, ""):
        rows = table.get(scope, {})
        if name in rows:
            return rows[name]
        _, _, word = name.rpartition("_")
        if "_" in name and (text := rows.get(f"*_{word}")):
            return text
        if every and "*" in rows:
            return rows["*"]
    return None


def _annotated(annotation, module: str) -> str | None:
    """An annotation as text, kinds of containers with what they hold; None where there is none."""
    if annotation in (None, inspect.Parameter.empty):
        return None
    annotation = getattr(annotation, "__forward_arg__", annotation)   # as fields of a NamedTuple have it
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    text = re.sub(r"(?<![\w.\"'])(?:[a-z_]+\.)?_?[A-Z]\w*", lambda m: _meant(m[0], module), text)
    return re.sub(r"\b(" + "|".join(_GENERIC) + r")\b(?!\[)", lambda m: _GENERIC[m[1]], text)


def _meant(name: str, module: str) -> str:
    """What a name in an annotation means in its module: a class, or a union that is called so."""
    place, _, own = name.rpartition(".")
    home = getattr(sys.modules[module], place) if place else sys.modules[module]
    if place and not home.__name__.startswith("kgraph"):
        return name
    value = getattr(home, own, None)
    if isinstance(value, UnionType):
        return " | ".join(_meant(a.__name__, a.__module__) if inspect.isclass(a) else str(a) for a in value.__args__)
    if inspect.isclass(value) and CLASSES.setdefault(value.__name__, value) is not value:
        raise ValueError(f"two classes are called {name}: {value} and {CLASSES[value.__name__]}")
    return own


def parameter_type(f, p: inspect.Parameter, owner=None, name=None) -> str:
    """The type of a parameter of a function, or of a method of the class ``owner``.

    Args:
        p: the parameter
        owner: the class that has the method, or None
        name: of the method in the class, where that is not the function's own
    """
    f = inspect.unwrap(f)
    if p.kind is p.VAR_KEYWORD:
        return "Any"
    text = _annotated(p.annotation, f.__module__)
    if text in (None, "Any", "object") or "[Any" in text:
        text = _look_up(_PARAMETERS, _scopes_of(f, owner, name), p.name) or text
    if text is None and p.default is not p.empty:
        text = _BY_DEFAULT.get(type(p.default))
    if text is None and isinstance(p.default, tuple):
        text = "Sequence[Any]"
    text = text or "Any"
    if p.default is None and "Any" != text and "None" not in sources.parts(text):
        text = f"{text} | None"
    return text


def _scopes_of(f, owner, name=None) -> list:
    name = name or getattr(f, "__name__", "")
    if owner is None:
        return _scopes(getattr(f, "__module__", None) or "", getattr(f, "__qualname__", name))
    classes = [c for c in owner.__mro__ if c.__module__.startswith("kgraph")]
    return [f"{owner.__name__}.{name}", name, *(c.__name__ for c in classes),
            *_scopes(owner.__module__, owner.__name__)]


class Known(dict):
    """The types of names in a function; those of calls (``ops.add()``) are found in the module's globals."""

    def __init__(self, names: dict, module: str):
        super().__init__(names)
        self.globals = vars(sys.modules[module])

    def get(self, name, default=None):
        if not name.endswith("()"):
            return super().get(name, default)
        value = self.globals
        for part in name.removesuffix("()").split("."):
            value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
        if inspect.isclass(value):
            if not value.__module__.startswith("kgraph") or value.__name__[0] == "_":
                return default
            return value.__name__ if CLASSES.setdefault(value.__name__, value) is value else default
        if inspect.isfunction(value) and value.__module__.startswith("kgraph"):
            return result_type(value)
        return default


def _known(f, owner=None, module=None) -> Known:
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        parameters = ()
    types = {p.name: _kept(parameter_type(f, p, owner)) for p in parameters}
    return Known(types, module or inspect.unwrap(f).__module__)


def _kept(text: str) -> str | None:
    """The type of an argument as it is kept or given back; None where it becomes something else, or is not known."""
    members = [KEPT.get(m, m) for m in sources.parts(text)]
    return None if "Any" in members else " | ".join(dict.fromkeys(members))


_asked = set()   # functions whose results are being found out: those that call each other end with None


def result_type(f, owner=None, name=None) -> str:
    """What a function returns, or a method of the class ``owner``.

    Args:
        owner: the class that has the method, or None
        name: of the method in the class, where that is not the function's own
    """
    plain, key = inspect.unwrap(f), (f, owner)
    name = name or getattr(plain, "__name__", "")
    text = _annotated(getattr(plain, "__annotations__", {}).get("return"), plain.__module__)
    if text in (None, "Any", "list[Any]", "dict[str, Any]", "tuple[Any, ...]") or "[Any]" in text:
        text = _look_up(_RETURNS, _scopes_of(plain, owner, name), name, every=False) or text
    if inspect.isgeneratorfunction(plain) and not inspect.isgeneratorfunction(f):
        return "AbstractContextManager[Any]"
    if text is None and key not in _asked and (node := sources.node_of(plain)) is not None:
        _asked.add(key)
        try:
            text = sources.returned(node, _known(f, owner))
        finally:
            _asked.remove(key)
    if text is None:
        own = _scopes_of(plain, None) if owner is None else _scopes(owner.__module__, owner.__name__)
        text = _look_up(_RETURNS, own, "*")
    return text or "Any"


def member_type(cls, name: str, value=None) -> str:
    """The type of what a class has by a name, or of a field.

    Args:
        value: what it has there
    """
    text = _annotated(vars(cls).get("__annotations__", {}).get(name), cls.__module__)
    if text in (None, "object") or "[Any" in text:
        text = _look_up(_ATTRIBUTES, _scopes_of(cls, cls), name) or text
    if text is None and isinstance(value, (bool, int, float, str, tuple, list, dict, set, frozenset)):
        text = _GENERIC.get(type(value).__name__, type(value).__name__)
    return text or "Any"


def setter_type(cls, name: str) -> str:
    """What a property of a class may be set to."""
    scopes = _scopes_of(cls, cls)
    return _look_up(_ATTRIBUTES, scopes, name) or _look_up(_PARAMETERS, scopes, name) or "Any"


@functools.cache
def attribute_types(cls) -> dict:
    """{name: type} of the public attributes that a class says its instances have, or that its methods set."""
    found = {n: _settable(member_type(cls, n)) for n in vars(cls).get("__annotations__", {})
             if n[0] != "_" and n not in vars(cls)}
    node = sources.node_of(cls)
    if node is None:
        return found

    def known_of(method):
        f = vars(cls).get(method.name)
        f = getattr(f, "fget", getattr(f, "__func__", f))
        return _known(f, cls, cls.__module__) if callable(f) else Known({}, cls.__module__)

    scopes = _scopes_of(cls, cls)
    for name, text in sources.attributes(node, known_of).items():
        text = _look_up(_ATTRIBUTES, scopes, name) or text
        if text in (None, "None", "Any"):
            text = _kept(_look_up(_PARAMETERS, scopes, name) or "Any") or "Any"
        found.setdefault(name, _settable(text))
    return found


def _settable(text: str) -> str:
    """The type of an attribute that may be None for a while: ``X | Any``, so that ``model.optimizer.lr`` is right."""
    members = sources.parts(text)
    if "None" in members:
        members = [*(m for m in members if m != "None"), "Any"]
    return " | ".join(members) if len(members) < 5 else "Any"


def default_text(value) -> str:
    """A default value as source, ``...`` where it is none of the plain ones."""
    if value is None or isinstance(value, (bool, int, str)):
        return repr(value)
    if isinstance(value, float):
        return repr(value) if abs(value) < float("inf") else "..."
    if type(value) is tuple and all(default_text(v) != "..." for v in value):
        return repr(value)
    return "..."
