"""How much of the public names is described: summary, arguments, results, errors and, where one is due, an example."""
from __future__ import annotations

import ast
import inspect
import textwrap
from collections import Counter

from kgraph.docs.names import methods, public_names
from kgraph.docs.text import argument, gather, parameters

__all__ = ["WITH_EXAMPLES", "coverage", "missing"]

WITH_EXAMPLES = ("layers", "ops", "ops.image", "losses", "metrics", "optimizers", "optimizers.schedules", "callbacks")
KINDS = ("summary", "arguments", "returns", "raises", "example")


def missing(value, owner=None, example=False) -> dict:
    """What a callable lacks, by kind; kinds that it needs and has are empty, others absent."""
    docs = gather(value, owner)
    own = bool(value.__doc__ or (owner and inspect.getdoc(getattr(owner, value.__name__))))
    found = {"summary": [] if own and docs[0].summary else ["summary"]}
    if names := parameters(value):
        found["arguments"] = [n for n in names if not argument(docs, n)]
    if not inspect.isclass(value) and _returns(value):
        has = any(d.returns for d in docs) or "return" in getattr(value, "__annotations__", {})
        found["returns"] = [] if has else ["returns"]
    if raised := _raised(value):
        said = " ".join([*(e for d in docs for e in d.raises), *(f"{d.summary} {d.text} {d.returns}" for d in docs)])
        found["raises"] = sorted(e for e in raised if e not in said)
    if example:
        found["example"] = [] if docs and own and docs[0].has_example else ["example"]
    return found


def _tree(value):
    try:
        source = textwrap.dedent(inspect.getsource(inspect.unwrap(value)))
        return ast.parse(source).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return ast.Module([], [])


def _own(tree):
    """The nodes of a function's body, without those of functions in it."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            yield node
            yield from _own(node)


def _returns(value) -> bool:
    tree = _tree(value)
    given = (n.value for n in _own(tree) if isinstance(n, ast.Return))
    return not isinstance(tree, ast.FunctionDef) or any(v is not None for v in given)


def _raised(value) -> set:
    """The errors that a function, or the __init__ of a class, raises in its own lines."""
    if inspect.isclass(value):
        value = value.__dict__.get("__init__")
    tree = _tree(value) if value is not None else ast.Module([], [])
    names = (n.exc.func if isinstance(n.exc, ast.Call) else n.exc for n in _own(tree) if isinstance(n, ast.Raise))
    return {n.id for n in names if isinstance(n, ast.Name) and n.id[0].isupper()} - {"NotImplementedError"}


def coverage() -> tuple:
    """(two lines, of public names and of the methods of public classes: how many are described, part by part; a line
    for each that lacks something)."""
    lines, lacking = [], []
    names = [(n.path, missing(n.value, example=n.module in WITH_EXAMPLES)) for n in public_names()]
    inside = {f: (f"{n.path}.{name}", missing(f, n.value)) for n in public_names() if inspect.isclass(n.value)
              for name, f in methods(n.value)}
    for what, rows in (("names", names), ("methods", list(inside.values()))):
        lacking += [f"{path}: {', '.join(f'{k} {v}' for k, v in lacks.items() if v)}" for path, lacks in rows
                    if any(lacks.values())]
        due, done = Counter(), Counter()
        for _, lacks in rows:
            due.update(lacks.keys())
            done.update(k for k, v in lacks.items() if not v)
        whole = sum(not any(lacks.values()) for _, lacks in rows)
        parts = ", ".join(f"{k} {done[k]}/{due[k]}" for k in KINDS if due[k])
        lines.append(f"public {what}: {whole} of {len(rows)} ({whole / len(rows):.1%}) described in full; {parts}")
    return lines, lacking
