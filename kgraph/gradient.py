"""Gradients of what Python computes: `GradientTape` and `value_and_grad`, eagerly and inside a traced function."""
from __future__ import annotations

import contextlib
import functools
import operator

from kgraph import tree
from kgraph.compiler.autodiff import backward
from kgraph.compiler.ir import TensorLike
from kgraph.compiler.prims.move import broadcast_p
from kgraph.compiler.trace import Tape, Tensor, bind, current_trace, to_tensor
from kgraph.ops.core import as_tensor, expand_to, is_float_dtype
from kgraph.ops.create import ones_like, zeros_like
from kgraph.variable import Variable

__all__ = ["GradientTape", "value_and_grad"]


class GradientTape:
    """Records what happens inside its `with` block, so that gradients can be asked for.

    Every tensor is watched. In a traced function the same code records into the graph.

    Entering the tape again goes on recording.

    persistent: `gradient` may be called more than once.

    Args:
        persistent: gradients may be asked for more than once. False by default.
        watch_accessed_variables: follow trainable variables that are read. True by default.

    Example:
        >>> x = ops.convert_to_tensor(3.0)
        >>> with GradientTape() as tape:
        ...     y = x * x
        >>> float(tape.gradient(y, x))
        6.0
    """

    def __init__(self, persistent=False, watch_accessed_variables=True):
        self.persistent = persistent
        self._tape = Tape()
        self._trace = None
        self._spans = []     # in a trace: first and last of its ops, for each time the tape recorded
        self._used = False

    def __enter__(self):
        self._trace = current_trace()
        if self._trace is None:
            self._tape.__enter__()
        else:
            self._spans.append([len(self._trace.ops), None])
            self._trace.tapes.append(self._tape)
        return self

    def __exit__(self, *exc):
        if self._trace is None:
            self._tape.__exit__(*exc)
        else:
            self._spans[-1][1] = len(self._trace.ops)
            self._trace.tapes.remove(self._tape)

    @contextlib.contextmanager
    def stop_recording(self):
        """Inside, which is inside its `with`, the tape does not record."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()

    def watch(self, tensor):
        """Nothing to do: every tensor is watched. Raises TypeError for arrays, which have no identity to track.

        Args:
            tensor: a tensor, or several in a structure.
        """
        for x in tree.flatten(tensor):
            if not isinstance(x, TensorLike):
                raise TypeError("watch: expected tensors (ops.convert_to_tensor makes one), "
                                f"received {type(x).__name__}")

    def gradient(self, target, sources, output_gradients=None, unconnected_gradients="none"):
        """d target / d source for each source, in the structure of sources.

        Args:
            target: a tensor or a structure of them: their elements are summed
            sources: tensors or Variables
            output_gradients: weights of the target's elements, in the structure of target (default: ones)
            unconnected_gradients: "none" or "zero": what a source gets that target does not depend on

        Returns:
            Tensors in the structure of sources, None where target does not depend on one.

        Raises:
            RuntimeError: asked twice of a tape that is not persistent, or while it records.
            TypeError: target is no tensor.
            ValueError: output_gradients do not fit target.
        """
        if self._used and not self.persistent:
            raise RuntimeError("gradient was called before on this tape: expected persistent=True for a second call")
        if unconnected_gradients not in ("none", "zero"):
            raise ValueError("gradient: expected unconnected_gradients 'none' or 'zero', "
                             f"received {unconnected_gradients!r}")
        self._used = True
        targets = [as_tensor(t) for t in tree.flatten(target)]
        weights = [None] * len(targets) if output_gradients is None else tree.flatten(output_gradients)
        cts = [ones_like(t) if w is None else expand_to(as_tensor(w, t.dtype), t.shape) for t,
               w in zip(targets, weights)]
        for t in targets:
            if not is_float_dtype(t.dtype):
                raise TypeError(f"gradient: expected a target of a float dtype, received {t.dtype}")
        leaves = tree.flatten(sources)
        known = [self._values(x) for x in leaves]
        found = iter(backward(self._ops(), targets, cts, [v for values in known for v in values]))
        grads = [_sum([next(found) for _ in values]) for values in known]
        if unconnected_gradients == "zero":
            grads = [zeros_like(x) if g is None else g for g, x in zip(grads, leaves)]
        return tree.pack_sequence_as(sources, grads)

    def _ops(self):
        if self._trace is None:
            return list(self._tape.ops)
        return [op for start, stop in self._spans for op in self._trace.ops[start:stop]]

    def _values(self, x) -> list:
        """What the recorded ops read in place of x: of a variable that was assigned, several values."""
        if isinstance(x, Variable):
            return [v for v in self._tape.variables.get(x, ()) if v is not None]
        if not isinstance(x, TensorLike):
            raise TypeError(f"gradient: expected sources that are tensors or Variables, received {type(x).__name__}")
        return [to_tensor(x)]


def _sum(grads):
    """The sum of those that are there, or None."""
    there = [g for g in grads if g is not None]
    return functools.reduce(operator.add, there) if there else None


def value_and_grad(f, argnums: int | tuple = 0, has_aux=False):
    """A function that returns f's value and its gradient with respect to one argument, or several.

    Args:
        f: returns a scalar, or with has_aux a pair (scalar, anything)
        argnums: the number of the argument, or a tuple of numbers; arguments may be nested structures, and Variables
        has_aux: whether f gives (value, other things). False by default.

    Returns:
        A function (value, gradients) of the arguments of f.

    Example:
        >>> value_and_grad(lambda w: ops.sum(w * w))(np.float32([1, 2]))
        (<Tensor f32[] 5.>, <Tensor f32[2] [2. 4.]>)
    """
    def with_gradient(*args, **kwargs):
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        args = [tree.map_structure(_trackable, a) if i in numbers else a for i, a in enumerate(args)]
        with GradientTape() as tape:
            result = f(*args, **kwargs)
        value = result[0] if has_aux else result
        if tuple(getattr(value, "shape", ())) != ():
            raise ValueError(f"value_and_grad: expected f to return a scalar, received shape {tuple(value.shape)}")
        grads = tape.gradient(value, [args[i] for i in numbers])
        return result, grads[0] if isinstance(argnums, int) else tuple(grads)
    return with_gradient


def _trackable(x):
    """An array as a tensor of its own, so that the tape can tell it from equal ones; tapes around know what it is."""
    if isinstance(x, Tensor):
        return bind(broadcast_p, x, shape=x.shape, axes=tuple(range(x.ndim)))
    return x if isinstance(x, TensorLike) else as_tensor(x)
