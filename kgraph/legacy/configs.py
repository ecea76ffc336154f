"""Configurations of Keras 1 and 2 in the words of Keras 3, with their own meaning.

What changed silently between the versions is kept as it was for the file: the slope of hard_sigmoid, GRU's reset_after,
masks beside an initial_state (layers that care know their keras_version), defaults of optimizers, clipnorm as a global
norm. What was renamed is renamed. Nothing here makes an object: a config
goes in, a config comes out.
"""
from __future__ import annotations

import re

from kgraph.legacy.activations import HARD_SIGMOID, hard_sigmoid_keras2
from kgraph.legacy.old_optimizers import MARK, OLD_RULES
from kgraph.legacy.words import INITIALIZERS, MERGES, modern_words
from kgraph.serialization import op_names

__all__ = ["hard_sigmoid_keras2", "modern_compile_config", "modern_config", "modern_model_config", "version_tuple"]


def with_own_names(value):
    """A config of Keras 3 in which what stands for something of Keras 2 is that again: the two layers of
    hard_sigmoid_keras2, the optimizers whose names say so."""
    if isinstance(value, list):
        return [with_own_names(v) for v in value]
    if not isinstance(value, dict):
        return value
    config = value.get("config")
    is_model = value.get("class_name") == "Sequential" and isinstance(config, dict)
    if is_model and config.get("name") == hard_sigmoid_keras2.__name__:
        return HARD_SIGMOID
    found = {key: with_own_names(v) for key, v in value.items()}
    if "inbound_nodes" in value and not value.get("module") and _is_function(value.get("class_name"), config):
        found["module"] = "keras.ops"
    if value.get("class_name") in OLD_RULES and isinstance(config, dict) and str(config.get("name")).endswith(MARK):
        found["class_name"] = OLD_RULES[value["class_name"]]
    return found


def _is_function(class_name, config) -> bool:
    """Whether an entry of a graph in Keras 3's HDF5 files, which name no modules, is a function of keras.ops: Multiply
    may be that or a layer, but a layer's config says whether it is trainable."""
    return isinstance(config, dict) and "trainable" not in config and class_name in op_names.OBJECTS


CLASSES = {  # names that are gone
    "CuDNNGRU": "GRU", "CuDNNLSTM": "LSTM", "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization", "SyncBatchNormalization": "BatchNormalization",
    "Convolution1D": "Conv1D", "Convolution2D": "Conv2D", "Convolution3D": "Conv3D", "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D", "SeparableConvolution2D": "SeparableConv2D", "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose", "TimeDistributedDense": "Dense",
}
DROPPED = {  # settings that say how, not what
    "implementation", "consume_less", "ragged", "experimental_autocast", "fused", "jit_compile", "is_legacy_optimizer",
    "input_dtype",
}
NEUTRAL = {  # settings that are gone: the values without which nothing is lost
    "": {"time_major": (False, None), "renorm": (False, None), "renorm_clipping": (None,),
         "renorm_momentum": (0.99, None), "virtual_batch_size": (None,), "adjustment": (None,)},
    "SeparableConv": {"groups": (1, None)}, "DepthwiseConv": {"groups": (1, None), "filters": (None,)},
    "Conv1DTranspose": {"groups": (1, None)}, "Conv2DTranspose": {"groups": (1, None)},
    "Conv3DTranspose": {"groups": (1, None)},
}
UNUSED = {"SeparableConv": ("kernel_initializer", "kernel_regularizer", "kernel_constraint"),   # inherited, never read
          "DepthwiseConv": ("kernel_initializer", "kernel_regularizer", "kernel_constraint")}
OPTIMIZERS = {  # what a missing setting meant
    "Adagrad": {"learning_rate": 0.01, "initial_accumulator_value": 0.0}, "Adadelta": {"learning_rate": 1.0},
    "Adamax": {"learning_rate": 0.002}, "Nadam": {"learning_rate": 0.002}, "SGD": {"learning_rate": 0.01},
    "RMSprop": {"learning_rate": 0.001}, "Adam": {"learning_rate": 0.001},
}


def version_tuple(version: str) -> tuple:
    """``"2.2.4-tf"`` -> (2, 2, 4)."""
    return tuple(int(n) for n in re.findall(r"\d+", version)[:3]) or (1,)


def modern_model_config(config: dict, version: str) -> dict:
    """The config of a model (or another object) as Keras 3 would write it. """
    if version_tuple(version) >= (3,):
        return with_own_names(config)
    return modern_config({k: v for k, v in config.items() if k not in ("keras_version", "backend")}, version)


def modern_config(value, version: str):
    """value with every config in it in today's words."""
    if version_tuple(version) >= (3,):
        return value
    if isinstance(value, list):
        return [modern_config(v, version) for v in value]
    if not isinstance(value, dict):
        return value
    value = {key: modern_config(v, version) for key, v in value.items()}
    name = value.get("class_name")
    if isinstance(name, str) and isinstance(value.get("config"), dict):
        return _modern_object(value, name.rpartition(">")[2] if name.startswith("Custom>") else name, version)
    if value.get("name") in ("WeightRegularizer", "ActivityRegularizer", "L1L2Regularizer") and "l1" in value:
        return {"class_name": "L1L2", "config": {"l1": value["l1"], "l2": value["l2"]}}
    return value


def _modern_object(value, name, version):
    config = value["config"]
    if name in ("Policy", "PolicyV1"):
        return config.get("name", "float32")
    if name.startswith("CuDNN"):
        config = {"recurrent_activation": "sigmoid", "reset_after": True, **config}
        config = config if name == "CuDNNGRU" else {k: v for k, v in config.items() if k != "reset_after"}
    name = CLASSES.get(name, name)
    if version_tuple(version) < (2,):
        name, config = _from_keras1(name, config)
    if name == "Lambda":
        config = _modern_lambda(config)
    if name == "GRU":
        config = {"reset_after": False, **config}
    if "reduction" in config or "fn" in config:
        config = _modern_loss(name, config)
    if name in OPTIMIZERS:
        name, config = _modern_optimizer(name, config, version)
    config = {k: _modern_setting(k, v) for k, v in config.items() if not _is_dropped(name, config, k, v)}
    return {**value, "class_name": name, "keras_version": version, "config": config}


def _is_dropped(class_name, config, key, setting) -> bool:
    neutral = {k: v for prefix, known in NEUTRAL.items() if class_name.startswith(prefix) for k, v in known.items()}
    if key in neutral and setting not in neutral[key]:
        raise ValueError(f"layer {config.get('name', class_name)!r}: {key}={setting!r} is not known any more; only "
                         f"{key}={neutral[key][0]!r} can be loaded")
    unused = any(key in keys for prefix, keys in UNUSED.items() if class_name.startswith(prefix))
    return key in neutral or unused or key in DROPPED or key == "dtype" and setting is None


def _modern_setting(key, setting):
    if key.endswith("activation") and setting == "hard_sigmoid":
        return HARD_SIGMOID
    if key.endswith("initializer"):
        if isinstance(setting, str):
            return INITIALIZERS.get(setting, setting)
        if isinstance(setting, dict) and isinstance(setting.get("config"), dict):
            inner = {k: v for k, v in setting["config"].items() if k not in ("dtype", "partition_info")}
            return {**setting, "config": inner}
    if key == "axis" and isinstance(setting, list) and len(setting) == 1:
        return setting[0]
    return setting


def _from_keras1(name, config) -> tuple:
    config = dict(config)
    if name == "Merge":
        mode = config.pop("mode", "sum")
        if mode not in MERGES:
            raise ValueError(f"layer {config.get('name')!r}: a Merge of mode {mode!r} cannot be loaded; known are "
                             f"{', '.join(MERGES)}")
        name = MERGES[mode]
        kept = {"Concatenate": {"concat_axis": "axis"}, "Dot": {"dot_axes": "axes"}}.get(name, {})
        config = {"name": config.get("name"), **{kept[k]: v for k, v in config.items() if k in kept}}
        return name, {**config, "normalize": True} if mode == "cos" else config
    renamed = modern_words(name, config)
    if name == "LSTM":
        renamed["unit_forget_bias"] = renamed.pop("forget_bias_init", "one") == "one"
    if name == "BatchNormalization" and renamed.pop("mode", 0) not in (0, 2):
        raise ValueError(f"layer {config.get('name')!r}: BatchNormalization of mode 1 cannot be loaded")
    gone = {"Embedding": ("dropout",), "Conv2DTranspose": ("output_shape",)}.get(name, ("input_dim", "input_length"))
    return name, {k: v for k, v in renamed.items() if k not in gone}


def _modern_lambda(config):
    """Keras 2 kept [code, defaults, closure] of a lambda, or the name of a function."""
    function, kind = config.get("function"), config.get("function_type")
    gone = ("module", "function_type", "output_shape_type", "output_shape_module")
    config = {k: v for k, v in config.items() if k not in gone}
    if isinstance(function, list) or kind == "lambda":
        code, defaults, closure = (*function, None, None)[:3] if isinstance(function, list) else (function, None, None)
        config["function"] = {"class_name": "__lambda__",
                              "config": {"code": code, "defaults": defaults, "closure": closure}}
    elif isinstance(function, str):
        config["function"] = {"class_name": "function", "config": function}
    return config


def _modern_loss(name, config):
    """Losses and metrics: "auto" was the sum over the batch, and classes named after a function also held it."""
    config = {k: v for k, v in config.items() if k != "fn" or name in ("MeanMetricWrapper", "LossFunctionWrapper")}
    return {**config, "reduction": "sum_over_batch_size"} if config.get("reduction") == "auto" else config


def _modern_optimizer(name, config, version):
    config = dict(config)
    if "lr" in config:
        config["learning_rate"] = config.pop("lr")
    config = {**OPTIMIZERS[name], **config}
    if name == "Nadam":      # whose decay was that of its momentum's schedule, always 0.004
        config = {k: v for k, v in config.items() if k not in ("schedule_decay", "decay")}
    if config.get("epsilon", 0) is None:
        config["epsilon"] = 1e-7
    norm = config.get("clipnorm")
    if norm and version_tuple(version) <= (2, 3, 1) and "-tf" not in version:
        config["global_clipnorm"] = config.pop("clipnorm")
    is_new = "is_legacy_optimizer" in config     # written by Keras 2.11 and later for rules that are Keras 3's
    return name if is_new else OLD_RULES.get(name, name), config


def modern_compile_config(config, version: str):
    """Compile arguments, as compile_config of an archive or training_config of an HDF5 file."""
    return with_own_names(config) if version_tuple(version) >= (3,) else modern_config(config, version)
