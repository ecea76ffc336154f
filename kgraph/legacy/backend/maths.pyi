# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Callable
from kgraph._types import ArrayLike, Axis, DTypeLike, Float, InitializerLike, Int, Ints, Seed, Shape, Structure
from kgraph.compiler.ir import TensorLike
from kgraph.ops.core import cast as cast, stop_gradient as stop_gradient
from kgraph.ops.create import ones_like as ones_like, zeros_like as zeros_like
from kgraph.ops.diagonals import eye as eye
from kgraph.ops.elementwise import absolute as abs, clip as clip, cos as cos, equal as equal, exp as exp, greater as greater, greater_equal as greater_equal, less as less, less_equal as less_equal, log as log, maximum as maximum, minimum as minimum, not_equal as not_equal, round as round, sign as sign, sin as sin, sqrt as sqrt, square as square
from kgraph.ops.index import one_hot as one_hot
from kgraph.ops.joining import stack as stack, tile as tile
from kgraph.ops.reduce import all as all, any as any, logsumexp as logsumexp, max as max, mean as mean, min as min, prod as prod, std as std, sum as sum, var as var
from kgraph.ops.shape import flip as flip, reshape as reshape, squeeze as squeeze
from kgraph.variable import Variable
from typing import Any

def zeros(shape: Shape, dtype: DTypeLike | None = None, name: str | None = None) -> Variable: ...
def ones(shape: Shape, dtype: DTypeLike | None = None, name: str | None = None) -> Variable: ...
def argmax(x: Any, axis: Axis = -1) -> TensorLike: ...
def argmin(x: Any, axis: Axis = -1) -> TensorLike: ...
def concatenate(tensors: Any, axis: Axis = -1) -> TensorLike: ...
def cumsum(x: Any, axis: Axis = 0) -> Any: ...
def cumprod(x: Any, axis: Axis = 0) -> TensorLike: ...
def expand_dims(x: Any, axis: Axis = -1) -> TensorLike: ...
def identity(x: Any, name: str | None = None) -> TensorLike: ...
def pow(x: Any, a: ArrayLike) -> TensorLike: ...
def arange(start: Any, stop: Any = None, step: Float = 1, dtype: DTypeLike = 'int32') -> TensorLike: ...
def transpose(x: Any) -> TensorLike: ...
def permute_dimensions(x: Any, pattern: Any) -> TensorLike: ...
def flatten(x: Any) -> TensorLike: ...
def batch_flatten(x: Any) -> TensorLike: ...
def reverse(x: Any, axes: Axis) -> TensorLike: ...
def repeat(x: Any, n: Int) -> TensorLike: ...
def repeat_elements(x: Any, rep: Any, axis: Axis) -> TensorLike: ...
def gather(reference: Any, indices: ArrayLike) -> TensorLike: ...
def slice(x: Any, start: Any, size: Ints) -> Any: ...
def l2_normalize(x: Any, axis: Axis | None = None) -> TensorLike: ...
def dot(x: Any, y: ArrayLike) -> Any: ...
def batch_dot(x: Any, y: ArrayLike, axes: Axis | None = None) -> TensorLike: ...
def switch(condition: ArrayLike, then_expression: Any, else_expression: Any) -> Any: ...
def map_fn(fn: Callable[..., Any], elems: Structure, name: str | None = None, dtype: DTypeLike | None = None) -> Any: ...
def foldl(fn: Callable[..., Any], elems: Structure, initializer: InitializerLike | None = None, name: str | None = None) -> TensorLike: ...
def foldr(fn: Callable[..., Any], elems: Structure, initializer: InitializerLike | None = None, name: str | None = None) -> TensorLike: ...
def random_normal(shape: Shape, mean: Float = 0.0, stddev: Float = 1.0, dtype: DTypeLike | None = None, seed: Seed | None = None) -> TensorLike: ...
def random_uniform(shape: Shape, minval: Float = 0.0, maxval: Float = 1.0, dtype: DTypeLike | None = None, seed: Seed | None = None) -> TensorLike: ...
def truncated_normal(shape: Shape, mean: Float = 0.0, stddev: Float = 1.0, dtype: DTypeLike | None = None, seed: Seed | None = None) -> TensorLike: ...
def random_binomial(shape: Shape, p: Float = 0.0, dtype: DTypeLike | None = None, seed: Seed | None = None) -> TensorLike: ...
def random_bernoulli(shape: Shape, p: Float = 0.0, dtype: DTypeLike | None = None, seed: Seed | None = None) -> TensorLike: ...

__all__ = [
    "abs",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "batch_dot",
    "batch_flatten",
    "cast",
    "clip",
    "concatenate",
    "cos",
    "cumprod",
    "cumsum",
    "dot",
    "equal",
    "exp",
    "expand_dims",
    "eye",
    "flatten",
    "flip",
    "foldl",
    "foldr",
    "gather",
    "greater",
    "greater_equal",
    "identity",
    "l2_normalize",
    "less",
    "less_equal",
    "log",
    "logsumexp",
    "map_fn",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "not_equal",
    "one_hot",
    "ones",
    "ones_like",
    "permute_dimensions",
    "pow",
    "prod",
    "random_bernoulli",
    "random_binomial",
    "random_normal",
    "random_uniform",
    "repeat",
    "repeat_elements",
    "reshape",
    "reverse",
    "round",
    "sign",
    "sin",
    "slice",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "stop_gradient",
    "sum",
    "switch",
    "tile",
    "transpose",
    "truncated_normal",
    "var",
    "zeros",
    "zeros_like",
]
