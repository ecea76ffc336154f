"""What of a model is exported: its compiled steps, with the names of what goes in and comes out."""
from __future__ import annotations

import contextlib
from dataclasses import dataclass

from kgraph.export.front import Front
from kgraph.export.signature import ApartTrace, signature_of
from kgraph.function import Compiled, build
from kgraph.inspect.programs import made_up
from kgraph.naming import nearest
from kgraph.runtime.executable import Executable
from kgraph.runtime.preparation import preparation
from kgraph.training.compiled_step import leaves_of, names_of
from kgraph.training.data import as_data

__all__ = ["Step", "metrics_reset", "steps_of"]


@dataclass(frozen=True)
class Step:
    """A compiled step; the names of what goes in and comes out, and of the logs where it gives logs; the tables before
    it where the model begins with text; the arrays of what it has prepared of its weights."""

    compiled: Compiled
    inputs: list
    outputs: list
    logs: tuple = ()
    front: Front | None = None
    prepared: tuple = ()


def steps_of(model, which="predict", input_signature=None, data=None, tables=False) -> dict:
    """The steps to export by name: predict, and with which="train" the training step that changes its weights.

    tables           whether what exports them has tables for text; see kgraph.export.front
    input_signature  of predict; see kgraph.export.signature.signature_of
    data             (x, y) of a batch, of any number of rows, for a training step of which inputs and losses do not say
                     what it takes

    Raises ValueError for a step that is not there, a model that is not compiled, a learning rate that Python computes,
    and as `signature_of`.
    """
    if which not in ("predict", "train"):
        raise ValueError(f"export: expected which to be predict or train, received {which!r}."
                         f"{nearest(str(which), ('predict', 'train'))}")
    train = {"train": _train_step(model, data)} if which == "train" else {}  # first: it brings weights together
    predict = _predict_step(model, input_signature, tables, bool(train))
    if train and predict.front is not None:
        _refuse_codes(model, predict.front)
    return {"predict": predict, **train}


def _planned(model, compiled):
    """A Compiled whose plan is made. Raises ValueError that names the layer with an operation without a kernel."""
    try:
        _ = compiled.plan
    except NotImplementedError as error:
        layer = getattr(error, "scope", "") or "unknown"
        raise ValueError(f"model {model.name!r}: layer {layer!r}: expected operations that have a kernel, received one "
                         f"that runs in Python: {error}. Cut the model before that layer, and export "
                         "kgraph.Model(inputs, outputs) up to there") from error
    return compiled


def _refuse_codes(model, front):
    """The training step takes what the layers of text give, and the tables give integers."""
    for entry, t in zip(model._front.entries, front.types):
        if entry.dtype != t.dtype:
            raise ValueError(f"export: expected layer {entry.node.operation.name!r} to have output_mode='int' for a "
                             f"training step, received one that gives {entry.dtype}: let CategoryEncoding follow it")


def _train_step(model, data) -> Step:
    model._assert_compiled("export")
    if model.optimizer.host_rate:
        raise ValueError(f"export: expected a learning rate that is a number or a LearningRateSchedule, received for "
                         f"{model.optimizer.name!r} a function, which runs in Python")
    if data is None and not model.is_functional:
        raise ValueError(f"export: model {model.name!r} has no graph: expected data=(x, y) of a batch for its training "
                         "step, received None")
    x, *rest = data if data is not None else made_up(model, "train")
    data = as_data(model._host_inputs(x), *rest)
    program = model._programs_of("train").batch(data, leaves_of(data))
    return Step(program.compiled, names_of(data), ["logs"], tuple(_log_names(program.logs)))


def _log_names(logs) -> list:
    """A name for each number of the vector of logs."""
    return [name if not shape else f"{name}[{i}]" for name, start, stop, shape in logs.parts
            for i in range(stop - start)]


@contextlib.contextmanager
def metrics_reset(model, steps: dict):
    """Inside, the metrics of an exported training step begin anew."""
    if "train" not in steps:
        yield set()
        return
    variables = [v for m in model.metrics for v in m.variables]
    saved = [v.numpy() for v in variables]
    model.reset_metrics()
    try:
        yield {id(v) for v in variables}
    finally:
        for v, before in zip(variables, saved):
            v.assign(before)


def _predict_step(model, input_signature, tables, trained) -> Step:
    """The model's call without training. Where nothing trains its weights, it reads what predict makes of them once.

    Raises ValueError for text as input, for a layer that cannot be traced, and where the input is not known.
    """
    signature, names = signature_of(model, input_signature, tables), []

    def step(*values):
        found = signature.call(values)
        names[:] = found
        return list(found.values())
    if trained:
        compiled = _planned(model, build("predict", step, signature.types))
        return Step(compiled, signature.names, names, front=signature.front)
    make = lambda prepare: _planned(model, build("predict", step, signature.types, prepare=prepare, trace=ApartTrace))
    compiled = make(True)
    prepared = _prepared(compiled)
    if prepared is None:  # predict does without it then, too
        compiled, prepared = make(False), ()
    return Step(compiled, signature.names, names, front=signature.front, prepared=prepared)


def _prepared(compiled) -> tuple | None:
    """The arrays that are made of weights alone; None where not all of them are numbers."""
    plan = compiled.plan.preparation
    if plan is None:
        return ()
    made = preparation(plan, compiled.variables, [t.numpy() for _, t in compiled._captured], Executable)
    return tuple(made.arrays) if made.refresh() else None
