"""Running a model's steps: on single batches, or through an epoch of whole arrays in as few native calls as allowed."""
from __future__ import annotations

import itertools
import time

import numpy as np

from kgraph.layers.calls import in_step
from kgraph.training import processes
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
            return self._eager(processes.gathered(data))
        program = self.programs.batch(data, leaves).ready()
        leaves, extents = program.placed(leaves, rows)
        self._remember(program, leaves, extents, data)
        return program.logs.unpack(program.compiled.run(leaves, extents)[0])

    def _eager(self, data):
        model = self.model
        if not self.programs.prepared:
            with setting_up():
                model._prepare(self.mode, data)
            processes.same_start(model.variables)
            self.programs.prepared = True
        step = model.train_step if self.mode == "train" else model.test_step
        with model._as_compiled(), in_step(model):
            return plain_logs(step(eager_data(data)))

    @property
    def asks_rate(self) -> bool:
        """Whether the learning rate has to be asked before every step."""
        optimizer = self.model.optimizer
        return self.mode == "train" and optimizer is not None and optimizer.host_rate

    def _refresh_rate(self):
        if self.asks_rate:
            self.model.optimizer.refresh_rate()

    def calls(self, source, turn, per_call=None, skip=0):
        """Functions to call one after the other for epoch `turn` of a source; each gives (batches done so far, logs).

        Args:
            per_call: batches in one call, or None for as many as take about a tenth of a second
            skip: batches that were done before
        """
        own = self.model._calls(self.mode, lambda: processes.lockstep(source.batches(turn)), skip)
        if own is not None:
            for i, call in enumerate(own, skip + 1):
                yield lambda i=i, call=call: (i, plain_logs(call()))
            return
        whole = isinstance(source, Arrays) and source.in_memory and not self.eager
        if self.asks_rate or self.keep:
            per_call = 1
        program = self.programs.epoch(source.data, source.leaves).ready() if whole else None
        if whole and (program.shared or processes.together.world is None):
            yield from self._whole(program, source, turn, per_call, skip)
            return
        for i, data in enumerate(processes.lockstep(source.batches(turn))):
            if i >= skip:
                yield lambda i=i, data=data: (i + 1, self.batch(data))

    def _whole(self, program, source, turn, per_call, skip):
        order, steps = source.epoch(turn)
        arrays = [order, *source.leaves]
        extents = program.compiled.extents(arrays)
        for rows in {step["B"] for step in steps}:
            program.check(rows)
        self.programs.cursor.assign(np.int32(sum(step["B"] for step in steps[:skip])))
        done = skip
        for step, alike in itertools.groupby(steps[skip:]):
            left = len(list(alike))
            while left:
                count = min(left, per_call or processes.agree(self.programs.pace))
                left, done = left - count, done + count
                yield lambda step=step, count=count, done=done: (
                    done, self._run(program, arrays, {**extents, **step}, count, source.data))

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
