"""Embedding: rows of a table."""
from __future__ import annotations

from kgraph import constraints, initializers, ops, regularizers
from kgraph.layers.base import Layer

__all__ = ["Embedding"]


class Embedding(Layer):
    """Row i of a table of vectors for each integer i of the inputs: [...] to [..., output_dim].

    input_dim   number of rows; an input outside [0, input_dim) raises IndexError
    mask_zero   0 is padding: the output carries the mask inputs != 0
    weights     the initial table, an array or a list of one; the layer is then built at once
    """

    _told = ("activity_regularizer", "quantization_config")

    def __init__(self, input_dim, output_dim, embeddings_initializer="uniform", embeddings_regularizer=None,
                 activity_regularizer=None, embeddings_constraint=None, mask_zero=False, **kwargs):
        if "input_length" in kwargs:
            length = kwargs.pop("input_length")
            kwargs.setdefault("input_shape", (length,) if length is None or isinstance(length, int) else tuple(length))
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        for name, size in (("input_dim", input_dim), ("output_dim", output_dim)):
            if not hasattr(size, "__index__") or isinstance(size, bool) or size <= 0:
                raise ValueError(f"layer {self.name!r}: expected {name} to be an int above 0, received {size!r}")
        self.input_dim, self.output_dim = int(input_dim), int(output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = bool(mask_zero)
        self.autocast = False
        if self._initial_weights is not None:
            self.build()

    @property
    def input_dtype(self) -> str:
        return "int32"

    def build(self, input_shape=None):
        self.embeddings = self.add_weight(
            shape=(self.input_dim, self.output_dim), initializer=self.embeddings_initializer, name="embeddings",
            regularizer=self.embeddings_regularizer, constraint=self.embeddings_constraint)

    def call(self, inputs):
        if inputs.dtype not in ("int32", "int64"):
            inputs = ops.cast(inputs, "int32")
        return ops.take(self.embeddings, inputs, axis=0)

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def get_config(self):
        return {**super().get_config(), **self.settings(
            "input_dim", "output_dim", "embeddings_initializer", "embeddings_regularizer", "embeddings_constraint",
            "mask_zero")}
