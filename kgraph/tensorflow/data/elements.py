"""Elements of data sets: nested tuples and dicts of tensors. Inside the chain they are arrays and StringTensors.

An array costs a tenth of what a tensor does to cut and to join; what the user's functions and loops get are tensors.
"""
from __future__ import annotations

import dis
import functools
import types

import numpy as np

from kgraph import tree
from kgraph.compiler.ir import TensorLike
from kgraph.compiler.trace import Tensor
from kgraph.config import floatx
from kgraph.tensorflow.base.dtypes import TensorSpec, as_dtype
from kgraph.tensorflow.base.sparsity import RaggedTensor, SparseTensor
from kgraph.tensorflow.base.sparsity import joined as joined_sparse
from kgraph.tensorflow.base.texts import StringTensor, is_text


def leaf(x):
    """A value that the user gave, as the chain holds it: an array, or a StringTensor, or a data set inside."""
    if isinstance(x, (StringTensor, SparseTensor, RaggedTensor)) or hasattr(x, "element_spec"):
        return x
    if isinstance(x, TensorLike):
        return x.numpy()
    if hasattr(x, "to_numpy"):   # a column of pandas, polars or pyarrow keeps its dtype
        x = x.to_numpy()
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
    def of(x):
        return x.numpy() if isinstance(x, (StringTensor, RaggedTensor)) else x[()] if getattr(x, "ndim", 1) == 0 else x
    return tree.map_structure(of, element)


def fixed(f):
    """f with what its names mean now: as TensorFlow, which reads it once, here, so that a loop may make several.

    A function that assigns to names outside of it goes on sharing them.
    """
    if not isinstance(f, types.FunctionType):
        return f
    code = f.__code__
    if any(step.opname == "STORE_GLOBAL" or step.opname == "STORE_DEREF" and step.argval in code.co_freevars
           for step in dis.get_instructions(code)):
        return f
    found = types.FunctionType(code, dict(f.__globals__), f.__name__, f.__defaults__,
                               tuple(map(_cell, f.__closure__ or ())))
    found.__kwdefaults__ = f.__kwdefaults__
    return functools.update_wrapper(found, f)


def _cell(cell):
    try:
        return types.CellType(cell.cell_contents)
    except ValueError:   # nothing is in it yet
        return cell


def call(f, element):
    """f of an element, whose parts are its arguments when it is a tuple; the result as the chain holds it."""
    given = tensors(element)
    return normal(f(*given) if type(given) is tuple else f(given))


def joined(items):
    """Items of one structure along a new first axis. Raises ValueError when shapes differ."""
    def join(*parts):
        if isinstance(parts[0], (SparseTensor, RaggedTensor)):
            return joined_sparse(parts)
        if isinstance(parts[0], StringTensor):
            return StringTensor(np.stack([p.numpy_array() for p in parts]))
        shapes = {np.shape(p) for p in parts}
        if len(shapes) > 1:
            raise ValueError(f"batch: expected elements of one shape, received {sorted(shapes)}; padded_batch makes "
                             "them equal")
        return np.stack(parts)
    return tree.map_structure(join, *items)


def ragged(items):
    """As `joined`; parts with axes become the rows of RaggedTensors."""
    def join(*parts):
        if isinstance(parts[0], (SparseTensor, RaggedTensor)) or not parts[0].ndim:
            return joined(parts)
        flat = np.concatenate([p.numpy_array() if isinstance(p, StringTensor) else p for p in parts])
        flat = StringTensor(flat) if flat.dtype == object else flat
        return RaggedTensor.from_row_lengths(flat, list(map(len, parts)))
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
