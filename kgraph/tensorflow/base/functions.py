"""tf.function: compiled where the function can be, else run as it stands."""
from __future__ import annotations

import functools
import warnings

from kgraph import config, ops, tree
from kgraph.compiler.trace import current_trace
from kgraph.function import function as compiled
from kgraph.tensorflow.base.dtypes import TensorSpec
from kgraph.tensorflow.base.texts import StringTensor, is_text

__all__ = ["function"]


def function(func=None, input_signature=None, autograph=True, jit_compile=None, reduce_retracing=False,
             experimental_implements=None, experimental_autograph_options=None, experimental_attributes=None,
             experimental_relax_shapes=None, experimental_compile=None, experimental_follow_type_hints=None):
    """Compile a function of tensors, a decorator with or without arguments: one trace for each set of shapes.

    input_signature  TensorSpecs that arguments are cast to and checked by

    There is no AutoGraph: a function that asks for values (`if tensor:`, `for i in tf.range(n)` of a computed n,
    datasets, text) runs eagerly, which a warning says once.

    >>> import kgraph.tensorflow as tf
    >>> @tf.function
    ... def double(x, times=2):
    ...     return x * times
    >>> double(tf.constant([1.0, 2.0])).numpy().tolist()
    [2.0, 4.0]
    """
    if func is None:
        return lambda f: Function(f, input_signature)
    return Function(func, input_signature)


class Function:
    """What `tf.function` makes of a Python function; in a class, a method."""

    def __init__(self, python_function, input_signature=None):
        self.python_function = python_function
        self.input_signature = None if input_signature is None else tuple(input_signature)
        self._runs_eagerly = False
        self._compiled = compiled(self._packed)
        functools.update_wrapper(self, python_function)

    def _packed(self, args, kwargs):
        return self.python_function(*args, **kwargs)

    def __call__(self, *args, **kwargs):
        if self.input_signature is not None:
            args = self._signed(args)
        if (config.functions_run_eagerly() or self._runs_eagerly or current_trace() is not None
                or _needs_values((args, kwargs))):
            return self.python_function(*args, **kwargs)
        try:
            return self._compiled(args, kwargs)
        except (TypeError, ValueError, AttributeError, IndexError, NotImplementedError) as error:
            result = self.python_function(*args, **kwargs)   # raises again what is the function's own fault
            self._runs_eagerly = True
            warnings.warn(f"tf.function: {self.__name__} cannot be compiled and runs eagerly from now on ({error})",
                          stacklevel=2)
            return result

    def _signed(self, args):
        skip = len(args) - len(self.input_signature)   # self of a method
        if skip not in (0, 1):
            raise TypeError(f"{self.__name__}: expected {len(self.input_signature)} arguments by its input_signature, "
                            f"received {len(args)}")
        return (*args[:skip], *(tree.map_structure_up_to(spec, _fitted, spec, x)
                                for spec, x in zip(self.input_signature, args[skip:])))

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        bound = functools.partial(self, instance)
        bound.python_function = self.python_function
        bound.get_concrete_function = lambda *args, **kwargs: bound
        return bound

    def get_concrete_function(self, *args, **kwargs):
        """This function: it is traced when it is called."""
        return self


def _fitted(spec, x):
    if not isinstance(spec, TensorSpec) or spec.dtype == "string":
        return x
    x = ops.convert_to_tensor(x, spec.dtype)
    if not spec.shape.is_compatible_with(x.shape):
        raise TypeError(f"tf.function: expected an argument of shape {spec.shape!r}, received {tuple(x.shape)}")
    return x


def _needs_values(structure) -> bool:
    """Whether there is text, or something to iterate over that is no tensor, among the arguments."""
    return any(isinstance(x, StringTensor) or is_text(x) and not isinstance(x, str) or hasattr(x, "element_spec")
               for x in tree.flatten(structure))


def run_functions_eagerly(run_eagerly: bool):
    """Whether tf.functions, and the steps of models, run as Python from now on."""
    config.run_functions_eagerly(run_eagerly)
