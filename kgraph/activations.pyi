# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ActivationLike, ArrayLike, Float
from kgraph.compiler.ir import TensorLike
from kgraph.ops.activations import celu as celu, elu as elu, glu as glu, hard_shrink as hard_shrink, hard_sigmoid as hard_sigmoid, hard_silu as hard_silu, hard_silu as hard_swish, hard_tanh as hard_tanh, leaky_relu as leaky_relu, log_sigmoid as log_sigmoid, log_softmax as log_softmax, relu6 as relu6, selu as selu, sigmoid as sigmoid, silu as silu, silu as swish, soft_shrink as soft_shrink, softmax as softmax, softplus as softplus, softsign as softsign, sparse_plus as sparse_plus, sparse_sigmoid as sparse_sigmoid, sparsemax as sparsemax, squareplus as squareplus, tanh_shrink as tanh_shrink, threshold as threshold
from kgraph.ops.elementwise import tanh as tanh
from typing import Any

def linear(x: ArrayLike) -> TensorLike: ...
def relu(x: ArrayLike, negative_slope: Float = 0.0, max_value: Float | None = None, threshold: Float = 0.0) -> TensorLike: ...
def exponential(x: ArrayLike) -> TensorLike: ...
def mish(x: ArrayLike) -> TensorLike: ...
def gelu(x: ArrayLike, approximate: bool = False) -> TensorLike: ...
def get(identifier: Any) -> Any: ...
def serialize(activation: ActivationLike) -> Any: ...
def deserialize(config: Any, custom_objects: Any = None) -> Any: ...

__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]
