"""Where in the user's program the calls of a graph stand. Each Node keeps it; errors, graphs and the report name it."""
from __future__ import annotations

import os
import traceback

from kgraph.compiler.ir import Op

__all__ = ["explain", "of_scope", "text", "told"]


def text(place) -> str:
    """``train.py:12``, the file as seen from the working directory where it lies below it."""
    file, line = place
    try:
        short = os.path.relpath(file) if os.path.isabs(file) else file
    except (ValueError, OSError):   # another drive; a working directory that is gone
        short = file
    return f"{file if short.startswith('..') else short}:{line}"


def told(error, node):
    """Add to an error which call of the user's program it comes from."""
    error.add_note(f"{node.operation.name!r} was called at {text(node.place)}")


def of_scope(graph, scope: str) -> str:
    """Where the layer whose scope it is was called, or "": several calls with commas between them. Scopes of layers in
    nested models begin with the model's name or not, as the model was called first."""
    found = _calls(graph, scope.split(",")[0].split("/"))
    return ", ".join(dict.fromkeys(text(n.place) for n in found))


def _calls(graph, names) -> list:
    """The nodes of the innermost layer that the names lead to."""
    found = [n for n in graph.nodes if n.operation.name == names[0]]
    inner = [n.operation._graph for n in found or graph.nodes if getattr(n.operation, "_graph", None) is not None]
    rest = names[1:] if found else names
    deeper = next((calls for g in dict.fromkeys(inner) if rest and (calls := _calls(g, rest))), [])
    return deeper or found


def explain(model, error):
    """Add to an error that has a scope, or was raised while the compiler had an op in hand, where the layer was called.
    Said once, by the innermost model that knows it."""
    scope = error.__dict__.pop("scope", None) or _scope_in_hand(error)
    graph = getattr(model, "_graph", None)
    if scope and graph is not None and (place := of_scope(graph, scope)):
        note = f"{scope.split(',')[0]!r} was called at {place}"
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)


def _scope_in_hand(error) -> str:
    """The scope of the ``op`` of the innermost frame that has one: passes and lowering need not say."""
    while error.__cause__ is not None:
        error = error.__cause__
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ops = (frame.f_locals.get("op") for frame in reversed(frames))
    return next((op.scope for op in ops if isinstance(op, Op) and op.scope), "")
