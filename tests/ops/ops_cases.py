"""The table behind the tests of kgraph.ops: one line per use of a function, with what NumPy says about it.

A case is (function of kgraph.ops, the same in NumPy, arguments). Three tests read it: values, the same through a traced
graph with a symbolic batch size, and gradients against differences (`smooth` cases).
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kgraph import ops

RNG = np.random.default_rng(0)


def f(*shape):
    return RNG.normal(size=shape).astype("float32")


A, B, C, D, E, V = f(3, 4), f(3, 4), f(4, 5), f(2, 3, 4), f(2, 4, 5), f(4)
POSITIVE, UNIT = np.abs(A) + 0.1, np.clip(A, -0.9, 0.9)
I = RNG.integers(0, 3, (3, 4)).astype("int32")
MASK = A > 0
HOLES = np.where(I == 1, np.nan, A).astype("float32")


@dataclass(frozen=True)
class Case:
    """use(*args) with kgraph.ops against meaning(*args) with NumPy. batch: axis 0 of args[0] can be symbolic."""

    name: str
    use: object
    meaning: object
    args: tuple
    smooth: bool = False
    batch: bool = True
    tolerance: float = 2e-6


def np_softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def np_logsumexp(x, axis=None, keepdims=False):
    return np.log(np.exp(x.astype("float64")).sum(axis=axis, keepdims=keepdims)).astype("float32")


def np_one_hot(x, n):
    return np.eye(n, dtype="float32")[x]


def np_sigmoid(x):
    return 1 / (1 + np.exp(-x))


def np_normal_cdf(x):
    import math
    return np.vectorize(lambda v: 0.5 * (1 + math.erf(v / math.sqrt(2))))(x).astype("float32")


def same(name, *args, smooth=False, batch=True, np_name=None, **kwargs):
    """A case whose NumPy function has the same name and arguments."""
    text = ",".join(str(v) for v in kwargs.values())
    return Case(f"{name}({text})", lambda *a: getattr(ops, name)(*a, **kwargs),
                lambda *a: getattr(np, np_name or name)(*a, **kwargs), args, smooth, batch)


UNARY = [same(n, A, smooth=True) for n in "exp expm1 sin cos tan sinh cosh tanh arcsinh arctan negative abs square "
         "exp2 cbrt sinc deg2rad rad2deg reciprocal".split()]
UNARY += [same(n, A) for n in "floor ceil sign trunc isnan isfinite isinf signbit nan_to_num logical_not".split()]
UNARY += [same(n, POSITIVE, smooth=True) for n in "log log1p sqrt log2 log10".split()]
UNARY += [same(n, UNIT, smooth=True) for n in "arcsin arccos arctanh".split()]
UNARY += [same("arccosh", POSITIVE + 1, smooth=True), same("round", A), same("round", A, decimals=1),
          same("bitwise_not", I), same("isposinf", HOLES), same("isneginf", HOLES), same("real", A), same("imag", A)]

BINARY = [same(n, A, B, smooth=True) for n in "add subtract multiply maximum minimum hypot logaddexp logaddexp2 "
          "arctan2 fmax fmin".split()]
BINARY += [same(n, A, V, smooth=True) for n in "add subtract multiply".split()]
BINARY += [same(n, A, POSITIVE, smooth=True) for n in "divide true_divide mod".split()]
BINARY += [same(n, A, B) for n in "equal not_equal less less_equal greater greater_equal logical_and logical_or "
           "logical_xor heaviside isclose fmod floor_divide".split()]
BINARY += [same(n, I, I[::-1]) for n in "bitwise_and bitwise_or bitwise_xor left_shift right_shift".split()]
BINARY += [same("power", POSITIVE, B, smooth=True), same("fmax", HOLES, A), same("fmin", HOLES, A),
           Case("clip", lambda a: ops.clip(a, -0.5, 0.5), lambda a: np.clip(a, -0.5, 0.5), (A,), True),
           Case("where", ops.where, np.where, (MASK, A, B)), Case("where_number", lambda c, a: ops.where(c, a, 0.0),
                lambda c, a: np.where(c, a, np.float32(0)), (MASK, A)),
           Case("divide_no_nan", ops.divide_no_nan, lambda a, b: np.where(b == 0, 0, a / np.where(b == 0, 1, b)),
                (A, np.where(MASK, A, 0).astype("float32")))]
BINARY += [Case(f"power_{p}", lambda a, p=p: ops.power(a, p), lambda a, p=p: np.power(a, np.float32(p)), (POSITIVE,),
                True)
           for p in (-1, -0.5, 0.5, 1, 2, 3, 4, 1.5)]

REDUCE = [same(n, x, axis=axis, keepdims=keep, smooth=n not in ("all", "any") and (n, axis) != ("std", 1))
          for n in "sum prod max min mean var std all any".split()
          for x, axis, keep in ((A, None, False), (A, 0, False), (D, (0, 2), True), (D, -1, False),
                                (D[:, :1], 1, False))]
REDUCE += [same(n, HOLES, axis=axis)
           for n in "nansum nanprod nanmax nanmin nanmean nanvar nanstd nancumsum nancumprod".split()
           for axis in (None, 1) if not (n.startswith("nancum") and axis is None)]
REDUCE += [same(n, A, axis=axis) for n in "argmax argmin count_nonzero median ptp".split() for axis in (None, 0, 1)]
REDUCE += [same("cumsum", D, axis=1, smooth=True), same("cumsum", A, axis=0, smooth=True), same("cumsum", A, axis=None),
           same("cumprod", A, axis=1, smooth=True), same("diff", A, axis=0), same("diff", A, n=2, axis=1, smooth=True),
           same("argmax", D, axis=1, keepdims=True), same("trapezoid", A, dx=0.5, smooth=True),
           same("average", A, axis=1, weights=V), same("quantile", A, q=0.3), same("quantile", A, q=[0.2, 0.9], axis=1),
           same("percentile", A, q=30, axis=0), same("quantile", A, q=0.4, axis=0, method="nearest", keepdims=True),
           same("nanargmax", HOLES, axis=1), same("nanargmin", HOLES, axis=1),
           same("quantile", A, q=0.4, axis=0, method="lower"), same("quantile", A, q=0.4, axis=0, method="midpoint"),
           Case("logsumexp", ops.logsumexp, np_logsumexp, (A,), True),
           Case("logsumexp_axis", lambda x: ops.logsumexp(x, 1, True), lambda x: np_logsumexp(x, 1, True), (A,), True),
           Case("norm", lambda x: ops.norm(x, axis=1), lambda x: np.linalg.norm(x, axis=1), (A,), True),
           Case("norm_1", lambda x: ops.norm(x, ord=1), lambda x: np.linalg.norm(x, ord=1), (A,)),
           Case("normalize", ops.normalize, lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True), (A,), True),
           Case("moments", lambda x: ops.stack(ops.moments(x, (0,))), lambda x: np.stack([x.mean(0), x.var(0)]), (A,),
                True)]

SHAPE = [Case("reshape", lambda x: ops.reshape(x, (-1, 2)), lambda x: x.reshape(-1, 2), (A,), True),
         Case("reshape_inner", lambda x: ops.reshape(x, (-1, 2, 6)), lambda x: x.reshape(-1, 2, 6), (D,), True),
         same("ravel", D), same("expand_dims", A, axis=1), same("expand_dims", A, axis=(0, -1)),
         same("squeeze", D[:, :1], axis=1), same("transpose", D, axes=(2, 0, 1), smooth=True), same("transpose", A),
         same("moveaxis", D, source=0, destination=-1), same("moveaxis", D, source=(0, 1), destination=(2, 0)),
         same("swapaxes", D, axis1=0, axis2=2), same("broadcast_to", V, shape=(3, 4), batch=False, smooth=True),
         same("flip", D, axis=(0, 2), smooth=True), same("flip", A), same("fliplr", A), same("flipud", A),
         Case("rot90", ops.rot90, np.rot90, (A,)),
         Case("rot90_3", lambda x: ops.rot90(x, 3), lambda x: np.rot90(x, 3), (A,)),
         Case("concatenate", lambda a, b: ops.concatenate([a, b], 1), lambda a, b: np.concatenate([a, b], 1), (A, B),
              True),
         Case("concatenate_0", lambda a, b: ops.concatenate([a, b]), lambda a, b: np.concatenate([a, b]), (A, B), True),
         Case("stack", lambda a, b: ops.stack([a, b], 1), lambda a, b: np.stack([a, b], 1), (A, B), True),
         Case("unstack", lambda x: ops.unstack(x, axis=1)[2], lambda x: x[:, 2], (A,)),
         Case("split", lambda x: ops.split(x, 2, 1)[1], lambda x: np.split(x, 2, 1)[1], (A,), True),
         Case("split_at", lambda x: ops.split(x, [1, 3], 1)[1], lambda x: np.split(x, [1, 3], 1)[1], (A,)),
         Case("array_split", lambda x: ops.array_split(x, 3, 1)[0], lambda x: np.array_split(x, 3, 1)[0], (A,)),
         Case("hstack", lambda a, b: ops.hstack([a, b]), lambda a, b: np.hstack([a, b]), (A, B)),
         Case("vstack", lambda a, v: ops.vstack([a, v]), lambda a, v: np.vstack([a, v]), (A, V)),
         Case("dstack", lambda a, b: ops.dstack([a, b]), lambda a, b: np.dstack([a, b]), (A, B)),
         Case("append", lambda a, b: ops.append(a, b, 0), lambda a, b: np.append(a, b, 0), (A, B)),
         Case("tile", lambda x: ops.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3)), (A,), True),
         Case("tile_2", lambda x: ops.tile(x, 2), lambda x: np.tile(x, 2), (A,)),
         same("repeat", A, repeats=2, smooth=True), same("repeat", A, repeats=3, axis=1, smooth=True),
         same("repeat", A, repeats=[1, 0, 2], axis=0, batch=False),
         same("pad", A, pad_width=((1, 2), (0, 3)), smooth=True),
         same("pad", A, pad_width=((0, 0), (2, 3)), mode="reflect"),
         same("pad", A, pad_width=((2, 1), (0, 0)), mode="symmetric"), same("pad", A, pad_width=1, mode="edge"),
         same("pad", A, pad_width=((0, 0), (5, 2)), mode="wrap"), same("pad", A, pad_width=1, constant_values=2),
         same("roll", A, shift=1, axis=0, smooth=True), same("roll", A, shift=-1, axis=1), same("roll", A, shift=5),
         same("roll", A, shift=(1, 2), axis=(0, 1)), same("diagonal", D, offset=1, axis1=1, axis2=2, smooth=True),
         same("diag", V, k=-2, batch=False), same("diag", A, k=1, batch=False), same("tril", D), same("triu", A, k=1),
         same("diagflat", A[:1, :3], batch=False), same("trace", D, axis1=1, axis2=2)]

PRODUCTS = [Case(f"{n}_{i}", getattr(ops, n), getattr(np, n), args, True) for n, many in {
    "matmul": ((A, C), (D, E), (D, C), (V, C), (A, V), (V, V), (D[:1], E), (A[:0], C)), "dot": ((A, C), (D, C), (V, V)),
    "inner": ((A, B),), "outer": ((A, V),), "vdot": ((A, B),), "kron": ((A, C),)}.items()
    for i, args in enumerate(many)]
PRODUCTS += [Case(f"einsum_{text}", lambda *a, t=text: ops.einsum(t, *a), lambda *a, t=text: np.einsum(t, *a), args,
                  True,
                  batch="ii" not in text)
             for text, args in (("ij,jk->ik", (A, C)), ("bij,bjk->bki", (D, E)), ("...ij,jk", (D, C)), ("ij->j", (A,)),
                                ("ij,kj,lj->ikl", (A, B, A)), ("...i,...i->...", (D, D)), ("ij,ij->", (A, B)),
                                ("ii->i", (C[:, :4],)), ("aij,aij->ij", (D, D)), ("i,j", (V, V)))]
PRODUCTS += [Case("tensordot", lambda a, b: ops.tensordot(a, b, 1), lambda a, b: np.tensordot(a, b, 1), (D, C), True),
             Case("tensordot_axes", lambda a, b: ops.tensordot(a, b, [[0, 1], [0, 1]]),
                  lambda a, b: np.tensordot(a, b, [[0, 1], [0, 1]]), (D, D), True),
             Case("cross", ops.cross, np.cross, (A[:, :3], B[:, 1:]), True),
             Case("cdist", ops.cdist, lambda a, b: np.linalg.norm(a[:, None] - b[None], axis=-1), (A, B), True),
             Case("correlate", lambda a, b: ops.correlate(a, b, "full"), lambda a, b: np.correlate(a, b, "full"),
                  (V, V[:3]),
                  True, batch=False)]

INDEX = [same("take", A, indices=[0, -1, 2], axis=1, smooth=True), same("take", A, indices=I),
         same("take", A, indices=1, axis=0),
         Case("take_traced", lambda x, i: ops.take(x, i, axis=0), lambda x, i: np.take(x, i, 0), (C, I), True),
         Case("take_along_axis", lambda x, i: ops.take_along_axis(x, i, 1), lambda x, i: np.take_along_axis(x, i, 1),
              (A, I), True),
         same("sort", A, axis=1, smooth=True), same("sort", A, axis=0), same("argsort", A, axis=1),
         same("sort", I, axis=1),
         Case("top_k", lambda x: ops.top_k(x, 2)[0], lambda x: -np.sort(-x, 1)[:, :2], (A,), True),
         Case("top_k_ints", lambda x: ops.top_k(x, 2)[1],
              lambda x: np.argsort(-x, 1, kind="stable")[:, :2].astype("int32"), (I,)),
         Case("one_hot", lambda x: ops.one_hot(x, 3), lambda x: np_one_hot(x, 3), (I,)),
         Case("one_hot_outside", lambda x: ops.one_hot(x - 1, 2), lambda x: np_one_hot(x, 3)[..., 1:], (I,)),
         Case("multi_hot", lambda x: ops.multi_hot(x, 3), lambda x: np_one_hot(x, 3).max(1), (I,)),
         Case("searchsorted", lambda x: ops.searchsorted(np.sort(V), x), lambda x: np.searchsorted(np.sort(V), x),
              (A,)),
         Case("digitize", lambda x: ops.digitize(x, np.sort(V)), lambda x: np.digitize(x, np.sort(V)), (A,)),
         Case("isin", lambda x: ops.isin(x, [1, 2]), lambda x: np.isin(x, [1, 2]), (I,)),
         Case("bincount", lambda x: ops.bincount(x, minlength=4),
              lambda x: np.stack([np.bincount(r, minlength=4) for r in x]),
              (I,)),
         Case("select", lambda x: ops.select([x > 1, x > 0], [x * 2, x], -1.0),
              lambda x: np.select([x > 1, x > 0], [x * 2, x], -1.0).astype("float32"), (A,)),
         Case("slice", lambda x: ops.slice(x, (0, 1), (-1, 2)), lambda x: x[:, 1:3], (A,), True),
         Case("slice_update", lambda x, u: ops.slice_update(x, (0, 1), u[:, :2]),
              lambda x, u: np.concatenate([x[:, :1], u[:, :2], x[:, 3:]], 1), (A, B), True),
         Case("scatter", lambda v: ops.scatter(np.int32([[0], [2], [0]]), v, (3, 4)),
              lambda v: np.stack([v[0] + v[2], v[1] * 0, v[1]]), (A,), True, batch=False),
         Case("segment_sum", lambda x: ops.segment_sum(x, np.int32([1, 0, 1]), 3),
              lambda x: np.stack([x[1], x[0] + x[2], x[0] * 0]), (A,), True, batch=False),
         Case("segment_max", lambda x: ops.segment_max(x, np.int32([1, 0, 1]), 2),
              lambda x: np.stack([x[1], np.maximum(x[0], x[2])]), (A,), True, batch=False),
         Case("in_top_k", lambda x: ops.in_top_k(np.int32([0, 1, 2]), x, 2),
              lambda x: (x > x[range(3), range(3)][:, None]).sum(1) < 2, (A,), batch=False)]
INDEX += [Case(f"get_item_{i}", lambda x, k=k: x[k] if isinstance(x, ops.core.TensorLike) else ops.get_item(x, k),
               lambda x, k=k: x[k], (D,), True)
          for i, k in enumerate([0, -1, (slice(None), 1), (Ellipsis, -1), (None, 0), (slice(None), slice(1, None)),
                                 (slice(None), slice(None, None, -1)),
                                 (slice(None), slice(None, None, -2), slice(3, 0, -1)),
                                 (slice(0, 1),), slice(None, -1), slice(-1, None), (slice(None), [0, 2]), ([1, 0],),
                                 (slice(None), [0, 2], [1, -1]), ([0, 1], slice(None), [1, 2]), (0, [[0, 2]]),
                                 (slice(None), slice(2, 1)), (slice(None), None, 0, None), (slice(None, None, -1),),
                                 (slice(None), slice(0, 3, 2))])]

NN = [Case(n, getattr(ops, n), meaning, (A,), True) for n, meaning in {
    "relu": lambda x: np.maximum(x, 0), "relu6": lambda x: np.clip(x, 0, 6), "sigmoid": np_sigmoid,
    "softplus": lambda x: np.log1p(np.exp(x)), "softsign": lambda x: x / (1 + np.abs(x)),
    "silu": lambda x: x * np_sigmoid(x),
    "log_sigmoid": lambda x: np.log(np_sigmoid(x)), "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1), "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_tanh": lambda x: np.clip(x, -1, 1), "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "selu": lambda x: 1.05070099 * np.where(x > 0, x, 1.67326324 * np.expm1(x)),
    "celu": lambda x: np.where(x > 0, x, np.expm1(x)), "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "gelu": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "glu": lambda x: x[:, :2] * np_sigmoid(x[:, 2:]), "squareplus": lambda x: (x + np.sqrt(x * x + 4)) / 2,
    "tanh_shrink": lambda x: x - np.tanh(x), "softmax": np_softmax, "log_softmax": lambda x: np.log(np_softmax(x)),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0), "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x >= 1, x, (x + 1) ** 2 / 4))}.items()]
NN += [Case("gelu_exact", lambda x: ops.gelu(x, approximate=False), lambda x: x * np_normal_cdf(x), (A,), True),
       Case("softmax_0", lambda x: ops.softmax(x, 0), lambda x: np_softmax(x, 0), (A,), True),
       Case("softmax_two", lambda x: ops.softmax(x, (1, 2)), lambda x: np_softmax(x, (1, 2)), (D,), True),
       Case("threshold", lambda x: ops.threshold(x, 0.2, 7.0), lambda x: np.where(x > 0.2, x, np.float32(7)), (A,)),
       Case("categorical_crossentropy", lambda t, x: ops.categorical_crossentropy(t, ops.softmax(x)),
            lambda t, x: -(t * np.log(np_softmax(x))).sum(-1), (np_softmax(A), B), True),
       Case("categorical_crossentropy_logits", lambda t, x: ops.categorical_crossentropy(t, x, from_logits=True),
            lambda t, x: -(t * np.log(np_softmax(x))).sum(-1), (np_softmax(A), B), True),
       Case("sparse_categorical_crossentropy", lambda t, x: ops.sparse_categorical_crossentropy(t, ops.softmax(x)),
            lambda t, x: -np.log(np_softmax(x)[np.arange(3), t]), (I[:, 0], B), True),
       Case("sparse_categorical_crossentropy_logits", lambda t, x: ops.sparse_categorical_crossentropy(t, x, True),
            lambda t, x: -np.log(np_softmax(x)[np.arange(3), t[:, 0]]), (I[:, :1], B), True),
       Case("binary_crossentropy", lambda t, x: ops.binary_crossentropy(t, ops.sigmoid(x)),
            lambda t, x: -(t * np.log(np_sigmoid(x)) + (1 - t) * np.log(1 - np_sigmoid(x))),
            (MASK.astype("float32"), B), True),
       Case("binary_crossentropy_logits", lambda t, x: ops.binary_crossentropy(t, x, from_logits=True),
            lambda t, x: np.log1p(np.exp(x)) - t * x, (MASK.astype("float32"), B), True),
       Case("batch_normalization", lambda x, v: ops.batch_normalization(x, v, v * v, -1, v, v),
            lambda x, v: (x - v) / np.sqrt(v * v + 1e-3) * v + v, (A, V), True),
       Case("layer_normalization", lambda x, v: ops.layer_normalization(x, v, v), lambda x, v: (
           x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-7) * v + v, (A, V), True,
            tolerance=2e-5),
       Case("rms_normalization", lambda x, v: ops.rms_normalization(x, v),
            lambda x, v: x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-7) * v, (A, V), True),
       Case("attention", lambda x: ops.dot_product_attention(x[:, :, None], x[:, :, None], x[:, :, None])[:, :, 0],
            lambda x: np_softmax(x @ x.swapaxes(1, 2) / 2) @ x, (D,), True),
       Case("sparsemax", ops.sparsemax, lambda x: np.float32([[1, 0, 0], [0, 0, 0]]),  # as Keras has it
            (np.float32([[3, 0, 0], [1, 1, -1]]),), batch=False)]

SIGNAL, IMAGES = f(3, 40), RNG.uniform(size=(3, 4, 6, 3)).astype("float32")
both = lambda pair: ops.stack(pair)
np_both = lambda z: np.stack([z.real, z.imag]).astype("float32")


def np_frames(x, length, stride):
    return np.lib.stride_tricks.sliding_window_view(x, length, -1)[..., ::stride, :]


def np_hsv(images):
    import colorsys
    return np.apply_along_axis(lambda p: colorsys.rgb_to_hsv(*p), -1, images).astype("float32")


FOURIER = [Case("fft", lambda a, b: both(ops.fft((a, b))), lambda a, b: np_both(np.fft.fft(a + 1j * b)), (A, B), True),
           Case("fft2", lambda a, b: both(ops.fft2((a, b))), lambda a, b: np_both(np.fft.fft2(a + 1j * b)), (D, D),
                True),
           Case("ifft2", lambda a, b: both(ops.ifft2((a, b))), lambda a, b: np_both(np.fft.ifft2(a + 1j * b)), (D, D)),
           Case("rfft", lambda x: both(ops.rfft(x, 7)), lambda x: np_both(np.fft.rfft(x, 7)), (A,), True),
           Case("irfft", lambda a, b: ops.irfft((a, b)), lambda a, b: np.fft.irfft(a + 1j * b).astype("float32"),
                (A, B)),
           Case("irfft_odd", lambda a, b: ops.irfft((a, b), 7), lambda a,
                b: np.fft.irfft(a + 1j * b, 7).astype("float32"),
                (A, B), True),
           Case("extract_sequences", lambda x: ops.extract_sequences(x, 8, 3), lambda x: np_frames(x, 8, 3), (SIGNAL,)),
           Case("stft", lambda x: both(ops.stft(x, 8, 4, 8, window=None, center=False)),
                lambda x: np_both(np.fft.rfft(np_frames(x, 8, 4))), (SIGNAL,), True, tolerance=1e-5),
           Case("istft", lambda x: ops.istft(ops.stft(x, 12, 4, 16), 12, 4, 16), lambda x: x, (SIGNAL,),
                tolerance=1e-5)]

IMAGE = [Case("resize_nearest", lambda x: ops.image.resize(x, (8, 3), "nearest"),
              lambda x: x.repeat(2, 1)[:, :, 1::2], (IMAGES,), True),
         Case("resize_bilinear", lambda x: ops.image.resize(x, (2, 3)),
              lambda x: x.reshape(3, 2, 2, 3, 2, 3).mean((2, 4)), (IMAGES,), True),
         Case("resize_constant", lambda x: ops.image.resize(x * 0 + 1, (7, 9), "bicubic", antialias=True),
              lambda x: np.ones((3, 7, 9, 3), "float32"), (IMAGES,)),
         Case("resize_crop", lambda x: ops.image.resize(x, (4, 4), crop_to_aspect_ratio=True),
              lambda x: x[:, :, 1:5], (IMAGES,)),
         Case("resize_pad", lambda x: ops.image.resize(x, (6, 6), pad_to_aspect_ratio=True),
              lambda x: np.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0))), (IMAGES,)),
         Case("crop", lambda x: ops.image.crop_images(x, 1, 2, target_height=2, target_width=3),
              lambda x: x[:, 1:3, 2:5], (IMAGES,), True),
         Case("pad_images", lambda x: ops.image.pad_images(x, 1, 2, target_height=6, target_width=9),
              lambda x: np.pad(x, ((0, 0), (1, 1), (2, 1), (0, 0))), (IMAGES,), True),
         Case("grayscale", ops.image.rgb_to_grayscale, lambda x: (x @ np.float32([[0.2989], [0.587], [0.114]])),
              (IMAGES,)),
         Case("hsv", ops.image.rgb_to_hsv, np_hsv, (IMAGES,), True, tolerance=1e-5),
         Case("hsv_and_back", lambda x: ops.image.hsv_to_rgb(ops.image.rgb_to_hsv(x)), lambda x: x, (IMAGES,)),
         Case("patches", lambda x: ops.image.extract_patches(x, 2), lambda x: x.reshape(3, 2, 2, 3, 2, 3).transpose(
             0, 1, 3, 2, 4, 5).reshape(3, 2, 3, 12), (IMAGES,), True),
         Case("affine_shift", lambda x: ops.image.affine_transform(x, [1, 0, 1, 0, 1, 2, 0, 0]),
              lambda x: np.pad(x[:, 2:, 1:], ((0, 0), (0, 2), (0, 1), (0, 0))), (IMAGES,), True),
         Case("affine_wrap", lambda x: ops.image.affine_transform(x, [1, 0, -1, 0, 1, 0, 0, 0], "nearest", "wrap"),
              lambda x: np.roll(x, 1, 2), (IMAGES,), True),
         Case("map_coordinates", lambda x: ops.image.map_coordinates(x, [[0.5, 2.0], [1.0, -3.0]], 1, fill_value=7),
              lambda x: np.stack([(x[0, 1] + x[1, 1]) / 2, np.float32(7)]), (A,), True, batch=False)]

CASES = UNARY + BINARY + REDUCE + SHAPE + PRODUCTS + INDEX + NN + FOURIER + IMAGE
