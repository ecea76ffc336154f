"""Attention: weighted means of values, the weights a softmax of how well queries and keys match."""
from __future__ import annotations

import string

import numpy as np

from kgraph import initializers, ops, random
from kgraph.layers.activation import Softmax
from kgraph.layers.base import Layer
from kgraph.layers.einsum_dense import EinsumDense
from kgraph.layers.regularization import Dropout
from kgraph.layers.weighted import Weighted
from kgraph.ops.attention import attend, is_fused

__all__ = ["AdditiveAttention", "Attention", "GroupQueryAttention", "GroupedQueryAttention", "MultiHeadAttention"]


def _both(a, b):
    """Two masks that may be None, joined."""
    return b if a is None else a if b is None else ops.logical_and(a, b)


def _as_bool(mask):
    return None if mask is None else ops.cast(mask, "bool")


def _distances(rows, columns):
    """row - column, [1, rows, columns]."""
    places = ops.expand_dims(ops.arange(rows, dtype="int32"), 1) - ops.arange(columns, dtype="int32")
    return ops.expand_dims(places, 0)


# ------------------------------------------------------------------ over [query, value] or [query, value, key]
class Attention(Layer):
    """Called on [query, value] or [query, value, key]: softmax(query . key) . value (Luong et al., 2015).

    call(..., return_attention_scores=True) returns (result, weights); use_causal_mask: no look at later values
    (tf.keras had that as causal=, an argument of the class).

    Args:
        use_scale: a learned factor of the scores
        score_mode: dot, or concat: the sum of tanh(query + key), times a learned factor
        dropout: of the weights, in training

    Raises:
        ValueError: another score_mode, or a negative dropout.

    Example:
        >>> layers.Attention()([np.ones((2, 3, 4), "float32"), np.ones((2, 5, 4), "float32")]).shape
        (2, 3, 4)
    """

    def __init__(self, use_scale=False, score_mode="dot", dropout=0.0, seed=None, **kwargs):
        self.causal = bool(kwargs.pop("causal", False))
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(f"layer {self.name!r}: expected score_mode to be dot or concat, received {score_mode!r}")
        self.use_scale, self.score_mode, self.dropout, self.seed = use_scale, score_mode, dropout, seed
        self.seed_generator = random.SeedGenerator(seed) if dropout > 0 else None
        self.supports_masking = True

    def build(self, input_shape):
        self._check_count(input_shape)
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale") if self.use_scale else None
        self.concat_score_weight = None
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(shape=(), initializer="ones", name="concat_score_weight")

    def _check_count(self, inputs):
        if not isinstance(inputs, (list, tuple)) or len(inputs) not in (2, 3):
            raise ValueError(f"layer {self.name!r}: expected a list [query, value] or [query, value, key], received "
                             f"{inputs!r}")

    def call(self, inputs, mask=None, training=False, return_attention_scores=False, use_causal_mask=False):
        self._check_count(inputs)
        query, value = inputs[:2]
        query_mask, value_mask = [_as_bool(m) for m in (mask[:2] if mask else (None, None))]
        scores = self._scores(query, inputs[2] if len(inputs) == 3 else value)
        allowed = None if value_mask is None else ops.expand_dims(value_mask, -2)
        if use_causal_mask or self.causal:
            allowed = _both(allowed, _distances(scores.shape[-2], scores.shape[-1]) >= 0)
        if allowed is not None:
            scores = ops.where(allowed, scores, scores - (65504.0 if scores.dtype == "float16" else 1.0e9))
        weights = ops.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        result = ops.matmul(weights, value)
        if query_mask is not None:
            result = ops.where(ops.expand_dims(query_mask, -1), result, ops.zeros_like(result))
        return (result, weights) if return_attention_scores else result

    def _scores(self, query, key):
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -2, -1))
            return scores if self.scale is None else scores * self.scale
        both = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        both = both if self.scale is None else both * self.scale
        return self.concat_score_weight * ops.sum(ops.tanh(both), axis=-1)

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else mask[0]

    def get_config(self):
        causal = {"causal": True} if self.causal else {}
        return {**super().get_config(), **self.settings("use_scale", "score_mode", "dropout", "seed"), **causal}


class AdditiveAttention(Attention):
    """Attention whose scores are sum(scale * tanh(query + key)) (Bahdanau et al., 2015). use_scale: scale is
    learned.

    Example:
        >>> layers.AdditiveAttention()([np.ones((2, 3, 4), "float32"), np.ones((2, 5, 4), "float32")]).shape
        (2, 3, 4)
    """

    def __init__(self, use_scale=True, dropout=0.0, seed=None, **kwargs):
        super().__init__(use_scale, "dot", dropout, seed, **kwargs)

    def build(self, input_shape):
        self._check_count(input_shape)
        self.scale = self.add_weight(shape=(input_shape[0][-1],), initializer="glorot_uniform",
                                     name="scale") if self.use_scale else None

    def _scores(self, query, key):
        sums = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        return ops.sum(sums if self.scale is None else sums * self.scale, axis=-1)

    def get_config(self):
        config = super().get_config()
        del config["score_mode"]
        return config


# ------------------------------------------------------------------ with heads
class _Heads(Weighted):
    """What attention with several heads shares: projections, masks, softmax, dropout.

    call(query, value, key=None, attention_mask=None, use_causal_mask=False, return_attention_scores=False)
    attention_mask  [batch, query steps, value steps], True where a query may see a value; joined with the masks that
                    the inputs carry
    flash_attention True: the scores are never held in memory; False: they are; None: as is faster (see kgraph.config's
                    disable_flash_attention). Not with return_attention_scores=True.
    """

    _told = ("activity_regularizer",)

    def __init__(self, dropout, use_bias, sliding_window, flash_attention, kernel, bias, use_gate, seed, **kwargs):
        super().__init__(**kwargs)
        if sliding_window is not None and (not hasattr(sliding_window, "__index__") or sliding_window < 1):
            raise ValueError(f"layer {self.name!r}: expected sliding_window to be None or an int above 0, received "
                             f"{sliding_window!r}")
        self.dropout, self.use_bias, self.use_gate, self.seed = dropout, use_bias, use_gate, seed
        self.sliding_window, self.flash_attention = sliding_window, flash_attention
        self._fused = is_fused(flash_attention)
        self._describe(kernel=kernel, bias=bias)
        self.supports_masking = True

    def _positive(self, **counts):
        for name, n in counts.items():
            if not hasattr(n, "__index__") or isinstance(n, bool) or n < 1:
                raise ValueError(f"layer {self.name!r}: expected {name} to be an int above 0, received {n!r}")
            setattr(self, name, int(n))

    def _projection(self, name, equation, output_shape, bias_axes, input_shape, activation=None):
        layer = EinsumDense(equation, output_shape, activation, bias_axes if self.use_bias else None,
                            kernel_initializer=initializers.get(self.kernel_initializer).clone(),
                            bias_initializer=initializers.get(self.bias_initializer).clone(),
                            kernel_regularizer=self.kernel_regularizer, bias_regularizer=self.bias_regularizer,
                            kernel_constraint=self.kernel_constraint, bias_constraint=self.bias_constraint,
                            activity_regularizer=self.activity_regularizer, name=name, dtype=self.dtype_policy)
        layer.build_from_config({"input_shape": input_shape})
        return layer

    def _check_shapes(self, value_shape, key_shape):
        if key_shape is not None and tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ValueError(f"layer {self.name!r}: expected value and key of equal sizes but for the last axis, "
                             f"received "
                             f"shapes {value_shape} and {key_shape}")

    def call(self, query, value, key=None, query_mask=None, value_mask=None, key_mask=None, attention_mask=None,
             return_attention_scores=False, training=None, use_causal_mask=False):
        key = value if key is None else key
        if return_attention_scores and self._fused:
            raise ValueError(f"layer {self.name!r}: expected no return_attention_scores=True with flash_attention="
                             "True, which does not hold them")
        allowed = self._allowed(query, value, query_mask, value_mask, key_mask, attention_mask)
        causal = _distances(query.shape[1], value.shape[1]) >= 0 if use_causal_mask else None
        gate = self.gate_dense(query) if self.use_gate else None
        projected = self.query_dense(query), self.key_dense(key), self.value_dense(value)
        if return_attention_scores or len(projected[0].shape) != 4:
            result, weights = self._attend(*projected, _both(allowed, causal), training)
        else:
            result, weights = self._attend_at_once(*projected, allowed, use_causal_mask, training), None
        result = self.output_dense(result if gate is None else result * gate)
        return (result, weights) if return_attention_scores else result

    def _attend_at_once(self, query, key, value, allowed, causal, training):
        """The result without the weights. With dropout, a query that sees nothing gets zeros, as Keras has it."""
        allowed = None if allowed is None else ops.expand_dims(allowed, 1)
        rate = self.dropout if training else 0.0
        seed = random.draw_seed(self._dropout_layer.seed_generator) if rate > 0 else None
        return attend(query, key, value, None, allowed, query.shape[-1]**-0.5, causal, self._fused, rate, seed,
                      "zero" if self.dropout > 0 else "mean")

    def _allowed(self, query, value, query_mask, value_mask, key_mask, attention_mask):
        """[batch, query steps, value steps]: True where a query may see a value; None when everywhere."""
        query_mask, value_mask, key_mask = map(_as_bool, (query_mask, value_mask, key_mask))
        allowed = None if query_mask is None else ops.expand_dims(query_mask, -1)
        allowed = _both(allowed, None if value_mask is None else ops.expand_dims(value_mask, -2))
        allowed = _both(allowed, None if key_mask is None else ops.expand_dims(key_mask, -2))
        if self.sliding_window is not None:
            allowed = _both(allowed, ops.abs(_distances(query.shape[1], value.shape[1])) < self.sliding_window)
        return _both(_as_bool(attention_mask), allowed)

    def _softmax_weights(self, scores, allowed, axes):
        if allowed is not None:
            for _ in range(len(scores.shape) - len(allowed.shape)):
                allowed = ops.expand_dims(allowed, -2 * axes - 1)
        return self._softmax(scores, mask=allowed)

    def get_config(self):
        return {**super().get_config(), **self.settings("dropout", "use_bias", "use_gate", "sliding_window", "seed")}


class MultiHeadAttention(_Heads):
    """Several attentions beside each other, each on its own projection of the inputs (Vaswani et al., 2017).

    Args:
        num_heads, key_dim: number of heads, and the size of queries and keys in each
        value_dim: the size of values in each, by default key_dim
        output_shape: of the result's last axes, by default as the query's last
        attention_axes: over which is attended, by default all but batch, heads and features

    Example:
        >>> query, value = np.ones((2, 3, 8), "float32"), np.ones((2, 5, 8), "float32")
        >>> layers.MultiHeadAttention(num_heads=2, key_dim=4)(query, value).shape
        (2, 3, 8)
    """

    def __init__(self, num_heads, key_dim, value_dim=None, dropout=0.0, use_bias=True, output_shape=None,
                 attention_axes=None, sliding_window=None, flash_attention=None, kernel_initializer="glorot_uniform",
                 bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 kernel_constraint=None, bias_constraint=None, use_gate=False, seed=None, **kwargs):
        super().__init__(dropout, use_bias, sliding_window, flash_attention,
                         (kernel_initializer, kernel_regularizer, kernel_constraint),
                         (bias_initializer, bias_regularizer, bias_constraint), use_gate, seed,
                         activity_regularizer=activity_regularizer, **kwargs)
        self._positive(num_heads=num_heads, key_dim=key_dim, value_dim=key_dim if value_dim is None else value_dim)
        as_tuple = lambda x: None if x is None else (int(x),) if hasattr(x, "__index__") else tuple(x)
        self._output_shape, self.attention_axes = as_tuple(output_shape), as_tuple(attention_axes)

    def build(self, query_shape, value_shape, key_shape=None):
        self._check_shapes(value_shape, key_shape)
        key_shape = value_shape if key_shape is None else key_shape
        heads = lambda name, shape, size, activation=None: self._projection(
            name, *_head_projection(len(shape), (self.num_heads, size)), shape, activation)
        self.query_dense = heads("query", query_shape, self.key_dim)
        self.key_dense = heads("key", key_shape, self.key_dim)
        if self.use_gate:
            self.gate_dense = heads("gate", query_shape, self.value_dim, "sigmoid")
        self.value_dense = heads("value", value_shape, self.value_dim)
        rank = len(query_shape) + 1
        axes = self.attention_axes or tuple(range(1, rank - 2))
        self.attention_axes = tuple(a if a >= 0 else rank - 1 + a for a in axes)
        self._score_equation, self._combine_equation = _attention_equations(rank, self.attention_axes)
        count = len(self.attention_axes)
        self._softmax = Softmax(axis=tuple(range(-count, 0)), dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy)
        output = self._output_shape or (query_shape[-1],)
        self.output_dense = self._projection("attention_output", *_output_projection(len(query_shape), output),
                                             (*query_shape[:-1], self.num_heads, self.value_dim))

    def _attend(self, query, key, value, allowed, training):
        scores = ops.einsum(self._score_equation, key, query * self.key_dim**-0.5)
        weights = self._softmax_weights(scores, allowed, len(self.attention_axes))
        dropped = self._dropout_layer(weights, training=training) if self.dropout > 0 else weights
        return ops.einsum(self._combine_equation, dropped, value), weights

    def get_config(self):
        return {**super().get_config(), "output_shape": self._output_shape,
                **self.settings("num_heads", "key_dim", "value_dim", "attention_axes")}


class GroupedQueryAttention(_Heads):
    """Attention whose heads share keys and values by groups (Ainslie et al., "GQA", 2023).

    Args:
        head_dim: the size of queries, keys and values in each head
        num_query_heads: number of heads
        num_key_value_heads: number of groups, a divisor of it

    Raises:
        ValueError: num_key_value_heads does not divide num_query_heads.

    Example:
        >>> layers.GroupedQueryAttention(4, 4, 2)(np.ones((2, 3, 8), "float32"), np.ones((2, 5, 8), "float32")).shape
        (2, 3, 8)
    """

    def __init__(self, head_dim, num_query_heads, num_key_value_heads, dropout=0.0, use_bias=True, sliding_window=None,
                 flash_attention=None, kernel_initializer="glorot_uniform", bias_initializer="zeros",
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, use_gate=False, seed=None, **kwargs):
        super().__init__(dropout, use_bias, sliding_window, flash_attention,
                         (kernel_initializer, kernel_regularizer, kernel_constraint),
                         (bias_initializer, bias_regularizer, bias_constraint), use_gate, seed,
                         activity_regularizer=activity_regularizer, **kwargs)
        self.num_repeats = num_query_heads // max(num_key_value_heads, 1)
        self._positive(head_dim=head_dim, num_query_heads=num_query_heads, num_key_value_heads=num_key_value_heads)
        if num_query_heads % num_key_value_heads:
            raise ValueError(f"layer {self.name!r}: expected num_key_value_heads to divide num_query_heads, received "
                             f"{num_key_value_heads} and {num_query_heads}")

    def build(self, query_shape, value_shape, key_shape=None):
        self._check_shapes(value_shape, key_shape)
        key_shape = value_shape if key_shape is None else key_shape
        heads = lambda name, shape, count, activation=None: self._projection(
            name, "abm,muh->abuh", (None, count, self.head_dim), "uh", shape, activation)
        self.query_dense = heads("query", query_shape, self.num_query_heads)
        self.key_dense = heads("key", key_shape, self.num_key_value_heads)
        if self.use_gate:
            self.gate_dense = heads("gate", query_shape, self.num_query_heads, "sigmoid")
        self.value_dense = heads("value", value_shape, self.num_key_value_heads)
        self.feature_dim = query_shape[-1]
        self._softmax = Softmax(axis=-1, dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy)
        self.output_dense = self._projection("attention_output", "abuh,uhm->abm", (None, query_shape[-1]), "m",
                                             (*query_shape[:-1], self.num_query_heads, self.head_dim))

    def _attend(self, query, key, value, allowed, training):
        batch, steps, heads, size = query.shape
        groups = self.num_key_value_heads
        query = ops.reshape(query * size**-0.5, (batch, steps, groups, heads // groups, size))
        scores = ops.einsum("btgrh,bsgh->bgrts", query, key)
        scores = ops.reshape(scores, (batch, heads, steps, key.shape[1]))
        weights = self._softmax_weights(scores, allowed, 1)
        dropped = self._dropout_layer(weights, training=training) if self.dropout > 0 else weights
        dropped = ops.reshape(dropped, (batch, groups, heads // groups, steps, key.shape[1]))
        return ops.reshape(ops.einsum("bgrts,bsgh->btgrh", dropped, value), (batch, steps, heads, size)), weights

    def get_config(self):
        return {**super().get_config(), **self.settings("head_dim", "num_query_heads", "num_key_value_heads")}

    def _keras_identity(self):
        return "keras.layers", "GroupQueryAttention", None


GroupQueryAttention = GroupedQueryAttention


def _head_projection(rank, sizes) -> tuple:
    """(equation, output_shape, bias_axes) of a product over the last axis of inputs of that rank, which becomes two."""
    free, (bound, head, size) = string.ascii_lowercase[:rank - 1], string.ascii_lowercase[rank - 1:rank + 2]
    return f"{free}{bound},{bound}{head}{size}->{free}{head}{size}", (None,) * (rank - 2) + sizes, head + size


def _output_projection(rank, sizes) -> tuple:
    """The same for the product over heads and their features, which become axes of these sizes."""
    free, letters = string.ascii_lowercase[:rank - 1], string.ascii_lowercase[rank - 1:]
    bound, out = letters[:2], letters[2:2 + len(sizes)]
    return f"{free}{bound},{bound}{out}->{free}{out}", (None,) * (rank - 2) + sizes, out


def _attention_equations(rank, axes) -> tuple:
    """Scores of projected keys and queries of that rank; and the weighted means of values, over axes."""
    query = string.ascii_lowercase[:rank]
    fresh = iter(string.ascii_lowercase[rank:])
    key = "".join(next(fresh) if i in axes else letter for i, letter in enumerate(query))
    batch = np.delete(range(rank), [*axes, rank - 1])
    weights = "".join([query[i] for i in batch] + [query[i] for i in axes] + [key[i] for i in axes])
    return f"{key},{query}->{weights}", f"{weights},{key}->{query}"
