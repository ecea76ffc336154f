"""The lines of a class in a stub."""
from __future__ import annotations

import ast
import functools
import inspect
import textwrap

from kgraph.docs.functions import function_line
from kgraph.docs.types import attribute_types, default_text, member_type, result_type, setter_type
from kgraph.docs.vocabulary import MEMBERS

__all__ = ["class_lines"]

_SPECIAL = frozenset(
    "__init__ __call__ __enter__ __exit__ __getitem__ __setitem__ __delitem__ __len__ __iter__ __next__ __contains__ "
    "__bool__ __int__ __float__ __index__ __array__ __neg__ __pos__ __abs__ __invert__ __round__ __eq__ __ne__ __lt__ "
    "__le__ __gt__ __ge__ __hash__ __getattr__ __dlpack__ __dlpack_device__".split()
    + [f"__{r}{op}__" for r in ("", "r") for op in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul",
                                                   "lshift", "rshift", "and", "or", "xor")])


def class_lines(cls, name: str, stub) -> list:
    """The lines of a class: its bases, its attributes, its public methods."""
    if hasattr(cls, "_fields") and tuple in cls.__bases__:
        return _named_tuple(cls, name, stub)
    bases = [stub.base(b) for b in cls.__bases__ if b is not object]
    if any("Any" in b for b in bases):
        stub.use("Any")
    in_order = sorted(vars(cls).items(), key=lambda item: item[0] == "__hash__")  # dataclasses put it here or there
    members = {n: v for n, v in in_order if (n[0] != "_" or n in _SPECIAL)
               and v is not None and not inspect.ismemberdescriptor(v)}
    written, names = _written(cls.__name__, stub)
    lines = []
    attributes = {n: t for n, t in attribute_types(cls).items() if n not in members and not _inherited(cls, n)}
    hidden = frozenset({*members, *attributes})
    for n, text in attributes.items():
        lines.append(f"{n}: {stub.use(text, hidden)}\n")
    for n, value in members.items():
        lines += _member(cls, n, value, stub, hidden) if n not in names else []
    lines += _call(cls, stub, hidden)
    lines += written
    head = f"class {name}({', '.join(bases)}):" if bases else f"class {name}:"
    return [f"\n{head}\n", *(f"    {line}" for line in lines)] if lines else [f"\n{head} ...\n"]


def _written(name: str, stub) -> tuple:
    """The lines that the vocabulary has for a class, and the names that they declare."""
    text = textwrap.dedent(MEMBERS.get(name, "")).lstrip()
    nodes = ast.parse(text).body
    for node in (n for top in nodes for n in ast.walk(top)):
        types = getattr(node, "annotation", None), getattr(node, "returns", None)
        for part in (*types, *getattr(node, "decorator_list", ())):
            if isinstance(part, ast.expr):
                stub.use(ast.unparse(part))
    names = {getattr(node, "name", None) or node.target.id for node in nodes}
    return text.splitlines(keepends=True), names


def _inherited(cls, name) -> bool:
    return any(name in vars(c) or name in attribute_types(c) for c in cls.__mro__[1:]
               if c.__module__.startswith("kgraph"))


def _named_tuple(cls, name, stub) -> list:
    stub.use("NamedTuple")
    defaults = {n: f" = {default_text(v)}" for n, v in cls._field_defaults.items()}
    fields = [f"    {n}: {stub.use(member_type(cls, n))}{defaults.get(n, '')}\n" for n in cls._fields]
    members = {n: v for n, v in vars(cls).items() if n[0] != "_" and n not in cls._fields}
    more = [line for n, v in members.items() for line in _member(cls, n, v, stub, frozenset(members))]
    return [f"\nclass {name}(NamedTuple):\n", *fields, *(f"    {line}" for line in more)]


def _member(cls, name, value, stub, hidden) -> list:
    """The lines of one member."""
    if isinstance(value, (property, functools.cached_property)):
        getter = value.fget if isinstance(value, property) else value.func
        kind = stub.use(result_type(getter, cls, name) if getter is not None else "Any", hidden)
        lines = ["@property\n", f"def {name}(self) -> {kind}: ...\n"]
        if getattr(value, "fset", None) is not None:
            kind = stub.use(setter_type(cls, name), hidden)
            lines += [f"@{name}.setter\n", f"def {name}(self, value: {kind}) -> None: ...\n"]
        return lines
    if isinstance(value, (staticmethod, classmethod)):
        bound = "cls" if isinstance(value, classmethod) else ""
        return [f"@{type(value).__name__}\n", function_line(value.__func__, name, stub, cls, hidden, bound)]
    if inspect.isfunction(value):
        return [function_line(value, name, stub, cls, hidden)]
    if inspect.isclass(value) or (name.startswith("__") and name.endswith("__")):
        return []
    return [f"{name}: {stub.use(member_type(cls, name, value), hidden)}\n"]


def _call(cls, stub, hidden) -> list:
    """``__call__`` of a layer, with the arguments of its call()."""
    from kgraph.layers import Layer
    from kgraph.models import Model
    call = vars(cls).get("call")
    if call is None or "__call__" in vars(cls) or not issubclass(cls, Layer) or cls is Layer or issubclass(cls, Model):
        return []
    names = inspect.signature(call).parameters
    passed = any(p.kind is p.VAR_KEYWORD for p in names.values())
    extra = [] if "training" in names or passed else ["training: bool | None = None"]
    return [function_line(call, "__call__", stub, cls, hidden, extra=extra)]
