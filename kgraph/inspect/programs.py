"""What a model becomes: its Programs as text, its kernels with their source, and a record of every compile."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kgraph.codegen import functions as native
from kgraph.training.compiled_step import leaves_of
from kgraph.training.data import as_data

__all__ = ["KernelInfo", "compiled_step", "compiles", "kernels", "program"]

MODES = ("train", "test", "predict")


@dataclass(frozen=True)
class KernelInfo:
    """One kernel of a step.

    name, source  as they are compiled; the source carries the text of its ops as comments
    nest          the loop nest that the source is printed from: its text form, one line a node
    layers        paths of the layers that it serves
    flops, bytes  operations done, and bytes read and written; ints, or Dims of the batch size B
    op            the fused op, as the program prints it
    """

    name: str
    source: str
    layers: tuple
    flops: object
    bytes: object
    op: str
    nest: str


def compiled_step(model, which="train", x=None, y=None):
    """The compiled step of a mode: the last one that the model made, or a new one for x and y.

    Raises ValueError when the model has none yet and no data was given to make it for.
    """
    if which not in MODES:
        raise ValueError(f"expected which to be one of {', '.join(MODES)}, received {which!r}")
    programs = model._programs_of(which)
    if x is None and which == "predict" and not programs.made and model.is_functional:
        x = _zeros(model)
    if x is not None:
        data = as_data(x, y if which != "predict" else None)
        return programs.batch(data, leaves_of(data)).compiled
    steps = [p for (kind, *_), p in programs.made.items() if kind == "batch"] or list(programs.made.values())
    if not steps:
        raise ValueError(f"model {model.name!r} has no {which} step yet: run a batch first, or give x= and y= of one")
    return steps[-1].compiled


def _zeros(model):
    arrays = [np.zeros([2 if i == 0 and n is None else n or 3 for i, n in enumerate(t.shape)], t.dtype)
              for t in model.inputs]
    return arrays if len(arrays) > 1 else arrays[0]


def program(model, which="train", after=True, x=None, y=None) -> str:
    """The text of the model's program: one line an op, bodies of fused ops indented under them.

    which  train, test or predict
    after  the program that the kernels are made from; False: as it was traced, before the passes
    x, y   a batch, where the model has not run this step yet
    """
    step = compiled_step(model, which, x, y)
    return str(step.program if after else step.traced)


def kernels(model, which="train", x=None, y=None) -> list:
    """A KernelInfo for each kernel of a step, in execution order. Arguments as for `program`."""
    plan = compiled_step(model, which, x, y).plan
    return [KernelInfo(k.name, k.source, k.scopes or (k.op.scope,), k.flops, k.bytes, k.op.prim.name,
                       str(k.nest))
            for k in plan.kernels]


def compiles() -> list:
    """A record for every function that this process needed: name, reason, seconds, how (compiled or loaded)."""
    return list(native.records)
