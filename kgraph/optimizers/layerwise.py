"""Update rules that look at a whole weight at once: its norm, its rows and columns, its singular values."""
from __future__ import annotations

import re

from kgraph import ops
from kgraph.optimizers.adaptive import TwoMoments, adam_moments
from kgraph.optimizers.optimizer import Optimizer
from kgraph.optimizers.rules import default_epsilon, power_of


class Lamb(TwoMoments):
    """You et al. (2019): Adam's step scaled by the ratio of the norms of weight and step.

    Example:
        >>> w = kgraph.Variable([1.0, 2.0])
        >>> optimizers.Lamb(0.1).apply([np.float32([1, 1])], [w])
        >>> w.numpy()
        array([0.8419, 1.8419], dtype=float32)
    """

    def build(self, variables):
        super().build(variables)
        self.add_optimizer_variables(variables, ["momentum", "velocity"])

    def update_step(self, gradient, variable, learning_rate):
        step = ops.cast(self.iterations + 1, variable.dtype)
        m, v = adam_moments(self, gradient, variable)
        m_hat, v_hat = m / (1 - power_of(self.beta_1, step)), v / (1 - power_of(self.beta_2, step))
        update = m_hat / (ops.sqrt(v_hat) + self.epsilon)
        norm = lambda x: ops.sqrt(ops.sum(ops.square(x)))
        w, u = norm(variable.value), norm(update)
        ratio = ops.where(ops.logical_and(w > 0, u > 0), w / u, ops.ones_like(w))
        self.assign_sub(variable, ratio * learning_rate * update)


class Adafactor(Optimizer):
    """Shazeer and Stern (2018): the second moment of a matrix kept as its row and column means.

    Args:
        beta_2_decay: how fast the means of squares become longer, -0.8.
        epsilon_1, epsilon_2: the least mean square (1e-30), and the least size of a weight (1e-3).
        clip_threshold: the largest root mean square of a step, 1.
        relative_step: lower the rate with the number of the step. True by default.

    Example:
        >>> w = kgraph.Variable([1.0, 2.0])
        >>> optimizers.Adafactor(0.1).apply([np.float32([1, 1])], [w])
        >>> w.numpy()
        array([0.8419, 1.8419], dtype=float32)
    """

    def __init__(self, learning_rate=0.001, beta_2_decay=-0.8, epsilon_1=1e-30, epsilon_2=1e-3, clip_threshold=1.0,
                 relative_step=True, weight_decay=None, clipnorm=None, clipvalue=None, global_clipnorm=None,
                 use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None, loss_scale_factor=None,
                 gradient_accumulation_steps=None, name=None, **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1, self.epsilon_2 = epsilon_1, epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def build(self, variables):
        super().build(variables)
        self._slots.update(row=[], column=[], velocity=[])
        for v in variables:
            rows, columns = (v.shape[:-1], v.shape[:-2] + v.shape[-1:]) if len(v.shape) >= 2 else ((), ())
            self._slots["row"].append(self.add_variable(rows, dtype=v.dtype, name=v.name))
            self._slots["column"].append(self.add_variable(columns, dtype=v.dtype, name=v.name))
            self._slots["velocity"].append(self.add_variable_from_reference(v, "velocity"))

    def update_step(self, gradient, variable, learning_rate):
        step = ops.cast(self.iterations + 1, variable.dtype)
        rms = lambda x: ops.sqrt(ops.mean(ops.square(x)))
        rate = ops.minimum(learning_rate, 1.0 / ops.sqrt(step))
        scale = ops.maximum(rms(variable.value), self.epsilon_2) * rate
        squared = ops.square(gradient) + self.epsilon_1
        beta = 1.0 - ops.power(step, self.beta_2_decay)
        running = lambda slot, new: self._running(slot, beta, new)
        if len(variable.shape) >= 2:
            row = running(self.slot("row", variable), ops.mean(squared, axis=-1))
            column = running(self.slot("column", variable), ops.mean(squared, axis=-2))
            share = row / ops.mean(row, axis=-1, keepdims=True)
            v = ops.expand_dims(share, -1) * ops.expand_dims(column, -2)
            self.assign(self.slot("velocity", variable), v)
        else:
            v = running(self.slot("velocity", variable), squared)
        update = gradient / ops.sqrt(v)
        update = update / ops.maximum(rms(update) / self.clip_threshold, 1.0)
        self.assign_sub(variable, scale * update)

    def _running(self, slot, beta, new):
        value = beta * slot.value + (1.0 - beta) * new
        self.assign(slot, value)
        return value

    def get_config(self):
        names = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class Muon(Optimizer):
    """Jordan et al. (2024): the momentum of a matrix, made orthogonal by Newton-Schulz steps; Adam for other weights.

    Weights of another rank than 2, embeddings (exclude_embeddings) and those whose path matches one of the patterns
    in exclude_layers are updated by Adam at rate learning_rate * adam_lr_ratio.

    Args:
        adam_beta_1, adam_beta_2, adam_weight_decay, adam_lr_ratio: of Adam, for weights that are no matrices.
        exclude_layers: patterns of paths whose weights Adam updates.
        exclude_embeddings: whether Adam updates embeddings. True by default.
        muon_a, muon_b, muon_c: the coefficients of the Newton-Schulz steps.
        ns_steps: how many, 6.
        rms_rate: the size of an update as Adam has it, 0.2.

    Example:
        >>> w = kgraph.Variable(np.eye(2, dtype="float32"))
        >>> optimizers.Muon(0.1).apply([np.eye(2, dtype="float32")], [w])
        >>> w.shape
        (2, 2)
    """

    def __init__(self, learning_rate=0.001, adam_beta_1=0.9, adam_beta_2=0.999, adam_weight_decay=0.004, epsilon=1e-7,
                 weight_decay=0.004, clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False,
                 ema_momentum=0.99, ema_overwrite_frequency=None, loss_scale_factor=None,
                 gradient_accumulation_steps=None, name=None, exclude_layers=None, exclude_embeddings=True,
                 muon_a=3.4445, muon_b=-4.7750, muon_c=2.0315, adam_lr_ratio=1, momentum=0.95, ns_steps=5,
                 nesterov=True, rms_rate=0.2, **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.adam_beta_1, self.adam_beta_2 = adam_beta_1, adam_beta_2
        self.beta_1, self.beta_2 = adam_beta_1, adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = default_epsilon(epsilon)
        self.exclude_layers = exclude_layers or []
        self.exclude_embeddings = exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def build(self, variables):
        super().build(variables)
        self._slots.update(momentum=[], velocity=[])
        for v in variables:
            self._slots["momentum"].append(self.add_variable_from_reference(v, "momentum"))
            velocity = self.add_variable_from_reference(v, "velocity") if self._by_adam(v) else None
            self._slots["velocity"].append(velocity)

    def _by_adam(self, variable):
        excluded = any(re.search(pattern, variable.path) for pattern in self.exclude_layers)
        embedding = self.exclude_embeddings and "embedding" in variable.path.lower()
        return len(variable.shape) != 2 or embedding or excluded

    def update_step(self, gradient, variable, learning_rate):
        if self._by_adam(variable):
            step = ops.cast(self.iterations + 1, variable.dtype)
            rate = learning_rate * self.adam_lr_ratio
            rate = rate * ops.sqrt(1 - power_of(self.beta_2, step)) / (1 - power_of(self.beta_1, step))
            m, v = adam_moments(self, gradient, variable)
            self.assign_sub(variable, m * rate / (ops.sqrt(v) + self.epsilon))
            return
        slot = self.slot("momentum", variable)
        m = slot.value * self.momentum + gradient
        self.assign(slot, m)
        ahead = m * self.momentum + gradient if self.nesterov else m
        self.assign_sub(variable, learning_rate * self._scale(self._orthogonal(ahead)))

    def _scale(self, x):
        return x if self.rms_rate is None else x * (max(x.shape) ** 0.5 * self.rms_rate)

    def _orthogonal(self, x):
        """About the orthogonal factor of x, by ns_steps of the quintic Newton-Schulz iteration."""
        tall = x.shape[0] > x.shape[1]
        x = ops.transpose(x) if tall else x
        x = x / (ops.sqrt(ops.sum(ops.square(x))) + 1e-7)
        for _ in range(self.ns_steps):
            square = ops.matmul(x, ops.transpose(x))
            x = self.muon_a * x + ops.matmul(self.muon_b * square + self.muon_c * ops.matmul(square, square), x)
        return ops.transpose(x) if tall else x

    def _decay_of(self, variable):
        if not self._decays(variable):
            return None
        return self.adam_weight_decay if self._by_adam(variable) else self.weight_decay

    def get_config(self):
        names = ("adam_beta_1", "adam_beta_2", "adam_weight_decay", "epsilon", "exclude_layers", "exclude_embeddings",
                 "muon_a", "muon_b", "muon_c", "adam_lr_ratio", "momentum", "ns_steps", "nesterov", "rms_rate")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
