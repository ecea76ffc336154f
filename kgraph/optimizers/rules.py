"""The elementwise update rules. Each is written on arrays of any shape: one weight, or all of a model's in one vector.

g gradient, w weight, r learning rate, t the number of this step (from 1).
"""
from __future__ import annotations

from kgraph import ops
from kgraph.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    """w -= r g; with momentum (Polyak 1964) m = momentum m - r g, w += m; nesterov (Sutskever et al. 2013) looks ahead:
    w += momentum m - r g.
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
        self.epsilon = _epsilon(epsilon)
        self.centered = centered

    def build(self, variables):
        super().build(variables)
        self.add_optimizer_variables(variables, "velocity")
        if self.momentum > 0:
            self.add_optimizer_variables(variables, "momentum")
        if self.centered:
            self.add_optimizer_variables(variables, "average_gradient")

    def update_step(self, gradient, variable, learning_rate):
        velocity = self.slot("velocity", variable)
        v = self.rho * velocity.value + (1 - self.rho) * ops.square(gradient)
        self.assign(velocity, v)
        if self.centered:
            average = self.slot("average_gradient", variable)
            mean = self.rho * average.value + (1 - self.rho) * gradient
            self.assign(average, mean)
            v = v - ops.square(mean)
        step = learning_rate * gradient / ops.sqrt(v + self.epsilon)
        if self.momentum > 0:
            slot = self.slot("momentum", variable)
            step = self.momentum * slot.value + step
            self.assign(slot, step)
        self.assign_sub(variable, step)

    def get_config(self):
        return {**super().get_config(), "rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon,
                "centered": self.centered}


class Adam(Optimizer):
    """Kingma and Ba (2014): m += (1 - b1)(g - m), v += (1 - b2)(g^2 - v), w -= a m / (sqrt(v) + epsilon), with
    a = r sqrt(1 - b2^t) / (1 - b1^t). amsgrad (Reddi et al. 2018): the largest v so far.
    """

    elementwise = True

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, weight_decay=None,
                 clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99,
                 ema_overwrite_frequency=None, loss_scale_factor=None, gradient_accumulation_steps=None, name=None,
                 **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.epsilon = _epsilon(epsilon)
        self.amsgrad = amsgrad

    def build(self, variables):
        super().build(variables)
        self.add_optimizer_variables(variables, ["momentum", "velocity"])
        if self.amsgrad:
            self.add_optimizer_variables(variables, "velocity_hat")

    def update_step(self, gradient, variable, learning_rate):
        step = ops.cast(self.iterations + 1, variable.dtype)
        rate = learning_rate * ops.sqrt(1 - _power(self.beta_2, step)) / (1 - _power(self.beta_1, step))
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
    """Adam with decoupled weight decay (Loshchilov and Hutter 2017)."""

    def __init__(self, learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False,
                 clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99,
                 ema_overwrite_frequency=None, loss_scale_factor=None, gradient_accumulation_steps=None, name=None,
                 **kwargs):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, clipnorm, clipvalue,
                         global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
                         gradient_accumulation_steps, name, **kwargs)
        if weight_decay is None:
            raise ValueError("AdamW: weight_decay: expected a number, received None")


class Adamax(Optimizer):
    """Kingma and Ba (2014), with the infinity norm: u = max(b2 u, |g|), w -= r m / ((1 - b1^t)(u + epsilon))."""

    elementwise = True

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, weight_decay=None, clipnorm=None,
                 clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.epsilon = _epsilon(epsilon)

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
        self.assign_sub(variable, learning_rate / (1 - _power(self.beta_1, step)) * m / (u + self.epsilon))

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}


class Nadam(Optimizer):
    """Dozat (2016): Adam with Nesterov momentum, whose b1 warms up as b1 (1 - 0.5 * 0.96^t)."""

    elementwise = True

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, weight_decay=None, clipnorm=None,
                 clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.epsilon = _epsilon(epsilon)

    def build(self, variables):
        super().build(variables)
        self.add_optimizer_variables(variables, ["momentum", "velocity"])
        self._u_product = self.add_variable((), "ones", name="u_product")

    def update_all(self, groups, learning_rate):
        step = ops.cast(self.iterations + 1, self._u_product.dtype)
        self.assign(self._u_product, self._u_product.value * self._warm_beta(step))
        super().update_all(groups, learning_rate)

    def _warm_beta(self, step):
        return self.beta_1 * (1.0 - 0.5 * _power(0.96, step))

    def update_step(self, gradient, variable, learning_rate):
        step = ops.cast(self.iterations + 1, variable.dtype)
        u, u_next = self._warm_beta(step), self._warm_beta(step + 1)
        product = ops.cast(self._u_product, variable.dtype)
        m, v = adam_moments(self, gradient, variable)
        m_hat = u_next / (1 - product * u_next) * m + (1 - u) / (1 - product) * gradient
        v_hat = v / (1 - _power(self.beta_2, step))
        self.assign_sub(variable, m_hat * learning_rate / (ops.sqrt(v_hat) + self.epsilon))

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}


class Adagrad(Optimizer):
    """Duchi et al. (2011): a += g^2, w -= r g / sqrt(a + epsilon)."""

    elementwise = True

    def __init__(self, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7, weight_decay=None,
                 clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99,
                 ema_overwrite_frequency=None, loss_scale_factor=None, gradient_accumulation_steps=None, name=None,
                 **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = _epsilon(epsilon)

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
    """Zeiler (2012): steps are scaled by the ratio of the running sizes of past steps and gradients."""

    elementwise = True

    def __init__(self, learning_rate=0.001, rho=0.95, epsilon=1e-7, weight_decay=None, clipnorm=None, clipvalue=None,
                 global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.rho = rho
        self.epsilon = _epsilon(epsilon)

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
    """McMahan et al. (2013): follow the regularized leader, with L1, L2 and shrinkage strengths."""

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
    """Chen et al. (2023): w -= r sign(b1 m + (1 - b1) g), m = b2 m + (1 - b2) g."""

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


class ScheduleFreeAdamW(Optimizer):
    """Defazio et al. (2024): Adam steps on z, and the weights an interpolation of z and its running mean."""

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
        new = z - learning_rate * gradient / (ops.sqrt(v / (1 - _power(self.beta_2, step))) + self.epsilon)
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


def _power(base, step):
    return ops.power(ops.cast(base, step.dtype), step)


def _epsilon(value):
    return 1e-7 if value is None else value  # Keras 2 wrote None for its default


def _constant(value):
    from kgraph import initializers
    return initializers.Constant(value)
