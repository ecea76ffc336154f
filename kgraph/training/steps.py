"""Running a model's steps: on single batches, or through an epoch of whole arrays in as few native calls as allowed."""
from __future__ import annotations

import time

import numpy as np

from kgraph.training.compiled_step import eager_data, leaves_of, names_of, plain_logs
from kgraph.training.data import Arrays
from kgraph.training.progress import setting_up

__all__ = ["Steps"]


class Steps:
    """The steps of a model in one mode: train or test."""

    def __init__(self, model, mode):
        self.model = model
        self.mode = mode
        self.eager = model.run_eagerly
        self.programs = model._programs_of(mode)

    @property
    def keep(self) -> bool:
        """Whether to remember what each step starts from."""
        return self.mode == "train" and self.model.fit_run is not None and self.model.fit_run.keep_steps

    def batch(self, data) -> dict:
        """One step on what it gets for a batch, as arrays; the logs.

        Raises ValueError when the arrays differ in length.
        """
        leaves = leaves_of(data)
        rows = _rows(leaves, data)
        self._refresh_rate()
        if self.eager:
            return self._eager(data)
        program = self.programs.batch(data, leaves).ready()
        self._remember(program, leaves, {**program.compiled.extents(leaves), "B": rows}, data)
        return program.step(leaves, rows)

    def _eager(self, data):
        model = self.model
        if not self.programs.prepared:
            with setting_up():
                model._prepare(self.mode, data)
            self.programs.prepared = True
        step = model.train_step if self.mode == "train" else model.test_step
        with model._as_compiled():
            return plain_logs(step(eager_data(data)))

    def _refresh_rate(self):
        optimizer = self.model.optimizer
        if self.mode == "train" and optimizer is not None and optimizer.host_rate:
            optimizer.refresh_rate()

    def calls(self, source, turn, per_call=None, skip=0):
        """Functions to call one after the other for epoch `turn` of a source; each gives (batches done so far, logs).

        per_call  batches in one call, or None for as many as take about a tenth of a second
        skip      batches that were done before
        """
        whole = isinstance(source, Arrays) and source.in_memory and not self.eager
        optimizer = self.model.optimizer
        if self.mode == "train" and optimizer is not None and optimizer.host_rate:
            per_call = 1
        if self.keep:
            per_call = 1
        if whole:
            yield from self._whole(source, turn, per_call, skip)
            return
        for i, data in enumerate(source.batches(turn)):
            if i >= skip:
                yield lambda i=i, data=data: (i + 1, self.batch(data))

    def _whole(self, source, turn, per_call, skip):
        data = source.data
        program = self.programs.epoch(data, source.leaves).ready()
        order, first, stop = source.epoch(turn)
        arrays = [np.arange(source.rows, dtype="int32") if order is None else order, *source.leaves]
        size = min(source.batch_size, source.rows)
        extents = {**program.compiled.extents(arrays), "B": size}
        full = min(stop, source.rows // size)
        last = source.rows - full * size if stop > full else 0
        program.check(size)
        if last:
            program.check(last)
        at = first + skip
        self.programs.cursor.assign(np.int32(at * size))
        while at < full:
            count = min(full - at, per_call or self.programs.pace)
            at += count
            yield lambda count=count, done=at - first: (done, self._run(program, arrays, extents, count, data))
        if last and at < stop:
            yield lambda: (stop - first, self._run(program, arrays, {**extents, "B": last}, 1, data))

    def _run(self, program, arrays, extents, count, data):
        self._refresh_rate()
        self._remember(program, arrays, extents, data)
        start = time.perf_counter()
        vector = program.compiled.run(arrays, extents, steps=count)[0]
        self.programs.measured((time.perf_counter() - start) / count)
        return program.logs.unpack(vector)

    def _remember(self, program, arrays, extents, data):
        """For TerminateOnNaN: what the step starts from, so that it can be run again and looked into."""
        if self.keep:
            before = [v.numpy() for v in program.compiled.variables]
            names = names_of(data)
            names = ["the order of rows"] * (len(arrays) - len(names)) + names
            self.model.fit_run.last_step = (program.compiled, list(arrays), dict(extents), before, names)


def _rows(leaves, data) -> int:
    rows = leaves[0].shape[0]
    if any(a.shape[0] != rows for a in leaves):
        raise ValueError("a batch: expected arrays of one length, received " + ", ".join(
            f"{name} of length {a.shape[0]}" for name, a in zip(names_of(data), leaves)))
    return rows
