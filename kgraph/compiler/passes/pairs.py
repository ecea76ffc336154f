"""in_pairs: convolutions of bfloat16 read words of two numbers, for machines that multiply these in one instruction.

Where channels are mixed, two neighbours of them are a word, as they lie in memory; kernels are written so. The gradient
of a kernel adds up places: there two images are a word.
"""
from __future__ import annotations

from kgraph.compiler.ir import Program
from kgraph.compiler.passes.widen import widens
from kgraph.compiler.prims.rules import apply
from kgraph.compiler.rewrite import rewrite

__all__ = ["in_pairs"]


def in_pairs(program: Program) -> Program:
    """Convolutions whose inputs are both bfloat16 made wider read these."""
    def narrow(t, inputs):
        made = [t.made_by(v, "cast") for v in inputs]
        found = [op.inputs[0] for op in made if op is not None and widens(op)]
        return found if len(found) == 2 and {v.dtype for v in found} == {"bfloat16"} else None

    def of_channels(t, op, inputs):
        found = narrow(t, inputs)
        if found is None or found[1].shape[-2] % 2:
            return None
        x, w = found
        return apply(op.prim.name, x, apply("pairs", w, axis=w.ndim - 2), **op.params, dtype="float32")

    def of_images(t, op, inputs):
        found = narrow(t, inputs)
        if found is None or inputs[0].shape[0] == 1 or op.params["groups"] == inputs[0].shape[-1] > 1:
            return None
        return apply(op.prim.name, *(apply("pairs", v, axis=0) for v in found), **op.params, dtype="float32")
    return rewrite(program, {"conv": [of_channels], "conv_data_grad": [of_channels], "conv_weight_grad": [of_images]})
