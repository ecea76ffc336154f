"""``model(x)`` on arrays, where nobody follows what is computed: by a compiled program, as predict_on_batch."""
from __future__ import annotations

import functools

import numpy as np

from kgraph import tree, watch
from kgraph.compiler.loopnest.dtypes import kind_of
from kgraph.compiler.trace import Tensor
from kgraph.graph import get_mask
from kgraph.layers.calls import is_inside_call
from kgraph.training.compiled_step import Programs, leaves_of
from kgraph.training.short_call import ShortCall, is_plain
from kgraph.variable import is_followed

__all__ = ["compiled_call"]


class _NeedsPython(Exception):
    """The call leaves something behind that a program does not give: a mask or a loss."""


def compiled_call(model, args, kwargs):
    """The outputs of a call as Tensors, or None where it has to run layer by layer: under a trace, a tape, or in
    another call; with layers, activations or functions that are not kgraph's own, and may do anything in Python; where
    the outputs have masks, or layers add losses; under run_eagerly."""
    eager = "_run_eagerly" not in model.__dict__ or model.run_eagerly  # there is none before super().__init__()
    if eager or len(args) != 1 or kwargs.keys() - {"training"} or is_followed() or is_inside_call():
        return None
    training = bool(kwargs.get("training"))
    if model._call_settings[0] != watch.assignments():
        _follow_settings(model)
    short = model._short_ways.get(("call", training))
    found = short(args[0]) if short is not None else None
    if found is not None:
        return tree.map_structure(Tensor, found)
    arrays = tree.map_structure(_as_array, args[0])
    if not _is_fit(model, training, tree.flatten(arrays)):
        return None
    try:
        return _run(model, training, arrays)
    except _NeedsPython:
        return None


def _follow_settings(model):
    """Forget what was compiled for calls where a setting of a layer (an activation, a rate) is another one since."""
    settings = [value for layer in model._all_layers() if not hasattr(layer, "_call_settings")  # those of models train
                for name, value in vars(layer).items() if name not in layer._stateless]
    known = model._call_settings[1]
    if len(known) != len(settings) or not all(map(_is_same, known, settings)):
        for training in (False, True):
            model._programs.pop(_mode(training), None)
            model._short_ways.pop(("call", training), None)
        model.__dict__.pop("_remembered", None)  # whether it is per sample may depend on what trains
    model._call_settings = (watch.assignments(), settings)


def _is_same(a, b) -> bool:
    return a is b or isinstance(a, watch.PLAIN) and type(a) is type(b) and a == b


def _mode(training) -> str:
    return "call_training" if training else "call"


def _as_array(x):
    if type(x) is Tensor and get_mask(x) is None:
        return x.numpy()
    return x if type(x) is np.ndarray else None


def _is_fit(model, training, arrays) -> bool:
    """Whether the model and these arrays are such that a program says all that the call does."""
    return (model.is_functional and model.built and not model.on_host and len(arrays) == len(model.inputs)
            and all(a is not None and a.ndim > 0 and kind_of(a.dtype) in "fiub" and len(a) == len(arrays[0])
                    and len(a.shape) == len(i.shape) for a, i in zip(arrays, model.inputs))
            and model._remember(("is per sample", training), lambda: [model._is_per_sample(training)])[0])


def _run(model, training, arrays):
    mode = _mode(training)
    if mode not in model._programs:
        model._programs[mode] = Programs(model, mode, functools.partial(_outputs, model, training))
    programs, leaves = model._programs[mode], leaves_of(arrays)
    key = tuple((a.shape[1:], a.dtype) for a in leaves)
    if key in programs.not_compiled:
        raise _NeedsPython
    try:
        program = programs.batch(arrays, leaves).ready()
    except (_NeedsPython, ValueError, TypeError, NotImplementedError, RecursionError):
        programs.not_compiled.add(key)  # the layers compute it, or say better what is wrong
        raise _NeedsPython from None
    if program.leading not in (None, len(leaves[0])):
        raise _NeedsPython  # another batch than the one that the model's inputs have
    if is_plain(arrays, leaves):
        model._short_ways["call", training] = _ShortCall(model, mode, program, arrays, leaves)
    extents = {**program.compiled.extents(leaves), "B": len(leaves[0])}
    return tree.map_structure(Tensor, program.pack(program.compiled.run(leaves, extents)))


def _outputs(model, training, x):
    outputs = model(x, training=training)
    added = [x for layer in model._all_layers() for x in layer._losses if not callable(x)]
    if added or any(get_mask(o) is not None for o in tree.flatten(outputs)):
        raise _NeedsPython
    return outputs


class _ShortCall(ShortCall):
    """While the model is what it was."""

    def __init__(self, model, mode, program, x, arrays):
        super().__init__(program, x, arrays, model._programs[mode])
        self.model, self.mode, self.known = model, mode, model.__dict__["_remembered"]

    def __call__(self, x):
        model, known = self.model, self.known
        valid = (model._programs.get(self.mode) is self.owner and model.__dict__.get("_remembered") is known
                 and known.holds())
        return super().__call__(x) if valid else None
