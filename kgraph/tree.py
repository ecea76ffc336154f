"""Nested structures: tuples, lists, named tuples and dicts of leaves. Dicts are walked by sorted key, as Keras does.

Args:
    structure, a, b, structures: lists, tuples and dicts in each other, and anything else as leaves.
    func: a function of a leaf, or of as many as there are structures.

Returns:
    A structure.
"""
from __future__ import annotations

from kgraph.legacy.paths import lookup

__all__ = ["MAP_TO_NONE", "assert_same_paths", "assert_same_structure", "flatten", "flatten_with_path", "is_nested",
           "lists_to_tuples", "map_shape_structure", "map_structure", "map_structure_up_to", "pack_sequence_as",
           "same_structure", "traverse"]


class MAP_TO_NONE:
    """What a function given to `traverse` returns to put None in the place of a part: None itself means no change."""


def is_nested(structure) -> bool:
    """Whether structure is a container rather than a leaf."""
    return isinstance(structure, (tuple, list, dict))


def flatten(structure) -> list:
    """The leaves of structure in order; None is a leaf.

    Example:
        >>> flatten({"b": 1, "a": (2, [3])})
        [2, 3, 1]
    """
    leaves = []
    _collect(structure, leaves)
    return leaves


def flatten_with_path(structure) -> list:
    """(path, leaf) pairs in order; a path is a tuple of keys and indices.

    Example:
        >>> flatten_with_path([{"a": 42}])
        [((0, 'a'), 42)]
    """
    return _with_path(structure, ())


def _with_path(x, path) -> list:
    if not is_nested(x):
        return [(path, x)]
    return [pair for key, child in _items(x) for pair in _with_path(child, (*path, key))]


def map_structure(func, *structures, none_is_leaf: bool = True):
    """func applied to the leaves of the first structure and to what is at the same places of the others.

    Raises TypeError without a structure or when func cannot be called, ValueError for others that lack a place.

    Args:
        none_is_leaf: False: a None in the first structure stays None, without func being asked

    Example:
        >>> map_structure(lambda a, b: a + b, {"x": [1, 2]}, {"x": [10, 20]})
        {'x': [11, 22]}
    """
    if not callable(func) or not structures:
        raise TypeError(f"map_structure: expected a function and at least one structure, received {func!r} and "
                        f"{len(structures)} structures")
    return _map(func, none_is_leaf, *structures)


def _map(func, none_is_leaf, x, *others):
    if x is None and not none_is_leaf:
        return None
    if not is_nested(x):
        return func(x, *others)
    return _rebuild(x, [_map(func, none_is_leaf, child, *(_child(o, key) for o in others)) for key, child in _items(x)])


def map_structure_up_to(shallow_structure, func, *structures):
    """func applied to what the structures have at the leaves of shallow_structure; deeper parts are given whole.

    Raises ValueError where a structure is shallower, or has other keys.

    Args:
        shallow_structure: whose leaves stand for parts of the others.

    Example:
        >>> map_structure_up_to([None, None], len, [[1, 1], [2]])
        [2, 1]
    """
    if not is_nested(shallow_structure):
        return func(*structures)
    for s in structures:
        if not is_nested(s) or len(s) != len(shallow_structure) or \
                isinstance(s, dict) and set(s) != set(shallow_structure):
            raise ValueError(f"expected a structure at least as deep as {shallow_structure!r}, received {s!r}")
    return _rebuild(shallow_structure, [map_structure_up_to(child, func, *(_child(s, key) for s in structures))
                                        for key, child in _items(shallow_structure)])


def map_shape_structure(func, structure):
    """func applied to the shapes in structure: tuples and lists of nothing but ints and None.

    Raises:
        ValueError: something else than shapes.

    Example:
        >>> map_shape_structure(len, {"a": (None, 3), "b": [(2,)]})
        {'a': 2, 'b': [1]}
    """
    if isinstance(structure, (tuple, list)) and all(x is None or isinstance(x, int) for x in structure):
        return func(tuple(structure))
    if not is_nested(structure):
        raise ValueError(f"expected shapes in a nested structure, received {structure!r}")
    return _rebuild(structure, [map_shape_structure(func, child) for _, child in _items(structure)])


def lists_to_tuples(structure):
    """structure with tuples in the place of lists, however deep."""
    if not is_nested(structure):
        return structure
    children = [lists_to_tuples(child) for _, child in _items(structure)]
    return tuple(children) if isinstance(structure, list) else _rebuild(structure, children)


def traverse(func, structure, top_down: bool = True):
    """structure, with what func returns in the place of the parts for which that is not None.

    Raises TypeError when func cannot be called.

    Args:
        func: called with every part, leaves too; MAP_TO_NONE stands for None
        top_down: a part before its children (which are not visited when func replaced it), else after them

    Example:
        >>> traverse(lambda x: x * 10 if isinstance(x, int) else None, [1, (2, 3)])
        [10, (20, 30)]
    """
    if not callable(func):
        raise TypeError(f"traverse: expected a function, received {func!r}")
    if top_down:
        found = func(structure)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    if is_nested(structure):
        structure = _rebuild(structure, [traverse(func, child, top_down) for _, child in _items(structure)])
    if not top_down:
        found = func(structure)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    return structure


def pack_sequence_as(structure, flat_sequence):
    """The leaves of flat_sequence in the structure of `structure`. Raises ValueError when their number differs.

    Args:
        flat_sequence: as many leaves as structure has.
    """
    leaves = list(flat_sequence)
    count = len(flatten(structure))
    if count != len(leaves):
        raise ValueError(f"expected {count} leaves for the structure, received {len(leaves)}")
    rest = iter(leaves)
    return map_structure(lambda _: next(rest), structure)


def assert_same_structure(a, b, check_types=None):
    """Raise ValueError unless a and b nest alike, container by container: a list is no tuple, dicts have the same keys.

    check_types is taken and does nothing, as in Keras.

    Args:
        check_types: accepted.
    """
    if is_nested(a) != is_nested(b) or is_nested(a) and (not _same_kind(a, b) or len(a) != len(b)):
        raise ValueError(f"expected two structures that nest alike, received {a!r} and {b!r}")
    if is_nested(a):
        for key, child in _items(a):
            assert_same_structure(child, _child(b, key))


def _same_kind(a, b) -> bool:
    if isinstance(a, dict) or isinstance(b, dict):
        return isinstance(a, dict) and isinstance(b, dict) and set(a) == set(b)
    return type(a) is type(b)


def assert_same_paths(a, b):
    """Raise ValueError unless a and b have their leaves at the same paths; lists and tuples count as the same."""
    first, second = ({path for path, _ in flatten_with_path(x)} for x in (a, b))
    if first != second:
        raise ValueError(f"expected two structures with the same paths, received {a!r} with {sorted(first - second)} "
                         f"of its own and {b!r} with {sorted(second - first)}")


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


def __dir__():
    return sorted(__all__)
