"""The update rules of Adam's family, elementwise. g gradient, w weight, r learning rate, t the number of this step."""
from __future__ import annotations

from kgraph import ops
from kgraph.optimizers.optimizer import Optimizer
from kgraph.optimizers.rules import default_epsilon, power_of


class Adam(Optimizer):
    """Kingma and Ba (2014): m += (1 - b1)(g - m), v += (1 - b2)(g^2 - v), w -= a m / (sqrt(v) + epsilon), with
    a = r sqrt(1 - b2^t) / (1 - b1^t). amsgrad (Reddi et al. 2018): the largest v so far.

    Example:
        >>> w = kgraph.Variable([1.0, 2.0])
        >>> optimizers.Adam(0.1).apply([np.float32([1, 1])], [w])
        >>> w.numpy()
        array([0.9, 1.9], dtype=float32)
    """

    elementwise = True

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, weight_decay=None,
                 clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99,
                 ema_overwrite_frequency=None, loss_scale_factor=None, gradient_accumulation_steps=None, name=None,
                 **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.epsilon = default_epsilon(epsilon)
        self.amsgrad = amsgrad

    def build(self, variables):
        super().build(variables)
        self.add_optimizer_variables(variables, ["momentum", "velocity"])
        if self.amsgrad:
            self.add_optimizer_variables(variables, "velocity_hat")

    def update_step(self, gradient, variable, learning_rate):
        step = ops.cast(self.iterations + 1, variable.dtype)
        rate = learning_rate * ops.sqrt(1 - power_of(self.beta_2, step)) / (1 - power_of(self.beta_1, step))
        m, v = adam_moments(self, gradient, variable)
        if self.amsgrad:
            largest = self.slot("velocity_hat", variable)
            v = ops.maximum(largest.value, v)
            self.assign(largest, v)
        self.assign_sub(variable, m * rate / (ops.sqrt(v) + self.epsilon))

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon,
                "amsgrad": self.amsgrad}


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2017).

    Example:
        >>> w = kgraph.Variable([1.0, 2.0])
        >>> optimizers.AdamW(0.1).apply([np.float32([1, 1])], [w])
        >>> w.numpy()
        array([0.8996, 1.8992], dtype=float32)
    """

    def __init__(self, learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False,
                 clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99,
                 ema_overwrite_frequency=None, loss_scale_factor=None, gradient_accumulation_steps=None, name=None,
                 **kwargs):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, clipnorm, clipvalue,
                         global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
                         gradient_accumulation_steps, name, **kwargs)
        if weight_decay is None:
            raise ValueError("AdamW: weight_decay: expected a number, received None")


class TwoMoments(Optimizer):
    """The arguments of rules that keep two running moments of the gradient, and nothing more."""

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, weight_decay=None, clipnorm=None,
                 clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.epsilon = default_epsilon(epsilon)

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}


class Adamax(TwoMoments):
    """Kingma and Ba (2014), with the infinity norm: u = max(b2 u, |g|), w -= r m / ((1 - b1^t)(u + epsilon)).

    Example:
        >>> w = kgraph.Variable([1.0, 2.0])
        >>> optimizers.Adamax(0.1).apply([np.float32([1, 1])], [w])
        >>> w.numpy()
        array([0.9, 1.9], dtype=float32)
    """

    elementwise = True

    def build(self, variables):
        super().build(variables)
        self.add_optimizer_variables(variables, ["momentum", "norm"])

    def update_step(self, gradient, variable, learning_rate):
        step = ops.cast(self.iterations + 1, variable.dtype)
        momentum, norm = self.slot("momentum", variable), self.slot("norm", variable)
        m = momentum.value + (gradient - momentum.value) * (1 - self.beta_1)
        u = ops.maximum(self.beta_2 * norm.value, ops.abs(gradient))
        self.assign(momentum, m)
        self.assign(norm, u)
        self.assign_sub(variable, learning_rate / (1 - power_of(self.beta_1, step)) * m / (u + self.epsilon))


class Nadam(TwoMoments):
    """Dozat (2016): Adam with Nesterov momentum, whose b1 warms up as b1 (1 - 0.5 * 0.96^(schedule_decay t)).

    schedule_decay  an argument of Keras 1 and 2, 1 today

    Example:
        >>> w = kgraph.Variable([1.0, 2.0])
        >>> optimizers.Nadam(0.1).apply([np.float32([1, 1])], [w])
        >>> w.numpy()
        array([0.8937, 1.8937], dtype=float32)
    """

    elementwise = True
    schedule_decay = 1.0
    _old_settings = ("schedule_decay",)

    def build(self, variables):
        super().build(variables)
        self.add_optimizer_variables(variables, ["momentum", "velocity"])
        self._u_product = self.add_variable((), "ones", name="u_product")

    def update_all(self, groups, learning_rate):
        step = ops.cast(self.iterations + 1, self._u_product.dtype)
        self.assign(self._u_product, self._u_product.value * self._warm_beta(step))
        super().update_all(groups, learning_rate)

    def _warm_beta(self, step):
        return self.beta_1 * (1.0 - 0.5 * power_of(0.96, step * self.schedule_decay))

    def update_step(self, gradient, variable, learning_rate):
        step = ops.cast(self.iterations + 1, variable.dtype)
        u, u_next = self._warm_beta(step), self._warm_beta(step + 1)
        product = ops.cast(self._u_product, variable.dtype)
        m, v = adam_moments(self, gradient, variable)
        m_hat = u_next / (1 - product * u_next) * m + (1 - u) / (1 - product) * gradient
        v_hat = v / (1 - power_of(self.beta_2, step))
        self.assign_sub(variable, m_hat * learning_rate / (ops.sqrt(v_hat) + self.epsilon))


class ScheduleFreeAdamW(Optimizer):
    """Defazio et al. (2024): Adam steps on z, and the weights an interpolation of z and its running mean.

    Args:
        warmup_steps: over which the rate rises from 0, 0.

    Example:
        >>> w = kgraph.Variable([1.0, 2.0])
        >>> optimizers.ScheduleFreeAdamW(0.1).apply([np.float32([1, 1])], [w])
        >>> w.numpy()
        array([0.9, 1.9], dtype=float32)
    """

    elementwise = True

    def __init__(self, learning_rate=0.0025, beta_1=0.9, beta_2=0.999, epsilon=1e-8, warmup_steps=0, weight_decay=None,
                 clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99,
                 ema_overwrite_frequency=None, loss_scale_factor=None, gradient_accumulation_steps=None, name=None,
                 **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.beta_1, self.beta_2, self.epsilon, self.warmup_steps = beta_1, beta_2, epsilon, warmup_steps

    def build(self, variables):
        super().build(variables)
        momentums, _ = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        for momentum, variable in zip(momentums, variables):
            momentum.assign(variable.numpy())

    def update_step(self, gradient, variable, learning_rate):
        step = ops.cast(self.iterations + 1, variable.dtype)
        if self.warmup_steps > 0:
            learning_rate = learning_rate * ops.minimum(step / self.warmup_steps, 1.0)
        momentum, velocity = self.slot("momentum", variable), self.slot("velocity", variable)
        z, b = momentum.value, self.beta_1
        v = velocity.value + (ops.square(gradient) - velocity.value) * (1 - self.beta_2)
        new = z - learning_rate * gradient / (ops.sqrt(v / (1 - power_of(self.beta_2, step))) + self.epsilon)
        mean = (variable.value - (1 - b) * z) / b
        mean = (1 - 1.0 / step) * mean + 1.0 / step * new
        self.assign(velocity, v)
        self.assign(momentum, new)
        self.assign(variable, (1 - b) * new + b * mean)

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon,
                "warmup_steps": self.warmup_steps}


def adam_moments(optimizer, gradient, variable):
    """Update the slots momentum and velocity of Adam; their new values."""
    momentum, velocity = optimizer.slot("momentum", variable), optimizer.slot("velocity", variable)
    m = momentum.value + (gradient - momentum.value) * (1 - optimizer.beta_1)
    v = velocity.value + (ops.square(gradient) - velocity.value) * (1 - optimizer.beta_2)
    optimizer.assign(momentum, m)
    optimizer.assign(velocity, v)
    return m, v
