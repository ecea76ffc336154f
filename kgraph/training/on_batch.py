"""train_on_batch and test_on_batch; their short way, on which arrays like those before go right to the program."""
from __future__ import annotations

import numpy as np

from kgraph import variable
from kgraph.metrics import Metric
from kgraph.metrics.running_total import RunningTotal
from kgraph.training import processes
from kgraph.training.compiled_step import leaves_of
from kgraph.training.data import as_data, parts_of
from kgraph.training.steps import Steps
from kgraph.training.weights import ClassWeights
from kgraph.variable import is_followed

__all__ = ["ShortWay", "alike", "on_batch", "order_of", "values_of"]


def alike(array, tail, dtype) -> bool:
    """Whether a program takes an array as it lies, which is of rows of that shape."""
    return (type(array) is np.ndarray and array.ndim > 0 and array.shape[1:] == tail and array.dtype == dtype
            and array.flags.c_contiguous)


class ShortWay:
    """What one mode of a model's on_batch methods did in full, to be done again: valid while the model's programs are
    what they were, whose metrics are those of the layers as they were traced."""

    def __init__(self, model, mode, program, arrays, order):
        self.model, self.mode, self.owner = model, mode, model._programs_of(mode)
        self.step, self.order = program.step, order
        self.x, self.y = [(a.shape[1:], a.dtype) for a in arrays]
        plain = [m for m in self.owner.metrics if type(m).reset_state is Metric.reset_state]
        self.totals = [x for m in plain for v in m.variables for x in _parts(v)]
        self.resets = [m.reset_state for m in self.owner.metrics if m not in plain]

    def takes(self, x, y) -> bool:
        """Whether these arrays may go this way now."""
        model = self.model
        return (alike(x, *self.x) and alike(y, *self.y) and len(x) == len(y)
                and model._programs.get(self.mode) is self.owner and model.fit_run is None
                and processes.together.world is None and not model.run_eagerly and not is_followed())

    def run(self, arrays, reset) -> dict:
        """The logs of one step."""
        if reset:
            for total in self.totals:
                total.buffer.fill(0)
            variable.wrote(self.totals)
            for function in self.resets:
                function()
        return self.step(arrays)


def _parts(variable) -> list:
    return [variable, *(_parts(variable.lost) if isinstance(variable, RunningTotal) else ())]


def on_batch(model, mode, x, y, sample_weight, class_weight, return_dict, reset_metrics):
    """See Trainer.train_on_batch and test_on_batch."""
    short = model._short_ways.get(mode)
    if short is not None and sample_weight is None and class_weight is None and short.takes(x, y):
        logs = short.run([x, y], reset_metrics)
        return logs if return_dict else values_of(logs, short.order)
    if reset_metrics:
        for metric in model._programs_of(mode).metrics:
            metric.reset_state()
    data = as_data(model._host_inputs(x), y, sample_weight)
    if class_weight is not None:
        x, y, w = parts_of(data)
        data = x, y, ClassWeights(class_weight, model._class_counts)(y, w)
    steps = Steps(model, mode)
    logs = steps.batch(processes.own_part(data))
    order = model._remember(("order", *logs), lambda: order_of(model, logs))
    leaves = leaves_of(data)
    short = processes.together.world is None and not (steps.eager or steps.asks_rate)
    if short and len(leaves) == 2 and leaves[0] is x and leaves[1] is y:
        model._short_ways[mode] = ShortWay(model, mode, steps.programs.batch(data, leaves), leaves, order)
    return logs if return_dict else values_of(logs, order)


def order_of(model, names) -> list:
    """Names in the order of evaluate's list: loss, metrics without an output's prefix, then the rest by name."""
    first = ["loss"] if model._loss_tracker is not None else []
    if model._compile_metrics is not None:
        first += [m.name for m in model._compile_metrics.metrics]
    if model._compile_loss is not None:
        first += [m.name for m in model._compile_loss.metrics]
    first = [n for n in dict.fromkeys([*first, *(m.name for m in model._own_metrics())]) if n in names]
    return [*first, *sorted(n for n in names if n not in first)]


def values_of(logs, order):
    """What evaluate() and its kin return for logs: a number, or a list of several."""
    values = [logs[name] for name in order]
    return values[0] if len(values) == 1 else values
