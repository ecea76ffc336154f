"""HDF5 in the layout of Keras 1 and 2, which Keras 3 still reads and writes: one group for each layer.

    model_weights@layer_names             in the model's order
    model_weights/dense@weight_names      what may be trained first, then the rest
    model_weights/dense/dense/kernel:0
    optimizer_weights@weight_names

with the attributes keras_version, backend, model_config and training_config.
"""
from __future__ import annotations

import math
import re
import warnings

from kgraph import tree
from kgraph.legacy.weights import adapt
from kgraph.saving.hdf5 import write_attribute, write_names, write_variable
from kgraph.saving.keras3 import optimizer_state
from kgraph.saving.text import write_json
from kgraph.serialization import serialize_keras_object

__all__ = ["compile_arguments", "find_optimizer", "find_weights", "model_config", "save_model", "save_weights"]

TOP_LEVEL = "top_level_model_weights"
SLOTS = {  # kgraph's slots of an optimizer, in the order of Keras 2, and the words that stand for them in names
    "SGD": {"momentum": ("m", "momentum")},
    "RMSprop": {"velocity": ("rms", "velocity"), "momentum": ("momentum",),
                "average_gradient": ("mg", "average_gradient")},
    "Adam": {"momentum": ("m", "momentum"), "velocity": ("v", "velocity"), "velocity_hat": ("vhat", "velocity_hat")},
    "Adamax": {"momentum": ("m", "momentum"), "norm": ("v", "u", "norm")},
    "Nadam": {"momentum": ("m", "momentum"), "velocity": ("v", "velocity")},
    "Adagrad": {"accumulator": ("accumulator",)},
    "Adadelta": {"accumulated_grad": ("accum_grad", "accumulated_grad"),
                 "accumulated_delta_var": ("accum_var", "accumulated_delta_var")},
    "Ftrl": {"accumulator": ("accumulator",), "linear": ("linear",)},
}
LONG_NAMES = {  # Keras 3 does not know the short ones in its own HDF5 files
    "mse": "mean_squared_error", "mae": "mean_absolute_error", "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error", "kld": "kl_divergence", "cosine_proximity": "cosine_similarity",
}
SLOTS["AdamW"] = SLOTS["Adam"]


# ------------------------------------------------------------------ saving
def model_config(model) -> dict:
    """The config of a model with its compile arguments, in words that Keras 3 knows too."""
    config = serialize_keras_object(model)
    arguments = config.get("compile_config")
    if arguments:
        config["compile_config"] = {**arguments, "optimizer": _portable_optimizer(arguments.get("optimizer"))}
        if arguments.get("steps_per_execution") == "auto":
            config["compile_config"]["steps_per_execution"] = 1
    return config


def _portable_optimizer(config):
    """Keras 3 has no decay=; the schedule that means the same it has."""
    if not isinstance(config, dict) or not config["config"].get("decay"):
        return config
    inner = {k: v for k, v in config["config"].items() if k != "decay"}
    schedule = {"initial_learning_rate": inner["learning_rate"], "decay_steps": 1,
                "decay_rate": config["config"]["decay"], "staircase": False, "name": "InverseTimeDecay"}
    inner["learning_rate"] = {"module": "keras.optimizers.schedules", "class_name": "InverseTimeDecay",
                              "config": schedule, "registered_name": None}
    return {**config, "config": inner}


def save_model(file, model, version, include_optimizer=True):
    """Write a whole model into an open h5py file."""
    config = model_config(model)
    compile_config = config.pop("compile_config", None)
    write_attribute(file, "keras_version", version)
    write_attribute(file, "backend", "kgraph")
    write_attribute(file, "model_config", write_json(config))
    save_weights(file.create_group("model_weights"), model, version)
    if not include_optimizer or not compile_config:
        return
    optimizer = compile_config.pop("optimizer", None)
    if optimizer is None:
        return
    for name in ("loss", "metrics", "weighted_metrics"):
        compile_config[name] = tree.map_structure(lambda x: LONG_NAMES.get(x, x), compile_config.get(name))
    training = {**compile_config, "optimizer_config": {"class_name": optimizer["class_name"],
                                                       "config": optimizer["config"]}}
    write_attribute(file, "training_config", write_json(training))
    _save_subset(file.create_group("optimizer_weights"), optimizer_state(model.optimizer))


def save_weights(group, model, version):
    """Write the weights of a model's layers into an h5py group."""
    write_names(group, "layer_names", [layer.name for layer in model.layers])
    write_attribute(group, "backend", "kgraph")
    write_attribute(group, "keras_version", version)
    for layer in sorted(model.layers, key=lambda layer: layer.name):
        _save_subset(group.create_group(layer.name), _ordered(layer))
    _save_subset(group.create_group(TOP_LEVEL), _top_level(model))


def _ordered(layer) -> list:
    """A layer's weights in Keras 2's order."""
    return layer.trainable_weights + layer.non_trainable_weights


def _top_level(model) -> list:
    """The weights that a subclassed model has beside its layers."""
    return [] if model.is_functional else model._own_variables()


def _save_subset(group, variables):
    names = _unique([v.path for v in variables])
    write_names(group, "weight_names", names)
    for name, variable in zip(names, variables):
        write_variable(group, name, variable)


def _unique(names) -> list:
    """Names made unique by a number: two weights may have one path where a layer was built twice."""
    repeats = dict.fromkeys(names, 0)
    found = []
    for name in names:
        found.append(f"{name}_{repeats[name]}" if repeats[name] else name)
        repeats[name] += 1
    return found


# ------------------------------------------------------------------ loading
def find_weights(group, model, filling, by_name=False, version=None):
    """Add to a Filling what the group that holds `layer_names` has for a model's variables. Shapes are compared."""
    version = version or str(group.attribute("keras_version") or "1")
    backend = str(group.attribute("backend") or "")
    names = dict.fromkeys(group.name_list("layer_names"))
    stored = {name: _datasets(group.group(name)) for name in names}
    pairs = _pairs_by_name(stored, model) if by_name else _pairs_in_order(stored, model, group)
    if TOP_LEVEL in group and _top_level(model):
        pairs.append((model.name, _top_level(model), _datasets(group.group(TOP_LEVEL)), None))
    for pair in pairs:
        _find(*pair, version, backend, filling)


def _datasets(group) -> list:
    return [group.dataset(name) for name in group.name_list("weight_names")]


def _pairs_by_name(stored, model) -> list:
    return [(layer.name, _ordered(layer), stored[layer.name], layer) for layer in model.layers if layer.name in stored]


def _pairs_in_order(stored, model, group) -> list:
    filled = [(name, datasets) for name, datasets in stored.items() if datasets]
    layers = [layer for layer in model.layers if _ordered(layer)]
    if len(filled) != len(layers):
        raise ValueError(f"{group.file_name}: expected weights for {len(layers)} layers ("
                         f"{', '.join(layer.name for layer in layers)}), received them for {len(filled)} "
                         f"({', '.join(name for name, _ in filled)}). by_name=True loads those that agree")
    where = lambda layer, name: layer.name if layer.name == name else f"{layer.name} (in the file {name})"
    return [(where(layer, name), _ordered(layer), datasets, layer) for layer, (name, datasets) in zip(layers, filled)]


def _find(where, variables, datasets, layer, version, backend, filling):
    for dataset in datasets:
        dataset.check()
    wanted = [v.shape for v in variables]
    sources = datasets
    if layer is None or [d.shape for d in datasets] != wanted or _needs_care(version):
        if sum(math.prod(d.shape) for d in datasets) <= 2 * sum(map(math.prod, wanted)):
            sources = adapt(layer, [d.read(d.shape) for d in datasets], wanted, version, backend)
    if [d.shape for d in sources] == wanted:
        filling.add(variables, sources)
    else:
        filling.misfits += _misfits(where, variables, datasets)


def _needs_care(version) -> bool:
    """Keras 1 kept some kernels in another order of axes, which may have the same shape."""
    return version.startswith(("1", "0"))


def _misfits(where, variables, datasets) -> list:
    if len(variables) != len(datasets):
        return [f"{where}: expected {len(variables)} weights {[v.shape for v in variables]}, received {len(datasets)} "
                f"{[d.shape for d in datasets]}"]
    return [f"{where}: expected shape {v.shape} for {v.path}, received {d.shape} ({d.path})"
            for v, d in zip(variables, datasets) if v.shape != d.shape]


# ------------------------------------------------------------------ compile arguments and optimizers
def compile_arguments(training: dict, version) -> dict:
    """What compile_from_config takes, from a training_config in today's words."""
    if not isinstance(training, dict) or not isinstance(training.get("optimizer_config"), dict):
        raise ValueError(f"expected compile arguments with an optimizer_config, received {str(training)[:100]}")
    optimizer = training["optimizer_config"]
    arguments = {"optimizer": {"module": "keras.optimizers", **optimizer}}
    for name in ("loss", "loss_weights", "metrics", "weighted_metrics"):
        if training.get(name) not in (None, [], {}):
            arguments[name] = training[name]
    return arguments


def find_optimizer(root, model, filling):
    """Add the state of a compiled model's optimizer. State that does not fit is left out, with a warning."""
    optimizer = model.optimizer
    if optimizer is None or "optimizer_weights" not in root:
        return
    group = root.group("optimizer_weights")
    names = group.name_list("weight_names")
    datasets = [group.dataset(name) for name in names]
    pairs = _match_in_order(optimizer, names, datasets) or _match_by_slot(optimizer, names, datasets)
    if pairs is None:
        warnings.warn(f"{root.file_name}: the optimizer's state in the file does not fit {type(optimizer).__name__}; "
                      "it begins afresh", stacklevel=2)
        return
    for variable, dataset in pairs:
        filling.add([variable], [dataset])


def _match_in_order(optimizer, names, datasets):
    """Keras 3 wrote the optimizer's variables one by one: the counters alone, if the model had not been trained."""
    variables = optimizer_state(optimizer)
    if all(d.shape == () for d in datasets):
        variables = variables[:len(datasets)]
    if names and names[0].endswith("/iteration") and [d.shape for d in datasets] == [v.shape for v in variables]:
        return list(zip(variables, datasets))
    return None


def _match_by_slot(optimizer, names, datasets):
    """Keras 1 and 2: a step counter, then slots; for each slot one array a variable, in the variables' order."""
    slots = next((SLOTS[c.__name__] for c in type(optimizer).__mro__ if c.__name__ in SLOTS), {})
    slots = {slot: words for slot, words in slots.items() if slot in optimizer._slots}
    pairs, arrays = [], []
    for name, dataset in zip(names, datasets):
        if dataset.shape == () and re.search(r"iter", name.lower()) and not pairs:
            pairs.append((optimizer._iterations, dataset))
        elif math.prod(dataset.shape) == 1 and _scalar(optimizer, name):
            pairs += [(v, dataset) for v in _scalar(optimizer, name) if v.shape == dataset.shape]
        else:
            arrays.append((name, dataset))
    found = _named_slots(arrays, slots) or _slots_in_order(arrays, slots, len(optimizer._trainable_variables))
    if found is None:
        return None
    for slot, own in found.items():
        variables = optimizer._slots[slot]
        if [v.shape for v in variables] != [d.shape for d in own]:
            return None
        pairs += zip(variables, own)
    return pairs


def _scalar(optimizer, name) -> list:
    """The optimizer's own scalars that a name stands for (Nadam's product of momentum schedules)."""
    if not re.search(r"u_product|momentum_cache|m_schedule|learning_rate", name.lower()):
        return []
    wanted = "learning_rate" if "learning_rate" in name else "u_product"
    return [v for v in optimizer.variables if v.name == wanted]


def _named_slots(arrays, slots):
    """Slots told by the names: ``Adam/dense/kernel/m:0``, ``Adam/m/dense/kernel:0``."""
    found = {slot: [] for slot in slots}
    for name, dataset in arrays:
        parts = name.partition(":")[0].split("/")
        places = {parts[-1], *parts[1:2]}
        slot = next((s for s, words in slots.items() if places & set(words)), None)
        if slot is None:
            return None
        found[slot].append(dataset)
    return found


def _slots_in_order(arrays, slots, count):
    """Keras 2.3 and before named them ``training/Adam/Variable_7``: slot after slot."""
    arrays = [dataset for _, dataset in arrays if dataset.shape != (1,) or len(arrays) == count * len(slots)]
    if len(arrays) != count * len(slots):
        return None
    return {slot: arrays[i * count:(i + 1) * count] for i, slot in enumerate(slots)}

