"""Examples and SequenceExamples as tensors: the parsing functions of tf.io."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kgraph.compiler.trace import Tensor
from kgraph.tensorflow.base.arrays import stacked
from kgraph.tensorflow.base.dtypes import as_dtype
from kgraph.tensorflow.base.sparsity import SparseTensor, joined
from kgraph.tensorflow.base.texts import StringTensor, is_text
from kgraph.tensorflow.examples import Example, SequenceExample

__all__ = ["FixedLenFeature", "FixedLenSequenceFeature", "VarLenFeature", "parse_example", "parse_single_example",
           "parse_single_sequence_example"]


class FixedLenFeature(NamedTuple):
    """A feature of one shape in every Example; default_value: where it is missing."""

    shape: tuple
    dtype: object
    default_value: object = None


class FixedLenSequenceFeature(NamedTuple):
    """A feature of any number of parts of one shape, along a new first axis; allow_missing: there may be none.

    default_value  with which parse_example fills up shorter ones: 0, or an empty text
    """

    shape: tuple
    dtype: object
    allow_missing: bool = False
    default_value: object = None


class VarLenFeature(NamedTuple):
    """A feature of any number of values: a SparseTensor."""

    dtype: object


def parse_single_example(serialized, features, example_names=None, name=None) -> dict:
    """The features of a serialized Example, by name. Raises ValueError, naming it, for one that does not fit."""
    found = Example.FromString(serialized).features.feature
    return {key: _parsed(key, spec, found.get(key)) for key, spec in features.items()}


def parse_example(serialized, features, example_names=None, name=None) -> dict:
    """The features of serialized Examples, by name, along a new first axis."""
    if isinstance(serialized, (str, bytes)) or not getattr(serialized, "ndim", 1):
        return parse_single_example(serialized, features)
    rows = [parse_single_example(s, features) for s in serialized]
    return {key: _batch(spec, [row[key] for row in rows]) for key, spec in features.items()}


def parse_single_sequence_example(serialized, context_features=None, sequence_features=None, example_name=None,
                                  name=None) -> tuple:
    """(features of the whole, features of its parts one after the other) of a serialized SequenceExample, by name."""
    example = SequenceExample.FromString(serialized)
    context, lists = example.context.feature, example.feature_lists.feature_list
    whole = {key: _parsed(key, spec, context.get(key)) for key, spec in (context_features or {}).items()}
    return whole, {key: _sequence(key, spec, lists.get(key)) for key, spec in (sequence_features or {}).items()}


def _sequence(key, spec, parts):
    parts = [] if parts is None else parts.feature
    if isinstance(spec, VarLenFeature):
        rows = [_parsed(key, spec, p) for p in parts]
        return joined(rows) if rows else SparseTensor(np.zeros((0, 2)), _values(key, spec.dtype, [], (0,)), (0, 0))
    if not parts and not spec.allow_missing:
        raise ValueError(f"parse_single_sequence_example: feature {key!r}: expected some parts, received none; "
                         "allow_missing=True takes it")
    one = FixedLenFeature(spec.shape, spec.dtype)
    return stacked([_parsed(key, one, p) for p in parts]) if parts else _values(key, spec.dtype, [], (0, *spec.shape))


def _batch(spec, rows):
    if isinstance(spec, VarLenFeature):
        return joined(rows)
    if isinstance(spec, FixedLenSequenceFeature):
        longest = max(r.shape[0] for r in rows)
        rows = [_filled(r, longest, spec) for r in rows]
    return stacked(rows)


def _filled(row, length, spec):
    text = isinstance(row, StringTensor)
    array = row.numpy_array() if text else row.numpy()
    value = spec.default_value if spec.default_value is not None else b"" if text else 0
    found = np.full((length, *array.shape[1:]), value, array.dtype)
    found[:len(array)] = array
    return StringTensor(found) if text else Tensor(found)


def _parsed(key, spec, feature):
    values = [] if feature is None else feature.values
    if isinstance(spec, VarLenFeature):
        places = np.arange(len(values)).reshape(-1, 1)
        return SparseTensor(places, _values(key, spec.dtype, values, (len(values),)), (len(values),))
    shape = tuple(int(n) for n in spec.shape)
    size = int(np.prod(shape, dtype=int))
    if isinstance(spec, FixedLenSequenceFeature):
        shape = (len(values) // size, *shape)
    elif not values and spec.default_value is not None:
        values = np.broadcast_to(np.asarray(spec.default_value, object), shape).ravel().tolist()
    none = size and not values and not getattr(spec, "allow_missing", False)
    if none or len(values) != int(np.prod(shape, dtype=int)):
        raise ValueError(f"parse_example: feature {key!r}: expected {size} values for shape {tuple(spec.shape)}, "
                         f"received {len(values)}")
    return _values(key, spec.dtype, values, shape)


def _values(key, dtype, values, shape):
    dtype = as_dtype(dtype)
    if bool(values) and is_text(values) != (dtype == "string"):
        raise ValueError(f"parse_example: feature {key!r}: expected values of {dtype!r}, received {values[0]!r}")
    array = np.empty(len(values), object if dtype == "string" else dtype.name)
    array[:] = values
    array = array.reshape(shape)
    return StringTensor(array) if dtype == "string" else Tensor(array)
