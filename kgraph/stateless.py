"""`StatelessScope`: variables with other values for a while, and functions of state made of methods that change it."""
from __future__ import annotations

from kgraph import variable as variables_module
from kgraph.compiler.trace import Tensor, current_trace, open_tapes
from kgraph.ops.core import as_tensor
from kgraph.variable import Variable, cast_value

__all__ = ["StatelessScope", "check_values", "values_of"]


class StatelessScope:
    """Inside, variables have the values of a mapping, and what is assigned is forgotten at the end.

        >>> v = kgraph.Variable(1.0)
        >>> with kgraph.StatelessScope([(v, 5.0)]) as scope:
        ...     _ = v.assign_add(1.0)
        >>> float(scope.get_current_value(v)), float(v)
        (6.0, 1.0)

    Gradients of a tape go to the values that were given. Raises ValueError for what is no Variable, and for another
    shape; then nothing is changed.

    Args:
        state_mapping: pairs (Variable, value): tensors or arrays of the variable's shape
        initialize_variables: accepted: variables have their values from the beginning
        collect_losses: keep what add_loss adds inside in ``losses``. False by default.
    """

    def __init__(self, state_mapping=None, collect_losses=False, initialize_variables=True):
        self.collect_losses, self.losses = bool(collect_losses), []
        self._given = [(v, _value_for(v, x)) for v, x in state_mapping or ()]
        self.state_mapping, self.initialize_variables = {id(v): x for v, x in self._given}, initialize_variables
        self._before = {}   # Variable -> its value outside
        self._after = {}

    def __enter__(self):
        variables_module.scopes.open = (*variables_module.scopes.open, self)
        for v, value in self._given:
            self.remember(v)
            _put(v, value)
        return self

    def __exit__(self, *exc):
        variables_module.scopes.open = tuple(s for s in variables_module.scopes.open if s is not self)
        self._after = {v: v.value for v in self._before}
        for v, value in reversed(self._before.items()):
            _put(v, value)

    def remember(self, v):
        """Told by a Variable that it is about to change.

        Args:
            v: a Variable.
        """
        if v not in self._before:
            self._before[v] = v.value

    def get_current_value(self, v):
        """The value of a Variable inside, also after the end; None when the scope does not know it.

        Args:
            v: a Variable.

        Returns:
            A tensor, or None.
        """
        return self._after[v] if v in self._after else v.value if v in self._before else None

    def add_loss(self, loss):
        """Add to ``losses``.

        Args:
            loss: a scalar tensor.
        """
        self.losses.append(loss)

    def note_losses(self, losses):
        """Told by a layer what add_loss adds.

        Args:
            losses: scalars, or functions that give them.
        """
        if self.collect_losses:
            self.losses += losses

    def add_update(self, update):
        """Assign: a pair (Variable, value), for the time of the scope.

        Args:
            update: a pair (Variable, value).
        """
        v, value = update
        v.assign(value)


def values_of(variables) -> list:
    """Their values as tensors."""
    return [v.value for v in variables]


def check_values(where, name, values, variables) -> list:
    """(variable, value) pairs. Raises ValueError unless there is one value for each variable."""
    values = list(values)
    if len(values) != len(variables):
        raise ValueError(f"{where}: {name}: expected {len(variables)} values, one for each of {name} of the object, "
                         f"received {len(values)}")
    return list(zip(variables, values))


def _value_for(v, x):
    if not isinstance(v, Variable):
        raise ValueError(f"StatelessScope: expected pairs (Variable, value), received {v!r}")
    value = cast_value(as_tensor(x), v.dtype)
    if tuple(value.shape) != v.shape:
        raise ValueError(f"variable {v.path}: expected a value of shape {v.shape}, received {tuple(value.shape)}")
    return value


def _put(v, value):
    """Let reading the variable give this very tensor, so that gradients reach it."""
    trace = current_trace()
    if trace is not None:
        trace.assign(v, trace.lift(value))
        return
    Variable.assign(v, value)
    for tape in open_tapes():
        tape.note(v, value if isinstance(value, Tensor) else None)
