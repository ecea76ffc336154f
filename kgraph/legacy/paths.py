"""Module paths of Keras 1, Keras 2 and tf.keras that kgraph has no file for, such as `kgraph.layers.core`.

Such a module offers every public name of the parts of kgraph that its names moved to.
"""
from __future__ import annotations

import importlib
import importlib.machinery
import types

from kgraph.naming import missing

__all__ = ["NAMES", "PATHS", "find_spec", "lookup"]

_LAYERS, _ENGINE = ("layers",), ("", "layers", "models", "saving", "utils")
PATHS = {  # old module -> the modules of kgraph that have its names, searched in order
    **dict.fromkeys(("layers.core", "layers.convolutional", "layers.convolutional_recurrent", "layers.cudnn_recurrent",
                     "layers.embeddings", "layers.advanced_activations", "layers.wrappers", "layers.noise",
                     "layers.local",
                     "layers.experimental", "layers.experimental.preprocessing",
                     "layers.preprocessing.image_preprocessing", "layers.preprocessing.text_vectorization",
                     "layers.convolutional.conv2d", "layers.core.dense"), _LAYERS),
    "layers.merge": _LAYERS,
    **dict.fromkeys(("engine", "engine.topology", "engine.training", "engine.base_layer", "engine.input_layer",
                     "engine.input_spec", "engine.network", "engine.functional", "engine.sequential", "engine.saving",
                     "engine.keras_tensor", "engine.training_utils", "engine.data_adapter", "engine.node"), _ENGINE),
    "legacy.layers": _LAYERS,
    **dict.fromkeys(("utils.data_utils", "utils.generic_utils", "utils.vis_utils", "utils.layer_utils",
                     "utils.multi_gpu_utils", "utils.tf_utils", "utils.image_utils", "utils.dataset_utils",
                     "utils.losses_utils", "utils.metrics_utils", "utils.traceback_utils", "utils.test_utils",
                     "utils.object_registration", "utils.tf_inspect"),
                    ("utils", "legacy.utils", "saving", "tree", "losses")),
    "utils.legacy": ("legacy.saving", "utils", "legacy.utils", "saving", "tree", "losses"),
    "utils.conv_utils": ("legacy.conv_utils", "utils"),
    **dict.fromkeys(("optimizers.experimental", "optimizers.optimizer_v2", "optimizers.optimizer_v1",
                     "optimizers.legacy.optimizer_v2", "optimizers.optimizer_experimental", "optimizer_v2",
                     "optimizer_v1", "optimizers.adam", "optimizers.sgd", "optimizers.rmsprop"), ("optimizers",)),
    **{f"{at}.{name}": ("optimizers", "optimizers.schedules")
       for at in ("optimizer_v2", "optimizers.optimizer_v2", "optimizers.legacy", "optimizers.optimizer_experimental")
       for name in ("adadelta", "adagrad", "adam", "adamax", "ftrl", "nadam", "rmsprop", "gradient_descent", "sgd",
                    "optimizer_v2", "optimizer", "learning_rate_schedule")},
    **dict.fromkeys(("optimizers.learning_rate_schedule", "optimizers.schedules.learning_rate_schedule"),
                    ("optimizers.schedules",)),
    **dict.fromkeys(("backend.tensorflow_backend", "backend.theano_backend", "backend.cntk_backend", "backend.common",
                     "backend.load_backend", "backend_config"), ("backend", "config")),
    **dict.fromkeys(("initializers.initializers_v2", "initializers.initializers_v1", "initializations"),
                    ("initializers",)),
    "metrics.metrics": ("metrics",), "callbacks.callbacks": ("callbacks",), "callbacks_v1": ("callbacks",),
    "losses.losses": ("losses",),
    "preprocessing.image_dataset": ("utils",), "preprocessing.text_dataset": ("utils",),
    "preprocessing.timeseries": ("utils", "preprocessing.sequence"),
    **dict.fromkeys(("saving.save", "saving.legacy", "saving.legacy.hdf5_format",
                     "saving.legacy.save", "saving.saving_api", "saving.saving_lib", "saving.object_registration",
                     "saving.serialization_lib", "saving.saved_model", "saving.model_config"),
                    ("saving", "models", "utils")),
    "experimental": ("optimizers", "layers", "models"),
    "mixed_precision.experimental": ("mixed_precision",), "mixed_precision.policy": ("mixed_precision",),
}

NAMES = {  # old name -> where it is, and its name there
    "backend.Variable": "variable:Variable", "backend.where": "ops:where",
    "backend.pattern_broadcast": "legacy.names:pattern_broadcast",
    "callbacks.OrbaxCheckpoint": "callbacks.foreign:OrbaxCheckpoint",   # of today, and not here
    "mixed_precision.LossScaleOptimizer": "optimizers:LossScaleOptimizer",
    "layers.AtrousConvolution1D": "layers:Conv1D", "layers.AtrousConvolution2D": "layers:Conv2D",
    "layers.Merge": "legacy.merge:Merge", "layers.Recurrent": "layers:RNN",
    "layers.TimeDistributedDense": "layers:Dense",
    **{f"layers.{name}": f"layers.foreign:{name}"   # of today, and not here
       for name in ("FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper")},
    "losses.Reduction": "legacy.names:Reduction", "models.model_from_config": "legacy.names:model_from_config",
    **{f"regularizers.{name}": f"legacy.names:{name}"
       for name in ("activity_l1", "activity_l1l2", "activity_l2", "l1l2")},
    "utils.multi_gpu_model": "legacy.utils:multi_gpu_model",
}
CALLED = {"layers.merge": "legacy.merge:merge"}   # a module in Keras 2, a function in Keras 1


def find_spec(name: str):
    """A module spec for ``kgraph.PATH`` of an old path, else None."""
    if name.removeprefix("kgraph.") in PATHS:
        return importlib.machinery.ModuleSpec(name, _Loader, is_package=True)
    return None


def lookup(package: str, name: str, known):
    """What ``package.name`` is when the package itself has no such name: an old module or name. Raises
    AttributeError."""
    path = f"{package}.{name}"
    if path.removeprefix("kgraph.") in PATHS:
        return importlib.import_module(path)
    if path.removeprefix("kgraph.") in NAMES:
        return _at(NAMES[path.removeprefix("kgraph.")])
    raise missing(package, name, known)


def _at(place):
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(f"kgraph.{module}"), name)


class _Loader:
    @staticmethod
    def create_module(spec):
        return _OldModule(spec.name)

    @staticmethod
    def exec_module(module):
        module.__path__ = []


class _OldModule(types.ModuleType):
    """Offers the names of other modules."""

    def _parts(self):
        return [importlib.import_module(f"kgraph.{part}".rstrip(".")) for part in PATHS[self.__name__[len("kgraph."):]]]

    def __getattr__(self, name):
        if name == "__all__":
            return dir(self)
        if name.startswith("__"):
            raise AttributeError(name)
        for part in self._parts():
            if name in dir(part) or f"{part.__name__}.{name}".removeprefix("kgraph.") in NAMES:
                return getattr(part, name)
        return lookup(self.__name__, name, dir(self))

    def __call__(self, *args, **kwargs):
        path = self.__name__.removeprefix("kgraph.")
        if path not in CALLED:
            raise TypeError(f"{path} is a module: it cannot be called")
        return _at(CALLED[path])(*args, **kwargs)

    def __reduce__(self):
        return importlib.import_module, (self.__name__,)

    def __dir__(self):
        return sorted({name for part in self._parts() for name in getattr(part, "__all__", ())})
