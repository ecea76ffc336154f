"""Elementwise update rules. Each is written on arrays of any shape: one weight, or all of a model's in one vector.

g gradient, w weight, r learning rate, t the number of this step (from 1).
"""
from __future__ import annotations

from kgraph import ops
from kgraph.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    """w -= r g; with momentum (Polyak 1964) m = momentum m - r g, w += m; nesterov (Sutskever et al. 2013) looks ahead:
    w += momentum m - r g.

    Example:
        >>> w = kgraph.Variable([1.0, 2.0])
        >>> optimizers.SGD(0.1).apply([np.float32([1, 1])], [w])
        >>> w.numpy()
        array([0.9, 1.9], dtype=float32)
    """

    elementwise = True

    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, weight_decay=None, clipnorm=None,
                 clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        if not 0 <= momentum <= 1:
            raise ValueError(f"SGD: momentum: expected a number in [0, 1], received {momentum}")
        self.momentum = float(momentum)
        self.nesterov = nesterov

    @property
    def leaves_unread(self) -> bool:
        """Whether the rule changes nothing where a gradient is 0."""
        return not self.momentum and type(self).update_step is SGD.update_step

    def build(self, variables):
        super().build(variables)
        if self.momentum:
            self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        if not self.momentum:
            self.assign_sub(variable, gradient * learning_rate)
            return
        slot = self.slot("momentum", variable)
        m = slot.value * self.momentum - gradient * learning_rate
        self.assign(slot, m)
        self.assign_add(variable, m * self.momentum - gradient * learning_rate if self.nesterov else m)

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}


class RMSprop(Optimizer):
    """Tieleman and Hinton (2012): v = rho v + (1 - rho) g^2, w -= r g / sqrt(v + epsilon).

    centered: v minus the square of the running mean of g; momentum: steps are accumulated.

    Args:
        centered: divide by the variance in place of the mean square. False by default.

    Example:
        >>> w = kgraph.Variable([1.0, 2.0])
        >>> optimizers.RMSprop(0.1).apply([np.float32([1, 1])], [w])
        >>> w.numpy()
        array([0.6838, 1.6838], dtype=float32)
    """

    elementwise = True

    def __init__(self, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, weight_decay=None,
                 clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99,
                 ema_overwrite_frequency=None, loss_scale_factor=None, gradient_accumulation_steps=None, name=None,
                 **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = default_epsilon(epsilon)
        self.centered = centered

    def build(self, variables):
        super().build(variables)
        self.add_optimizer_variables(variables, "velocity")
        if self.momentum > 0:
            self.add_optimizer_variables(variables, "momentum")
        if self.centered:
            self.add_optimizer_variables(variables, "average_gradient")

    def _spread(self, gradient, variable):
        """Update the running means: of the squares, or, when centered, the variance."""
        velocity = self.slot("velocity", variable)
        v = self.rho * velocity.value + (1 - self.rho) * ops.square(gradient)
        self.assign(velocity, v)
        if self.centered:
            average = self.slot("average_gradient", variable)
            mean = self.rho * average.value + (1 - self.rho) * gradient
            self.assign(average, mean)
            v = v - ops.square(mean)
        return v

    def update_step(self, gradient, variable, learning_rate):
        v = self._spread(gradient, variable)
        step = learning_rate * gradient / ops.sqrt(v + self.epsilon)
        if self.momentum > 0:
            slot = self.slot("momentum", variable)
            step = self.momentum * slot.value + step
            self.assign(slot, step)
        self.assign_sub(variable, step)

    def get_config(self):
        return {**super().get_config(), "rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon,
                "centered": self.centered}


class Adagrad(Optimizer):
    """Duchi et al. (2011): a += g^2, w -= r g / sqrt(a + epsilon).

    Example:
        >>> w = kgraph.Variable([1.0, 2.0])
        >>> optimizers.Adagrad(0.1).apply([np.float32([1, 1])], [w])
        >>> w.numpy()
        array([0.9047, 1.9047], dtype=float32)
    """

    elementwise = True

    def __init__(self, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7, weight_decay=None,
                 clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99,
                 ema_overwrite_frequency=None, loss_scale_factor=None, gradient_accumulation_steps=None, name=None,
                 **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = default_epsilon(epsilon)

    @property
    def leaves_unread(self) -> bool:
        """Whether the rule changes nothing where a gradient is 0."""
        return type(self).update_step is Adagrad.update_step

    def build(self, variables):
        super().build(variables)
        self.add_optimizer_variables(variables, "accumulator", _constant(self.initial_accumulator_value))

    def update_step(self, gradient, variable, learning_rate):
        slot = self.slot("accumulator", variable)
        total = slot.value + ops.square(gradient)
        self.assign(slot, total)
        self.assign_sub(variable, learning_rate * gradient / ops.sqrt(total + self.epsilon))

    def get_config(self):
        return {**super().get_config(), "initial_accumulator_value": self.initial_accumulator_value,
                "epsilon": self.epsilon}


class Adadelta(Optimizer):
    """Zeiler (2012): steps are scaled by the ratio of the running sizes of past steps and gradients.

    Example:
        >>> w = kgraph.Variable([1.0, 2.0])
        >>> optimizers.Adadelta(100.0).apply([np.float32([1, 1])], [w])
        >>> w.numpy()
        array([0.8586, 1.8586], dtype=float32)
    """

    elementwise = True

    def __init__(self, learning_rate=0.001, rho=0.95, epsilon=1e-7, weight_decay=None, clipnorm=None, clipvalue=None,
                 global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.rho = rho
        self.epsilon = default_epsilon(epsilon)

    def build(self, variables):
        super().build(variables)
        self.add_optimizer_variables(variables, ["accumulated_grad", "accumulated_delta_var"])

    def update_step(self, gradient, variable, learning_rate):
        grads, deltas = self.slot("accumulated_grad", variable), self.slot("accumulated_delta_var", variable)
        size = lambda x: ops.sqrt(x + self.epsilon)
        total = self.rho * grads.value + (1 - self.rho) * ops.square(gradient)
        delta = size(deltas.value) * gradient / size(total)
        self.assign(grads, total)
        self.assign(deltas, self.rho * deltas.value + (1 - self.rho) * ops.square(delta))
        self.assign_sub(variable, learning_rate * delta)

    def get_config(self):
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}


class Ftrl(Optimizer):
    """McMahan et al. (2013): follow the regularized leader, with L1, L2 and shrinkage strengths.

    Args:
        learning_rate_power: of the sums of squares, 0 or below, -0.5.
        l1_regularization_strength, l2_regularization_strength, l2_shrinkage_regularization_strength: the strengths, 0.
        beta: added to the sums of squares, 0.

    Example:
        >>> w = kgraph.Variable([1.0, 2.0])
        >>> optimizers.Ftrl(0.1).apply([np.float32([1, 1])], [w])
        >>> w.numpy()
        array([0.6031, 1.3016], dtype=float32)
    """

    elementwise = True

    def __init__(self, learning_rate=0.001, learning_rate_power=-0.5, initial_accumulator_value=0.1,
                 l1_regularization_strength=0.0, l2_regularization_strength=0.0,
                 l2_shrinkage_regularization_strength=0.0, beta=0.0, weight_decay=None, clipnorm=None, clipvalue=None,
                 global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        if learning_rate_power > 0:
            raise ValueError(f"Ftrl: learning_rate_power: expected 0 or less, received {learning_rate_power}")
        for argument in ("initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
                         "l2_shrinkage_regularization_strength"):
            if getattr(self, argument) < 0:
                raise ValueError(f"Ftrl: {argument}: expected 0 or more, received {getattr(self, argument)}")

    def build(self, variables):
        super().build(variables)
        self.add_optimizer_variables(variables, ["accumulator", "linear"],
                                     [_constant(self.initial_accumulator_value), "zeros"])

    def update_step(self, gradient, variable, learning_rate):
        accumulator, linear_slot = self.slot("accumulator", variable), self.slot("linear", variable)
        w, old = variable.value, accumulator.value
        total = old + ops.square(gradient)
        power = lambda x: ops.power(x, -self.learning_rate_power)
        shrunk = gradient + 2 * self.l2_shrinkage_regularization_strength * w
        linear = linear_slot.value + shrunk - (power(total) - power(old)) / learning_rate * w
        l2 = self.l2_regularization_strength + self.beta / (2.0 * learning_rate)
        l1 = self.l1_regularization_strength
        self.assign(linear_slot, linear)
        self.assign(variable, (ops.clip(linear, -l1, l1) - linear) / (power(total) / learning_rate + 2 * l2))
        self.assign(accumulator, total)

    def get_config(self):
        names = ("learning_rate_power", "initial_accumulator_value", "l1_regularization_strength",
                 "l2_regularization_strength", "l2_shrinkage_regularization_strength", "beta")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class Lion(Optimizer):
    """Chen et al. (2023): w -= r sign(b1 m + (1 - b1) g), m = b2 m + (1 - b2) g.

    Example:
        >>> w = kgraph.Variable([1.0, 2.0])
        >>> optimizers.Lion(0.1).apply([np.float32([1, 1])], [w])
        >>> w.numpy()
        array([0.9, 1.9], dtype=float32)
    """

    elementwise = True

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.99, weight_decay=None, clipnorm=None, clipvalue=None,
                 global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        if not 0 < beta_1 <= 1:
            raise ValueError(f"Lion: beta_1: expected a number in (0, 1], received {beta_1}")
        self.beta_1, self.beta_2 = beta_1, beta_2

    def build(self, variables):
        super().build(variables)
        self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        slot = self.slot("momentum", variable)
        m = slot.value
        self.assign_sub(variable, learning_rate * ops.sign(m * self.beta_1 + gradient * (1 - self.beta_1)))
        self.assign(slot, m * self.beta_2 + gradient * (1 - self.beta_2))

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}


def power_of(base, step):
    return ops.power(ops.cast(base, step.dtype), step)


def default_epsilon(value):
    return 1e-7 if value is None else value  # Keras 2 wrote None for its default


def _constant(value):
    from kgraph import initializers
    return initializers.Constant(value)
