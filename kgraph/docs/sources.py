"""What the source says of types without saying them: what functions return, and which attributes methods set."""
from __future__ import annotations

import ast
import functools
import sys
from pathlib import Path

__all__ = ["attributes", "infer", "names_in_order", "node_of", "parts", "returned", "union"]

_OF_CALLS = {"int": "int", "float": "float", "str": "str", "bool": "bool", "len": "int", "repr": "str",
             "list": "list[Any]",
             "dict": "dict[str, Any]", "set": "set[Any]", "frozenset": "frozenset[Any]", "tuple": "tuple[Any, ...]",
             "sorted": "list[Any]", "isinstance": "bool", "any": "bool", "all": "bool", "callable": "bool",
             "hasattr": "bool", "np.asarray": "np.ndarray", "np.array": "np.ndarray", "bind": "TensorLike",
             "as_tensor": "TensorLike", "self.add_weight": "Variable", "self.add_variable": "Variable",
             "activations.get": "Callable[..., Any]", "initializers.get": "Initializer",
             "regularizers.get": "Regularizer", "constraints.get": "Constraint", "optimizers.get": "Optimizer",
             "dtype_policies.get": "DTypePolicy", "time.time": "float", "time.perf_counter": "float"}
_OF_LITERALS = {ast.List: "list[Any]", ast.ListComp: "list[Any]", ast.Dict: "dict[str, Any]", ast.Compare: "bool",
                ast.DictComp: "dict[Any, Any]", ast.Tuple: "tuple[Any, ...]", ast.JoinedStr: "str", ast.Set: "set[Any]",
                ast.SetComp: "set[Any]"}


@functools.cache
def _tree(module: str) -> ast.Module:
    return ast.parse(Path(sys.modules[module].__file__).read_text(encoding="utf-8"))


@functools.cache
def _nodes(module: str) -> dict:
    """The functions and classes of a module by their qualified names; of a property, its getter."""
    found = {}

    def walk(body, prefix):
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found.setdefault(prefix + node.name, node)
                if isinstance(node, ast.ClassDef):
                    walk(node.body, f"{prefix}{node.name}.")
    walk(_tree(module).body, "")
    return found


def node_of(value):
    """The node of a function or a class, None where it is made by others."""
    module = getattr(value, "__module__", None)
    if module not in sys.modules or not getattr(sys.modules[module], "__file__", None):
        return None
    return _nodes(module).get(getattr(value, "__qualname__", None))


@functools.cache
def names_in_order(module: str) -> dict:
    """{name: its place} of what the statements of a module bind."""
    found = {}
    for at, node in enumerate(_tree(module).body):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
        for target in targets:
            for part in getattr(target, "elts", [target]):
                found.setdefault(getattr(part, "name", getattr(part, "id", None)), at)
    return found


def infer(node, known: dict) -> str | None:
    """The type of an expression, None where it does not show. known: types of names, and classes."""
    if isinstance(node, ast.Constant):
        return type(node.value).__name__.replace("NoneType", "None").replace("ellipsis", "Any")
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.UnaryOp):
        return "bool" if isinstance(node.op, ast.Not) else infer(node.operand, known)
    if isinstance(node, (ast.BoolOp, ast.IfExp)):
        return union([infer(n, known) for n in (node.values if isinstance(node, ast.BoolOp)
                                                else (node.body, node.orelse))])
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        return known.get(f"{called}()") or _OF_CALLS.get(called)
    return _OF_LITERALS.get(type(node))


def union(types: list) -> str | None:
    """One of several types; None where one is not known."""
    if not types or None in types:
        return None
    members = dict.fromkeys(part for text in types for part in parts(text))
    if "Any" in members:
        return "Any"
    return " | ".join([*(m for m in members if m != "None"), *(["None"] if "None" in members else [])])


def parts(text: str) -> list:
    """The members of a union, split outside of brackets."""
    found, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "[(") - (character in "])")
        if character == "|" and not depth:
            found.append(text[start:at].strip())
            start = at + 1
    return [*found, text[start:].strip()]


def _own(node):
    """The nodes of a function's body, but for those of the functions in it."""
    waiting = list(node.body)
    while waiting:
        n = waiting.pop(0)
        yield n
        if not isinstance(n, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            waiting = [*ast.iter_child_nodes(n), *waiting]


def returned(node, known: dict) -> str | None:
    """What a function returns, None where it does not show."""
    own = list(_own(node))
    if any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in own):
        return "Iterator[Any]"
    values = [n.value for n in own if isinstance(n, ast.Return)]
    if not any(values):
        return None if any(isinstance(n, ast.Raise) for n in node.body) else "None"
    found = union(["None" if v is None else "Self" if ast.unparse(v) == "self" else infer(v, known) for v in values])
    return found if found and found.count("|") < 3 else None


def attributes(node, known_of) -> dict:
    """{name: type or None} of the public attributes that the methods of a class set. known_of(method): see infer."""
    found = {}
    for method in node.body:
        if not isinstance(method, ast.FunctionDef):
            continue
        known = known_of(method)
        for n in _own(method):
            for target, value in _assigned(n):
                if (isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self"
                        and not target.attr.startswith("_")):
                    found.setdefault(target.attr, []).append(None if value is None else infer(value, known))
    return {name: union(types) for name, types in found.items()}


def _assigned(node) -> list:
    """(target, value) of a statement; the value None where it is one of what a value has."""
    if isinstance(node, ast.AnnAssign):
        return [(node.target, node.value)]
    if not isinstance(node, ast.Assign):
        return []
    pairs = []
    for target in node.targets:
        if isinstance(target, ast.Tuple):
            same = isinstance(node.value, ast.Tuple) and len(node.value.elts) == len(target.elts)
            pairs += list(zip(target.elts, node.value.elts if same else [None] * len(target.elts)))
        else:
            pairs.append((target, node.value))
    return pairs
