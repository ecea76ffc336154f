"""Random numbers that repeat: every draw is a function of a key, so eager and compiled code get the same ones.

A key is two uint32: a seed and a count of draws. `seed` arguments take an int (each call with it draws the same
numbers), a SeedGenerator (each call draws others) or None (the generator of the process, see set_random_seed).

Args:
    shape: sizes, a tuple.
    mean, stddev: of the distribution, 0 and 1.
    minval, maxval: the bounds; maxval is not reached.
    dtype: of the result; None: kgraph.config.floatx().
    seed: an int for the same numbers each time, or a SeedGenerator; None: kgraph's own.

Returns:
    A tensor.
"""
from __future__ import annotations

import contextlib
import functools
import inspect
import math
import random as python_random
import threading

import numpy as np

from kgraph import ops
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.dtypes import DTYPES, is_float
from kgraph.compiler.prims.random import random_bits_p
from kgraph.compiler.trace import Tensor, bind, current_trace
from kgraph.config import floatx
from kgraph.function import build
from kgraph.legacy.paths import lookup
from kgraph.naming import auto_name
from kgraph.variable import Variable

__all__ = ["SeedGenerator", "categorical", "dropout", "make_default_seed", "normal", "randint", "seed_generators",
           "shuffle", "truncated_normal", "uniform"]


def make_default_seed() -> int:
    """A fresh seed from Python's generator, which set_random_seed seeds too."""
    return python_random.randint(1, 10**9)


class SeedGenerator:
    """A seed and a counter, kept in a Variable: so that compiled code and saved models go on where they were.

    Args:
        seed: an int, by default a fresh one
        name: of its state.

    Raises:
        TypeError: seed is no int.
        ValueError: seed is below 0.
    """

    def __init__(self, seed=None, name=None, **kwargs):
        if kwargs:
            raise TypeError(f"SeedGenerator: unknown arguments {sorted(kwargs)}")
        if seed is not None and not isinstance(seed, (int, np.integer)):
            raise ValueError(f"SeedGenerator: expected seed to be an int or None, received {seed!r}")
        self.name = name or auto_name("seed_generator")
        self.seed = seed
        self._initial = int(make_default_seed() if seed is None else seed)
        key = np.array([self._initial % 2**32, 0], "uint32")
        self.state = Variable(
            key, trainable=False, name="seed_generator_state", path=f"{self.name}/seed_generator_state"
        )

    def next(self, ordered=True):
        """The key of the next draw, uint32[2]; the counter goes up by one.

        Args:
            ordered: accepted.

        Returns:
            Two integers, a tensor.
        """
        key = self.state.value
        self.state.assign(key + np.array([0, 1], "uint32"))
        return key

    def get_config(self) -> dict:
        """The seed and the name, as plain data."""
        return {"seed": self.seed}

    @classmethod
    def from_config(cls, config):
        """Another object of this class, from its settings.

        Args:
            config: what get_config gave.

        Returns:
            A SeedGenerator.
        """
        return cls(**config)


OBJECTS = {"SeedGenerator": SeedGenerator}
_generator: list = []


def _global_generator() -> SeedGenerator:
    if not _generator:
        _generator.append(SeedGenerator(name="global_seed_generator"))
    return _generator[0]


def seed_generators(seed: int | None = None):
    """Start the generator of the process again, with that seed (part of set_random_seed)."""
    _generator[:] = [] if seed is None else [SeedGenerator(seed, name="global_seed_generator")]


def draw_seed(seed=None):
    """The key for one draw from what a `seed` argument accepts."""
    if seed is None:
        return _global_generator().next()
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        key = Tensor(np.array([int(seed) % 2**32, (int(seed) >> 32) % 2**32], "uint32"))
        return key if current_trace() is None else current_trace().lift(key)
    if hasattr(seed, "dtype") and tuple(getattr(seed, "shape", ())) == (2,):
        return ops.cast(seed, "uint32")
    raise ValueError(f"expected seed to be an int, a SeedGenerator or None, received {seed!r}")


def _bits(key, shape):
    shape = tuple(shape)
    if _part.rows is None:
        return bind(random_bits_p, key, shape=shape)
    start, stop = _part.rows
    starts = (start, *[0] * len(shape[1:]))
    return bind(random_bits_p, key, shape=(stop - start, *shape[1:]), whole=shape, starts=starts)


class _Part(threading.local):
    rows = None


_part = _Part()


@contextlib.contextmanager
def only_rows(start, stop):
    """Inside, of what is drawn only these rows are made: the same as in the whole."""
    before, _part.rows = _part.rows, (start, stop)
    try:
        yield
    finally:
        _part.rows = before


def _unit(key, shape, dtype):
    """Uniform in [0, 1), in steps of 2**-24."""
    return ops.cast(ops.right_shift(_bits(key, shape), np.uint32(8)), dtype) * 2.0**-24


def _drawn_wide(draw):
    """Floats of 16 bits are drawn in float32, where 1 - u is never 0, and rounded."""
    parameters = inspect.signature(draw)

    @functools.wraps(draw)
    def drawn(*args, **kwargs):
        given = parameters.bind(*args, **kwargs).arguments
        dtype = given.get("dtype") or floatx()
        if str(dtype) not in DTYPES or not DTYPES[str(dtype)].is_narrow:
            return draw(*args, **kwargs)
        return ops.cast(draw(**{**given, "dtype": "float32"}), dtype)
    return drawn


@_drawn_wide
def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Numbers drawn evenly from [minval, maxval).

    Raises:
        ValueError: maxval is missing where dtype is an integer.
    """
    dtype = dtype or floatx()
    if not is_float(dtype):
        raise ValueError(f"random.uniform: expected a float dtype, received {dtype!r}: use randint for integers")
    return _unit(draw_seed(seed), shape, dtype) * (maxval - minval) + minval


def fill_uniform(memory, minval, maxval, seed):
    """Write what uniform draws for an array's shape and dtype into it, compiled, by all threads."""
    dtype = memory.dtype.name
    wide = [np.asarray(x, dtype) for x in (maxval - minval, minval)]
    _compiled_uniform(dtype).run([draw_seed(seed).numpy(), *wide], {"n": memory.size}, [memory.reshape(-1)])


@functools.cache
def _compiled_uniform(dtype):
    types = TensorType((2,), "uint32"), TensorType((), dtype), TensorType((), dtype)
    return build("uniform", lambda key, width, least: _unit(key, (dim("n"),), dtype) * width + least, types)


@_drawn_wide
def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Numbers of a normal distribution, by the transform of Box and Muller (1958)."""
    dtype = dtype or floatx()
    key = draw_seed(seed)
    radius = ops.sqrt(-2.0 * ops.log(1.0 - _unit(key, shape, dtype)))
    other = ops.bitwise_xor(key, np.array([0, 2**31], "uint32"))
    return radius * ops.cos(2.0 * math.pi * _unit(other, shape, dtype)) * stddev + mean


_ERFINV = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503,
           -0.00417768164, 0.246640727, 1.50140941)


def _central_erfinv(x):
    """The inverse of erf for |x| < 0.99, after Giles, "Approximating the erfinv function" (2010)."""
    w = -ops.log((1.0 - x) * (1.0 + x)) - 2.5
    p = _ERFINV[0]
    for coefficient in _ERFINV[1:]:
        p = p * w + coefficient
    return p * x


@_drawn_wide
def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Numbers of a normal distribution cut off at two standard deviations, by inverting its distribution function."""
    dtype = dtype or floatx()
    limit = math.erf(math.sqrt(2.0))
    u = _unit(draw_seed(seed), shape, dtype) * (2.0 * limit) - limit
    return ops.clip(_central_erfinv(u) * math.sqrt(2.0), -2.0, 2.0) * stddev + mean


def randint(shape, minval, maxval, dtype="int32", seed=None):
    """Integers drawn evenly from minval to maxval - 1.

    Raises:
        ValueError: dtype is no integer.
    """
    if not str(dtype).startswith(("int", "uint")):
        raise ValueError(f"random.randint: expected an integer dtype, received {dtype!r}")
    if int(maxval) <= int(minval):
        raise ValueError(f"random.randint: expected maxval above minval, received {minval} and {maxval}")
    span = np.uint32(int(maxval) - int(minval))
    return ops.cast(ops.mod(_bits(draw_seed(seed), shape), span), dtype) + np.asarray(minval, dtype)


_ROUNDS = 12  # of trials, of which more than 95 in 100 are accepted: all are refused once in some 1e16 draws


@_drawn_wide
def gamma(shape, alpha, dtype=None, seed=None):
    """Numbers of a gamma distribution of shape parameter alpha, which broadcasts to the shape, and rate 1.

    Marsaglia and Tsang, "A simple method for generating gamma variables" (2000).
    """
    dtype, key = _float_dtype("gamma", dtype), draw_seed(seed)
    alpha = ops.broadcast_to(ops.cast(ops.convert_to_tensor(alpha), dtype), shape)
    small = alpha < 1.0
    d = ops.where(small, alpha + 1.0, alpha) - 1.0 / 3.0
    c = 1.0 / ops.sqrt(9.0 * d)
    result = found = None
    for trial in range(_ROUNDS):
        x = normal(shape, dtype=dtype, seed=_derived(key, 2 * trial + 1))
        u = 1.0 - _unit(_derived(key, 2 * trial + 2), shape, dtype)
        v = (1.0 + c * x) ** 3
        positive = v > 0.0
        log_v = ops.log(ops.where(positive, v, 1.0))
        accepted = ops.logical_and(positive, ops.log(u) < 0.5 * x * x + d - d * v + d * log_v)
        result = d * v if result is None else ops.where(found, result, d * v)
        found = accepted if found is None else ops.logical_or(found, accepted)
    u = 1.0 - _unit(_derived(key, 0), shape, dtype)
    return result * ops.where(small, u ** (1.0 / alpha), 1.0)


@_drawn_wide
def beta(shape, alpha, beta, dtype=None, seed=None):
    """Numbers of a beta distribution of parameters alpha and beta, which broadcast to the shape."""
    dtype, key = _float_dtype("beta", dtype), draw_seed(seed)
    first = gamma(shape, alpha, dtype=dtype, seed=_derived(key, 101))
    second = gamma(shape, beta, dtype=dtype, seed=_derived(key, 202))
    return first / (first + second)


@_drawn_wide
def binomial(shape, counts, probabilities, dtype=None, seed=None):
    """Numbers of a binomial distribution: successes among counts trials; counts and probabilities broadcast.

    While many trials are left, the median of their places, a beta variable, says which half is decided; the rest are
    drawn one by one (Relles, 1972).
    """
    dtype, key = _float_dtype("binomial", dtype), draw_seed(seed)
    wide = lambda x: ops.broadcast_to(ops.cast(ops.convert_to_tensor(x), dtype), shape)
    few = 16.0

    def halve(i, n, p, successes):
        a = ops.floor(n / 2.0) + 1.0
        b = n + 1.0 - a
        x = beta(shape, a, b, dtype=dtype, seed=_derived(key, i))
        many, below = n > few, x <= p
        gained = ops.where(ops.logical_and(many, below), a, 0.0)
        n_next = ops.where(below, b - 1.0, a - 1.0)
        p_next = ops.clip(ops.where(below, (p - x) / (1.0 - x), p / x), 0.0, 1.0)
        return i + 1, ops.where(many, n_next, n), ops.where(many, p_next, p), successes + gained

    def draw(i, n, p, successes):
        u = _unit(_derived(key, i + 1000), shape, dtype)
        hit = ops.logical_and(ops.cast(i, dtype) < n, u < p)
        return i + 1, n, p, successes + ops.cast(hit, dtype)

    start = (ops.convert_to_tensor(0, "int32"), wide(counts), wide(probabilities), ops.zeros(shape, dtype))
    _, n, p, successes = ops.while_loop(lambda i, n, p, s: ops.any(n > few), halve, start)
    start = (ops.convert_to_tensor(0, "int32"), n, p, successes)
    return ops.while_loop(lambda i, n, p, s: ops.any(ops.cast(i, dtype) < n), draw, start)[3]


def _float_dtype(name, dtype) -> str:
    dtype = dtype or floatx()
    if not is_float(dtype):
        raise ValueError(f"random.{name}: expected a float dtype, received {dtype!r}")
    return dtype


def _derived(key, number):
    """Another key, for a draw of that number beside others from one key."""
    number = ops.cast(ops.convert_to_tensor(number), "uint32")
    return ops.bitwise_xor(key, ops.stack([number * np.uint32(0x9E3779B1), number ^ np.uint32(0x5BD1E995)]))


def dropout(inputs, rate, noise_shape=None, seed=None):
    """inputs with a share `rate` of the elements set to 0 and the others multiplied by 1 / (1 - rate).

    Args:
        noise_shape: the shape of the mask, broadcast to the inputs; None stands for the size of the input there
        inputs: a tensor.
        rate: the share that is dropped, in [0, 1].

    Raises:
        ValueError: rate is outside of [0, 1).
    """
    shape = ops.shape(inputs)
    if noise_shape is not None:
        if len(noise_shape) != len(shape):
            raise ValueError(f"dropout: expected noise_shape of rank {len(shape)}, received {noise_shape}")
        shape = tuple(size if n is None else n for n, size in zip(noise_shape, shape))
    keep = _unit(draw_seed(seed), shape, "float32") >= rate
    scale = 1.0 / (1.0 - rate) if rate < 1 else 0.0
    return ops.where(keep, inputs * scale, ops.zeros_like(inputs))


def shuffle(x, axis=0, seed=None):
    """x with its slices along `axis` in random order.

    Args:
        x: a tensor.
        axis: along which, 0 by default.
    """
    order = ops.argsort(_bits(draw_seed(seed), (ops.shape(x)[axis],)))
    return ops.take(x, order, axis=axis)


def categorical(logits, num_samples, dtype="int32", seed=None):
    """Class numbers [batch, num_samples], drawn with probabilities softmax(logits [batch, classes]): Gumbel's trick.

    Args:
        logits: [batch, classes].
        num_samples: how many classes are drawn for each row.
    """
    batch, classes = ops.shape(logits)
    u = _unit(draw_seed(seed), (batch, num_samples, classes), logits.dtype)
    noise = -ops.log(-ops.log(u * (1.0 - 2.0**-23) + 2.0**-24))
    return ops.cast(ops.argmax(ops.expand_dims(logits, 1) + noise, axis=-1), dtype)


def __getattr__(name):
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
