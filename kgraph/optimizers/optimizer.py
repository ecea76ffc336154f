"""The base class of optimizers: everything around the update rule."""
from __future__ import annotations

import inspect
import re
import warnings

import numpy as np

from kgraph import ops
from kgraph.compiler.ir import TensorLike
from kgraph.compiler.trace import current_trace, suspend_recording
from kgraph.config import floatx
from kgraph.legacy.defaults import with_defaults_of_version
from kgraph.legacy.optimizer import Keras2Optimizer
from kgraph.naming import auto_name, check_keywords
from kgraph.optimizers.calls import StatelessApply
from kgraph.optimizers.flat import Run, Seen, flatten_together, homeless, in_float32, runs
from kgraph.optimizers.overwriting import overwritten, updated
from kgraph.optimizers.rows import LARGE, read_rows
from kgraph.optimizers.saving import OPTIONS, Saved
from kgraph.optimizers.schedules import LearningRateSchedule
from kgraph.tables import Table
from kgraph.variable import Variable, zeros

__all__ = ["Optimizer"]


class Optimizer(Keras2Optimizer, StatelessApply, Saved):
    """Changes weights along their gradients. A subclass is its update rule: ``build`` and ``update_step``.

    Raises TypeError for an unknown argument (with the nearest known one), ValueError for one out of its range.

    Args:
        learning_rate: a number, a LearningRateSchedule, or a callable without arguments
        weight_decay: each step first takes this share (times the learning rate) off the weights
        clipnorm: the largest norm of the gradient of one variable
        global_clipnorm: the largest norm of all gradients together
        clipvalue: the largest absolute value of an element of a gradient
        use_ema: keep an exponential moving average of the weights, with momentum ``ema_momentum``; it replaces the
            weights every ``ema_overwrite_frequency`` steps, or at the end of fit when that is None
        loss_scale_factor: the loss is multiplied by it, and gradients divided
        gradient_accumulation_steps: update once in so many steps, with the mean of their gradients
        name: first part of the names of its variables
        lr, decay: Keras 2: learning_rate, and learning_rate / (1 + decay * iterations)
        ema_momentum: how much of the average stays at each step, 0.99.
        ema_overwrite_frequency: steps between the weights' replacement by their average; None: at the end of fit.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__ and cls.__module__.startswith("kgraph.optimizers."):
            cls.__init__ = with_defaults_of_version(cls.__dict__["__init__"])

    elementwise = False    # whether update_step treats every element alike: then many variables are updated as one
    leaves_unread = False  # whether it changes nothing where a gradient is 0: then only rows that were read are updated

    @with_defaults_of_version
    def __init__(self, learning_rate, weight_decay=None, clipnorm=None, clipvalue=None, global_clipnorm=None,
                 use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None, loss_scale_factor=None,
                 gradient_accumulation_steps=None, name=None, **kwargs):
        learning_rate = self._take_old_arguments(kwargs, learning_rate)
        check_keywords(type(self).__name__, kwargs, (*_parameters(type(self)), "learning_rate", *OPTIONS))
        self.name = name or auto_name(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum, self.ema_overwrite_frequency = use_ema, ema_momentum, ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._check_options()
        self.built = False
        self._variables = []
        self._slots = {}        # slot name -> one Variable for each of the trainable variables
        self._trainable_variables = []
        self._indices = {}
        self._gate = None       # while an update may turn out not to happen: a scalar bool
        self._undecayed = set()
        self._undecayed_names = []
        self._iterations = self._track(Variable(0, dtype="int32", trainable=False, name="iteration",
                                                path=f"{self.name}/iteration"))
        self._learning_rate = self._rate_variable(learning_rate)

    # -- arguments

    def _check_options(self):
        clips = [c for c in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, c) is not None]
        if len(clips) > 1:
            raise ValueError(f"{self.name}: expected at most one of clipnorm, clipvalue and global_clipnorm, "
                             f"received {', '.join(clips)}")
        steps = self.gradient_accumulation_steps
        if steps and steps < 2:
            raise ValueError(f"{self.name}: gradient_accumulation_steps: expected 2 or more, received {steps}")
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            raise ValueError(f"{self.name}: ema_momentum: expected a number in [0, 1], received {self.ema_momentum}")
        every = self.ema_overwrite_frequency
        if self.use_ema and every and (not isinstance(every, int) or every < 1):
            raise ValueError(f"{self.name}: ema_overwrite_frequency: expected an int of 1 or more, received {every}")

    def _rate_variable(self, rate):
        if isinstance(rate, (LearningRateSchedule, Variable)):
            return rate
        if callable(rate):
            self._rate_now = Variable(0.0, dtype=floatx(), trainable=False, name="rate_now")
            return rate
        if not isinstance(rate, (int, float, np.number, np.ndarray, TensorLike)):
            raise ValueError(f"{self.name}: learning_rate: expected a number, a LearningRateSchedule or a callable, "
                             f"received {rate!r}")
        return self._track(Variable(float(rate), dtype=floatx(), trainable=False, name="learning_rate",
                                    path=f"{self.name}/learning_rate"))

    # -- state

    @property
    def variables(self) -> list:
        """The optimizer's state: iteration, learning rate, then the slots."""
        return list(self._variables)

    @property
    def trainable_variables(self) -> list:
        """The weights that it was built for."""
        return list(self._trainable_variables)

    @property
    def iterations(self):
        """How many updates there have been."""
        if self.gradient_accumulation_steps:
            return ops.floor_divide(self._iterations, self.gradient_accumulation_steps)
        return self._iterations

    @iterations.setter
    def iterations(self, value):
        self._iterations.assign(value)

    @property
    def learning_rate(self):
        """The rate of the coming step: a Variable, or what the schedule gives."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            rate = rate(self._iterations)
        elif callable(rate):
            rate = rate()
        return rate

    @learning_rate.setter
    def learning_rate(self, value):
        if isinstance(value, LearningRateSchedule) or (callable(value) and not isinstance(value, TensorLike)):
            self._variables = [v for v in self._variables if v is not self._learning_rate]
            self._learning_rate = self._rate_variable(value)
        elif isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(value)
        else:
            raise TypeError(f"{self.name} was made with {self._learning_rate!r} as its learning_rate, so it cannot be "
                            "set; make it with a number if you need to")

    lr = learning_rate

    @property
    def host_rate(self) -> bool:
        """Whether the learning rate is a plain callable, which has to be asked before every step."""
        return callable(self._learning_rate) and not isinstance(self._learning_rate, (LearningRateSchedule, Variable))

    def refresh_rate(self):
        """Ask a learning rate that is a plain callable, for the step that comes."""
        rate = self._learning_rate()
        if not isinstance(rate, TensorLike):
            self._rate_now.assign(np.float32(rate))

    def _current_rate(self):
        rate = self.learning_rate
        if self.host_rate and not isinstance(rate, TensorLike) and current_trace() is not None:
            rate = self._rate_now  # its value now would become a constant of the program
        rate = ops.cast(rate, floatx())
        if self.decay:
            rate = rate / (1.0 + self.decay * ops.cast(self._iterations, floatx()))
        return rate

    def _track(self, variable):
        self._variables.append(variable)
        return variable

    def build(self, variables):
        """Make the slots for these trainable variables. Subclasses add theirs after calling this one."""
        self._trainable_variables = list(variables)
        self._indices = {id(v): i for i, v in enumerate(variables)}
        if self.use_ema:
            self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self.add_optimizer_variables(variables, "gradient_accumulator")
        self.built = True

    def add_variable(self, shape, initializer="zeros", dtype=None, name=None) -> Variable:
        """A Variable of the optimizer's state."""
        return self._add_variable(shape, initializer, dtype, name)

    def _add_variable(self, shape, initializer, dtype, name, like=None):
        """like: the weight whose rows it has, which may lie on several processes."""
        dtype = dtype or floatx()
        if initializer == "zeros":
            value = zeros
        else:
            from kgraph import initializers
            value = initializers.get(initializer)
        name = name or "variable"
        kind = Table if isinstance(like, Table) else Variable
        return self._track(kind(value, shape=tuple(shape), dtype=dtype, trainable=False, name=name,
                                path=f"{self.name}/{name}"))

    def add_variable_from_reference(self, reference_variable, name=None, initializer="zeros") -> Variable:
        """A Variable shaped and named after another one: ``adam/dense_kernel_momentum``. None for one that gradients
        overwrite, unless it gathers them."""
        if reference_variable.overwrite_with_gradient and name != "gradient_accumulator":
            return None
        name = f"{reference_variable.path.replace('/', '_')}_{name or 'var'}"
        return self._add_variable(reference_variable.shape, initializer, reference_variable.dtype, name,
                                  reference_variable)

    def add_optimizer_variables(self, trainable_variables, name, initializer="zeros"):
        """A slot: one Variable for each trainable one. With a list of names, one slot each, and a tuple of lists.

        Returns:
            A list of Variables, or several.
        """
        names = [name] if isinstance(name, str) else list(name)
        initializers = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        for slot in names:
            self._slots[slot] = []
        for variable in trainable_variables:
            for slot, start in zip(names, initializers, strict=True):
                self._slots[slot].append(self.add_variable_from_reference(variable, slot, start))
        return self._slots[name] if isinstance(name, str) else tuple(self._slots[n] for n in names)

    def slot(self, name, variable):
        """The slot of that name that belongs to a variable, or to a Run of them.

        Returns:
            A Variable.
        """
        slots = self._slots[name]
        if isinstance(variable, Seen):
            return variable.alike(self.slot(name, variable.stored))
        if isinstance(variable, Run):
            return Run([slots[self._index(v)] for v in variable.variables])
        return slots[self._index(variable)]

    def _index(self, variable):
        if isinstance(variable, Seen):
            return self._index(variable.stored)
        if id(variable) not in self._indices:
            raise ValueError(f"{self.name} does not know the variable {variable.path}: it was built for "
                             f"{len(self._indices)} other variables. Make a new optimizer for a new set of them.")
        return self._indices[id(variable)]

    _get_variable_index = _index

    def _ensure_built(self, variables):
        """build(), unless it is done. Nothing of it is recorded, so what it assigns is assigned once."""
        if not self.built:
            with suspend_recording():
                self.build(list(variables))
                self._flatten_slots()

    def flatten(self, variables=None):
        """Lay weights side by side in one buffer, and each slot too, so that one kernel updates them all.

        For elementwise rules only; weights with a constraint stay by themselves. Call it before anything is traced.
        """
        self._ensure_built(variables)
        if not self.elementwise:
            return
        flatten_together(self._laid_together(), f"{self.name}/variables")
        self._flatten_slots()

    def _laid_together(self) -> list:
        alone = lambda v: self.leaves_unread and v.read_by_rows and v.size >= LARGE
        return [v for v in updated(self._trainable_variables) if v.constraint is None and not alone(v)]

    def _flatten_slots(self):
        """Slots of weights that lie side by side, in a home that another optimizer may have given them, do so too."""
        for group in runs(self._laid_together()) if self.elementwise else ():
            for name in self._slots if len(group) > 1 else ():
                flatten_together([self._slots[name][self._index(v)] for v in group], f"{self.name}/{name}")

    # -- the step

    def update_step(self, gradient, variable, learning_rate):
        """The rule: assign a new value to ``variable``, and to its slots, with self.assign / assign_add / assign_sub.

        gradient and variable have one shape, whatever it is.
        """
        raise NotImplementedError(f"{type(self).__name__} must define update_step(gradient, variable, learning_rate)")

    def assign(self, variable, value):
        """Write into a variable, where the step is not left out.

        Args:
            value: the new values; of assign_add what is added, of assign_sub what is taken off
        """
        if self._gate is not None:
            value = ops.where(self._gate, value, variable.value)
        variable.assign(value)

    def assign_add(self, variable, value):
        """Add to a variable; see assign."""
        self.assign(variable, variable.value + value)

    def assign_sub(self, variable, value):
        """Take off a variable; see assign."""
        self.assign(variable, variable.value - value)

    def apply_gradients(self, grads_and_vars):
        """`apply` with (gradient, variable) pairs.

        Returns:
            The number of steps done.
        """
        grads, variables = zip(*grads_and_vars)
        self.apply(grads, variables)
        return self._iterations

    def apply(self, grads, trainable_variables=None):
        """One step: change the variables along their gradients (None: that variable stays, with a warning).

        Raises:
            ValueError: no variables, or another number of gradients.
        """
        grads = list(grads)
        if trainable_variables is None and len(grads) != len(self._trainable_variables):
            raise ValueError(f"{self.name}: expected {len(self._trainable_variables)} gradients, one for each variable "
                             f"it was built with, received {len(grads)}")
        variables = list(self._trainable_variables if trainable_variables is None else trainable_variables)
        self._ensure_built(variables)
        if current_trace() is not None and self.elementwise and homeless(self._laid_together()):
            current_trace().ask_again(self.flatten)  # the weights have been read where they lie now
        for variable in variables:
            self._index(variable)
        grads, variables = overwritten(self, *self._with_gradient(grads, variables))
        groups = self._groups(variables, grads)
        self._update(groups)
        if self.use_ema:
            self._update_average()
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.value))
        self._iterations.assign_add(1)

    def _with_gradient(self, grads, variables):
        missing = [v.path for g, v in zip(grads, variables) if g is None]
        if len(missing) == len(variables):
            raise ValueError(f"{self.name}: no variable has a gradient: does the loss depend on the model's output?")
        if missing:
            warnings.warn(f"no gradient for {', '.join(missing)}: the loss does not depend on them, or no loss was "
                          "given to compile()", stacklevel=4)
        kept = [(g, v) for g, v in zip(grads, variables) if g is not None]
        return [g for g, _ in kept], [v for _, v in kept]

    def _groups(self, variables, grads=None) -> list:
        """(parameter, gradient) pairs, a parameter being a Variable or a Run of them."""
        grads = grads or [None] * len(variables)
        if self.loss_scale_factor:
            grads = [g if g is None else g / self.loss_scale_factor for g in grads]
        if not self.elementwise:
            return list(zip(variables, grads))
        if self.clipnorm and not self.gradient_accumulation_steps:
            grads = [g if g is None else _clip_norm(g, self.clipnorm) for g in grads]
        by_variable = {id(v): g for v, g in zip(variables, grads)}
        slots = [[self._slots[name][self._index(v)] for v in variables] for name in self._slots]
        pairs = []
        for group in runs(variables, slots):
            run = Run(group) if len(group) > 1 else group[0]
            own = [by_variable[id(v)] for v in group]
            pairs.append((run, own[0] if len(group) == 1 or own[0] is None else run.gather(own)))
        return pairs

    def _update(self, groups):
        steps = self.gradient_accumulation_steps
        if steps:
            self._gate = ops.equal((self._iterations + 1) % steps, 0)
            groups = [(v, self._accumulate(v, g, steps)) for v, g in groups]
        try:
            groups = self._clip(groups)
            rate = self._current_rate()
            for variable, _ in groups:
                self._decay_weights(variable, rate)
            self.update_all(groups, rate)
        finally:
            self._gate = None

    def update_all(self, groups, learning_rate):
        """`update_step` for every (parameter, gradient) pair. Subclasses add what happens once a step."""
        for variable, gradient in groups:
            if self.leaves_unread and self._decay_of(variable) is None and self._gate is None:
                variable, gradient = read_rows(variable, gradient)
            variable = in_float32(variable)
            self.update_step(ops.cast(gradient, variable.dtype), variable, ops.cast(learning_rate, variable.dtype))

    def _accumulate(self, variable, gradient, steps):
        """Add to the accumulator, emptied when its mean is used now; that mean."""
        slot = self.slot("gradient_accumulator", variable)
        total = slot.value + gradient
        slot.assign(ops.where(self._gate, ops.zeros_like(total), total))
        return total / steps

    def _clip(self, groups):
        if self.clipnorm and (self.gradient_accumulation_steps or not self.elementwise):
            return [(v, self._clip_norms(v, g)) for v, g in groups]
        if self.global_clipnorm:
            norm = ops.sqrt(sum(ops.sum(ops.square(g)) for _, g in groups))
            # norm - norm makes every gradient NaN when the norm is not finite
            scale = self.global_clipnorm * ops.minimum(1.0 / norm, 1.0 / self.global_clipnorm) + (norm - norm)
            return [(v, g * scale) for v, g in groups]
        if self.clipvalue:
            return [(v, ops.clip(g, -self.clipvalue, self.clipvalue)) for v, g in groups]
        return groups

    def _clipped(self, gradients) -> list:
        """Gradients of single variables, clipped."""
        if self.clipnorm:
            return [_clip_norm(g, self.clipnorm) for g in gradients]
        return [g for _, g in self._clip([(None, g) for g in gradients])]

    def _clip_norms(self, variable, gradient):
        """clipnorm of one variable, or of each variable of a run."""
        if not isinstance(variable, Run):
            return _clip_norm(gradient, self.clipnorm)
        parts, start = [], 0
        for v in variable.variables:
            parts.append(_clip_norm(gradient[start:start + v.size], self.clipnorm))
            start += v.size
        return variable.gather(parts)

    # -- weight decay and averages

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """No weight decay for these variables, and for those whose name contains a match of one of ``var_names``."""
        self._undecayed = {id(v) for v in var_list or ()}
        self._undecayed_names = list(var_names or ())

    def _decays(self, variable):
        named = any(re.search(pattern, variable.name) for pattern in self._undecayed_names)
        return id(variable) not in self._undecayed and not named

    def _decay_weights(self, variable, rate):
        share = self._decay_of(variable)
        if share is not None:
            value = variable.value
            self.assign(variable, value - value * share * ops.cast(rate, variable.dtype))

    def _decay_of(self, variable):
        """The weight decay of a parameter: None, a number, or a vector with zeros for what is excluded."""
        if self.weight_decay is None:
            return None
        if not isinstance(variable, Run):
            return self.weight_decay if self._decays(variable) else None
        decays = [self._decays(v) for v in variable.variables]
        if all(decays) or not any(decays):
            return self.weight_decay if decays[0] else None
        shares = [np.full(v.size, self.weight_decay * d, variable.dtype) for v, d in zip(variable.variables, decays)]
        return np.concatenate(shares)

    def _update_average(self):
        first = ops.equal(self.iterations, 0)
        every = self.ema_overwrite_frequency
        for variable, _ in self._groups(updated(self._trainable_variables)):
            slot = self.slot("average", variable)
            momentum = ops.where(first, ops.cast(0.0, variable.dtype), ops.cast(self.ema_momentum, variable.dtype))
            average = momentum * slot.value + (1.0 - momentum) * variable.value
            slot.assign(average)
            if every:
                due = ops.equal((self.iterations + 1) % every, 0)
                variable.assign(ops.where(due, average, variable.value))

    def finalize_variable_values(self, var_list):
        """With use_ema: put the averages in the place of the weights."""
        if self.use_ema:
            for variable in updated(var_list):
                variable.assign(self.slot("average", variable).value)

    def scale_loss(self, loss):
        """The loss times loss_scale_factor.

        Returns:
            A scalar.
        """
        return loss * self.loss_scale_factor if self.loss_scale_factor else loss


def _clip_norm(gradient, limit):
    norm = ops.sqrt(ops.sum(ops.square(gradient)))
    return gradient * limit / ops.maximum(norm, limit)


def _parameters(cls):
    """Names of the constructor's arguments of a class and its bases."""
    return [n for c in cls.__mro__ if "__init__" in c.__dict__ and c is not object
            for n in list(inspect.signature(c.__init__).parameters)[1:]]
