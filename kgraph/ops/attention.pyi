# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, Float, Seed
from kgraph.compiler.ir import TensorLike
from typing import Any

def is_fused(flash_attention: bool | None) -> bool | None: ...
def dot_product_attention(query: ArrayLike, key: ArrayLike, value: ArrayLike, bias: ArrayLike | None = None, mask: ArrayLike | None = None, scale: ArrayLike | None = None, is_causal: bool = False, flash_attention: bool | None = None, attn_logits_soft_cap: Float | None = None) -> TensorLike: ...
def attend(query: ArrayLike, key: ArrayLike, value: ArrayLike, bias: ArrayLike | None = None, mask: ArrayLike | None = None, scale: ArrayLike = 1.0, causal: bool = False, fused: Any = None, rate: Float = 0.0, seed: Seed | None = None, empty: str = 'mean', cap: Any = None) -> TensorLike: ...

__all__ = [
    "attend",
    "dot_product_attention",
    "is_fused",
]
