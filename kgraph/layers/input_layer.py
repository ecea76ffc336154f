"""The entry of a graph."""
from __future__ import annotations

from kgraph.compiler.trace import to_tensor
from kgraph.config import floatx
from kgraph.graph import KTensor, Node
from kgraph.layers.base import Layer
from kgraph.ops.core import standardize_dtype

__all__ = ["Input", "InputLayer"]


class InputLayer(Layer):
    """Stands for an input of a model; its output is a KTensor.

    Args:
        shape: without the batch axis; None for a size that varies
        batch_size: of the batch axis, when it is fixed
        batch_shape: instead of both: the shape with the batch axis
        dtype: by default config.floatx(); "string" for text, which only layers such as TextVectorization take
        optional: whether the model may be called with None for it.
        sparse: that matrices of SciPy will come. The layers work on dense rows, made of them batch by batch where the
            whole would be large.
        input_tensor: a KTensor to stand for; None: a new one.

    Raises:
        ValueError: neither shape nor batch_shape; ragged is True.

    Example:
        >>> layers.InputLayer((3,)).output.shape
        (None, 3)
    """

    def __init__(self, shape=None, batch_size=None, dtype=None, sparse=None, ragged=None, batch_shape=None,
                 input_tensor=None, optional=False, name=None, **kwargs):
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        shape = kwargs.pop("input_shape", shape)
        if input_tensor is not None and not isinstance(input_tensor, KTensor):
            input_tensor = to_tensor(input_tensor)
            batch_shape, dtype = input_tensor.shape, dtype or input_tensor.dtype
        elif input_tensor is not None:
            batch_shape, dtype = input_tensor.type.shape, dtype or input_tensor.dtype
        if (shape is None) == (batch_shape is None):
            raise ValueError(f"Input: expected shape or batch_shape, received shape={shape}, batch_shape={batch_shape}")
        if ragged:
            raise ValueError("Input: expected ragged=False, received True: there are no ragged tensors. Fill rows up "
                             "to one length (Dataset.padded_batch, utils.pad_sequences) and put a Masking layer after")
        batch_shape = _sizes((batch_size, *_sizes(shape)) if batch_shape is None else batch_shape, "batch_shape")
        dtype = "string" if dtype == "string" else standardize_dtype(dtype or floatx())
        super().__init__(name=name, dtype=dtype, **kwargs)
        self._dtype, self.optional, self.sparse, self.ragged = dtype, bool(optional), bool(sparse), False
        self.built, self.supports_masking = True, True
        Node(self, (), {}, KTensor(batch_shape, self.compute_dtype, self.sparse, name=self.name))

    @property
    def batch_shape(self) -> tuple:
        return self.output.shape

    @property
    def input(self) -> KTensor:
        """Its output, as Keras 2 has it: programs make functions from ``model.layers[0].input``."""
        return self.output

    @property
    def input_shape(self) -> tuple:
        return self.output.shape

    def call(self, *args, **kwargs):
        """An input layer is not called.

        Raises:
            TypeError: always.
        """
        raise TypeError(f"input layer {self.name!r} cannot be called: use its .output")

    def get_config(self):
        return {"batch_shape": self.batch_shape, "dtype": self._dtype, "sparse": self.sparse, "ragged": False,
                "name": self.name, "optional": self.optional}

    def __getstate__(self):
        return {**super().__getstate__(), "_batch_shape": self.output.type.shape}

    def __setstate__(self, state):
        shape = state.pop("_batch_shape")
        self.__dict__.update(state)
        Node(self, (), {}, KTensor(shape, self.compute_dtype, self.sparse, name=self.name))


def _sizes(shape, name="shape"):
    if isinstance(shape, (int, str)):
        raise ValueError(f"Input: expected a tuple of sizes, received shape={shape!r}; of one size, write ({shape},)")
    bad = [s for s in shape if not (s is None or hasattr(s, "__index__")) or (isinstance(s, int) and s < 0)]
    if bad:
        raise ValueError(f"Input: expected sizes of at least 0, or None, received {bad[0]!r} in {name}={tuple(shape)}")
    return tuple(shape)


def Input(shape=None, batch_size=None, dtype=None, sparse=None, ragged=None, batch_shape=None, name=None, tensor=None,
          optional=False):
    """A KTensor for data of that shape to come, without the batch axis: the start of a functional model.

    See InputLayer for the arguments; tensor: take shape and dtype from a tensor instead. Raises ValueError on a shape
    that is not a tuple of sizes.

    Args:
        shape: without the batch axis; None for a size that varies.
        batch_size: of the batch axis, when it is fixed; None: it varies.
        batch_shape: instead of both: the shape with the batch axis.
        dtype: by default kgraph.config.floatx(); "string" for text.
        tensor: a KTensor to stand for; None: a new one.
        optional: whether the model may be called with None for it.
        sparse: that matrices of SciPy will come; see InputLayer.
        name: of the layer; by default input_layer, input_layer_1 ...

    Returns:
        A KTensor.

    Example:
        >>> Input(shape=(28, 28, 1)).shape
        (None, 28, 28, 1)
    """
    return InputLayer(shape=shape, batch_size=batch_size, dtype=dtype, sparse=sparse, ragged=ragged,
                      batch_shape=batch_shape, input_tensor=tensor, optional=optional, name=name).output
