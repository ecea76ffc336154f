"""Lowering: one op in, one loop nest out. KERNELS names those that have a kernel of their own; all others are fused."""
from kgraph.compiler.lowering.attention import ATTENTION
from kgraph.compiler.lowering.special import SPECIAL
from kgraph.compiler.lowering.window import emit_weight_grad

__all__ = ["KERNELS"]

KERNELS = {**SPECIAL, **ATTENTION, "conv_weight_grad": emit_weight_grad}
