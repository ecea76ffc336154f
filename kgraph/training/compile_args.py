"""What compile() was given, resolved against a model's outputs: a loss, weights and metrics for each output."""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kgraph import losses as losses_module
from kgraph import metrics as metrics_module
from kgraph import ops, tree
from kgraph.compiler.prims.composite import softmax_p
from kgraph.compiler.prims.elementwise import sigmoid_p
from kgraph.compiler.trace import current_trace, open_tapes
from kgraph.config import floatx
from kgraph.graph import shape_with_none
from kgraph.legacy.defaults import older_than
from kgraph.losses import Loss, LossFunctionWrapper
from kgraph.metrics import Mean, MeanMetricWrapper, Metric
from kgraph.naming import nearest, object_name, warn_at_user

__all__ = ["CompileLoss", "CompileMetrics", "Outputs"]


class Outputs:
    """The outputs of a model in order: their number, how they nest, and their names, None where not known.

    Args:
        names: in the logs of metrics: the key of an output of a dict, else the name of its layer
        loss_names: in the logs of losses: with the keys and indices that lead to it, 0/scores
    """

    def __init__(self, y_pred, names=None):
        self.structure = tree.map_structure(lambda x: None, y_pred)
        paths = [path for path, _ in tree.flatten_with_path(y_pred)]
        self.count = len(paths)
        if not names and self.count > 1 and older_than(3, 0):
            names = [f"output_{i + 1}" for i in range(self.count)]
        layers = list(names) if names and len(names) == self.count else [None] * self.count
        keyed = isinstance(y_pred, dict) and all(len(path) == 1 for path in paths)
        self.names = [path[0] for path in paths] if keyed else layers
        last = [path[-1] if path and isinstance(path[-1], str) else name for path, name in zip(paths, layers)]
        self.loss_names = [name and "/".join(map(str, (*path[:-1], name))) for path, name in zip(paths, last)]
        self._known = {name: i for known in (layers, self.loss_names, self.names) for i, name in enumerate(known)
                       if name}

    def spread(self, given, what, leaf=lambda x: not tree.is_nested(x)) -> list:
        """given (for all outputs, as a list, by name, or nested as the outputs) as a list, None where missing.

        leaf: what counts as one item. Raises ValueError naming what does not fit.
        """
        if given is None or leaf(given):
            return [given] * self.count
        nested = _as_nested(given, self.structure) if tree.is_nested(self.structure) else None
        if nested is not None:
            return nested
        if isinstance(given, dict):
            return self.by_name(given, what)
        if self.count == 1 and len(given) != 1:
            return [given]
        if len(given) == self.count:
            return list(given)
        raise ValueError(f"{what}: expected one for each of the {self.count} outputs"
                         f"{self._called()}, received {len(given)}: {given!r}")

    def by_name(self, given, what) -> list:
        """The items of a dict by output names, None where missing."""
        if self.count == 1 and self.names[0] is None and len(given) == 1:
            return list(given.values())
        found = [None] * self.count
        for name, item in given.items():
            if name not in self._known:
                raise ValueError(f"{what}: expected names of outputs{self._called()}, received {name!r}."
                                 f"{nearest(name, self._known)}")
            found[self._known[name]] = item
        return found

    def called(self, i) -> str:
        """Output number i, for messages."""
        return f"output {self.names[i]!r}" if self.names[i] else f"output {i}" if self.count > 1 else "the output"

    def _called(self):
        return f" ({', '.join(map(str, self.names))})" if any(self.names) else ""

    def values(self, y, what) -> list:
        """Targets or weights, nested in any way that fits, as a list in the order of the outputs."""
        if y is None or not tree.is_nested(y):
            if y is not None and self.count > 1:
                raise ValueError(f"{what}: expected {self.count} arrays, one for each output{self._called()}, "
                                 "received one")
            return [y] * self.count
        nested = _as_nested(y, self.structure) if tree.is_nested(self.structure) else None
        if nested is not None and not any(tree.is_nested(item) for item in nested):
            return nested
        if isinstance(y, dict):
            return self.by_name(y, what)
        flat = tree.flatten(y)
        if len(flat) != self.count:
            raise ValueError(f"{what}: expected {self.count} arrays, one for each output{self._called()}, "
                             f"received {len(flat)}")
        return flat


def _as_nested(given, structure):
    """The items of given at the leaves of a structure of lists, tuples and dicts, None for keys that are missing; None
    for all where it does not nest so."""
    if not tree.is_nested(structure):
        return [given]
    if given is None:
        return [None] * len(tree.flatten(structure))
    by_name = isinstance(structure, dict)
    if by_name and not (isinstance(given, dict) and set(given) <= set(structure)):
        return None
    if not by_name and not (isinstance(given, (list, tuple)) and len(given) == len(structure)):
        return None
    keys = sorted(structure) if by_name else range(len(structure))
    parts = [_as_nested(given.get(k) if by_name else given[k], structure[k]) for k in keys]
    return None if None in parts else [item for part in parts for item in part]


def kind_of_labels(y_true, y_pred) -> str:
    """binary, sparse_categorical or categorical: what the shapes of targets and predictions say."""
    last = y_pred.shape[-1] if len(y_pred.shape) else 1
    if isinstance(last, int) and last == 1:
        return "binary"
    label = y_true.shape[-1] if len(y_true.shape) else 1
    sparse = len(y_true.shape) < len(y_pred.shape) or (isinstance(label, int) and label == 1)
    return "sparse_categorical" if sparse else "categorical"


def _check_shapes(loss, output, y_true, y_pred) -> str | None:
    """Raise ValueError where the sizes of y are not those of the output that the loss compares it with; what to warn
    of where they only can be made so."""
    kind = getattr(getattr(loss, "fn", None), "targets", None)
    if kind not in ("same", "alike"):
        return None
    expected, received = shape_with_none(y_pred.shape), shape_with_none(y_true.shape)
    wider = len(expected) == len(received) + 1 and expected[-1] == 1  # what same_rank makes alike
    narrower = len(received) == len(expected) + 1 and received[-1] == 1
    pairs = list(zip(expected[1:], received[1:]))
    differ = [(a, b) for a, b in pairs if None not in (a, b) and a != b]
    text = f"y: expected shape {expected}, that of {output}, for the loss {loss.name}; received {received}"
    repeats = kind == "alike" and all(1 in pair for pair in differ)
    if (len(expected) != len(received) and not wider and not narrower) or (differ and not repeats):
        ids = loss.name.startswith("categorical") and (len(received) < len(expected) or received[-1] == 1)
        raise ValueError(text + (f". For class ids there is sparse_{loss.name}" if ids else ""))
    return f"{text}, which is repeated" if differ else None


def _check_maker(loss, output, y_pred) -> str | None:
    """What to warn of where the op that made an output, as far as it is recorded, does not go with the loss."""
    tapes, trace = open_tapes(), current_trace()
    ops = trace.ops if trace is not None else tapes[-1].ops if tapes else ()
    maker = next((op.prim for op in reversed(ops) if any(y_pred is out for out in op.outputs)), None)
    if maker is softmax_p and y_pred.shape and y_pred.shape[-1] == 1:
        return f"{output}: a softmax over one value is always 1, and nothing is learnt: use sigmoid"
    if maker in (softmax_p, sigmoid_p) and getattr(loss, "from_logits", False):
        return (f"{output}: the loss {loss.name} was made with from_logits=True, but its values come from "
                f"{maker.name}, so they are probabilities")
    return None


@dataclass(eq=False)
class Term:
    """One loss on one output: its index, the Loss, its weight or None, its name."""

    index: int
    loss: Loss
    weight: object
    name: str


class CompileLoss:
    """The total loss. With several outputs, a running mean ``NAME_loss`` for each is among ``metrics``."""

    def __init__(self, loss, loss_weights=None, output_names=None):
        if loss_weights is not None and not isinstance(loss_weights, (list, tuple, dict, int, float)):
            raise ValueError("loss_weights: expected a number, list, tuple or dict, "
                             f"received {loss_weights!r} of type {type(loss_weights).__name__}")
        for weight in tree.flatten(loss_weights):
            if isinstance(weight, str):
                raise ValueError(f"loss_weights: expected numbers, received {weight!r}")
        self.given = _resolve(loss)
        self.weights = loss_weights
        self.output_names = output_names
        self.built = self._said = False
        self.metrics = []

    def build(self, y_true, y_pred):
        """Settle which loss is on which output. y_true and y_pred: tensors, or anything with shapes."""
        self.outputs = Outputs(y_pred, self.output_names)
        per_output = self.outputs.spread(self.given, "loss")
        weights = self._spread_weights(per_output)
        trues, preds = self._true_list(y_true, per_output), tree.flatten(y_pred)
        self.terms = []
        for i, given in enumerate(per_output):
            several = list(given) if isinstance(given, (list, tuple)) else [given]
            own = weights[i] if isinstance(weights[i], (list, tuple)) else [weights[i]] * len(several)
            for loss, weight in zip(several, own, strict=True):
                if loss is not None:
                    found = _loss(loss, trues[i], preds[i])
                    self.terms.append(Term(i, found, weight, self.outputs.loss_names[i] or found.name))
        self.metrics = [Mean(name=f"{t.name}_loss") for t in self.terms] if len(self.terms) > 1 else []
        self.shapes = [p.shape for p in preds]
        self.built = True

    def check_labels(self, y_true):
        """Look at the values of targets: raise ValueError for a class id that is none of its output's, which the loss
        would pass over silently, and warn of values outside the range of what the loss is made for."""
        trues = self._true_list(y_true)
        for term in self.terms:
            labels, kind = trues[term.index], getattr(getattr(term.loss, "fn", None), "targets", None)
            if kind is None or not isinstance(labels, np.ndarray) or not labels.size:
                continue
            if kind == "ids":
                self._check_ids(term, labels)
            elif term.loss.fn.within:
                self._check_range(term, labels, *term.loss.fn.within)

    def _check(self, term, y_true, y_pred):
        output = self.outputs.called(term.index)
        text = _check_shapes(term.loss, output, y_true, y_pred) or _check_maker(term.loss, output, y_pred)
        if text and not self._said:
            self._said = True
            warn_at_user(text)

    def _check_ids(self, term, labels):
        shape = self.shapes[term.index]
        count = shape[getattr(term.loss, "axis", -1)] if shape else None
        one_each = labels.size == len(labels) and isinstance(count, int)
        if not one_each or getattr(term.loss, "ignore_class", None) is not None:
            return
        wrong = [n for n in (labels.min(), labels.max()) if not 0 <= n < count]
        if wrong:
            raise ValueError(f"y: expected class ids in [0, {count}) for the {count} values of "
                             f"{self.outputs.called(term.index)}, received {wrong[0]}")

    def _check_range(self, term, labels, low, high):
        wrong = [n for n in (labels.min(), labels.max()) if n < low or n > high]
        if wrong:
            hint = "; hinge takes labels of -1 and 1, and (y + 1) / 2 makes 0 and 1 of them" if wrong[0] < low else ""
            warn_at_user(f"y: expected values from {low} to {high} for the loss {term.loss.name} of "
                          f"{self.outputs.called(term.index)}, received {wrong[0]}{hint}")

    def _spread_weights(self, per_output):
        weights = self.weights
        if weights is None or isinstance(weights, (int, float)):
            return [weights] * self.outputs.count
        with_loss = [i for i, loss in enumerate(per_output) if loss is not None]
        if isinstance(weights, (list, tuple)) and len(weights) == len(with_loss) < self.outputs.count:
            return [dict(zip(with_loss, weights)).get(i) for i in range(self.outputs.count)]
        return self.outputs.spread(weights, "loss_weights")

    def _true_list(self, y_true, per_output=None):
        """Targets in the order of the outputs; outputs without a loss may have none."""
        per_output = per_output or list(self._losses_by_output())
        flat = tree.flatten(y_true)
        needed = [i for i, loss in enumerate(per_output) if loss is not None]
        if not isinstance(y_true, dict) and len(flat) == len(needed) < self.outputs.count:
            return [dict(zip(needed, flat)).get(i) for i in range(self.outputs.count)]
        found = self.outputs.values(y_true, "y")
        missing = [i for i in needed if found[i] is None]
        if missing:
            names = ", ".join(map(self.outputs.called, missing))
            raise ValueError(f"y: expected targets for {names}, which has a loss; received none. Pass y= to fit(), "
                             "or give that output no loss.")
        return found

    def _losses_by_output(self):
        found = [None] * self.outputs.count
        for term in self.terms:
            found[term.index] = term.loss
        return found

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The weighted sum of the losses, a scalar; None when no output has one."""
        if not self.built:
            self.build(y_true, y_pred)
        trues, preds = self._true_list(y_true), tree.flatten(y_pred)
        weights = spread_weights(self.outputs, sample_weight)
        total = None
        for k, term in enumerate(self.terms):
            self._check(term, trues[term.index], preds[term.index])
            value = ops.cast(term.loss(trues[term.index], preds[term.index], weights[term.index]), floatx())
            value = ops.sum(value) if len(value.shape) else value
            if self.metrics:
                self.metrics[k].update_state(value, sample_weight=ops.cast(ops.shape(preds[term.index])[0], floatx()))
            value = value if term.weight is None else value * term.weight
            total = value if total is None else total + value
        return total


@dataclass(eq=False)
class MetricTerm:
    """Metrics on one output: its index, its name in logs or None, the metrics, whether sample weights count."""

    index: int
    output: str | None
    metrics: list
    weighted: bool = False


@dataclass(eq=False)
class CompileMetrics:
    """The metrics and weighted_metrics of compile()."""

    given: object
    weighted: object
    output_names: object = None
    built: bool = False
    terms: list = field(default_factory=list)

    name = "compile_metrics"

    def __post_init__(self):
        for argument, value in (("metrics", self.given), ("weighted_metrics", self.weighted)):
            if value and not isinstance(value, (list, tuple, dict)):
                raise ValueError(f"{argument}: expected a list, tuple or dict, received {value!r} of type "
                                 f"{type(value).__name__}")
        self.given, self.weighted = _check_names(self.given), _check_names(self.weighted)

    def build(self, y_true, y_pred):
        """Make the metrics. y_true and y_pred: tensors, or anything with shapes."""
        self.outputs = Outputs(y_pred, self.output_names)
        trues, preds = self._true_list(y_true), tree.flatten(y_pred)
        terms = []
        for given, weighted in ((self.given, False), (self.weighted, True)):
            argument = "weighted_metrics" if weighted else "metrics"
            for i, wanted in enumerate(self._spread(given, argument)):
                wanted = tree.flatten(wanted) if tree.is_nested(wanted) else [wanted]
                made = [_metric(m, trues[i], preds[i]) for m in wanted if m is not None]
                if made:
                    name = self.outputs.names[i] if self.outputs.count > 1 else None
                    terms.append(MetricTerm(i, name, made, weighted))
        self.terms = terms
        self.built = True

    def _spread(self, given, argument):
        if not given:
            return [None] * self.outputs.count
        if self.outputs.count == 1:
            return self.outputs.by_name(given, argument) if isinstance(given, dict) and self.outputs.names[0] \
                else [tree.flatten(given)]
        if isinstance(given, (list, tuple)) and len(given) != self.outputs.count \
                and not any(tree.is_nested(m) for m in given):
            return [list(given)] * self.outputs.count  # Keras 2: one flat list is for every output
        return self.outputs.spread(given, argument)

    def _true_list(self, y_true):
        flat = tree.flatten(y_true)
        if not isinstance(y_true, dict) and len(flat) != self.outputs.count:
            return [*flat, *[None] * (self.outputs.count - len(flat))]
        return self.outputs.values(y_true, "y")

    @property
    def metrics(self) -> list:
        return [m for term in self.terms for m in term.metrics]

    @property
    def variables(self) -> list:
        return [v for m in self.metrics for v in m.variables]

    def update_state(self, y_true, y_pred, sample_weight=None):
        if not self.built:
            self.build(y_true, y_pred)
        trues, preds = self._true_list(y_true), tree.flatten(y_pred)
        weights = spread_weights(self.outputs, sample_weight)
        for term in self.terms:
            for metric in term.metrics:
                args = (trues[term.index], preds[term.index])
                if term.weighted:
                    metric.update_state(*args, sample_weight=weights[term.index])
                else:
                    metric.update_state(*args)

    def names(self) -> list:
        """(name in the logs, metric) pairs, made unique as Keras does; empty before the first batch."""
        found, counts = [], {}
        for term in self.terms:
            for metric in term.metrics:
                name = metric.name if term.output is None else f"{term.output}_{metric.name}"
                if name in counts and term.weighted:
                    name = f"weighted_{metric.name}"
                    name = name if term.output is None else f"{term.output}_{name}"
                count = counts.get(name, 0)
                counts[name] = count + 1
                found.append((f"{name}_{count}" if count else name, metric))
        return found

    def result(self) -> dict:
        return {name: metric.result() for name, metric in self.names()}

    def reset_state(self):
        for metric in self.metrics:
            metric.reset_state()


def spread_weights(outputs, sample_weight) -> list:
    """Sample weights for each output: one array counts for all of them."""
    if sample_weight is None or not tree.is_nested(sample_weight):
        return [sample_weight] * outputs.count
    flat = tree.flatten(sample_weight)
    if not isinstance(sample_weight, dict) and len(flat) == 1:
        return flat * outputs.count
    return outputs.values(sample_weight, "sample_weight")


def _resolve(loss):
    """Every name checked now, so that a misspelt loss is an error of compile()."""
    if tree.is_nested(loss) and not _is_config(loss):
        return {k: _resolve(v) for k, v in loss.items()} if isinstance(loss, dict) else [_resolve(v) for v in loss]
    return loss if loss is None or _is_automatic(loss) else _as_loss(loss)


def _as_loss(given):
    found = losses_module.get(given)
    if isinstance(found, Loss):
        return found
    return LossFunctionWrapper(found, name=_plain_name(given) if isinstance(given, str) else object_name(found))


def _is_automatic(given):
    return isinstance(given, str) and given.lower() in ("crossentropy", "ce")


def _loss(given, y_true, y_pred):
    if not _is_automatic(given):
        return given
    function = getattr(losses_module, f"{kind_of_labels(y_true, y_pred)}_crossentropy")
    return LossFunctionWrapper(function, name=function.__name__)


def _check_names(given):
    for m in tree.flatten(given) if given else ():
        if isinstance(m, str) and m.lower() not in _AUTOMATIC and m not in metrics_module.OBJECTS:
            metrics_module.get(m)
    return given


_AUTOMATIC = {"accuracy": "accuracy", "acc": "accuracy", "crossentropy": "crossentropy", "ce": "crossentropy"}


def _metric(given, y_true, y_pred):
    """A Metric from what compile() was given, called by the name that was given."""
    automatic = _AUTOMATIC.get(given.lower()) if isinstance(given, str) else None
    if automatic and y_true is None:
        raise ValueError(f"metric {given!r}: expected targets for this output, received none")
    found = metrics_module.get(f"{kind_of_labels(y_true, y_pred)}_{automatic}" if automatic else given)
    if isinstance(found, type):
        found = found()
    if isinstance(found, Metric):
        if isinstance(given, str):
            found.name = _plain_name(given)
        return found
    return MeanMetricWrapper(found, name=_plain_name(given) if isinstance(given, str) else object_name(found))


def _plain_name(given) -> str:
    """The name without the package it was registered in, which Keras's HDF5 files tell: my_loss of my>my_loss."""
    return given.rpartition(">")[2]


def _is_config(x):
    return isinstance(x, dict) and "class_name" in x
