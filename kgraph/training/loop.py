"""The loops behind fit and evaluate."""
from __future__ import annotations

import inspect
import math
import reprlib
import warnings
from dataclasses import dataclass

import numpy as np

from kgraph.callbacks.callback_list import CallbackList
from kgraph.legacy.logs import LogTable
from kgraph.naming import nearest, warn_at_user
from kgraph.random import make_default_seed
from kgraph.training import processes
from kgraph.training.arrays import as_arrays
from kgraph.training.compiled_step import plain_logs
from kgraph.training.data import Arrays, PyDataset, check_count, is_arrays, make_source, split
from kgraph.training.fit_run import FitRun
from kgraph.training.progress import reporting, resolve_verbose
from kgraph.training.steps import Steps

__all__ = ["FitOptions", "evaluate", "fit", "old_arguments", "with_workers"]

WORKERS = ("workers", "use_multiprocessing", "max_queue_size")


@dataclass
class FitOptions:
    """The arguments of fit beside the data, in its order; workers: Keras 2's, for a PyDataset."""

    batch_size: int | None
    epochs: int
    verbose: object
    callbacks: object
    validation_split: float
    validation_data: object
    shuffle: object
    class_weight: dict | None
    initial_epoch: int
    steps_per_epoch: int | None
    validation_steps: int | None
    validation_batch_size: int | None
    validation_freq: object
    workers: dict


def old_arguments(method, kwargs, renamed, function) -> dict:
    """Arguments of Keras 1 and 2 under their modern names, those for workers as they are.

    Raises TypeError for a name that is not known, with the nearest one.
    """
    found = {}
    for name, value in kwargs.items():
        if name in WORKERS:
            found[name] = value
        elif renamed.get(name):
            warnings.warn(f"{method}: {name}= is now {renamed[name]}=", FutureWarning, stacklevel=3)
            found[renamed[name]] = value
        else:
            known = [p for p in inspect.signature(function).parameters if p not in ("self", "kwargs")]
            raise TypeError(f"{method}: unknown argument {name!r}, received {name}={reprlib.repr(value)}."
                            f"{nearest(name, known)}")
    return found


def with_workers(x, workers):
    if isinstance(x, PyDataset):
        for name, value in workers.items():
            setattr(x, name, value)
    return x


def fit(model, x, y, sample_weight, options):
    """See Trainer.fit."""
    verbose = resolve_verbose(options.verbose)
    _check_fit(options)
    with reporting(verbose):
        return _fit(model, x, y, sample_weight, options, verbose)


def _fit(model, x, y, sample_weight, options, verbose):
    x = model._host_inputs(x) if x is not None and is_arrays(x) else x
    if options.validation_split and options.validation_data is None:
        (x, y, sample_weight), validation = _split(model, x, y, sample_weight, options.validation_split)
    else:
        validation = options.validation_data
    seed = processes.agree(make_default_seed())
    source = make_source(with_workers(x, options.workers), y, sample_weight, options.batch_size,
                         options.steps_per_epoch, options.shuffle, seed, options.class_weight, model._class_counts,
                         convert=model._host_inputs)
    _check_targets(model, source)
    validation = _validation_source(validation, options, model._host_inputs)
    callbacks = options.callbacks
    if not isinstance(callbacks, CallbackList):
        callbacks = CallbackList(callbacks, add_history=True, add_progbar=verbose != 0, model=model, verbose=verbose,
                                 epochs=options.epochs, steps=source.steps)
    model.stop_training = False
    run = FitRun(model, source, callbacks, seed, options.initial_epoch)
    outer, model.fit_run = model.fit_run, run
    try:
        return _run(model, run, validation, options)
    finally:
        model.fit_run = outer


def _run(model, run, validation, options):
    source, callbacks = run.source, run.callbacks
    if isinstance(source, Arrays):
        again = not model._needs_shapes("train")
        model._prepare("train", source.data)
        if again:
            model._check_labels("train", source.data)
        _check_validation(model, validation)
    callbacks.on_train_begin()
    run.begin()
    logs = {}
    for epoch in range(run.first_epoch, options.epochs):
        logs = _fit_epoch(model, run, epoch, validation, options) or logs
        if source.ended and epoch + 1 < options.epochs:
            source.say_short(0, epoch + 1 - options.initial_epoch)
            break
        processes.check_same(lambda: _state(model))
        if _stops(model):
            break
    if model.optimizer is not None and options.epochs > 0:
        with model._as_compiled():
            model.optimizer.finalize_variable_values(model.trainable_variables)
    callbacks.on_train_end(logs)
    return model.history


def _state(model) -> list:
    """What has to be the same in all processes."""
    return [*model.variables, *([] if model.optimizer is None else model.optimizer.variables)]


def _stops(model) -> bool:
    """Whether training ends: where a callback says so in one process, it ends in all."""
    model.stop_training = processes.any_of(model.stop_training)
    return model.stop_training


def _fit_epoch(model, run, epoch, validation, options):
    source, callbacks = run.source, run.callbacks
    skip, run.first_batch = run.first_batch, 0
    if not skip:
        model.reset_metrics()
    callbacks.on_epoch_begin(epoch)
    model._say_frozen()
    done, logs = run_epoch(Steps(model, "train"), source, epoch - options.initial_epoch, callbacks, skip)
    if done == 0 and skip:  # an interrupted run had just done the last batch
        done, logs = skip, plain_logs(model.get_metrics_result())
    if done == 0:
        if source.ended:  # the epoch before it took the last batch
            return {}
        raise ValueError("fit: the data gave no batch")
    if source.steps is None:
        source.steps = done
    source.on_epoch_end()
    logs = LogTable(logs)
    if validation is not None and _due(epoch + 1, options.validation_freq):
        model.reset_metrics()
        found = run_test(model, validation, callbacks)
        logs.update({f"val_{name}": value for name, value in found.items()})
    if callbacks.params is not None:
        callbacks.params["done"] = done
    callbacks.on_epoch_end(epoch, logs)
    return logs


def run_epoch(steps, source, turn, callbacks, skip=0):
    """Run epoch number `turn` of a source, with the calls that callbacks want; (batches done, logs of the last)."""
    model, mode = steps.model, steps.mode
    watched = callbacks.sees_batches(mode)
    begin = getattr(callbacks, f"on_{mode}_batch_begin")
    end = getattr(callbacks, f"on_{mode}_batch_end")
    per_call = model.steps_per_execution if isinstance(model.steps_per_execution, int) else 1 if watched else None
    done, checked, logs = 0, 0, {}
    for call in steps.calls(source, turn, per_call, skip):
        if watched:
            begin(done)
        done, logs = call()
        if watched:
            end(done - 1, LogTable(logs))
        callbacks.on_progress(mode, done - 1, logs)
        if mode == "train":
            _say_nan(model.fit_run, logs, turn, done)
            if done - checked >= processes.CHECK_EVERY:
                processes.check_same(lambda: _state(model))
                checked = done
            if _stops(model):
                break
    return done, logs


def _say_nan(run, logs, turn, done):
    loss = logs.get("loss")
    if not run.said_nan and isinstance(loss, float) and math.isnan(loss):
        run.said_nan = True
        warnings.warn(f"the loss is NaN (epoch {turn + 1}, by batch {done}). The callback TerminateOnNaN stops at the "
                      "first such batch and names the op.", RuntimeWarning, stacklevel=6)


def _check_fit(options):
    for name in ("epochs", "initial_epoch"):
        value = getattr(options, name)
        if not isinstance(value, (int, np.integer)) or value < 0:
            raise ValueError(f"fit: {name}: expected an int of 0 or more, received {value!r}")
    if 0 < options.initial_epoch and options.epochs <= options.initial_epoch:
        warn_at_user(f"fit: nothing is trained: epochs={options.epochs} is the number of the last epoch, and "
                     f"initial_epoch={options.initial_epoch} were done before")
    for name in ("batch_size", "steps_per_epoch", "validation_steps", "validation_batch_size"):
        check_count(f"fit: {name}", getattr(options, name))
    if options.shuffle not in (True, False, "batch", None):
        raise ValueError(f"fit: shuffle: expected True, False or 'batch', received {options.shuffle!r}")
    _due(1, options.validation_freq)


def _due(epoch, frequency) -> bool:
    """Whether epoch number `epoch`, from 1, is validated."""
    if isinstance(frequency, (int, np.integer)) and frequency > 0:
        return epoch % frequency == 0
    if isinstance(frequency, (list, tuple, set, range)):
        return epoch in frequency
    raise ValueError(f"fit: validation_freq: expected an int of 1 or more or a list of epochs, received {frequency!r}")


def _split(model, x, y, sample_weight, fraction):
    """Training and validation parts; says so when the last part has labels that the first has not."""
    if not is_arrays(x):
        raise ValueError("fit: validation_split needs arrays, received x of type "
                         f"{type(x).__name__}; pass validation_data")
    parts = split(as_arrays(x), as_arrays(y, "y"), as_arrays(sample_weight, "sample_weight"), fraction)
    head, tail = parts[0][1], parts[1][1]
    if isinstance(head, np.ndarray) and head.dtype.kind in "iub" and head.ndim < 3:
        missing = set(np.unique(tail).tolist()) - set(np.unique(head).tolist())
        if missing:
            warnings.warn(f"validation_split takes the last {fraction:.0%} of the samples, before shuffling; only "
                          f"there are labels {sorted(missing)[:5]}: are the samples sorted?", stacklevel=4)
    return parts


def _check_targets(model, source, what="y"):
    wanted = model._compile_loss is not None and model._keeps("train_step", "test_step", "compute_loss")
    if isinstance(source, Arrays) and source.y is None and wanted:
        raise ValueError(f"fit: expected {what}, the targets for the loss of model {model.name!r}; received none")


def _check_validation(model, source):
    """Trace the step of validation now: what does not fit the model is an error before training changes anything."""
    _check_targets(model, source, "validation_data=(x, y)")
    traced = isinstance(source, Arrays) and source.in_memory and not model.run_eagerly
    if traced and model._keeps("train_step", "test_step"):
        try:
            model._programs_of("test").epoch(source.data, source.leaves)
        except Exception as error:
            error.add_note("in validation_data")
            raise


def _validation_source(given, options, convert):
    if given is None:
        return None
    batch_size = options.validation_batch_size or options.batch_size
    if isinstance(given, (tuple, list)):
        if len(given) not in (1, 2, 3):
            raise ValueError("fit: validation_data: expected (x, y) or (x, y, sample_weight), received "
                             f"{len(given)} items")
        x, y, w = (*given, None, None)[:3]
        return make_source(x, y, w, batch_size, options.validation_steps, name="fit: validation_data",
                           convert=convert)
    return make_source(with_workers(given, options.workers), batch_size=batch_size, steps=options.validation_steps,
                       name="fit: validation_data", convert=convert)


def run_test(model, source, callbacks) -> dict:
    """Evaluate on a source, metrics reset before; the logs."""
    steps = Steps(model, "test")
    callbacks.on_test_begin()
    done, logs = run_epoch(steps, source, 0, callbacks)
    source.on_epoch_end()
    if callbacks.params is not None:
        callbacks.params["done"] = done
    callbacks.on_test_end(logs)
    return logs


def evaluate(model, x, y, sample_weight, batch_size, verbose, steps, callbacks, workers) -> dict:
    """See Trainer.evaluate; the logs."""
    verbose = resolve_verbose(verbose)
    with reporting(verbose):
        return _evaluate(model, x, y, sample_weight, batch_size, verbose, steps, callbacks, workers)


def _evaluate(model, x, y, sample_weight, batch_size, verbose, steps, callbacks, workers) -> dict:
    source = make_source(with_workers(x, workers), y, sample_weight, batch_size, steps, name="evaluate",
                         convert=model._host_inputs)
    if not isinstance(callbacks, CallbackList):
        callbacks = CallbackList(callbacks, add_progbar=verbose != 0, model=model, verbose=verbose, epochs=1,
                                 steps=source.steps)
    model.reset_metrics()
    return dict(run_test(model, source, callbacks))
