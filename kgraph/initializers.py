"""The first values of weights: callables (shape, dtype) -> tensor.

A random initializer without a seed takes a fresh one when it is made, and draws the same numbers in each call.

Args:
    seed: an int, a SeedGenerator, or None for a fresh seed.
    gain: a factor.
    mean, stddev: of the distribution, 0 and 0.05.
    minval, maxval: the bounds, -0.05 and 0.05.
    custom_objects: {name: class} of what is not kgraph's.
    config: what get_config gave.
"""
from __future__ import annotations

import math

import numpy as np

from kgraph import ops, random
from kgraph.compiler.ir import TensorLike
from kgraph.config import floatx
from kgraph.legacy import words
from kgraph.legacy.paths import lookup
from kgraph.naming import nearest
from kgraph.serialization import deserialize_keras_object, find_object, serialize_keras_object

_PIECE = 1 << 16       # numbers that NumPy draws at once
_COMPILED = 1 << 22    # that a process draws before a compiled function draws the rest
_WIDE = ("float32", "float64")   # floats that are not rounded after they were drawn
_drawn = 0


class Initializer:
    """A callable (shape, dtype=None) -> tensor. Subclasses write __call__ and get_config."""

    def __call__(self, shape, dtype=None):
        raise NotImplementedError(f"{type(self).__name__} has no __call__")

    def get_config(self) -> dict:
        """The settings, as plain data.

        Returns:
            A dict of the settings, from which from_config makes another of its kind.
        """
        return {}

    @classmethod
    def from_config(cls, config):
        """Another object of this class, from its settings.

        Returns:
            An object of that class.
        """
        return cls(**{k: v for k, v in config.items() if k != "dtype"})  # Keras 1 and 2 wrote a dtype

    def clone(self):
        """Another initializer like this one, with a seed of its own.

        Returns:
            An Initializer.
        """
        return type(self).from_config(self.get_config())


class Zeros(Initializer):
    """All 0."""

    def __call__(self, shape, dtype=None):
        return ops.zeros(shape, dtype=dtype or floatx())


class Ones(Initializer):
    """All 1."""

    def __call__(self, shape, dtype=None):
        return ops.ones(shape, dtype=dtype or floatx())


class Constant(Initializer):
    """All `value`: a number, or an array that broadcasts to the shape.

    Args:
        value: a number, or an array that broadcasts to the shape.
    """

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        return ops.convert_to_tensor(np.broadcast_to(np.asarray(self.value, dtype or floatx()), shape))

    def get_config(self):
        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config):
        return cls(deserialize_keras_object(config["value"]))


class Identity(Initializer):
    """A square matrix with `gain` on the diagonal. Raises ValueError for another rank."""

    def __init__(self, gain=1.0):
        self.gain = gain

    def __call__(self, shape, dtype=None):
        if len(shape) != 2:
            raise ValueError(f"Identity initializer: expected a matrix, received shape {tuple(shape)}")
        return ops.convert_to_tensor(np.asarray(self.gain * np.eye(*shape), dtype or floatx()))

    def get_config(self):
        return {"gain": self.gain}


class STFT(Initializer):
    """The kernel (frame_length, 1, fft_length // 2 + 1) of a convolution that is a short-time Fourier transform.

    Args:
        side: "real" or "imag": cosines or minus sines
        window: a name ("hann", "hamming", "blackman", "bartlett", "boxcar"), an array of frame_length, or None
        scaling: divides by the window's 2-norm ("density") or its sum ("spectrum"); None: as it is
        periodic: the window that repeats without a doubled zero

    Raises:
        ValueError: an unknown side, window or scaling.
    """

    def __init__(self, side="real", window="hann", scaling="density", periodic=False):
        known = {"side": (side, ("real", "imag")), "scaling": (scaling, ("density", "spectrum", None))}
        if isinstance(window, str):
            known["window"] = (window, tuple(_WINDOWS))
        for name, (value, values) in known.items():
            if value not in values:
                raise ValueError(f"STFT initializer: expected {name} among {', '.join(map(str, values))}, received "
                                 f"{value!r}.{nearest(value, [v for v in values if v])}")
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape, dtype=None):
        length, _, count = shape
        angle = -2 * np.pi * np.arange(length)[:, None, None] * np.arange(count) / (2 * (count - 1))
        kernel = np.cos(angle) if self.side == "real" else np.sin(angle)
        if self.window is not None:
            window = self._values(length)[:, None, None]
            norms = {"density": np.sqrt(np.sum(window ** 2)), "spectrum": np.sum(np.abs(window)), None: 1}
            kernel = kernel * window / norms[self.scaling]
        return ops.convert_to_tensor(kernel.astype(dtype or floatx()))

    def _values(self, length) -> np.ndarray:
        if not isinstance(self.window, str):
            window = np.asarray(self.window, "float64")
            if window.shape != (length,):
                raise ValueError(f"STFT initializer: expected a window of shape ({length},), received {window.shape}")
            return window
        # SciPy's get_window has `fftbins` where Keras says periodic.
        turns = np.arange(length) / max(length - (not self.periodic), 1)
        return np.ones(1) if length == 1 else _WINDOWS[self.window](turns)

    def get_config(self):
        return {"side": self.side, "window": self.window, "periodic": self.periodic, "scaling": self.scaling}


_WINDOWS = {  # of places from 0 to 1
    "hann": lambda t: 0.5 - 0.5 * np.cos(2 * np.pi * t),
    "hamming": lambda t: 0.54 - 0.46 * np.cos(2 * np.pi * t),
    "blackman": lambda t: 0.42 - 0.5 * np.cos(2 * np.pi * t) + 0.08 * np.cos(4 * np.pi * t),
    "bartlett": lambda t: 1 - np.abs(2 * t - 1),
    "boxcar": np.ones_like,
}


class RandomInitializer(Initializer):
    """The base of those that draw. seed: an int, a SeedGenerator, or None for a fresh seed."""

    @property
    def by_rows(self) -> bool:
        """Whether each number that is drawn becomes one element, the same in each call."""
        return type(self).__call__.__module__ == __name__ and isinstance(self.seed, (int, np.integer))

    def fill(self, memory, shape, start=0):
        """Write rows of what a call gives for a shape into memory, from row `start` on, where `by_rows`.

        Compiled where the process draws enough to be worth it; else so few rows at a time that what lies between the
        random bits and a number stays in the cache. The numbers are the same."""
        global _drawn
        _drawn += memory.size
        bounds = self._bounds(shape)
        if bounds is not None and len(memory) == shape[0] and _drawn > _COMPILED and memory.dtype.name in _WIDE:
            random.fill_uniform(memory, *bounds, self.seed)
            return
        few = max(1, _PIECE // max(math.prod(shape[1:]), 1))
        for at in range(0, len(memory), few):
            part = memory[at:at + few]
            with random.only_rows(start + at, start + at + len(part)):
                part[...] = np.asarray(self(shape, memory.dtype.name))

    def _bounds(self, shape):
        """(lowest, highest) of numbers that are drawn evenly, None of others."""
        return None

    def __init__(self, seed=None):
        if isinstance(seed, dict):
            seed = deserialize_keras_object(seed)
        if seed is not None and not isinstance(seed, (int, np.integer, random.SeedGenerator)):
            raise ValueError(
                f"{type(self).__name__}: expected seed to be an int, a SeedGenerator or None, received {seed!r}"
            )
        self._given_seed = seed
        self.seed = random.make_default_seed() if seed is None else seed

    def get_config(self):
        return {"seed": serialize_keras_object(self._given_seed)}


class RandomNormal(RandomInitializer):
    """A normal distribution."""

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape, dtype=None):
        return random.normal(shape, self.mean, self.stddev, dtype=dtype, seed=self.seed)

    def get_config(self):
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class TruncatedNormal(RandomNormal):
    """A normal distribution cut off at two standard deviations."""

    def __call__(self, shape, dtype=None):
        return random.truncated_normal(shape, self.mean, self.stddev, dtype=dtype, seed=self.seed)


class RandomUniform(RandomInitializer):
    """Even over [minval, maxval)."""

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def __call__(self, shape, dtype=None):
        return random.uniform(shape, self.minval, self.maxval, dtype=dtype, seed=self.seed)

    def _bounds(self, shape):
        return self.minval, self.maxval

    def get_config(self):
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")
_CUT_OFF_STDDEV = 0.87962566103423978  # of the standard normal distribution cut off at two standard deviations


class VarianceScaling(RandomInitializer):
    """Variance scale / n, where n is the number of inputs, of outputs, or their mean.

    Args:
        mode: fan_in, fan_out or fan_avg
        distribution: truncated_normal (or normal), untruncated_normal, uniform
        input_axes, output_axes: of the weight's axes, which count as inputs and outputs; found from the rank by default
        scale: the variance times n, above 0; 1.

    Raises:
        ValueError: scale is not above 0; an unknown mode or distribution.
    """

    def __init__(self, scale=1.0, mode="fan_in", distribution="truncated_normal", seed=None, input_axes=None,
                 output_axes=None):
        super().__init__(seed)
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if not scale > 0:
            raise ValueError(f"VarianceScaling: expected scale above 0, received {scale}")
        if mode not in _MODES or distribution not in _DISTRIBUTIONS:
            raise ValueError(f"VarianceScaling: expected mode among {', '.join(_MODES)} and distribution among "
                             f"{', '.join(_DISTRIBUTIONS)}, received {mode!r} and {distribution!r}")
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes

    def __call__(self, shape, dtype=None):
        if self.distribution == "uniform":
            return random.uniform(shape, *self._bounds(shape), dtype=dtype, seed=self.seed)
        variance = self._variance(shape)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, math.sqrt(variance), dtype=dtype, seed=self.seed)
        return random.truncated_normal(shape, 0.0, math.sqrt(variance) / _CUT_OFF_STDDEV, dtype=dtype, seed=self.seed)

    def _variance(self, shape):
        fan_in, fan_out = fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        return self.scale / max(1.0, n)

    def _bounds(self, shape):
        limit = math.sqrt(3.0 * self._variance(shape))
        return (-limit, limit) if self.distribution == "uniform" else None

    def get_config(self):
        config = {"scale": self.scale, "mode": self.mode, "distribution": self.distribution} \
            if type(self) is VarianceScaling else {}
        return {**config, **super().get_config(), "input_axes": self.input_axes, "output_axes": self.output_axes}


class GlorotUniform(VarianceScaling):
    """Uniform with limit sqrt(6 / (inputs + outputs)): Glorot and Bengio (2010)."""

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(1.0, "fan_avg", "uniform", seed, input_axes, output_axes)


class GlorotNormal(VarianceScaling):
    """Truncated normal with variance 2 / (inputs + outputs): Glorot and Bengio (2010)."""

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, input_axes, output_axes)


class HeUniform(VarianceScaling):
    """Uniform with limit sqrt(6 / inputs): He et al. (2015)."""

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(2.0, "fan_in", "uniform", seed, input_axes, output_axes)


class HeNormal(VarianceScaling):
    """Truncated normal with variance 2 / inputs: He et al. (2015)."""

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(2.0, "fan_in", "truncated_normal", seed, input_axes, output_axes)


class LecunUniform(VarianceScaling):
    """Uniform with limit sqrt(3 / inputs): LeCun et al., "Efficient backprop" (1998)."""

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(1.0, "fan_in", "uniform", seed, input_axes, output_axes)


class LecunNormal(VarianceScaling):
    """Truncated normal with variance 1 / inputs: Klambauer et al. (2017), for selu."""

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(1.0, "fan_in", "truncated_normal", seed, input_axes, output_axes)


def fans(shape, input_axes=None, output_axes=None) -> tuple:
    """The numbers of inputs and outputs of a weight: of a matrix its sizes, of a kernel those of its last two axes
    times the sizes of the others."""
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        return (shape[0],) * 2 if shape else (1, 1)
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


class Orthogonal(RandomInitializer):
    """Orthonormal rows or columns (of the weight as a matrix, last axis kept), times gain: Saxe et al. (2014)."""

    by_rows = False

    def __init__(self, gain=1.0, seed=None):
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape, dtype=None):
        if len(shape) < 2:
            raise ValueError(f"Orthogonal initializer: expected a rank of at least 2, received shape {tuple(shape)}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        drawn = random.normal((max(rows, columns), min(rows, columns)), dtype="float64", seed=self.seed).numpy()
        q, r = np.linalg.qr(drawn)
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)  # makes the decomposition unique, and q evenly distributed
        q = q.T if rows < columns else q
        return ops.convert_to_tensor((self.gain * q).reshape(shape).astype(dtype or floatx()))

    def get_config(self):
        return {"gain": self.gain, **super().get_config()}


_CLASSES = (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Identity,
    Initializer,
    LecunNormal,
    LecunUniform,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    STFT,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
)
zeros, ones, constant, identity, orthogonal, stft = Zeros, Ones, Constant, Identity, Orthogonal, STFT
IdentityInitializer, OrthogonalInitializer, STFTInitializer = Identity, Orthogonal, STFT
random_normal, random_uniform, truncated_normal, variance_scaling = (
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
glorot_normal, glorot_uniform, he_normal, he_uniform = GlorotNormal, GlorotUniform, HeNormal, HeUniform
lecun_normal, lecun_uniform = LecunNormal, LecunUniform
_SHORT = {"zeros": Zeros, "ones": Ones, "constant": Constant, "identity": Identity, "orthogonal": Orthogonal,
          "random_normal": RandomNormal, "random_uniform": RandomUniform, "truncated_normal": TruncatedNormal,
          "variance_scaling": VarianceScaling, "glorot_normal": GlorotNormal, "glorot_uniform": GlorotUniform,
          "he_normal": HeNormal, "he_uniform": HeUniform, "lecun_normal": LecunNormal, "lecun_uniform": LecunUniform,
          "stft": STFT}
_OLD = {old: _SHORT[new] for old, new in words.INITIALIZERS.items()}
_LONG = {"IdentityInitializer": Identity, "OrthogonalInitializer": Orthogonal, "STFTInitializer": STFT}
OBJECTS = {**{cls.__name__: cls for cls in _CLASSES}, **_SHORT, **_LONG, **_OLD}
__path__: list = []   # old modules below this one: kgraph.legacy.paths
__all__ = ["deserialize", "get", "serialize", *(cls.__name__ for cls in _CLASSES), *_SHORT, *_LONG]


def get(identifier):
    """An initializer from a name, a config, a class, a function (shape, dtype), an array or an initializer.

    Args:
        identifier: a name, a config, a class, a function (shape, dtype), an array or an Initializer.

    Returns:
        A callable (shape, dtype) -> tensor.
    """
    if isinstance(identifier, (np.ndarray, np.generic, TensorLike)):
        return _FromArray(np.array(identifier))
    return find_object(identifier, OBJECTS, "initializer")


class _FromArray:
    """An array as an initializer of its own shape."""

    def __init__(self, array):
        self.array = array

    def __call__(self, shape, dtype=None):
        if tuple(shape) != self.array.shape:
            raise ValueError(
                f"initializer: expected the shape {self.array.shape} of the given array, received {tuple(shape)}"
            )
        return ops.convert_to_tensor(self.array.astype(dtype or floatx()))


def serialize(initializer):
    """The config of an initializer, as Keras writes it.

    Args:
        initializer: an Initializer.

    Returns:
        A dict.
    """
    return serialize_keras_object(initializer)


def deserialize(config, custom_objects=None):
    """An initializer from its config.

    Args:
        config: a dict as serialize gives it.

    Returns:
        An Initializer.
    """
    return deserialize_keras_object(config, module_objects=OBJECTS, custom_objects=custom_objects)


def __getattr__(name):
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
