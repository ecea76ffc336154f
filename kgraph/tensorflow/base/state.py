"""Variables, modules, and tapes: what holds values and what records."""
from __future__ import annotations

from enum import StrEnum

from kgraph import gradient as gradients
from kgraph import ops, tree
from kgraph import variable as variables
from kgraph.naming import auto_name
from kgraph.tensorflow.base import arrays
from kgraph.tensorflow.base.dtypes import TensorShape

__all__ = ["GradientTape", "Module", "TensorArray", "UnconnectedGradients", "Variable", "VariableAggregation",
           "VariableSynchronization", "custom_gradient"]


class Variable(variables.Variable):
    """A kgraph.Variable made with TensorFlow's arguments.

    initial_value  an array, a tensor or a number, or a function without arguments that gives it
    shape          None, or the shape that it must have
    Strings, and shapes that may change, have no Variables here.
    """

    def __init__(self, initial_value=None, trainable=None, validate_shape=True, caching_device=None, name=None,
                 variable_def=None, dtype=None, import_scope=None, constraint=None, synchronization=None,
                 aggregation=None, shape=None):
        if initial_value is None:
            raise ValueError("tf.Variable: expected initial_value, received None")
        value = initial_value() if callable(initial_value) else initial_value
        shape = None if shape is None or None in tuple(shape) else tuple(shape)
        super().__init__(ops.convert_to_tensor(value, dtype).numpy(), shape=shape, trainable=trainable is not False,
                         name=name or auto_name("Variable"), constraint=constraint)

    def assign(self, value, use_locking=False, name=None, read_value=True):
        """Replace the contents. Returns the new value as a tensor."""
        return ops.convert_to_tensor(super().assign(value))

    def assign_add(self, delta, use_locking=False, name=None, read_value=True):
        """Add to the contents. Returns the new value as a tensor."""
        return self.assign(self.value + ops.cast(delta, self.dtype))

    def assign_sub(self, delta, use_locking=False, name=None, read_value=True):
        """Subtract from the contents. Returns the new value as a tensor."""
        return self.assign(self.value - ops.cast(delta, self.dtype))

    def scatter_nd_update(self, indices, updates, name=None):
        """Replace the slices at indices. Returns the new value as a tensor."""
        return self.assign(arrays.tensor_scatter_nd_update(self.value, indices, updates))

    def scatter_nd_add(self, indices, updates, name=None):
        """Add to the slices at indices. Returns the new value as a tensor."""
        return self.assign(arrays.tensor_scatter_nd_add(self.value, indices, updates))

    def scatter_nd_sub(self, indices, updates, name=None):
        """Subtract from the slices at indices. Returns the new value as a tensor."""
        return self.assign(arrays.tensor_scatter_nd_add(self.value, indices, ops.negative(updates)))

    def scatter_update(self, sparse_delta, use_locking=False, name=None):
        """Replace the rows of IndexedSlices. Returns the new value as a tensor."""
        return self.scatter_nd_update(ops.expand_dims(sparse_delta.indices, -1), sparse_delta.values)

    def scatter_add(self, sparse_delta, use_locking=False, name=None):
        """Add to the rows of IndexedSlices. Returns the new value as a tensor."""
        return self.scatter_nd_add(ops.expand_dims(sparse_delta.indices, -1), sparse_delta.values)

    def scatter_sub(self, sparse_delta, use_locking=False, name=None):
        """Subtract from the rows of IndexedSlices. Returns the new value as a tensor."""
        return self.scatter_nd_sub(ops.expand_dims(sparse_delta.indices, -1), sparse_delta.values)

    def gather_nd(self, indices, name=None):
        """The slices at indices."""
        return arrays.gather_nd(self.value, indices)

    def read_value(self):
        return ops.convert_to_tensor(self.value)

    def get_shape(self) -> TensorShape:
        return TensorShape(self.shape)


class UnconnectedGradients(StrEnum):
    """What a source gets on which the target does not depend."""

    NONE = "none"
    ZERO = "zero"


class VariableAggregation(StrEnum):
    """How replicas' values are joined: there is one replica."""

    NONE, SUM, MEAN, ONLY_FIRST_REPLICA = "none", "sum", "mean", "only_first_replica"


class VariableSynchronization(StrEnum):
    """When replicas' values are joined: there is one replica."""

    AUTO, NONE, ON_WRITE, ON_READ = "auto", "none", "on_write", "on_read"


class GradientTape(gradients.GradientTape):
    """Records what happens inside its `with` block. Every tensor is watched, whether or not `watch` was called.

    persistent  gradients may be asked for more than once
    """

    def gradient(self, target, sources, output_gradients=None, unconnected_gradients=UnconnectedGradients.NONE):
        """d target / d source for each source, in the structure of sources; see kgraph.GradientTape.gradient."""
        way = getattr(unconnected_gradients, "value", unconnected_gradients)
        return super().gradient(target, sources, output_gradients, way)

    def watch(self, tensor):
        """Nothing to do: every tensor is watched."""
        super().watch(tensor)

    def watched_variables(self) -> tuple:
        """The trainable variables that were read."""
        return tuple(v for v in self._tape.variables if v.trainable)

    def jacobian(self, target, sources, unconnected_gradients=UnconnectedGradients.NONE, parallel_iterations=None,
                 experimental_use_pfor=True):
        """d element of target / d source, of shape (*target.shape, *source.shape), in the structure of sources."""
        self._check_first()
        target = ops.convert_to_tensor(target)
        count = int(ops.size(target))
        rows = [self._row(target, ops.reshape(ops.one_hot(i, count, dtype=target.dtype), target.shape), sources,
                          unconnected_gradients) for i in range(count)]
        join = lambda *parts: None if parts[0] is None else ops.reshape(
            ops.stack(parts), (*target.shape, *parts[0].shape))
        return tree.map_structure(join, *rows)

    def batch_jacobian(self, target, source, unconnected_gradients=UnconnectedGradients.NONE, parallel_iterations=None,
                       experimental_use_pfor=True):
        """The Jacobian of each row of target in the same row of source: (batch, *target row, *source row)."""
        self._check_first()
        target = ops.convert_to_tensor(target)
        batch, *row = target.shape
        count = 1
        for n in row:
            count *= n
        parts = []
        for i in range(count):
            hot = ops.reshape(ops.one_hot(i, count, dtype=target.dtype), (1, *row))
            parts.append(self._row(target, ops.broadcast_to(hot, target.shape), source, unconnected_gradients))
        if parts[0] is None:
            return None
        return ops.reshape(ops.stack(parts, axis=1), (batch, *row, *parts[0].shape[1:]))

    def _check_first(self):
        if self._used and not self.persistent:
            raise RuntimeError("jacobian: the tape was used before: expected persistent=True for a second call")

    def _row(self, target, weights, sources, unconnected):
        self._used = False
        return self.gradient(target, sources, weights, unconnected)

    def reset(self):
        """Forget what was recorded."""
        self.__init__(self.persistent)


custom_gradient = ops.custom_gradient


class Module:
    """A base for objects with Variables: finds them, however deep they lie in attributes, lists and dicts."""

    def __init__(self, name=None):
        self._name = name or auto_name(type(self).__name__.lower())

    @property
    def name(self) -> str:
        return getattr(self, "_name", type(self).__name__.lower())

    @property
    def variables(self) -> tuple:
        """All Variables, those of submodules and layers too, each once, by the names of attributes."""
        return tuple(x for x in _reachable(self) if isinstance(x, variables.Variable))

    @property
    def trainable_variables(self) -> tuple:
        return tuple(v for v in self.variables if v.trainable)

    @property
    def non_trainable_variables(self) -> tuple:
        return tuple(v for v in self.variables if not v.trainable)

    @property
    def submodules(self) -> tuple:
        """The Modules and layers inside."""
        return tuple(x for x in _reachable(self) if x is not self and not isinstance(x, variables.Variable))

    @classmethod
    def with_name_scope(cls, method):
        """method itself: names of variables have no scopes here."""
        return method


def _reachable(root) -> list:
    """root's Variables, Modules and layers, in depth, each once."""
    found, stack = {}, [root]
    while stack:
        x = stack.pop(0)
        if id(x) in found:
            continue
        if isinstance(x, variables.Variable):
            found[id(x)] = x
        elif isinstance(x, (dict, list, tuple)):
            stack = [*(x.values() if isinstance(x, dict) else x), *stack]
        elif isinstance(x, Module):
            found[id(x)] = x
            stack = [*(v for _, v in sorted(vars(x).items())), *stack]
        elif hasattr(x, "trainable_variables"):
            found[id(x)] = x
            stack = [*x.variables, *stack]
    return list(found.values())


class TensorArray:
    """A list of tensors, written by index. Each write gives the array itself, as TensorFlow's programs expect.

    size          how many there are to be; dynamic_size: it grows by writing
    element_shape None, or the shape that each must have
    """

    def __init__(self, dtype, size=0, dynamic_size=None, clear_after_read=None, tensor_array_name=None, handle=None,
                 flow=None, infer_shape=True, element_shape=None, colocate_with_first_write_call=True, name=None):
        self.dtype = dtype
        self.dynamic_size = bool(dynamic_size)
        self.element_shape = element_shape
        self._items = [None] * int(size)

    def write(self, index, value, name=None):
        """Put a tensor at an index. Raises IndexError beyond the size, unless it is dynamic."""
        index = int(index)
        if index >= len(self._items):
            if not self.dynamic_size:
                raise IndexError(f"TensorArray.write: expected an index below {len(self._items)}, received {index}")
            self._items += [None] * (index + 1 - len(self._items))
        value = ops.convert_to_tensor(value, self.dtype)
        if self.element_shape is not None and not TensorShape(self.element_shape).is_compatible_with(value.shape):
            raise ValueError(f"TensorArray.write: expected shape {tuple(self.element_shape)}, received {value.shape}")
        self._items[index] = value
        return self

    def read(self, index, name=None):
        """The tensor at an index."""
        found = self._items[int(index)]
        if found is None:
            raise ValueError(f"TensorArray.read: nothing was written at index {int(index)}")
        return found

    def stack(self, name=None):
        """All along a new first axis; zeros where nothing was written."""
        return ops.stack(self._filled())

    def concat(self, name=None):
        """All joined along the first axis."""
        return ops.concatenate(self._filled(), 0)

    def gather(self, indices, name=None):
        """Those at indices along a new first axis."""
        items = self._filled()
        return ops.stack([items[int(i)] for i in indices])

    def unstack(self, value, name=None):
        """Take the slices of a tensor as the items."""
        self._items = [ops.convert_to_tensor(v, self.dtype) for v in ops.unstack(value)]
        return self

    def size(self, name=None) -> int:
        return len(self._items)

    def _filled(self) -> list:
        there = [x for x in self._items if x is not None]
        if not there:
            raise ValueError("TensorArray: nothing was written")
        return [ops.zeros_like(there[0]) if x is None else x for x in self._items]
