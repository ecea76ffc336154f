"""Nested structures: tuples, lists, named tuples and dicts of leaves. Dicts are walked by sorted key, as Keras does."""
from __future__ import annotations

from kgraph.legacy.paths import lookup

__all__ = ["flatten", "flatten_with_path", "is_nested", "map_structure", "pack_sequence_as", "same_structure"]


def is_nested(x) -> bool:
    """Whether x is a container rather than a leaf."""
    return isinstance(x, (tuple, list, dict))


def flatten(x) -> list:
    """The leaves of x in order; None is a leaf.

    >>> flatten({"b": 1, "a": (2, [3])})
    [2, 3, 1]
    """
    leaves = []
    _collect(x, leaves)
    return leaves


def flatten_with_path(x, path=()) -> list:
    """(path, leaf) pairs in order; a path is a tuple of keys and indices."""
    if not is_nested(x):
        return [(path, x)]
    return [pair for key, child in _items(x) for pair in flatten_with_path(child, (*path, key))]


def map_structure(f, x, *others):
    """f applied to the leaves of x and to what is at the same places of the others, in the structure of x."""
    if not is_nested(x):
        return f(x, *others)
    return _rebuild(x, [map_structure(f, child, *(_child(o, key) for o in others)) for key, child in _items(x)])


def pack_sequence_as(structure, leaves):
    """leaves in the structure of `structure`. Raises ValueError when their number differs."""
    leaves = list(leaves)
    count = len(flatten(structure))
    if count != len(leaves):
        raise ValueError(f"expected {count} leaves for the structure, received {len(leaves)}")
    rest = iter(leaves)
    return map_structure(lambda _: next(rest), structure)


def same_structure(a, b) -> bool:
    """Whether a and b nest alike; lists and tuples count as the same."""
    if not is_nested(a) or not is_nested(b):
        return not is_nested(a) and not is_nested(b)
    if isinstance(a, dict) != isinstance(b, dict) or len(a) != len(b):
        return False
    if isinstance(a, dict) and set(a) != set(b):
        return False
    return all(same_structure(child, _child(b, key)) for key, child in _items(a))


def _collect(x, leaves):
    if isinstance(x, dict):
        for key in sorted(x):
            _collect(x[key], leaves)
    elif isinstance(x, (tuple, list)):
        for child in x:
            _collect(child, leaves)
    else:
        leaves.append(x)


def _items(x):
    return [(k, x[k]) for k in sorted(x)] if isinstance(x, dict) else list(enumerate(x))


def _child(x, key):
    return x[key]


def _rebuild(like, children):
    if isinstance(like, dict):
        new = dict(zip(sorted(like), children))
        return {k: new[k] for k in like}
    if hasattr(like, "_fields"):
        return type(like)(*children)
    return type(like)(children)


def __getattr__(name):
    return lookup(__name__, name, __all__)
