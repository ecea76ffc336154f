"""Keras 1's merge() and Merge, which are a class of layers for each mode today."""
from __future__ import annotations

from kgraph import layers, tree
from kgraph.legacy.words import MERGES
from kgraph.models import Model
from kgraph.naming import nearest, warn_at_user

__all__ = ["Merge", "merge"]


def merge(inputs, mode="sum", concat_axis=-1, dot_axes=-1, output_shape=None, output_mask=None, arguments=None,
          name=None):
    """The output of a `Merge` of KTensors.

    mode  sum, mul, concat, ave, max, dot, cos, or a function of the list of inputs
    concat_axis, dot_axes   of the modes concat, and dot and cos
    output_shape, arguments of a function
    output_mask             accepted for None alone
    """
    return _layer(mode, concat_axis, dot_axes, output_shape, output_mask, arguments, name, "merge")(list(inputs))


def Merge(layers=None, mode="sum", concat_axis=-1, dot_axes=-1, output_shape=None, output_mask=None,
          arguments=None, node_indices=None, tensor_indices=None, name=None):
    """A layer that merges a list of tensors; of ``layers`` (models or called layers), a model from their inputs to the
    merged outputs, for the beginning of a Sequential. Arguments as for `merge`; ValueError for an unknown mode."""
    layer = _layer(mode, concat_axis, dot_axes, output_shape, output_mask, arguments, name, "Merge")
    if not layers:
        return layer
    inputs = [x for branch in layers for x in tree.flatten(branch.input)]
    outputs = [x for branch in layers for x in tree.flatten(branch.output)]
    return Model(list(dict.fromkeys(inputs)), layer(outputs))


def _layer(mode, concat_axis, dot_axes, output_shape, output_mask, arguments, name, where):
    if output_mask is not None:
        raise ValueError(f"{where}: expected output_mask=None, received {output_mask!r}: give a Lambda layer a mask")
    if callable(mode):
        warn_at_user(f"{where}(mode=function) of Keras 1 is now layers.Lambda(function)", FutureWarning)
        shape = tuple(output_shape) if isinstance(output_shape, list) else output_shape
        return layers.Lambda(mode, output_shape=shape, arguments=arguments, name=name)
    if mode not in MERGES:
        raise ValueError(f"{where}: mode: expected {', '.join(MERGES)} or a function, received {mode!r}."
                         f"{nearest(mode, MERGES)}")
    cls = MERGES[mode]
    settings = {"concat": {"axis": concat_axis}, "dot": {"axes": dot_axes},
                "cos": {"axes": dot_axes, "normalize": True}}.get(mode, {})
    text = ", ".join(f"{k}={v}" for k, v in settings.items())
    warn_at_user(f"{where}(mode={mode!r}) of Keras 1 is now layers.{cls}({text})", FutureWarning)
    return getattr(layers, cls)(name=name, **settings)
