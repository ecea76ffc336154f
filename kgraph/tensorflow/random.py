"""tf.random. Numbers are kgraph's: they follow from seeds, and are others than TensorFlow's."""
from __future__ import annotations

import contextlib
import functools
import threading

import numpy as np

from kgraph import ops, random
from kgraph.compiler.trace import current_trace
from kgraph.naming import missing
from kgraph.tensorflow.base.arrays import sizes_of
from kgraph.utils import session

__all__ = ["Generator", "categorical", "experimental", "gamma", "get_global_generator", "normal", "poisson", "set_seed",
           "shuffle", "stateless_normal", "stateless_truncated_normal", "stateless_uniform", "truncated_normal",
           "uniform"]


@functools.cache
def _generator(seed):
    return random.SeedGenerator(seed)


_here = threading.local()   # .place: the element of a data set that this thread is making


class Place:
    """An element of a data set, whose draws follow from its number alone, whichever thread makes it.

    base  what draws without a seed of their own begin from; turn: which pass through the data it is
    """

    def __init__(self, base, turn, number):
        self.base, self.turn, self.number = base, turn, number
        self._generators, self._numbers = {}, {}

    def _start(self, seed):
        return self.base if seed is None else int(seed) % 2**64, self.turn, self.number

    def generator(self, seed):
        if seed not in self._generators:
            key = int(np.random.SeedSequence(self._start(seed)).generate_state(1)[0])
            self._generators[seed] = random.SeedGenerator(key, name="element")
        return self._generators[seed]

    def numbers(self, seed) -> np.random.Generator:
        """NumPy's: a number of it costs a hundredth of what a tensor does."""
        if seed not in self._numbers:
            self._numbers[seed] = np.random.default_rng(self._start(seed))
        return self._numbers[seed]


@contextlib.contextmanager
def drawing_at(place):
    """Inside `with`, what this thread draws belongs to that place."""
    _here.place = place
    try:
        yield
    finally:
        _here.place = None


def generator_of(seed):
    """What draws for an operation's seed: None is the process's generator; a number one of its own, which goes on."""
    place = getattr(_here, "place", None)
    if place is not None:
        return place.generator(seed)
    return None if seed is None else _generator(int(seed))


def between(shape, low, high, seed):
    """Numbers in [low, high): an array for an element of a data set, elsewhere a tensor."""
    place = getattr(_here, "place", None)
    if place is None or current_trace() is not None:
        return random.uniform(shape, low, high, seed=generator_of(seed))
    return place.numbers(seed).uniform(low, high, shape)


def set_seed(seed):
    """Seed what draws without a seed of its own, and begin the others anew."""
    session.set_random_seed(int(seed))
    _generator.cache_clear()
    _global.cache_clear()


def normal(shape, mean=0.0, stddev=1.0, dtype="float32", seed=None, name=None):
    """Numbers of a normal distribution."""
    return ops.add(ops.multiply(random.normal(sizes_of(shape), dtype=dtype, seed=generator_of(seed)), stddev), mean)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype="float32", seed=None, name=None):
    """Numbers of a normal distribution cut off at two standard deviations."""
    return random.truncated_normal(sizes_of(shape), mean, stddev, dtype, generator_of(seed))


def uniform(shape, minval=0, maxval=None, dtype="float32", seed=None, name=None):
    """Numbers spread evenly over [minval, maxval); integers for an integer dtype, which needs maxval."""
    return _uniform(shape, minval, maxval, dtype, generator_of(seed))


def _uniform(shape, minval, maxval, dtype, key):
    if "int" in dtype:
        if maxval is None:
            raise ValueError("tf.random.uniform: expected maxval for an integer dtype, received None")
        return random.randint(sizes_of(shape), int(minval), int(maxval), dtype, key)
    maxval = 1 if maxval is None else maxval
    return ops.add(ops.multiply(random.uniform(sizes_of(shape), dtype=dtype, seed=key),
                                ops.subtract(maxval, minval)), minval)


def shuffle(value, seed=None, name=None):
    """value with its rows in random order."""
    return random.shuffle(ops.convert_to_tensor(value), 0, generator_of(seed))


def categorical(logits, num_samples, dtype="int64", seed=None, name=None):
    """Class numbers (batch, num_samples), drawn with probabilities softmax(logits)."""
    return random.categorical(ops.convert_to_tensor(logits), int(num_samples), dtype or "int64", generator_of(seed))


def gamma(shape, alpha, beta=None, dtype="float32", seed=None, name=None):
    """Numbers of a gamma distribution, of shape (*shape, *shape of alpha)."""
    alpha = ops.cast(alpha, dtype)
    found = random.gamma((*sizes_of(shape), *alpha.shape), alpha, dtype, generator_of(seed))
    return found if beta is None else found / beta


def poisson(shape, lam, dtype="float32", seed=None, name=None):
    """Numbers of a Poisson distribution of mean lam, eagerly, of shape (*shape, *shape of lam)."""
    lam = np.asarray(lam)
    key = random.draw_seed(generator_of(seed)).numpy()
    drawn = np.random.default_rng(key.tolist()).poisson(lam, (*sizes_of(shape), *lam.shape))
    return ops.convert_to_tensor(drawn.astype(dtype))


def _key(seed):
    """The key of a stateless draw from its pair of numbers."""
    return ops.cast(ops.convert_to_tensor(seed), "uint32")


def stateless_normal(shape, seed, mean=0.0, stddev=1.0, dtype="float32", name=None, alg="auto_select"):
    """Numbers of a normal distribution that follow from seed, two integers."""
    return ops.add(ops.multiply(random.normal(sizes_of(shape), dtype=dtype, seed=_key(seed)), stddev), mean)


def stateless_truncated_normal(shape, seed, mean=0.0, stddev=1.0, dtype="float32", name=None, alg="auto_select"):
    """Numbers of a truncated normal distribution that follow from seed, two integers."""
    return random.truncated_normal(sizes_of(shape), mean, stddev, dtype, _key(seed))


def stateless_uniform(shape, seed, minval=0, maxval=None, dtype="float32", name=None, alg="auto_select"):
    """Numbers spread evenly over [minval, maxval) that follow from seed, two integers."""
    return _uniform(shape, minval, maxval, dtype, _key(seed))


class Generator:
    """Draws numbers one after the other from a seed."""

    def __init__(self, seed):
        self._seeds = random.SeedGenerator(int(seed))

    @classmethod
    def from_seed(cls, seed, alg=None):
        return cls(seed)

    @classmethod
    def from_non_deterministic_state(cls, alg=None):
        return cls(random.make_default_seed())

    def normal(self, shape, mean=0.0, stddev=1.0, dtype="float32", name=None):
        return random.normal(sizes_of(shape), mean, stddev, dtype, self._seeds)

    def truncated_normal(self, shape, mean=0.0, stddev=1.0, dtype="float32", name=None):
        return random.truncated_normal(sizes_of(shape), mean, stddev, dtype, self._seeds)

    def uniform(self, shape, minval=0, maxval=None, dtype="float32", name=None):
        return _uniform(shape, minval, maxval, dtype, self._seeds)

    def make_seeds(self, count=1):
        """Pairs of numbers (2, count) for stateless draws."""
        return ops.stack([ops.cast(self._seeds.next(), "int64") for _ in range(count)], axis=1)


@functools.cache
def _global() -> Generator:
    return Generator(random.make_default_seed())


def get_global_generator() -> Generator:
    """The generator of the process."""
    return _global()


class experimental:
    """Older names."""

    Generator = Generator
    get_global_generator = staticmethod(get_global_generator)


def __getattr__(name):
    raise missing(__name__, name, __all__)
