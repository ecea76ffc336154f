"""Learning rates as functions of the number of steps done. All of them compute in float32, inside the compiled step.

Args:
    initial_learning_rate: the rate of step 0.
    decay_steps: over how many steps.
    decay_rate: the rate of decay.
    staircase: only at whole multiples of decay_steps. False by default.
    alpha: the least rate, as a share of the first one, 0.
    name: of the schedule.
    warmup_target: the rate that the warm-up reaches; None: no warm-up.
    warmup_steps: over how many steps, 0.
"""
from __future__ import annotations

import math

from kgraph import naming, ops
from kgraph.legacy.paths import lookup

__path__: list = []   # old modules below this one: kgraph.legacy.paths
__all__ = ["CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "LearningRateSchedule",
           "PiecewiseConstantDecay", "PolynomialDecay", "deserialize", "get", "serialize"]


class LearningRateSchedule:
    """A function of the step, ``__call__(step) -> rate``, with a config. step: a scalar tensor or a number.

    Example:
        >>> class Root(optimizers.schedules.LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.1 / ops.sqrt(ops.cast(step, "float32") + 1.0)
        >>> Root()(3)
        <Tensor f32[] 0.05>
    """

    _fields = ()

    def __call__(self, step):
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step)")

    def get_config(self):
        """The settings, as plain data.

        Returns:
            A dict of the settings, from which from_config makes another of its kind.
        """
        if not self._fields:
            raise NotImplementedError(f"{type(self).__name__} must define get_config() to be saved")
        return {name: getattr(self, name) for name in self._fields}

    @classmethod
    def from_config(cls, config):
        """Another object of this class, from its settings.

        Args:
            config: what get_config gave.

        Returns:
            A LearningRateSchedule.
        """
        return cls(**config)


class ExponentialDecay(LearningRateSchedule):
    """initial * rate ^ (step / decay_steps); in whole powers with staircase.

    Example:
        >>> optimizers.schedules.ExponentialDecay(0.1, 100, 0.5)(100)
        <Tensor f32[] 0.05>
    """

    _fields = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="ExponentialDecay"):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        part = _float(step) / self.decay_steps
        return self.initial_learning_rate * ops.power(_float(self.decay_rate),
                                                      ops.floor(part) if self.staircase else part)


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] up to and with step boundaries[i]; values[-1] after the last. One value more than boundaries.

    Args:
        boundaries: rising numbers of steps.
        values: the rates, one more than boundaries.

    Raises:
        ValueError: another number of values.

    Example:
        >>> optimizers.schedules.PiecewiseConstantDecay([10], [0.1, 0.01])(11)
        <Tensor f32[] 0.01>
    """

    _fields = ("boundaries", "values", "name")

    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ValueError(f"expected one value more than boundaries, received {len(boundaries)} boundaries and "
                             f"{len(values)} values")
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step):
        step, rate = ops.convert_to_tensor(step), _float(self.values[-1])
        for boundary, value in zip(reversed(self.boundaries), reversed(self.values[:-1])):
            rate = ops.where(step <= ops.cast(boundary, step.dtype), _float(value), rate)
        return rate


class PolynomialDecay(LearningRateSchedule):
    """(initial - end) (1 - step / decay_steps)^power + end; with cycle, decay_steps is stretched again and again.

    Args:
        end_learning_rate: the last rate, 0.0001.
        power: 1: a straight line.
        cycle: begin again after decay_steps. False by default.

    Example:
        >>> optimizers.schedules.PolynomialDecay(0.1, 100, 0.0)(50)
        <Tensor f32[] 0.05>
    """

    _fields = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(self, initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False,
                 name="PolynomialDecay"):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step):
        step, steps = _float(step), _float(self.decay_steps)
        if self.cycle:
            steps = steps * ops.where(ops.equal(step, 0.0), 1.0, ops.ceil(step / steps))
        else:
            step = ops.minimum(step, steps)
        span = self.initial_learning_rate - self.end_learning_rate
        return span * ops.power(1.0 - step / steps, float(self.power)) + self.end_learning_rate


class InverseTimeDecay(LearningRateSchedule):
    """initial / (1 + rate * step / decay_steps); in whole steps with staircase.

    Example:
        >>> optimizers.schedules.InverseTimeDecay(0.1, 100, 1.0)(100)
        <Tensor f32[] 0.05>
    """

    _fields = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="InverseTimeDecay"):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        part = _float(step) / self.decay_steps
        return self.initial_learning_rate / (1.0 + self.decay_rate * (ops.floor(part) if self.staircase else part))


class CosineDecay(LearningRateSchedule):
    """Loshchilov and Hutter (2016): half a cosine from initial to alpha * initial over decay_steps.

    With warmup_target, first a straight line from initial to that rate over warmup_steps; the cosine starts there.

    Example:
        >>> optimizers.schedules.CosineDecay(0.1, 100)(50)
        <Tensor f32[] 0.05>
    """

    _fields = ("initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps")

    def __init__(self, initial_learning_rate, decay_steps, alpha=0.0, name="CosineDecay", warmup_target=None,
                 warmup_steps=0):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        step = _float(step)
        if self.warmup_target is None:
            return self._decay(ops.minimum(step, float(self.decay_steps)), self.initial_learning_rate)
        step = ops.minimum(step, float(self.decay_steps + self.warmup_steps))
        decayed = self._decay(step - self.warmup_steps, self.warmup_target)
        if not self.warmup_steps:
            return decayed
        rise = self.warmup_target - self.initial_learning_rate
        warm = rise * (step / self.warmup_steps) + self.initial_learning_rate
        return ops.where(step < self.warmup_steps, warm, decayed)

    def _decay(self, step, start):
        cosine = 0.5 * (1.0 + ops.cos(math.pi * (step / self.decay_steps)))
        return start * ((1.0 - self.alpha) * cosine + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Loshchilov and Hutter (2016): cosine decays, each t_mul times as long as the one before and m_mul as high.

    Args:
        first_decay_steps: the length of the first decay.
        t_mul, m_mul: how much longer, and higher, the next one is: 2 and 1.

    Example:
        >>> optimizers.schedules.CosineDecayRestarts(0.1, 100)(100)
        <Tensor f32[] 0.1>
    """

    def __init__(self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, name="SGDRDecay"):
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _positive("first_decay_steps", first_decay_steps)
        self._t_mul = t_mul
        self._m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step):
        done = _float(step) / self.first_decay_steps
        t = float(self._t_mul)
        if t == 1.0:
            restart = ops.floor(done)
            done = done - restart
        else:
            restart = ops.floor(ops.log(1.0 - done * (1.0 - t)) / math.log(t))
            length = ops.power(_float(t), restart)
            done = (done - (1.0 - length) / (1.0 - t)) / length
        cosine = 0.5 * ops.power(_float(self._m_mul), restart) * (1.0 + ops.cos(math.pi * done))
        return self.initial_learning_rate * ((1.0 - self.alpha) * cosine + self.alpha)

    def get_config(self):
        return {"initial_learning_rate": self.initial_learning_rate, "first_decay_steps": self.first_decay_steps,
                "t_mul": self._t_mul, "m_mul": self._m_mul, "alpha": self.alpha, "name": self.name}


def serialize(learning_rate_schedule):
    """The config of a schedule, as Keras writes it.

    Args:
        learning_rate_schedule: a LearningRateSchedule.

    Returns:
        A dict.

    Example:
        >>> optimizers.schedules.serialize(optimizers.schedules.CosineDecay(0.1, 100))["class_name"]
        'CosineDecay'
    """
    from kgraph.serialization import serialize_keras_object
    return serialize_keras_object(learning_rate_schedule)


def deserialize(config, custom_objects=None):
    """A schedule from its config.

    Args:
        config: a dict as serialize gives it.
        custom_objects: {name: class} of what is not kgraph's.

    Returns:
        A LearningRateSchedule.

    Example:
        >>> config = optimizers.schedules.serialize(optimizers.schedules.CosineDecay(0.1, 100))
        >>> optimizers.schedules.deserialize(config)(0)
        <Tensor f32[] 0.1>
    """
    from kgraph.serialization import deserialize_keras_object
    return deserialize_keras_object(config, module_objects=OBJECTS, custom_objects=custom_objects)


def get(identifier):
    """A schedule class's instance from its config, or the schedule itself.

    Args:
        identifier: a config or a LearningRateSchedule.

    Returns:
        A LearningRateSchedule.

    Raises:
        ValueError: it is neither.

    Example:
        >>> optimizers.schedules.get(optimizers.schedules.CosineDecay(0.1, 100))(0)
        <Tensor f32[] 0.1>
    """
    if isinstance(identifier, LearningRateSchedule):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    raise ValueError(f"expected a LearningRateSchedule or its config, received {identifier!r}."
                     f"{naming.nearest(identifier, OBJECTS)}")


def _float(x):
    return ops.cast(x, "float32")


def _positive(argument, value):
    if value <= 0:
        raise ValueError(f"{argument}: expected a number above 0, received {value}")
    return value


OBJECTS = {c.__name__: c for c in (CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay,
                                   LearningRateSchedule, PiecewiseConstantDecay, PolynomialDecay)}


def __getattr__(name):
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
