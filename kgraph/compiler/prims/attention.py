"""`attention`: for each query the mean of the values, weighted by a softmax of how well their keys match it (Vaswani et
al., "Attention is all you need", 2017); and its gradient.

Written out (`lower`) the weights stand in memory, queries x keys for each head. The kernels of the same names
(kgraph.compiler.lowering.attention) never hold them: they go over the keys block by block, with a running maximum, and
keep one number a query, the logarithm of its weights' sum, by which the gradient finds each weight again (Dao et al.,
"FlashAttention", 2022).

    q     (batch, queries, heads, size)
    k, v  (batch, keys, groups, size of a key, of a value): heads share those of their group
    then, as ``given`` says by name:
    bias  (batch or 1, heads or 1, queries or 1, keys or 1), added to the scores
    mask  the same of bools: whether a query may see a key
    key   u32[2], of the random bits by which weights are dropped

    scale   multiplies the scores before the bias is added
    causal  a query sees the keys up to its own place
    rate    the share of weights that is dropped; the others are multiplied by 1 / (1 - rate)
    cap     bounds scores c: they become cap * tanh(c / cap); None: no bound
    empty   what a query that sees no key gets: the "mean" of all values, or "zero"
    first   of a larger batch whose part this is, where it begins: weights are dropped by their place in all of it
    fused   True: by the kernel; False: written out; None: as is faster
"""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorType
from kgraph.compiler.primitive import FROM_DEFINITION, Primitive
from kgraph.compiler.prims.batch import attention
from kgraph.compiler.prims.rules import add, apply, cast, check_dtype, mul, require, spread, sub, where
from kgraph.compiler.trace import Tensor, suspend_recording

__all__ = ["UNSEEN", "attention_grad_p", "attention_p"]

UNSEEN = -0.7 * 3.4028235e38  # the score of a key that may not be seen, as Keras has it
_DTYPES = ("float32", "float64")  # numbers of 16 bits are cast before: the statistic would lose too much in them
_LEAST = 32 * 32  # scores of a head from which the kernel is faster

# Axes: 0 batch, 1 queries, 2 groups, 3 sizes, 4 keys, 5 heads of a group.
_AXES = {"query": (0, 1, 2, 5, 3), "key": (0, 4, 2, 3), "score": (0, 2, 5, 1, 4)}


def _infer(q, k, v, *rest, given, scale, causal, rate, empty, cap, first, fused):
    named = dict(zip(given, rest, strict=True))
    check_dtype("attention", q, _DTYPES)
    require(q.ndim == k.ndim == v.ndim == 4 and q.dtype == k.dtype == v.dtype,
            lambda: f"attention: expected three tensors of rank 4 and of one dtype, received {q}, {k}, {v}")
    require(q.shape[0] == k.shape[0] == v.shape[0] and q.shape[3] == k.shape[3] and k.shape[1:3] == v.shape[1:3],
            lambda: "attention: expected (batch, queries, heads, size), (batch, keys, groups, size) and (batch, keys, "
                    f"groups, size of a value), received {q}, {k}, {v}")
    require(k.shape[2] == q.shape[2] or k.shape[2] and q.shape[2] % k.shape[2] == 0,
            lambda: f"attention: expected a number of groups that divides {q.shape[2]} heads, received {k}")
    scores = (q.shape[0], q.shape[2], q.shape[1], k.shape[1])
    _check_beside("bias", named, TensorType(scores, q.dtype))
    _check_beside("mask", named, TensorType(scores, "bool"))
    require(("key" in named) == (rate > 0), lambda: f"attention: expected a key for rate {rate}, received {given}")
    return TensorType((*q.shape[:3], v.shape[3]), q.dtype), TensorType(scores[:3], q.dtype)


def _check_beside(name, named, scores):
    x = named.get(name, scores)
    require(x.dtype == scores.dtype and x.ndim == 4 and all(a == 1 or a == b for a, b in zip(x.shape, scores.shape)),
            lambda: f"attention: expected a {name} {scores}, or with sizes of 1, received {x}")


# --- written out ------------------------------------------------------------------------------------------------------

def _product(a, a_role, b, b_role, role, members):
    """The product of tensors whose axes are those of their roles. A group's heads are an axis of their own in it."""
    labels = {r: tuple(x for x in axes if x != 5 or members != 1) for r, axes in _AXES.items()}
    out = apply("contract", _split(a, labels[a_role], members), _split(b, labels[b_role], members),
                a_axes=labels[a_role], b_axes=labels[b_role], out_axes=labels[role])
    if 5 not in labels[role]:
        return out
    at = labels[role].index(5)
    return apply("reshape", out, shape=(*out.shape[:at - 1], out.shape[at - 1] * members, *out.shape[at + 1:]))


def _split(x, labels, members):
    if 5 not in labels:
        return x
    at = labels.index(5)
    return apply("reshape", x, shape=(*x.shape[:at - 1], x.shape[at - 1] // members, members, *x.shape[at:]))


def _members(q, k):
    return 1 if q.shape[2] == k.shape[2] else q.shape[2] // k.shape[2]


def _over_all(x, shape):
    """A tensor with sizes of 1 as one of that shape."""
    return x if x.shape == shape else apply("broadcast", x, shape=shape, axes=(0, 1, 2, 3))


def _seen(shape, named, causal):
    """Bools of the scores' shape, or None: which keys a query may see."""
    seen = _over_all(named["mask"], shape) if "mask" in named else None
    if not causal:
        return seen
    place = lambda axis: apply("broadcast", apply("iota", size=shape[axis], dtype="int32"), shape=shape, axes=(axis,))
    earlier = apply("greater_equal", place(2), place(3))
    return earlier if seen is None else apply("logical_and", seen, earlier)


class _Weights:
    """scores, weights, and what is left of these: `dropped(x)` is x where a weight is kept, times 1 / (1 - rate)."""

    def __init__(self, q, k, rest, given, scale, causal, rate, empty, cap, first):
        named = dict(zip(given, rest))
        scores = mul(_product(q, "query", k, "key", "score", _members(q, k)), scale)
        if "bias" in named:
            scores = add(scores, _over_all(named["bias"], scores.shape))
        self.bent = None
        if cap is not None:
            self.bent = apply("tanh", mul(scores, 1 / cap))
            scores = mul(self.bent, cap)
        self.seen, self.rate = _seen(scores.shape, named, causal), rate
        self.scores = scores if self.seen is None else where(self.seen, scores, UNSEEN)
        weights = apply("softmax", self.scores, axes=(3,))
        self.weights = weights if self.seen is None or empty == "mean" else where(self.seen, weights, 0)
        if rate > 0:
            starts = {} if _is_zero(first) else {"whole": scores.shape, "starts": (first, 0, 0, 0)}
            bits = apply("random_bits", named["key"], shape=scores.shape, **starts)
            shift = apply("broadcast", apply("full", shape=(), value=8, dtype="uint32"), shape=bits.shape, axes=())
            unit = mul(cast(apply("shift_right", bits, shift), "float32"), 2.0**-24)
            self._kept = apply("greater_equal", unit, _filled(unit, rate))

    def dropped(self, x):
        if not self.rate:
            return x
        return where(self._kept, mul(x, 1 / (1 - self.rate) if self.rate < 1 else 0.0), 0)

    def slopes(self, ct, delta, v):
        """The gradient of the scores."""
        of_weights = self.dropped(_product(ct, "query", v, "key", "score", _members(ct, v)))
        slopes = mul(self.weights, sub(of_weights, spread(delta, (3,), of_weights.shape)))
        if self.bent is not None:
            slopes = mul(slopes, sub(1.0, mul(self.bent, self.bent)))
        return slopes if self.seen is None else where(self.seen, slopes, 0)


def _is_zero(size) -> bool:
    return isinstance(size, int) and size == 0


def _filled(like, value):
    return apply("broadcast", apply("full", shape=(), value=value, dtype=like.dtype), shape=like.shape, axes=())


def _lower(q, k, v, *rest, given, scale, causal, rate, empty, cap, first, fused):
    w = _Weights(q, k, rest, given, scale, causal, rate, empty, cap, first)
    out = _product(w.dropped(w.weights), "score", v, "key", "query", _members(q, k))
    largest = apply("max", w.scores, axes=(3,))
    powers = apply("exp", sub(w.scores, spread(largest, (3,), w.scores.shape)))
    return out, add(largest, apply("log", apply("sum", powers, axes=(3,))))


def _vjp(ct, out, q, k, v, *rest, **params):
    (ct, ct_lse), (out, lse) = ct, out
    delta = sub(apply("transpose", apply("sum", mul(ct, out), axes=(3,)), perm=(0, 2, 1)), ct_lse)
    grads = apply("attention_grad", ct, delta, lse, q, k, v, *rest, **params)
    return (*grads, *(_bias_grad(ct, delta, q, k, v, rest, **params) if name == "bias" else None
                      for name in params["given"]))


def _bias_grad(ct, delta, q, k, v, rest, given, scale, causal, rate, empty, cap, first, fused):
    """With the scores in memory, as a bias may be of their size. Where no one asks for it, it is not made."""
    slopes = _Weights(q, k, rest, given, scale, causal, rate, empty, cap, first).slopes(ct, delta, v)
    bias = rest[given.index("bias")]
    axes = tuple(i for i, (a, b) in enumerate(zip(bias.shape, slopes.shape)) if a != b)
    return apply("reshape", apply("sum", slopes, axes=axes), shape=bias.shape) if axes else slopes


def _grad_lower(ct, delta, lse, q, k, v, *rest, given, scale, causal, rate, empty, cap, first, fused):
    w, members = _Weights(q, k, rest, given, scale, causal, rate, empty, cap, first), _members(q, k)
    slopes = mul(w.slopes(ct, delta, v), scale)
    return (_product(slopes, "score", k, "key", "query", members),
            _product(slopes, "score", q, "query", "key", members),
            _product(w.dropped(w.weights), "score", ct, "query", "key", members))


# --- the primitives ---------------------------------------------------------------------------------------------------

def _defined(lower):
    """The reference of a composite: what its definition gives."""
    def reference(*arrays, **params):
        with suspend_recording():
            return tuple(x.numpy() for x in lower(*map(Tensor, arrays), **params))
    return reference


def _is_whole(q, k, v, fused) -> bool:
    """Whether the kernels do it: they pay where there are many scores."""
    if fused is False or 0 in (*q.shape, *k.shape, *v.shape):
        return False
    many = q.shape[1] * k.shape[1]
    return fused is True or not isinstance(many, int) or many >= _LEAST


_CASES = (  # batch, queries, keys, heads, groups, size of a key, of a value; params; shapes of bias and mask
    ("float32", (2, 3, 5, 2, 2, 4, 3), {}, {}), ("float64", (1, 5, 5, 4, 2, 3, 3), {"causal": True}, {}),
    ("float32", (2, 4, 3, 2, 1, 1, 2), {"empty": "zero"}, {"mask": (2, 1, 4, 3)}),
    ("float64", (1, 3, 4, 1, 1, 2, 2), {"rate": 0.4, "cap": 2.0}, {"bias": (1, 1, 3, 4), "mask": (1, 1, 1, 4)}),
    ("float32", (2, 70, 37, 2, 2, 8, 8), {"causal": True, "rate": 0.2, "first": 3}, {}),
    ("float32", (1, 3, 300, 2, 1, 8, 5), {}, {"bias": (1, 2, 3, 1), "mask": (1, 1, 3, 300)}))


def _examples(rng):
    cases = []
    for dtype, (b, t, s, h, g, d, e), options, beside in _CASES:
        args = [rng.normal(size=x).astype(dtype) for x in ((b, t, h, d), (b, s, g, d), (b, s, g, e))]
        args += [rng.normal(size=shape).astype(dtype) if name == "bias" else rng.random(shape) < 0.6
                 for name, shape in beside.items()]
        args += [np.array([3, 4], "uint32")] if "rate" in options else []
        cases.append((args, {"given": (*beside, *["key"] * ("rate" in options)), "scale": 0.5, "causal": False,
                             "rate": 0.0, "empty": "mean", "cap": None, "first": 0,
                             "fused": True, **options}))
    return cases


def _grad_examples(rng):
    cases = []
    for args, params in _examples(rng):
        out, lse = attention_p.reference(*args, **params)
        cases.append(([rng.normal(size=out.shape).astype(out.dtype), rng.normal(size=lse.shape).astype(out.dtype), lse,
                       *args], params))
    return cases


attention_p = Primitive(
    "attention", "composite", _infer, _defined(_lower), _vjp, _lower, _examples,
    whole=lambda q, k, v, *rest, fused, **params: _is_whole(q, k, v, fused), batch_rule=attention)
# ct of the result, delta: the sum of ct * out for each query, (batch, heads, queries), less what the second result's
# cotangent is; lse: that result; then what attention has. Gives the gradients of q, k and v.
attention_grad_p = Primitive(
    "attention_grad", "composite", lambda ct, delta, lse, q, k, v, *rest, **params: (q, k, v), _defined(_grad_lower),
    FROM_DEFINITION, _grad_lower, _grad_examples,
    whole=lambda ct, delta, lse, q, k, v, *rest, fused, **params: _is_whole(q, k, v, fused), batch_rule=attention)
