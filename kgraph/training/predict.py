"""The loop behind predict, and the short way of predict_on_batch."""
from __future__ import annotations

import functools

import numpy as np

from kgraph import tree
from kgraph.callbacks.callback_list import CallbackList
from kgraph.compiler import dims
from kgraph.errors import filtered
from kgraph.runtime.rows_at_once import rows_at_once
from kgraph.training import processes
from kgraph.training.arrays import as_arrays
from kgraph.training.compiled_step import eager_data, leaves_of
from kgraph.training.data import Arrays, make_source, pack_x_y_sample_weight
from kgraph.training.loop import with_workers
from kgraph.training.progress import Progbar, reporting, resolve_verbose
from kgraph.training.short_call import ShortCall, is_plain

__all__ = ["predict", "predict_on_batch", "predict_one"]


def predict(model, x, batch_size, verbose, steps, callbacks, workers):
    """See Trainer.predict."""
    verbose = resolve_verbose(verbose) if verbose != 0 else 0
    with reporting(verbose):
        return _predict(model, x, batch_size, verbose, steps, callbacks, workers)


def _predict(model, x, batch_size, verbose, steps, callbacks, workers):
    source = make_source(with_workers(x, workers), batch_size=batch_size, steps=steps, name="predict",
                         convert=model._host_inputs)
    if callbacks is not None:
        callbacks = callbacks if isinstance(callbacks, CallbackList) else CallbackList(
            callbacks, add_progbar=verbose != 0, model=model, verbose=verbose, epochs=1, steps=source.steps)
        callbacks.on_predict_begin()
    bar = Progbar(source.steps, verbose=verbose) if verbose and callbacks is None else None
    watch = _Watch(callbacks, bar)
    calls = model._calls("predict", lambda: processes.lockstep(source.batches()))
    if calls is None and isinstance(source, Arrays) and source.in_memory and not model.run_eagerly:
        result = _predict_arrays(model, source, watch)
    else:
        result = _predict_batches(model, source, watch, calls)
    if bar is not None:
        bar.update(watch.done, finalize=True)
    if callbacks is not None:
        callbacks.on_predict_end()
    return result


class _Watch:
    """What happens around each batch of predict."""

    def __init__(self, callbacks, bar):
        self.callbacks = callbacks
        self.bar = bar
        self.idle = callbacks is None and (bar is None or not bar.redraws)
        self.done = 0

    def before(self):
        if self.callbacks is not None:
            self.callbacks.on_predict_batch_begin(self.done)

    def after(self, outputs):
        self.done += 1
        if self.callbacks is not None:
            self.callbacks.on_predict_batch_end(self.done - 1, {"outputs": outputs})
            self.callbacks.on_progress("predict", self.done - 1, {})
        elif self.bar is not None:
            self.bar.update(self.done, finalize=False)


def _predict_arrays(model, source, watch):
    """Batches are rows of the arrays as they lie, and are written to their rows of the results."""
    leaves = source.leaves
    program = model._programs_of("predict").batch(source.data, leaves).ready()
    _, *batches = source.span(source.count, 0)
    bounds = source.bounds(*batches)
    rows = bounds[-1][1]
    run, extents = program.compiled.run, program.compiled.extents(leaves)
    results = None if processes.together.world is not None else _result_arrays(program, extents, rows)
    if results is None:
        return _predict_batches(model, source, watch)
    at_once = functools.cache(lambda rows: _rows_at_once(model, program, {**extents, "B": rows}))
    for start, stop in bounds:
        if not watch.idle:
            watch.before()
        program.check(stop - start)
        step = at_once(stop - start)
        for first in range(start, stop, step):
            last = min(first + step, stop)
            extents["B"] = last - first
            run([a[first:last] for a in leaves], extents, [r[first:last] for r in results])
        if not watch.idle:
            watch.after([r[start:stop] for r in results])
    watch.done = len(bounds)
    return program.pack(results)


def _rows_at_once(model, program, extents) -> int:
    """How many samples of a batch to run at a time."""
    rows, executable = extents["B"], program.compiled.executable
    if executable is None or program.leading is not None:
        return rows
    found = rows_at_once(executable.plan, extents)
    if found < rows and program.per_sample is None:  # all layers are asked, which takes milliseconds
        program.per_sample = model._is_per_sample(False)
    return found if program.per_sample else rows


def _result_arrays(program, extents, rows):
    """An array for each output with room for all rows; None where an output's first axis is not that of the batch."""
    extents = {**extents, "B": rows if program.leading is None else program.leading}
    found = []
    for t in program.output_types:
        if not t.shape or t.shape[0] != (dims.dim("B") if program.leading is None else program.leading):
            return None
        found.append(np.empty((rows, *dims.evaluate(t.shape[1:], extents)), t.dtype))
    return found


def _predict_batches(model, source, watch, calls=None):
    """Batch by batch, by `calls` where a subclass makes its own."""
    collected, structure = [], None
    batches = processes.lockstep(source.batches()) if calls is None else ()
    for call in calls or (functools.partial(predict_one, model, data) for data in batches):
        watch.before()
        outputs = call()
        structure = outputs
        collected.append(tree.flatten(outputs))
        watch.after(outputs)
    if not collected:
        raise ValueError("predict: the data gave no batch")
    joined = [parts[0] if len(parts) == 1 else _join(parts) for parts in zip(*collected)]
    return tree.pack_sequence_as(structure, joined)


def _join(parts):
    return np.concatenate(parts) if parts[0].ndim else np.stack(parts)


def predict_one(model, data):
    """The outputs for one batch, as arrays."""
    if model.run_eagerly:
        data = processes.gathered(data)
        model._prepare("predict", data)
        outputs = model.predict_step(eager_data(data))
        return tree.map_structure(lambda v: np.array(v.numpy()), outputs)
    leaves = leaves_of(data)
    program = model._programs_of("predict").batch(data, leaves)
    leaves, extents = program.placed(leaves, leaves[0].shape[0])
    outputs = program.compiled.run(leaves, extents)
    return program.pack(processes.gathered(outputs) if program.shared else outputs)


def predict_on_batch(model, x):
    """See Trainer.predict_on_batch."""
    short = model._short_ways.get("predict")
    if short is not None and not model.run_eagerly and processes.together.world is None \
            and model._programs.get("predict") is short.owner:
        result = short(x)
        if result is not None:
            return result
    return _predict_on_batch(model, x)


@filtered
def _predict_on_batch(model, x):
    if x is None:
        raise ValueError("predict_on_batch: expected x, received None")
    data = processes.own_part(pack_x_y_sample_weight(as_arrays(model._host_inputs(x))))
    result, leaves = predict_one(model, data), leaves_of(data)
    if is_plain(x, leaves) and not model.run_eagerly and processes.together.world is None:
        owner = model._programs_of("predict")
        model._short_ways["predict"] = ShortCall(owner.batch(data, leaves), x, leaves, owner)
    return result
