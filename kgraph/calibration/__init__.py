"""Models in int8 throughout, by calibration: `kgraph.quantize`.

Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference", 2018:
a tensor is rounded by one scale that samples have shown, a kernel by one for each filter.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kgraph import ops, tree
from kgraph.calibration.layers import MOST, IntegerProduct, Restored, Rounded, RoundingTrial, Trial
from kgraph.calibration.units import IDLE, in_parts, rebuilt, units_of
from kgraph.models import Model

__all__ = ["Costs", "LayerCost", "quantize"]


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs in int8, alone.

    name      of the layer
    limit     the largest magnitude of its inputs
    error     how far the model's outputs go off: the norm of the differences by the norm of the outputs
    changed   share of the samples whose largest output is another; None where outputs are no classes
    integers  whether it is done in int8
    """

    name: str
    limit: float
    error: float
    changed: float | None
    integers: bool


@dataclass(frozen=True)
class Costs:
    """A LayerCost for each layer that can be done in int8, and what all that are chosen cost together."""

    layers: tuple
    error: float
    changed: float | None

    def __str__(self):
        share = lambda x: "-" if x is None else f"{x:.2%}"
        lines = [f"{'layer':<32} {'inputs up to':>12} {'error':>8} {'changed':>8}  in int8"]
        lines += [f"{la.name:<32} {la.limit:>12.4g} {share(la.error):>8} {share(la.changed):>8}  "
                  f"{'yes' if la.integers else 'no'}" for la in self.layers]
        return "\n".join([*lines, f"{'together':<32} {'':>12} {share(self.error):>8} {share(self.changed):>8}"])


def quantize(model, calibration_data, max_loss=None, batch_size=32):
    """A copy of a functional or Sequential model for prediction whose Dense and convolution layers work in int8, with
    what is between them where it only moves or chooses numbers. Batch normalization becomes part of the kernels. What
    such a layer and others read, as the additions of residual networks do, all of them read in int8.

    Its ``costs`` say what each layer costs in accuracy on the calibration data; printed, they are a table. Layers of
    other classes, of other dtypes, called more than once or channels_first stay as they are. A SeparableConv becomes
    two layers.

    Args:
        model: a Model that is built and trained
        calibration_data: inputs as predict() takes them, a few hundred samples of what the model will see
        max_loss: the most that may be lost: share of the samples with another class, where the model has one output of
            classes, [batch, classes]; else the relative error. The layers that cost most stay in float32 until it
            fits. None: all are done in int8
        batch_size: of the calibration

    Returns:
        A Model. It can be saved and loaded.

    Raises:
        ValueError: for what is no such model, one without such layers, no samples, samples with NaN or infinity, or
            max_loss below 0.

    Example:
        >>> model = kgraph.Sequential([kgraph.Input((4,)), kgraph.layers.Dense(3, "softmax")])
        >>> small = kgraph.quantize(model, np.random.rand(20, 4), max_loss=0.1)
        >>> small.predict(np.random.rand(2, 4), verbose=0).shape
        (2, 3)
    """
    if not isinstance(model, Model) or not model.built or not model.is_functional:
        raise ValueError(f"quantize: expected a functional or Sequential model that is built, received {model!r}")
    if max_loss is not None and not max_loss >= 0:
        raise ValueError(f"quantize: expected max_loss of at least 0, received {max_loss!r}")
    model = in_parts(model)
    units = units_of(model)
    if not units:
        raise ValueError(f"quantize: expected a model with Dense or convolution layers in float32, received "
                         f"{model.name!r}, which has none that can be done in int8")
    limits = _limits(model, units, calibration_data, batch_size)
    trial = _Trials(model, units, limits, calibration_data, batch_size)
    alone = [trial.costs([u]) for u in units]
    chosen = _chosen(trial, units, alone, max_loss)
    small = _in_integers(model, {u: np.float32(limit / MOST) for u, limit in zip(units, limits) if u in chosen})
    rows = [LayerCost(u.layer.name, limit, *cost, u in chosen) for u, limit, cost in zip(units, limits, alone)]
    small.costs = Costs(tuple(rows), *trial.costs(chosen))
    return small


def _in_integers(model, steps) -> Model:
    """The model with these units in int8, by the step of each one's inputs. What others read too is rounded once, for
    all of them."""
    products = {u: _integer_layer(u) for u in steps}
    gone = {la: None for u in steps for la in (*u.before, *([u.norm] if u.norm is not None else []))}
    rounds, shared = ({getattr(u, place): u for u in steps if u.shared is not None} for place in ("input", "shared"))
    integers, weights = {}, {}

    def apply(kind, unit, value):
        layer = kind(name=f"{unit.layer.name}_{kind.__name__.lower()}")
        weights[layer] = [steps[unit]]
        return layer(value)

    def made(tensor, value):
        x = apply(Rounded, rounds[tensor], value) if tensor in rounds else value
        if tensor not in shared:
            return x
        value = apply(Restored, shared[tensor], x)
        integers[value] = x
        return value
    places = {u.layer: lambda x, la=la: la(integers.get(x, x)) for u, la in products.items()}
    small = rebuilt(model, {**places, **gone}, made)
    for unit, step in steps.items():
        weights[products[unit]] = [unit.integers, unit.steps, unit.bias, step]
    for layer, values in weights.items():
        layer.set_weights(values)
    return small


def _limits(model, units, data, batch_size) -> list:
    """The largest magnitude of each unit's inputs."""
    tensors = [ops.max(ops.abs(ops.reshape(u.input, (u.input.shape[0], -1))), axis=1) for u in units]
    found = Model(model.inputs, tensors).predict(data, batch_size=batch_size, verbose=0)
    limits = [float(np.max(v)) for v in tree.flatten(found)]
    wrong = [u.layer.name for u, limit in zip(units, limits) if not np.isfinite(limit)]
    if wrong:
        raise ValueError(f"quantize: expected finite inputs of all layers on the calibration_data, received others of "
                         f"layer {wrong[0]!r}")
    return [limit or 1.0 for limit in limits]


def _integer_layer(unit) -> IntegerProduct:
    strides, padding, dilation, groups = unit.form
    before = [type(la).from_config(la.get_config()) for la in unit.before if type(la) not in IDLE]
    made = IntegerProduct(unit.kernel.shape, unit.layer.activation, strides, padding, dilation, before,
                          groups, name=unit.layer.name)
    return made


class _Trials:
    """A model whose layers can be switched between reals and what integers would give."""

    def __init__(self, model, units, limits, data, batch_size):
        self.layers = {u: Trial(u, limit, name=f"{u.layer.name}_trial") for u, limit in zip(units, limits)}
        places = {u.layer: la for u, la in self.layers.items()}
        self.shared = {u.shared: RoundingTrial(limit, name=f"{u.layer.name}_rounding")
                       for u, limit in zip(units, limits) if u.shared is not None}
        self.model = rebuilt(model, {**places, **{u.norm: None for u in units if u.norm is not None}},
                             lambda tensor, value: self.shared[tensor](value) if tensor in self.shared else value)
        self.data, self.batch_size = data, batch_size
        self.exact = self._outputs([])

    def _outputs(self, chosen) -> list:
        for unit, layer in self.layers.items():
            layer.flag.assign(float(unit in chosen))
        for tensor, layer in self.shared.items():
            layer.flag.assign(float(any(u.shared is tensor for u in chosen)))
        return tree.flatten(self.model.predict(self.data, batch_size=self.batch_size, verbose=0))

    def costs(self, chosen) -> tuple:
        """(error, changed) with some units in integers."""
        found = self._outputs(chosen)
        off = sum(np.sum(np.square(a - b, dtype="float64")) for a, b in zip(found, self.exact))
        whole = sum(np.sum(np.square(b, dtype="float64")) for b in self.exact)
        error = float(np.sqrt(off / whole)) if whole else float(off > 0)
        classes = len(found) == 1 and found[0].ndim == 2 and found[0].shape[1] > 1
        return error, float((found[0].argmax(1) != self.exact[0].argmax(1)).mean()) if classes else None


def _chosen(trial, units, alone, max_loss) -> list:
    """The units that are done in integers: without those that cost most, as many as it takes."""
    chosen = sorted(units, key=lambda u: alone[units.index(u)][0])
    while max_loss is not None and chosen:
        error, changed = trial.costs(chosen)
        if (error if changed is None else changed) <= max_loss:
            break
        chosen.pop()
    return chosen
