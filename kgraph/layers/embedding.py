"""Embedding: rows of a table."""
from __future__ import annotations

from kgraph import constraints, initializers, ops, regularizers
from kgraph.graph import set_mask
from kgraph.layers.calls import as_input
from kgraph.layers.lora import Adapted, LowRank
from kgraph.quantizers.quantizer import AbsMaxQuantizer
from kgraph.quantizers.storage import Bytes, Nibbles

__all__ = ["Embedding", "ReversibleEmbedding"]


class Embedding(LowRank):
    """Row i of a table of vectors for each integer i of the inputs: [...] to [..., output_dim].

    Args:
        input_dim: number of rows; an input outside [0, input_dim) raises IndexError
        mask_zero: 0 is padding: the output carries the mask inputs != 0
        weights: the initial table, an array or a list of one; the layer is then built at once
        lora_rank, lora_alpha: train a product of that rank in place of the table: see enable_lora
        output_dim: the size of a vector.

    Raises:
        ValueError: a size that is no int above 0.

    Example:
        >>> layers.Embedding(100, 8)(np.int32([[1, 5, 7]])).shape
        (1, 3, 8)
    """

    _told = ("activity_regularizer", "quantization_config")
    embeddings = Adapted()
    _quantizes = True

    def __init__(self, input_dim, output_dim, embeddings_initializer="uniform", embeddings_regularizer=None,
                 embeddings_constraint=None, mask_zero=False, weights=None, lora_rank=None, lora_alpha=None,
                 quantization_config=None, **kwargs):
        if "input_length" in kwargs:
            length = kwargs.pop("input_length")
            kwargs.setdefault("input_shape", (length,) if length is None or isinstance(length, int) else tuple(length))
        super().__init__(weights=weights, **kwargs)
        self._take_lora(lora_rank, lora_alpha, quantization_config)
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
        if self.quantization_mode is not None:
            self._make_quantized({"embeddings": (self.input_dim, self.output_dim)})
            return
        table = self.add_weight(
            shape=(self.input_dim, self.output_dim), initializer=self.embeddings_initializer, name="embeddings",
            regularizer=self.embeddings_regularizer, constraint=self.embeddings_constraint)
        table.read_by_rows = True
        self.embeddings = table

    def call(self, inputs):
        if inputs.dtype not in ("int32", "int64"):
            inputs = ops.cast(inputs, "int32")
        if self.quantization_mode is not None:
            return self._quantized_rows(inputs)
        return ops.cast(ops.take(self.embeddings, inputs, axis=0), self.compute_dtype)

    def _storage_of(self, name, shape, mode, block):
        return Bytes(shape, (1,)) if mode == "int8" else Nibbles(shape, shape, axis=-1, block=block)

    def _quantized_rows(self, inputs):
        values = {end: v if end == "g_idx" else ops.take(v, inputs, axis=0)
                  for end, v in self._values("embeddings").items()}
        rows = self._storages["embeddings"].rows(values, self.compute_dtype)
        if self.lora_enabled:
            a, b = self._small()
            rows = rows + (self.lora_alpha / self.lora_rank) * ops.matmul(ops.take(a, inputs, axis=0), b)
        return ops.cast(rows, self.compute_dtype)

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def get_config(self):
        return {**super().get_config(), **self.settings(
            "input_dim", "output_dim", "embeddings_initializer", "embeddings_regularizer", "embeddings_constraint",
            "mask_zero")}


class ReversibleEmbedding(Embedding):
    """An Embedding that also gives the scores of each row for vectors: layer(vectors, reverse=True) is vectors @ the
    turned table, [..., output_dim] to [..., input_dim].

    Args:
        tie_weights: False: that way has a table of its own
        reverse_dtype: of that product; None: of the layer
        logit_soft_cap: a limit c: scores are c * tanh(score / c)

    Example:
        >>> layer = layers.ReversibleEmbedding(100, 8)
        >>> layer(layer(np.int32([[1, 5, 7]])), reverse=True).shape
        (1, 3, 100)
    """

    _quantizes = True

    def __init__(self, input_dim, output_dim, tie_weights=True, embeddings_initializer="uniform",
                 embeddings_regularizer=None, embeddings_constraint=None, mask_zero=False, reverse_dtype=None,
                 logit_soft_cap=None, **kwargs):
        self.tie_weights = tie_weights   # before super().__init__, which builds where weights are given
        super().__init__(input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint,
                         mask_zero, **kwargs)
        self.reverse_dtype, self.logit_soft_cap = reverse_dtype, logit_soft_cap

    def build(self, input_shape=None):
        if self.quantization_mode is not None:
            shapes = (self.input_dim, self.output_dim), (self.output_dim, self.input_dim)
            self._make_quantized(dict(zip(self._large(), shapes)))
            return
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                shape=(self.output_dim, self.input_dim), initializer=self.embeddings_initializer,
                name="reverse_embeddings")

    def _convert(self, x):
        return as_input(x, "")   # integers or vectors: what they are, call() says

    def call(self, inputs, reverse=False):
        if not reverse:
            outputs = super().call(inputs)
            if self.mask_zero:
                set_mask(outputs, super().compute_mask(inputs))
            return outputs
        scores = self._scores(inputs) if self.quantization_mode is None else self._quantized_scores(inputs)
        cap = self.logit_soft_cap
        return scores if cap is None else ops.tanh(scores / cap) * cap

    def _scores(self, inputs):
        dtype = self.reverse_dtype or self.compute_dtype
        table = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        return ops.matmul(ops.cast(inputs, dtype), ops.cast(table, dtype))

    def _quantized_scores(self, inputs):
        quantizer = AbsMaxQuantizer(axis=-1) if self.quantization_config is None else None
        scores = self._quantized_product(ops.cast(inputs, self.compute_dtype), self._large()[-1], quantizer)
        if self.lora_enabled and self.tie_weights:
            a, b = map(ops.transpose, self._small())
            scores = scores + (self.lora_alpha / self.lora_rank) * ops.matmul(ops.matmul(inputs, b), a)
        return scores

    def _large(self) -> tuple:
        return ("embeddings",) if self.tie_weights else ("embeddings", "reverse_embeddings")

    def _storage_of(self, name, shape, mode, block):
        if name == "embeddings":
            return super()._storage_of(name, shape, mode, block)
        return Bytes(shape, (0,)) if mode == "int8" else Nibbles(shape, shape, packed=0, block=block, indexed=False)

    def _linear(self, inputs, weight, name=None):
        return ops.matmul(inputs, ops.transpose(weight) if self.tie_weights else weight)

    def _linear_back(self, upstream, weight, name=None, inputs=None):
        return ops.matmul(upstream, weight if self.tie_weights else ops.transpose(weight))

    def compute_mask(self, inputs, mask=None):
        return None   # set by call(), which knows the way

    def get_config(self):
        return {**super().get_config(), **self.settings("tie_weights", "reverse_dtype", "logit_soft_cap")}
