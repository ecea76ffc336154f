"""What a model becomes: its Programs as text, its kernels with their source, and a record of every compile."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kgraph import doors, tree
from kgraph.codegen import functions as native
from kgraph.training.compiled_step import leaves_of
from kgraph.training.data import Prepared, as_data

__all__ = ["KernelInfo", "compiled_step", "compiles", "kernels", "program"]

MODES = ("train", "test", "predict")


@dataclass(frozen=True)
class KernelInfo:
    """One kernel of a step.

    Args:
        name, source: as they are compiled; the source carries the text of its ops as comments
        nest: the loop nest that the source is printed from: its text form, one line a node
        layers: paths of the layers that it serves
        flops, bytes: operations done, and bytes read and written; ints, or Dims of the batch size B
        op: the fused op, as the program prints it
    """

    name: str
    source: str
    layers: tuple
    flops: object
    bytes: object
    op: str
    nest: str

    def _repr_html_(self):
        return doors.displays.kernel(self)


class ProgramText(str):
    """The text of a program, which a notebook shows in colours."""

    def _repr_html_(self):
        return doors.displays.program(self)


def compiled_step(model, which="train", x=None, y=None):
    """The compiled step of a mode: the last one that the model made, or a new one for x and y, or else for a batch made
    up of zeros.

    Raises ValueError when the model has none yet and no data was given, and what it takes is not known either.
    """
    if which not in MODES:
        raise ValueError(f"expected which to be one of {', '.join(MODES)}, received {which!r}")
    programs = model._programs_of(which)
    if x is None and not programs.made and model.is_functional:
        x, y = made_up(model, which)
    if x is not None:
        data = as_data(x, y if which != "predict" else None)
        return programs.batch(data, leaves_of(data)).compiled
    steps = [p for (kind, *_), p in programs.made.items() if kind == "batch"] or list(programs.made.values())
    if not steps:
        raise ValueError(f"model {model.name!r} has no {which} step yet: run a batch first, or give x= and y= of one")
    return steps[-1].compiled


def made_up(model, which="predict", rows=2) -> tuple:
    """(x, y) of zeros for a functional model: inputs as it takes them, targets as its outputs and losses say."""
    if model._front is None:
        x = tree.map_structure(lambda t: _zeros(t.shape, t.dtype, rows), model.input)
    else:
        x = Prepared([_zeros(t.shape, t.dtype, rows) for t in model._front.entries])
    if which == "predict":
        return x, None
    losses = model.loss if tree.is_nested(model.loss) else None
    if losses is None:
        return x, tree.map_structure(lambda t: _target(t, model.loss, rows), model.output)
    wanted = dict(zip(model.output_names, tree.flatten(losses))) if not isinstance(losses, dict) else losses
    made = [_target(t, wanted.get(name), rows) for name, t in zip(model.output_names, model.outputs)]
    return x, tree.pack_sequence_as(model.output, made)


def _target(output, loss, rows):
    """Class numbers where the loss is one of class numbers, else what the output gives."""
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    if "sparse" in name.lower():
        return _zeros(output.shape[:-1], "int32", rows)
    return _zeros(output.shape, output.dtype, rows)


def _zeros(shape, dtype, rows):
    return np.zeros([rows if i == 0 and n is None else n or 3 for i, n in enumerate(shape)], dtype)


def program(model, which="train", after=True, x=None, y=None) -> str:
    """The text of the model's program: one line an op, bodies of fused ops indented under them.

    Args:
        which: train, test or predict
        after: the program that the kernels are made from; False: as it was traced, before the passes
        x, y: a batch; without, the step that the model ran last, or one on a batch made up of zeros
    """
    step = compiled_step(model, which, x, y)
    return ProgramText(step.program if after else step.traced)


def kernels(model, which="train", x=None, y=None) -> list:
    """A KernelInfo for each kernel of a step, in execution order. Arguments as for `program`."""
    plan = compiled_step(model, which, x, y).plan
    return [KernelInfo(k.name, k.source, k.scopes or (k.op.scope,), k.flops, k.bytes, k.op.prim.name,
                       str(k.nest))
            for k in plan.kernels]


def compiles() -> list:
    """A record for every function that this process needed: name, reason, seconds, how (compiled or loaded)."""
    return list(native.records)
