"""What `keras.utils` of Keras 1 and 2 had beside what kgraph.utils has."""
from __future__ import annotations

import warnings

import numpy as np

__all__ = ["convert_all_kernels_in_model", "count_params", "has_arg", "multi_gpu_model", "print_summary",
           "to_list", "unpack_singleton"]


def count_params(weights) -> int:
    """How many numbers a list of weights holds."""
    return int(sum(np.prod(w.shape, dtype=np.int64) for w in {id(w): w for w in weights}.values()))


def print_summary(model, line_length=None, positions=None, print_fn=None):
    """`model.summary` of today."""
    model.summary(line_length=line_length, positions=positions, print_fn=print_fn)


def convert_all_kernels_in_model(model):
    """Turn the kernels of a model's convolutions round, for weights that Theano's convolutions learned."""
    from kgraph.legacy.conv_utils import convert_kernel
    for layer in model.layers:
        if "Conv" in type(layer).__name__ and getattr(layer, "kernel", None) is not None:
            layer.kernel.assign(convert_kernel(layer.kernel.numpy()))


def multi_gpu_model(model, gpus=None, cpu_merge=True, cpu_relocation=False):
    """The model itself: there are no GPUs here. Warns once."""
    warnings.warn("multi_gpu_model: there are no GPUs here, the model itself is used", FutureWarning, stacklevel=2)
    return model


def has_arg(fn, name: str, accept_all: bool = False) -> bool:
    """Whether a function takes an argument of that name; with ``accept_all`` also through ``**kwargs``."""
    import inspect
    parameters = inspect.signature(fn).parameters
    return name in parameters or accept_all and any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def to_list(x, allow_tuple: bool = False) -> list:
    """x in a list, unless it is one."""
    if isinstance(x, list) or allow_tuple and isinstance(x, tuple):
        return list(x)
    return [x]


def unpack_singleton(x):
    """The one element of a list of one, else x."""
    return x[0] if isinstance(x, (list, tuple)) and len(x) == 1 else x
