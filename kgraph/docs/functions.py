"""The line of a function in a stub."""
from __future__ import annotations

import inspect

from kgraph.docs.types import default_text, parameter_type, result_type
from kgraph.docs.vocabulary import ANY_ARGUMENTS, ANY_NAMES

__all__ = ["function_line"]


def function_line(f, name: str, stub, owner=None, hidden=(), bound="self", extra=()) -> str:
    """``def name(...) -> ...: ...``

    Args:
        f: the function
        stub: the Stub that it is for
        owner: the class, of a method
        hidden: names of builtins that the class gives another meaning
        bound: what the first argument is called that calls do not name; "" for none
        extra: more parameters, as text
    """
    bound, result = bound if owner is not None else "", result_type(f, owner, name)
    method = f"{owner.__name__}.{name}" if owner is not None else ""
    if owner is not None and ANY_ARGUMENTS & {name, method}:
        arguments = [bound, f"*args: {stub.use('Any')}", "**kwargs: Any"]
    else:
        arguments = _arguments(f, name, inspect.signature(f).parameters.values(), stub, owner, hidden, bound)
    arguments += ["/"] if method in ANY_NAMES else extra
    return f"def {name}({', '.join(arguments)}) -> {stub.use(result, hidden)}: ...\n"


def _arguments(f, name, parameters, stub, owner, hidden, bound) -> list:
    arguments, starred, last = [], False, None
    for at, p in enumerate(parameters):
        if last is p.POSITIONAL_ONLY and p.kind is not last:
            arguments.append("/")
        if p.kind is p.KEYWORD_ONLY and not starred:
            arguments.append("*")
        starred, last = starred or p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL), p.kind
        if bound and at == 0:
            arguments.append(bound)
            continue
        stars = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        kind = stub.use(parameter_type(f, p, owner, name), hidden)
        arguments.append(f"{stars}{p.name}: {kind}" + ("" if p.default is p.empty else f" = {default_text(p.default)}"))
    return arguments
