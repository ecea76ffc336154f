# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, Axis, ConstraintLike, Float, InitializerLike, Int, RegularizerLike, Seed, Shape, Structure
from kgraph.compiler.ir import TensorLike
from kgraph.layers.base import Layer
from kgraph.layers.weighted import Weighted
from kgraph.random import SeedGenerator
from kgraph.variable import Variable
from typing import Any


class Attention(Layer):
    causal: bool
    use_scale: bool
    score_mode: str
    dropout: float
    seed: Any
    seed_generator: SeedGenerator | Any
    scale: Variable | Any
    concat_score_weight: Variable | Any
    def __init__(self, use_scale: bool = False, score_mode: str = 'dot', dropout: Float = 0.0, seed: Seed | None = None, **kwargs: Any) -> None: ...
    def build(self, input_shape: Any) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def compute_mask(self, inputs: Any, mask: Any = None) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, inputs: Structure, mask: ArrayLike | None = None, training: bool = False, return_attention_scores: bool = False, use_causal_mask: bool = False) -> TensorLike: ...

class AdditiveAttention(Attention):
    def __init__(self, use_scale: bool = True, dropout: Float = 0.0, seed: Seed | None = None, **kwargs: Any) -> None: ...
    def build(self, input_shape: Any) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class _Heads(Weighted):
    dropout: float
    use_bias: bool
    use_gate: bool
    seed: Any
    sliding_window: int | Any
    flash_attention: bool | Any
    def __init__(self, dropout: Float, use_bias: bool, sliding_window: Int | None, flash_attention: bool | None, kernel: ArrayLike, bias: Any, use_gate: bool, seed: Seed, **kwargs: Any) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, query: ArrayLike, value: ArrayLike, key: Any = None, query_mask: ArrayLike | None = None, value_mask: ArrayLike | None = None, key_mask: ArrayLike | None = None, attention_mask: ArrayLike | None = None, return_attention_scores: bool = False, training: bool | None = None, use_causal_mask: bool = False) -> TensorLike: ...

class MultiHeadAttention(_Heads):
    attention_axes: Any
    query_dense: Any
    key_dense: Any
    gate_dense: Any
    value_dense: Any
    output_dense: Any
    def __init__(self, num_heads: Int, key_dim: Int, value_dim: Int | None = None, dropout: Float = 0.0, use_bias: bool = True, output_shape: Shape | None = None, attention_axes: Axis | None = None, sliding_window: Int | None = None, flash_attention: bool | None = None, kernel_initializer: InitializerLike = 'glorot_uniform', bias_initializer: InitializerLike = 'zeros', kernel_regularizer: RegularizerLike | None = None, bias_regularizer: RegularizerLike | None = None, activity_regularizer: RegularizerLike | None = None, kernel_constraint: ConstraintLike | None = None, bias_constraint: ConstraintLike | None = None, use_gate: bool = False, seed: Seed | None = None, **kwargs: Any) -> None: ...
    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class GroupedQueryAttention(_Heads):
    num_repeats: Any
    query_dense: Any
    key_dense: Any
    gate_dense: Any
    value_dense: Any
    feature_dim: Any
    output_dense: Any
    def __init__(self, head_dim: Int, num_query_heads: Int, num_key_value_heads: Int, dropout: Float = 0.0, use_bias: bool = True, sliding_window: Int | None = None, flash_attention: bool | None = None, kernel_initializer: InitializerLike = 'glorot_uniform', bias_initializer: InitializerLike = 'zeros', kernel_regularizer: RegularizerLike | None = None, bias_regularizer: RegularizerLike | None = None, activity_regularizer: RegularizerLike | None = None, kernel_constraint: ConstraintLike | None = None, bias_constraint: ConstraintLike | None = None, use_gate: bool = False, seed: Seed | None = None, **kwargs: Any) -> None: ...
    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None: ...
    def get_config(self) -> dict[str, Any]: ...
GroupQueryAttention = GroupedQueryAttention

__all__ = [
    "AdditiveAttention",
    "Attention",
    "GroupQueryAttention",
    "GroupedQueryAttention",
    "MultiHeadAttention",
]
