"""Elements of data sets: nested tuples and dicts of tensors. Inside the chain they are arrays and StringTensors.

An array costs a tenth of what a tensor does to cut and to join; what the user's functions and loops get are tensors.
"""
from __future__ import annotations

import numpy as np

from kgraph import tree
from kgraph.compiler.ir import TensorLike
from kgraph.compiler.trace import Tensor
from kgraph.config import floatx
from kgraph.tensorflow.base.dtypes import TensorSpec, as_dtype
from kgraph.tensorflow.base.texts import StringTensor, is_text


def leaf(x):
    """A value that the user gave, as the chain holds it: an array, or a StringTensor, or a data set inside."""
    if isinstance(x, StringTensor) or hasattr(x, "element_spec"):
        return x
    if isinstance(x, TensorLike):
        return x.numpy()
    if is_text(x):
        return StringTensor(x)
    if isinstance(x, (np.ndarray, np.generic)):
        return np.asarray(x)
    array = np.asarray(x)
    if is_text(array):
        return StringTensor(array)
    return array.astype({"f": floatx(), "i": "int32"}.get(array.dtype.kind, array.dtype))


def normal(structure):
    """What a user's function returned, or gave for slices: lists of numbers are one tensor, other containers stay."""
    if isinstance(structure, dict):
        return {k: normal(v) for k, v in structure.items()}
    if isinstance(structure, tuple):
        parts = [normal(v) for v in structure]
        return type(structure)(*parts) if hasattr(structure, "_fields") else tuple(parts)
    if isinstance(structure, list) and any(isinstance(v, TensorLike) for v in structure):
        return np.stack([leaf(v) for v in structure])
    if hasattr(structure, "to_dict") and hasattr(structure, "columns"):   # a pandas frame
        return structure.to_numpy()
    return leaf(structure)


def tensors(element):
    """An element as users get it."""
    return tree.map_structure(lambda x: Tensor(x) if isinstance(x, np.ndarray | np.generic) else x, element)


def arrays(element):
    """An element as NumPy has it; texts are bytes, or arrays of them."""
    return tree.map_structure(lambda x: x.numpy() if isinstance(x, StringTensor) else x[()] if x.ndim == 0 else x,
                              element)


def call(f, element):
    """f of an element, whose parts are its arguments when it is a tuple; the result as the chain holds it."""
    given = tensors(element)
    return normal(f(*given) if type(given) is tuple else f(given))


def joined(items):
    """Items of one structure along a new first axis. Raises ValueError when shapes differ."""
    def join(*parts):
        if isinstance(parts[0], StringTensor):
            return StringTensor(np.stack([p.numpy_array() for p in parts]))
        shapes = {np.shape(p) for p in parts}
        if len(shapes) > 1:
            raise ValueError(f"batch: expected elements of one shape, received {sorted(shapes)}; padded_batch makes "
                             "them equal")
        return np.stack(parts)
    return tree.map_structure(join, *items)


def rows(element, what) -> int:
    """The common length of the leaves' first axes."""
    leaves = tree.flatten(element)
    sizes = {x.shape[0] if len(x.shape) else None for x in leaves}
    if len(sizes) != 1 or None in sizes:
        raise ValueError(f"{what}: expected tensors with first axes of one length, received shapes "
                         f"{[tuple(x.shape) for x in leaves]}")
    return sizes.pop()


def row(element, i):
    """Number i of each leaf's first axis."""
    return tree.map_structure(lambda x: x[i], element)


def spec(element, batched=False):
    """The TensorSpecs of an element; batched: with a first size that is not known."""
    def of(x):
        if hasattr(x, "element_spec"):
            return x.element_spec
        shape = tuple(np.shape(x)) if not isinstance(x, StringTensor) else tuple(x.shape)
        return TensorSpec((None, *shape[1:]) if batched else shape, as_dtype(x.dtype))
    return tree.map_structure(of, element)


def typed(element, signature):
    """What a generator gave, with the dtypes of a signature. Raises ValueError for shapes that do not fit it."""
    def fit(s, x):
        if s.dtype == "string":
            return StringTensor(x)
        array = np.asarray(x.numpy() if isinstance(x, TensorLike) else x, s.dtype.name)
        if not s.shape.is_compatible_with(array.shape):
            raise ValueError(f"from_generator: expected an element of shape {s.shape!r}, received {array.shape}")
        return array
    return tree.map_structure_up_to(signature, fit, signature, element)
