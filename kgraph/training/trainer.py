"""`Trainer`: compile, fit, evaluate, predict and their relatives. `Model` inherits them."""
from __future__ import annotations

import contextlib
import warnings
from types import SimpleNamespace
from typing import Any

from kgraph import doors, ops, optimizers, tree, variable
from kgraph.callbacks.callback import History
from kgraph.compiler.trace import Tensor, name_scope
from kgraph.config import floatx, functions_run_eagerly, limited
from kgraph.errors import filtered
from kgraph.gradient import GradientTape
from kgraph.graph import KTensor, infer
from kgraph.layers.state import Stateful
from kgraph.legacy.model import Keras2Methods
from kgraph.legacy.words import COMPILE, metrics_come_third
from kgraph.metrics import Mean, Metric
from kgraph.naming import check_keywords, warn_at_user
from kgraph.training import loop
from kgraph.training.compile_args import CompileLoss, CompileMetrics
from kgraph.training.compiled_step import Programs
from kgraph.training.data import parts_of, unpack
from kgraph.training.nan_trace import first_bad_op
from kgraph.training.on_batch import on_batch, order_of, values_of
from kgraph.training.predict import predict, predict_on_batch
from kgraph.training.state_tree import StateTree
from kgraph.training.step_functions import StepFunctions
from kgraph.training.trainability import Trainability

__all__ = ["Trainer"]


class Trainer(Keras2Methods, StateTree, StepFunctions):
    """Training for models. What a subclass may override: train_step, test_step, predict_step, compute_loss,
    compute_metrics, make_train_function and its kin, and the property metrics.
    """

    _stateless = frozenset({*Stateful._stateless, "fit_run", "history", "_programs", "_short_ways",
                             "_call_settings", "_laid"})

    def __init__(self):
        self._forget_training()

    def _forget_training(self):
        self.optimizer = None
        self.compiled = False
        self.stop_training = False
        self.history = None
        self.loss = None
        self.steps_per_execution = "auto"
        self.jit_compile = True
        self._run_eagerly = False
        self._compile_loss = self._compile_metrics = self._loss_tracker = None
        self._compile_config = None
        self._programs = {}
        self._laid = None  # the optimizer that has laid weights and slots side by side, and when
        self._short_ways = {}
        self._call_settings = (None, [])  # see kgraph.models.compiled_call
        self.fit_run = None  # a FitRun, while fit runs
        self._trainability = None
        self._said_frozen = False

    # -- compile

    @filtered
    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, loss_weights=None, metrics=None,
                weighted_metrics=None, run_eagerly=False, steps_per_execution: int | str = "auto",
                jit_compile: bool | str = "auto", auto_scale_loss=True, sample_weight_mode=None, **kwargs):
        """Say how to train.

        Raises ValueError for a name that is not known and TypeError for an argument that is not, with the nearest one.

        Args:
            optimizer: a name, an Optimizer or its config
            loss: a name, function or Loss; for several outputs a list, a dict by output name, or one for all
            loss_weights: a number, or one for each output
            metrics: a list; for several outputs a list of lists or a dict by output name
            weighted_metrics: metrics that sample weights count in
            run_eagerly: run the steps in Python, on values one can print
            steps_per_execution: batches in one native call; "auto": as many as the callbacks allow
            jit_compile: accepted; kgraph always compiles unless run_eagerly
            auto_scale_loss: under the policy mixed_float16, put the optimizer into a LossScaleOptimizer
            sample_weight_mode: Keras 2's "temporal": the shape of the weights says so today
        """
        self._refuse_old(kwargs, sample_weight_mode)
        if metrics_come_third(loss_weights):
            loss_weights, metrics = metrics, loss_weights
        steps_per_execution = kwargs.get("steps_per_execution", steps_per_execution)
        optimizer = self._scaling_loss(optimizers.get(optimizer), auto_scale_loss)
        names = self.output_names if self.is_functional else None
        compile_loss = CompileLoss(loss, loss_weights, names) if loss is not None else None
        compile_metrics = None
        if metrics is not None or weighted_metrics is not None:
            compile_metrics = CompileMetrics(metrics, weighted_metrics, names)
        if steps_per_execution != "auto" and (not isinstance(steps_per_execution, int) or steps_per_execution < 1):
            raise ValueError("steps_per_execution: expected 'auto' or an int of 1 or more, "
                             f"received {steps_per_execution!r}")
        self.optimizer, self.loss = optimizer, loss
        self._compile_loss, self._compile_metrics = compile_loss, compile_metrics
        self._loss_tracker = Mean(name="loss")
        self._run_eagerly = bool(run_eagerly)
        self.steps_per_execution = steps_per_execution
        self.jit_compile = jit_compile
        self.stop_training = False
        self.compiled = True
        self._programs = {}
        self._trainability = Trainability(self)
        self._said_frozen = False
        self._compile_config = SimpleNamespace(  # not a dict: layers look for state inside dicts
            optimizer=optimizer, loss=loss, loss_weights=loss_weights, metrics=metrics,
            weighted_metrics=weighted_metrics, run_eagerly=run_eagerly, steps_per_execution=steps_per_execution,
            jit_compile=jit_compile)

    def _scaling_loss(self, optimizer, auto_scale_loss):
        """The optimizer; under mixed_float16 one that keeps small gradients from becoming 0."""
        scales = auto_scale_loss and optimizer is not None and self.dtype_policy.name == "mixed_float16"
        if not scales or isinstance(optimizer, optimizers.LossScaleOptimizer):
            return optimizer
        return optimizers.LossScaleOptimizer(optimizer, name="loss_scale_optimizer")

    def _refuse_old(self, kwargs, sample_weight_mode):
        if kwargs.pop("target_tensors", None) is not None:
            raise ValueError("compile: target_tensors is of Keras 1 and 2 with TensorFlow graphs: pass targets as y to "
                             "fit(), or make a loss a part of the model with add_loss()")
        if kwargs.pop("distribute", None) is not None:
            raise ValueError("compile: distribute is of TensorFlow: one process uses all its processors (choose how "
                             "many with kgraph.set_num_threads(n)); kgraph.distribution.DataParallel is for several")
        for old in [k for k in kwargs if k in COMPILE]:
            value, today = kwargs.pop(old), COMPILE[old]
            kwargs.update({today: value} if today else {})
            warn_at_user(f"compile: {old}= " + (f"is now {today}=" if today else "has no effect: leave it out"),
                         FutureWarning)
        if sample_weight_mode is not None:
            modes = tree.flatten(sample_weight_mode)
            if any(m not in (None, "temporal", "samplewise") for m in modes):
                raise ValueError("sample_weight_mode: expected None, 'samplewise' or 'temporal', "
                                 f"received {sample_weight_mode!r}")
            warnings.warn("sample_weight_mode is not needed: weights of shape (samples, steps) count per step",
                          FutureWarning, stacklevel=3)
        check_keywords("compile", kwargs, Trainer.compile)

    @property
    def distribute_strategy(self) -> object:
        """The strategy that is there: one replica, as tf.distribute.get_strategy() has it."""
        return doors.strategies.get_strategy()

    @property
    def run_eagerly(self) -> bool:
        """Whether steps run in Python rather than compiled."""
        return self._run_eagerly or functions_run_eagerly()

    @run_eagerly.setter
    def run_eagerly(self, value):
        self._run_eagerly = bool(value)

    def get_compile_config(self):
        """What compile() was given, as plain data; None before compile()."""
        if not self.compiled or self._compile_config is None:
            return None
        from kgraph.serialization import serialize_keras_object
        return serialize_keras_object(vars(self._compile_config))

    def compile_from_config(self, config):
        """compile() with what get_compile_config() gave, and the optimizer's state made when the model is built."""
        from kgraph.serialization import deserialize_keras_object
        if type(self).compile is not Trainer.compile:
            warnings.warn(f"{type(self).__name__} has a compile() of its own: call it after loading, or override "
                          "compile_from_config(config) too", stacklevel=2)
            return
        self.compile(**{k: _revive(v, deserialize_keras_object) for k, v in config.items()})
        if self.built and self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def _assert_compiled(self, method):
        if not self.compiled:
            raise RuntimeError(f"model {self.name!r}: call compile(optimizer=..., loss=...) before {method}()")

    def _as_compiled(self):
        """Inside, what is trainable is what was when compile() was called."""
        return contextlib.nullcontext() if self._trainability is None else self._trainability.in_force(self)

    def _say_frozen(self):
        """Warn, once, where a part of the model became trainable or not since compile(): that would change nothing.

        Where all of it was frozen nothing is said: so the discriminator of a GAN is, to train the generator alone.
        """
        changed = () if self._said_frozen or self._trainability is None else self._trainability.changed()
        if changed and self.trainable_variables:
            self._said_frozen = True
            names = ", ".join(changed[:5]) + " ..." * (len(changed) > 5)
            warn_at_user(f"trainable of {names} changed after compile(): training goes on with what was trainable "
                         "then, until compile() is called again")

    # -- metrics

    @property
    def metrics(self) -> list:
        """All metrics: the mean loss, those of compile(), the losses of several outputs, those of layers."""
        found = [] if self._loss_tracker is None else [self._loss_tracker]
        found += [] if self._compile_metrics is None else self._compile_metrics.metrics
        found += [] if self._compile_loss is None else self._compile_loss.metrics
        return [*found, *self._own_metrics()]

    def _own_metrics(self) -> list:
        return self._remember("metrics", self._find_metrics)

    def _find_metrics(self) -> list:
        layers = [layer for layer in self._all_layers() if layer is self or not isinstance(layer, Trainer)]
        held = [m for layer in layers for m in layer._held(Metric) if m is not self._loss_tracker]
        return list({id(m): m for m in held}.values())

    @property
    def metrics_names(self) -> list:
        """Names of the numbers that evaluate() returns, in their order."""
        return order_of(self, self._log_names())

    def _log_names(self):
        names = [] if self._loss_tracker is None else ["loss"]
        names += [] if self._compile_metrics is None else [n for n, _ in self._compile_metrics.names()]
        names += [] if self._compile_loss is None else [m.name for m in self._compile_loss.metrics]
        return [*names, *(m.name for m in self._own_metrics())]

    def reset_metrics(self):
        """Forget what metrics have seen; every epoch begins with it."""
        for metric in self.metrics:
            metric.reset_state()

    def reset_states(self):
        """Reset the states of stateful recurrent layers. `reset_state` is the same."""
        for layer in self._all_layers():
            if layer is not self and getattr(layer, "stateful", False) and hasattr(layer, "reset_state"):
                layer.reset_state()

    reset_state = reset_states

    # -- what one step does

    def train_step(self, data) -> dict:
        """One step of training on a batch: x, (x, y) or (x, y, sample_weight). Override it for a way of your own."""
        x, y, sample_weight = unpack(data)
        with GradientTape() as tape:
            y_pred = self._predictions(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight)
            self._track_loss(loss, x)
            scaled = loss if self.optimizer is None else self.optimizer.scale_loss(loss)
        variables = self.trainable_variables
        if not variables:
            warn_at_user(f"model {self.name!r} has no trainable weights: nothing is learnt")
        elif self.optimizer is not None:
            gradients = tape.gradient(scaled, variables)
            with name_scope(self.optimizer.name):
                self.optimizer.apply(gradients, variables)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data) -> dict:
        """One step of evaluation on a batch: x, (x, y) or (x, y, sample_weight)."""
        x, y, sample_weight = unpack(data)
        y_pred = self._predictions(x, training=False)
        self._track_loss(self.compute_loss(x, y, y_pred, sample_weight), x)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data):
        """The predictions for a batch."""
        return self._predictions(unpack(data)[0], training=False)

    def _predictions(self, x, training):
        """The model's outputs. Raises ValueError where call() returns none and something is done with them."""
        y_pred = self(x, training=training)
        used = not training or self._compile_loss is not None or self._compile_metrics is not None
        if y_pred is None and used:
            raise ValueError(f"model {self.name!r}: expected outputs of call(), received None: does it lack a return?")
        return y_pred

    def _track_loss(self, loss, x):
        if self._loss_tracker is not None:
            rows = ops.shape(tree.flatten(x)[0])[0]
            self._loss_tracker.update_state(loss, sample_weight=ops.cast(rows, floatx()))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The scalar to make small: the losses of compile(), and those that layers and regularizers add."""
        found = []
        if self._compile_loss is not None:
            if y is None:
                raise ValueError(f"model {self.name!r}: expected targets y, since compile() was given a loss; "
                                 "received none")
            with name_scope("loss"):
                loss = self._compile_loss(y, y_pred, sample_weight)
            found += [] if loss is None else [loss]
        found += [ops.sum(ops.cast(v, floatx())) for v in self.losses]
        if not found:
            raise ValueError(f"model {self.name!r} has no loss: give compile() a loss, or add one with add_loss()")
        total = found[0]
        for loss in found[1:]:
            total = total + loss
        return total

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict:
        """Update the metrics with a batch, and give the results so far."""
        if self._compile_metrics is not None:
            with name_scope("metrics"):
                self._compile_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict:
        """name -> value of all metrics."""
        found = {} if self._loss_tracker is None else {"loss": self._loss_tracker.result()}
        if self._compile_metrics is not None:
            found.update(self._compile_metrics.result())
        if self._compile_loss is not None:
            found.update({m.name: m.result() for m in self._compile_loss.metrics})
        for metric in self._own_metrics():
            result = metric.result()
            found.update(result if isinstance(result, dict) else {metric.name: result})
        return found

    # -- getting ready

    def _prepare(self, mode, data):
        """Everything that has to exist before a step is traced or run: variables, losses, metrics, slots, homes."""
        x, y, _ = parts_of(data)
        if not self.built or self._needs_shapes(mode):
            y_pred = self._outputs_for(mode, x)
            if y_pred is not None and y is not None and mode != "predict":
                self._build_compiled(_as_ktensors(y), y_pred)
                self._check_labels(mode, data)
        if mode == "train" and self.optimizer is not None and self._laid != (self.optimizer, variable.generation):
            with self._as_compiled():
                self.optimizer.flatten(self.trainable_variables)
            self._laid = self.optimizer, variable.generation
        if mode == "train" and self.fit_run is not None:
            self.fit_run.become_ready()

    def _outputs_for(self, mode, x):
        """The outputs for inputs like x, or None where the model cannot be called on them. Builds the model."""
        try:
            return infer(lambda v: self._predictions(v, training=False), _as_ktensors(x))
        except Exception:
            if not self._keeps(f"{mode}_step"):
                self.built = True  # a step of its own calls the model as it likes, or only layers inside (a GAN, say)
                return None
            if not self.run_eagerly or self.is_functional:
                raise
        few = tree.map_structure(lambda a: a if a is None else Tensor(a[:2]), x)  # call() asks for values: give it some
        y_pred = self._predictions(few, training=False)
        self.reset_metrics()
        return y_pred

    def _check_labels(self, mode, data):
        """Look at the values of targets where the loss of compile() is put to them as they are."""
        _, y, weights = parts_of(data)
        loss = self._compile_loss
        if weights is None and loss is not None and loss.built and self._keeps(f"{mode}_step", "compute_loss"):
            loss.check_labels(y)

    def _keeps(self, *methods) -> bool:
        """Whether the model has left these methods as Trainer has them."""
        return all(getattr(type(self), name) is getattr(Trainer, name) for name in methods)

    @property
    def is_ready_to_train(self) -> bool:
        """Whether all variables of training exist: those of the model, of its metrics and of its optimizer."""
        return self.built and not self._needs_shapes("train") and (self.optimizer is None or self.optimizer.built)

    def _needs_shapes(self, mode):
        wanted = (self._compile_loss, self._compile_metrics)
        return mode in ("train", "test") and any(w is not None and not w.built for w in wanted)

    def _build_compiled(self, y, y_pred):
        if self._compile_loss is not None and not self._compile_loss.built:
            self._compile_loss.build(y, y_pred)
        if self._compile_metrics is not None and not self._compile_metrics.built:
            self._compile_metrics.build(y, y_pred)

    def __getstate__(self):
        """For pickle and deepcopy: without what belongs to this process, or to a fit that runs."""
        return {**super().__getstate__(), "_programs": {}, "_short_ways": {}, "fit_run": None,
                "history": None, "_laid": None, "_call_settings": (None, [])}

    def _programs_of(self, mode) -> Programs:
        if mode not in self._programs:
            self._programs[mode] = Programs(self, mode, self.predict_step if mode == "predict" else None)
        return self._programs[mode]

    def _class_counts(self):
        """{output name: number of classes} in order, for class_weight."""
        if not self.is_functional:
            return {None: None}
        names = self.output_names if len(self.outputs) > 1 else [None]
        return {name: o.shape[-1] if len(o.shape) > 1 else None for name, o in zip(names, self.outputs)}

    # -- whole runs

    @filtered
    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs=1, verbose: int | str = "auto",
            callbacks=None, validation_split=0.0, validation_data: Any = None, shuffle: bool | str = True,
            class_weight=None, sample_weight: Any = None, initial_epoch=0, steps_per_epoch: int | None = None,
            validation_steps: int | None = None, validation_batch_size: int | None = None, validation_freq: Any = 1,
            **kwargs) -> History:
        """Train for a number of epochs, and return the History.

        Raises ValueError for data that do not fit together or to the model, TypeError for an unknown argument (with the
        nearest known one), RuntimeError before compile(). Ctrl-C leaves the weights and ``history`` as they are then.

        Args:
            x, y: arrays, lists or dicts of them, frames, files; or x alone: a generator, PyDataset or loader of (x, y)
                or (x, y, sample_weight)
            batch_size: rows in a batch of arrays; by default 32, or with steps_per_epoch all rows spread over those
            verbose: 0 silent, 1 a progress bar, 2 a line an epoch; "auto": a bar where there is a terminal
            validation_split: this last part of the arrays is kept for validation (taken before shuffling)
            validation_data: (x, y), (x, y, sample_weight), or anything that x may be
            shuffle: True, False, or "batch" (keeps the rows of a batch together; for files)
            class_weight: {class id: weight}, or by output name
            sample_weight: one weight a sample, or a sample and step, or a list or dict by output
            initial_epoch: the number of the first epoch, to go on with an earlier run
            steps_per_epoch, validation_steps: batches an epoch
            validation_freq: validate every so many epochs, or after the epochs in a list
        """
        self._assert_compiled("fit")
        kwargs = loop.old_arguments("fit", kwargs, {"nb_epoch": "epochs", "samples_per_epoch": None}, Trainer.fit)
        epochs = limited("max_epochs", kwargs.pop("epochs", epochs))
        return loop.fit(self, x, y, sample_weight, loop.FitOptions(
            batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle, class_weight,
            initial_epoch, steps_per_epoch, validation_steps, validation_batch_size, validation_freq, kwargs))

    @filtered
    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: int | str = "auto",
                 sample_weight: Any = None, steps: int | None = None, callbacks=None, return_dict=False,
                 **kwargs) -> Any:
        """Loss and metrics on data: a number, a list in the order of metrics_names, or with return_dict a dict.

        Arguments as for fit.
        """
        self._assert_compiled("evaluate")
        kwargs = loop.old_arguments("evaluate", kwargs, {}, Trainer.evaluate)
        logs = loop.evaluate(self, x, y, sample_weight, batch_size, verbose, steps, callbacks, kwargs)
        return logs if return_dict else values_of(logs, order_of(self, logs))

    @filtered
    def predict(self, x: Any, batch_size: int | None = None, verbose: int | str = "auto", steps: int | None = None,
                callbacks=None, **kwargs) -> Any:
        """The outputs for all of x, as NumPy arrays in the structure of the model's outputs."""
        if kwargs:
            kwargs = loop.old_arguments("predict", kwargs, {}, Trainer.predict)
        return predict(self, x, batch_size, verbose, steps, callbacks, kwargs)

    # -- single batches

    @filtered
    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight=None, return_dict=False,
                       reset_metrics=True) -> Any:
        """One step of training; loss and metrics as evaluate() gives them, of this batch alone.

        reset_metrics: with False, they are means over all batches since metrics were last reset.
        """
        self._assert_compiled("train_on_batch")
        self._say_frozen()
        return on_batch(self, "train", x, y, sample_weight, class_weight, return_dict, reset_metrics)

    @filtered
    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict=False,
                      reset_metrics=True) -> Any:
        """Loss and metrics of one batch; with reset_metrics=False, means since metrics were last reset."""
        self._assert_compiled("test_on_batch")
        return on_batch(self, "test", x, y, sample_weight, None, return_dict, reset_metrics)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays in the structure of the model's outputs."""
        return predict_on_batch(self, x)

    def first_bad_op(self):
        """Where the last step made its first value that is not finite, as text; None when that is not known."""
        return first_bad_op(self)


def _as_ktensors(part):
    """KTensors for batches of the arrays; None stays."""
    return tree.map_structure(lambda a: a if a is None else KTensor((None, *a.shape[1:]), a.dtype.name), part)


def _revive(x, load):
    """Objects in compile's arguments from their configs; names and numbers stay."""
    if isinstance(x, dict) and "class_name" not in x:
        return {k: _revive(v, load) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [_revive(v, load) for v in x]
    return load(x) if isinstance(x, dict) else x
