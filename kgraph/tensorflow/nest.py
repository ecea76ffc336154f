"""tf.nest."""
from __future__ import annotations

from kgraph import tree
from kgraph.naming import missing

__all__ = ["assert_same_structure", "flatten", "is_nested", "map_structure", "pack_sequence_as"]


def map_structure(func, *structure, **kwargs):
    """func of the leaves at each place of the structures."""
    return tree.map_structure(func, *structure)


def flatten(structure, expand_composites=False):
    """The leaves in order."""
    return tree.flatten(structure)


def pack_sequence_as(structure, flat_sequence, expand_composites=False):
    """Leaves in a structure."""
    return tree.pack_sequence_as(structure, list(flat_sequence))


def assert_same_structure(nest1, nest2, check_types=True, expand_composites=False):
    """Raises ValueError when the structures differ."""
    tree.assert_same_structure(nest1, nest2)


def is_nested(structure) -> bool:
    """Whether it is a container rather than a leaf."""
    return tree.is_nested(structure)


def __getattr__(name):
    raise missing(__name__, name, __all__)
