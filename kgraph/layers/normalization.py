"""Layers that give their inputs mean 0 and variance 1, or length 1; and one that does it to a kernel."""
from __future__ import annotations

import contextlib

from kgraph import config, initializers, ops
from kgraph.compiler.prims import normalize
from kgraph.compiler.split import each_process
from kgraph.compiler.trace import bind
from kgraph.layers.basic import Wrapper
from kgraph.layers.input_spec import InputSpec
from kgraph.layers.weighted import Weighted
from kgraph.ops.core import as_tensor, axes_of, result_type

__all__ = ["BatchNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization",
           "SpectralNormalization",
           "UnitNormalization"]


class _Normalization(Weighted):
    """What normalisations with weights gamma (scale) and beta (center) share."""

    def __init__(self, epsilon, center, scale, gamma, beta, moving=None, **kwargs):
        super().__init__(**kwargs)
        self.epsilon, self.center, self.scale = float(epsilon), center, scale
        self._describe(gamma=gamma, beta=beta, **(moving or {}))
        self.gamma = self.beta = None
        self.supports_masking = True

    def _make(self, role, shape, **kwargs):
        return super()._make(role, shape, autocast=False, **kwargs)  # read in its own dtype, as the inputs are widened

    def _make_affine(self, shape):
        if any(n is None for n in shape):
            raise ValueError(f"layer {self.name!r}: expected known sizes on axis {self.axis}, received {shape} there")
        self.gamma = self._make("gamma", shape) if self.scale else None
        self.beta = self._make("beta", shape) if self.center else None

    def _check_axes(self, axes, input_shape) -> tuple:
        rank = len(input_shape)
        if any(not -rank <= a < rank for a in axes):
            raise ValueError(f"layer {self.name!r}: expected axes of the inputs, received axis={self.axis} for shape "
                             f"{input_shape}")
        return tuple(sorted(a % rank for a in axes))

    def _affine(self, x, shape):
        """x * gamma + beta, these reshaped and of x's dtype; in the dtype that the layer computes in."""
        x = x if self.gamma is None else x * ops.reshape(ops.cast(self.gamma, x.dtype), shape)
        x = x if self.beta is None else x + ops.reshape(ops.cast(self.beta, x.dtype), shape)
        return ops.cast(x, self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), **self.settings("axis", "epsilon", "center", "scale")}


def _wide(x):
    """x in float32, if it has 16 bits: a sum of squares would not fit."""
    return ops.cast(x, result_type(x.dtype, "float32"))


def _standardized(x, axes, epsilon):
    """Mean 0 and variance 1 along axes, in float32 at least."""
    return bind(normalize.standardize_p, as_tensor(_wide(x)), axes=axes, epsilon=epsilon)


class BatchNormalization(_Normalization):
    """Each channel gets mean 0 and variance 1 over the batch; then gamma and beta (Ioffe and Szegedy, 2015).

    In training the batch's own statistics are used, and the moving ones follow: moving = moving * momentum + batch *
    (1 - momentum). In inference, and while trainable is False, the moving statistics are used.

    A mask [batch, steps] takes only the steps that it keeps into the statistics.

    Args:
        axis: of the channels
        synchronized: where several processes share a batch (kgraph.distribution), take the statistics of all of it;
            else each takes those of its own rows, and the moving ones are the mean of what they are
        renorm: in training too, correct the batch's statistics towards moving ones (Ioffe, "Batch Renormalization",
            2017), the corrections clipped by renorm_clipping: {"rmin", "rmax", "dmax"}
        momentum: how much of the moving statistics stays at each step, 0.99.
        renorm_clipping: {"rmin", "rmax", "dmax"}: bounds of the corrections; None: none.
        renorm_momentum: of the statistics that renorm keeps, 0.99.

    Raises:
        ValueError: an unknown key in renorm_clipping.

    Example:
        >>> layers.BatchNormalization(epsilon=0.0)(np.float32([[1.0], [3.0]]), training=True)
        <Tensor f32[2,1] [[-1.]
         [ 1.]]>
    """

    def __init__(self, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True, beta_initializer="zeros",
                 gamma_initializer="ones", moving_mean_initializer="zeros", moving_variance_initializer="ones",
                 beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None,
                 renorm=False,
                 renorm_clipping=None, renorm_momentum=0.99, synchronized=False, **kwargs):
        super().__init__(epsilon, center, scale, (gamma_initializer, gamma_regularizer, gamma_constraint),
                         (beta_initializer, beta_regularizer, beta_constraint),
                         {"moving_mean": (moving_mean_initializer,), "moving_variance": (moving_variance_initializer,)},
                         **kwargs)
        self.axis, self.momentum = self._single_axis(axis), float(momentum)
        self.synchronized = synchronized
        self.renorm, self.renorm_momentum = bool(renorm), float(renorm_momentum)
        self.renorm_clipping = renorm_clipping
        unknown = set(renorm_clipping or ()) - {"rmin", "rmax", "dmax"}
        if unknown:
            raise ValueError(f"layer {self.name!r}: expected renorm_clipping of rmin, rmax and dmax, received "
                             f"{sorted(unknown)}")

    def _single_axis(self, axis) -> int:
        if isinstance(axis, (list, tuple)) and len(axis) == 1:
            axis = axis[0]
        if not hasattr(axis, "__index__"):
            raise ValueError(f"layer {self.name!r}: expected axis to be an int, received {axis!r}")
        return int(axis)

    def build(self, input_shape):
        (axis,) = self._check_axes((self.axis,), input_shape)
        shape = (input_shape[axis],)
        self._make_affine(shape)
        self.moving_mean = self._make("moving_mean", shape, trainable=False)
        self.moving_variance = self._make("moving_variance", shape, trainable=False)
        if self.renorm:
            deviation = lambda shape, dtype=None: ops.sqrt(self.moving_variance_initializer(shape, dtype=dtype))
            add = lambda name, initializer: self.add_weight(shape=shape, initializer=initializer, name=name,
                                                            trainable=False, autocast=False)
            self.moving_stddev = add("moving_stddev", deviation)
            self.renorm_mean = add("renorm_mean", self.moving_mean_initializer)
            self.renorm_stddev = add("renorm_stddev", deviation)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: shape[0]})

    def call(self, inputs, training=None, mask=None):
        """The computation.

        Raises:
            ValueError: a mask of another shape.
        """
        if mask is not None and len(mask.shape) != len(inputs.shape) - 1:
            raise ValueError(f"layer {self.name!r}: expected a mask of one axis less than the inputs, received shapes "
                             f"{tuple(mask.shape)} and {tuple(inputs.shape)}")
        x = _wide(inputs)
        axes = tuple(a for a in range(len(x.shape)) if a != self.axis % len(x.shape))
        if not (training and self.trainable):
            result = self._normalized(x, self.moving_mean, self.moving_variance)
        else:
            with contextlib.nullcontext() if self.synchronized else each_process():
                result = self._by_batch(x, axes, mask)
        return ops.cast(result, self.compute_dtype)

    def _by_batch(self, x, axes, mask):
        if mask is None and not self.renorm:
            return self._standardized(x, axes)
        mean, variance = ops.moments(x, axes) if mask is None else self._masked_moments(x, axes, mask)
        if self.renorm:
            return self._renormalized(x, mean, variance)
        result = self._normalized(x, mean, variance)
        self._follow(mean, variance)
        return result

    def _is_per_sample(self, training) -> bool:
        return super()._is_per_sample(training) and not (training and self.trainable)

    def _standardized(self, x, axes):
        fixed = ops.stop_gradient(x)
        self._follow(*ops.moments(fixed, axes))
        shape = (x.shape[self.axis],)
        scale = ops.ones(shape, x.dtype) if self.gamma is None else ops.cast(self.gamma, x.dtype)
        offset = ops.zeros(shape, x.dtype) if self.beta is None else ops.cast(self.beta, x.dtype)
        return bind(normalize.batch_standardize_p, as_tensor(x), as_tensor(scale), as_tensor(offset), axes=axes,
                    epsilon=self.epsilon)

    def _normalized(self, x, mean, variance, gamma=None, beta=None):
        return ops.batch_normalization(x, mean, variance, self.axis, self.beta if beta is None else beta,
                                       self.gamma if gamma is None else gamma, self.epsilon)

    def _follow(self, mean, variance):
        """Move the moving statistics towards the batch's."""
        for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + ops.cast(new, moving.dtype) * (1.0 - self.momentum))

    def _masked_moments(self, x, axes, mask):
        kept = ops.cast(ops.expand_dims(ops.cast(mask, "bool"), -1), x.dtype) * ops.ones_like(x)
        count = ops.sum(kept, axes, keepdims=True) + config.epsilon()
        mean = ops.sum(x * kept, axes, keepdims=True) / count
        variance = ops.sum(ops.square(x - mean) * kept, axes, keepdims=True) / count
        return ops.squeeze(mean, axes), ops.squeeze(variance, axes)

    def _renormalized(self, x, mean, variance):
        deviation = ops.sqrt(variance + self.epsilon)
        known = ops.maximum(self.renorm_stddev, self.epsilon**0.5)
        r, d = deviation / known, (mean - self.renorm_mean) / known
        limits = self.renorm_clipping or {}
        r = r if limits.get("rmin") is None else ops.maximum(r, limits["rmin"])
        r = r if limits.get("rmax") is None else ops.minimum(r, limits["rmax"])
        d = d if limits.get("dmax") is None else ops.clip(d, -limits["dmax"], limits["dmax"])
        r, d = ops.stop_gradient(r), ops.stop_gradient(d)
        scale = 1.0 if self.gamma is None else self.gamma
        result = self._normalized(x, mean, variance, r * scale, d * scale + (0.0 if self.beta is None else self.beta))
        self._follow_renorm(mean, deviation)
        return result

    def _follow_renorm(self, mean, deviation):
        for moving, new, momentum in ((self.renorm_mean, mean, self.renorm_momentum),
                                      (self.renorm_stddev, deviation, self.renorm_momentum),
                                      (self.moving_mean, mean, self.momentum),
                                      (self.moving_stddev, deviation, self.momentum)):
            moving.assign(moving * momentum + new * (1.0 - momentum))
        self.moving_variance.assign(ops.maximum(ops.square(self.moving_stddev) - self.epsilon, 0.0))

    def get_config(self):
        return {**super().get_config(), **self.settings("momentum", "synchronized", "renorm", "renorm_clipping",
                                                        "renorm_momentum")}


class LayerNormalization(_Normalization):
    """Each sample gets mean 0 and variance 1 over one axis or several; then gamma and beta (Ba et al., 2016).

    Args:
        rms_scaling: only divide by the deviation: gamma * x / sqrt(variance + epsilon)

    Raises:
        TypeError: axis is neither an int nor several.

    Example:
        >>> layers.LayerNormalization(epsilon=0.0)(np.float32([[1.0, 3.0]]))
        <Tensor f32[1,2] [[-1.  1.]]>
    """

    def __init__(self, axis=-1, epsilon=1e-3, center=True, scale=True, beta_initializer="zeros",
                 gamma_initializer="ones", beta_regularizer=None, gamma_regularizer=None, beta_constraint=None,
                 gamma_constraint=None, *, rms_scaling=False, **kwargs):
        super().__init__(epsilon, center and not rms_scaling, scale or rms_scaling,
                         (gamma_initializer, gamma_regularizer, gamma_constraint),
                         (beta_initializer, beta_regularizer, beta_constraint), **kwargs)
        if not hasattr(axis, "__index__") and not isinstance(axis, (list, tuple)):
            raise TypeError(f"layer {self.name!r}: expected axis to be an int or several, received {axis!r}")
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else int(axis)
        self.rms_scaling = rms_scaling

    def build(self, input_shape):
        self.axis = self.axis if isinstance(self.axis, list) else [self.axis]
        self._make_affine(tuple(input_shape[a] for a in self._check_axes(self.axis, input_shape)))

    def call(self, inputs):
        axes = self._check_axes(self.axis, inputs.shape)
        if self.rms_scaling:
            x = _wide(inputs)
            x = x * ops.rsqrt(ops.var(x, axes, keepdims=True) + self.epsilon)
        else:
            x = _standardized(inputs, axes, self.epsilon)
        return self._affine(x, tuple(n if a in axes else 1 for a, n in enumerate(inputs.shape)))

    def get_config(self):
        return {**super().get_config(), **self.settings("rms_scaling")}


class GroupNormalization(_Normalization):
    """Each group of channels of a sample gets mean 0 and variance 1; then gamma and beta by channel (Wu and He, 2018).

    Args:
        groups: how many; -1: one for each channel
        axis: of the channels

    Raises:
        ValueError: groups is neither -1 nor an int above 0.

    Example:
        >>> layers.GroupNormalization(groups=2)(np.ones((2, 4, 4, 6), "float32")).shape
        (2, 4, 4, 6)
    """

    def __init__(self, groups=32, axis=-1, epsilon=1e-3, center=True, scale=True, beta_initializer="zeros",
                 gamma_initializer="ones", beta_regularizer=None, gamma_regularizer=None, beta_constraint=None,
                 gamma_constraint=None, **kwargs):
        super().__init__(epsilon, center, scale, (gamma_initializer, gamma_regularizer, gamma_constraint),
                         (beta_initializer, beta_regularizer, beta_constraint), **kwargs)
        if not hasattr(groups, "__index__") or groups < 1 and groups != -1:
            raise ValueError(f"layer {self.name!r}: expected groups to be an int above 0, or -1, received {groups!r}")
        self.groups, self.axis = int(groups), int(axis)

    def build(self, input_shape):
        """Make the variables.

        Raises:
            ValueError: groups that do not divide the channels.
        """
        (axis,) = self._check_axes((self.axis,), input_shape)
        channels = input_shape[axis]
        self._make_affine((channels,))
        self.groups = channels if self.groups == -1 else self.groups
        if channels % self.groups:
            raise ValueError(f"layer {self.name!r}: expected groups that divide the {channels} channels, received "
                             f"groups={self.groups}")
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def call(self, inputs):
        shape, axis = inputs.shape, self.axis % len(inputs.shape)
        split = (*shape[:axis], self.groups, shape[axis] // self.groups, *shape[axis + 1:])
        axes = tuple(a for a in range(1, len(split)) if a != axis)
        x = ops.reshape(_standardized(ops.reshape(inputs, split), axes, self.epsilon), shape)
        return self._affine(x, tuple(n if a == axis else 1 for a, n in enumerate(shape)))

    def get_config(self):
        return {**super().get_config(), **self.settings("groups")}


class UnitNormalization(Weighted):
    """Each sample gets length 1 along one axis or several.

    Raises:
        TypeError: axis is neither an int nor several.

    Example:
        >>> layers.UnitNormalization()(np.float32([[3.0, 4.0]]))
        <Tensor f32[1,2] [[0.6 0.8]]>
    """

    _has_no_state = True
    described = ()

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        if not hasattr(axis, "__index__") and not isinstance(axis, (list, tuple)):
            raise TypeError(f"layer {self.name!r}: expected axis to be an int or several, received {axis!r}")
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else int(axis)
        self.supports_masking = True

    def call(self, inputs):
        axes = axes_of(self.axis, len(inputs.shape), f"layer {self.name!r}")
        return inputs * ops.rsqrt(ops.maximum(ops.sum(ops.square(inputs), axes, keepdims=True), 1e-24))

    def get_config(self):
        return {**super().get_config(), **self.settings("axis")}


class RMSNormalization(Weighted):
    """x / sqrt(mean(x * x) + epsilon) * scale, over one axis or several (Zhang and Sennrich, 2019).

    Args:
        epsilon: added to the mean, 1e-6.

    Example:
        >>> layers.RMSNormalization()(np.float32([[3.0, 4.0]]))
        <Tensor f32[1,2] [[0.8485 1.1314]]>
    """

    described = ()

    def __init__(self, axis=-1, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else int(axis)
        self.epsilon = float(epsilon)

    def build(self, input_shape):
        axes = axes_of(self.axis, len(input_shape), f"layer {self.name!r}")
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        self.scale = self.add_weight(shape=tuple(input_shape[a] for a in axes), initializer="ones", name="scale")

    def call(self, x):
        x = ops.rms_normalization(_wide(x), _wide(self.scale), tuple(self.axis), self.epsilon)
        return ops.cast(x, self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), **self.settings("axis", "epsilon")}


class SpectralNormalization(Wrapper):
    """In training, each call divides the kernel of a layer by the kernel's largest singular value.

    Args:
        power_iterations: steps of the power method that estimates it, from where the last call ended (Miyato et al.,
            2018)
        layer: with a kernel or an embeddings table.

    Raises:
        ValueError: power_iterations is no int above 0.

    Example:
        >>> layers.SpectralNormalization(layers.Dense(3))(np.ones((2, 4), "float32"), training=True).shape
        (2, 3)
    """

    def __init__(self, layer, power_iterations=1, **kwargs):
        super().__init__(layer, **kwargs)
        if not hasattr(power_iterations, "__index__") or power_iterations < 1:
            raise ValueError(f"layer {self.name!r}: expected power_iterations to be an int above 0, received "
                             f"{power_iterations!r}")
        self.power_iterations = int(power_iterations)

    def build(self, input_shape):
        """Make the variables.

        Raises:
            ValueError: a layer without a kernel.
        """
        super().build(input_shape)
        self._kernel_name = next((n for n in ("kernel", "embeddings") if getattr(self.layer, n, None) is not None),
                                 None)
        if self._kernel_name is None:
            raise ValueError(f"layer {self.name!r}: expected a layer with a kernel or embeddings, received "
                             f"{self.layer!r}")
        self.kernel = getattr(self.layer, self._kernel_name)
        self.vector_u = self.add_weight(shape=(1, self.kernel.shape[-1]), initializer=initializers.get({
            "class_name": "TruncatedNormal", "config": {"stddev": 0.02}}), name="vector_u", trainable=False)

    def call(self, inputs, training=False):
        if training:
            new_u, new_kernel = self.normalized_weights()
            some = ops.any(ops.not_equal(self.kernel, 0.0))  # a kernel of zeros stays
            self.vector_u.assign(ops.where(some, new_u, self.vector_u))
            self.kernel.assign(ops.where(some, new_kernel, self.kernel))
        return ops.cast(self.layer(inputs), inputs.dtype)

    def _is_per_sample(self, training) -> bool:
        return super()._is_per_sample(training) and not training

    def normalized_weights(self):
        """(u, W / (v W u)): estimates u and v of singular vectors of the kernel W, and the kernel for the next call.

        Returns:
            A tensor.
        """
        weights, u = ops.reshape(self.kernel, (-1, self.kernel.shape[-1])), self.vector_u
        for _ in range(self.power_iterations):
            v = _unit(ops.matmul(u, ops.transpose(weights)))
            u = _unit(ops.matmul(v, weights))
        sigma = ops.reshape(ops.matmul(ops.matmul(v, weights), ops.transpose(u)), ())
        return ops.stop_gradient(u), ops.stop_gradient(self.kernel / sigma)

    def get_config(self):
        return {**super().get_config(), **self.settings("power_iterations")}


def _unit(x):
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x)), 1e-12))
