"""Saving and loading models and their weights in Keras's formats. The format of a file is told by its contents."""
from __future__ import annotations

import contextlib
import datetime
import itertools
import os
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from kgraph import __version__
from kgraph.budget import blank, budget, half_of_memory
from kgraph.legacy.configs import modern_compile_config, modern_model_config
from kgraph.legacy.words import of_checkpoint
from kgraph.naming import printable, warn_at_user
from kgraph.saving import keras2, keras3
from kgraph.saving.archive import Archive, write_archive
from kgraph.saving.filling import Filling
from kgraph.saving.hdf5 import is_hdf5, open_file
from kgraph.saving.keras2 import model_config
from kgraph.saving.text import read_json, read_yaml, write_json, write_yaml
from kgraph.serialization import CustomObjectScope, deserialize_keras_object, safe_mode_scope
from kgraph.tables import first_does
from kgraph.utils.files import check_regular, durable_write

if TYPE_CHECKING:
    from kgraph.models.model import Model

__all__ = ["KERAS_VERSION", "load_model", "load_weights", "model_from_json", "model_from_yaml", "save_model",
           "save_weights", "to_json", "to_yaml"]

KERAS_VERSION = "3.15.1"     # the version whose layout kgraph writes
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MAX_NAME = 60_000            # bytes of a layer's name that is the name of a group
ROOM = 64 << 20              # bytes that any file may ask for, whatever its size
TIMES_ARRAYS = 8             # what it may ask for beside: so many times the arrays in it, for state of an optimizer,
TIMES_TEXT = 64              # and so many times its configuration, for the objects that this describes


# ------------------------------------------------------------------ saving
def save_model(model, filepath, overwrite=True, include_optimizer=True, save_format=None, zipped=True):
    """Write a whole model: architecture, weights, compile arguments and the optimizer's state.

    The old file stays whole until the new one is complete. Of several processes the first writes. Raises ValueError for
    a model that is not built and for formats that kgraph does not write.

    Args:
        filepath: ends in .keras (Keras 3's archive) or in .h5 or .hdf5 (the older HDF5 form)
        overwrite: False: an existing file is a FileExistsError
        include_optimizer: whether compile arguments and optimizer state are written
        save_format: "keras" or "h5", where the name does not say
        zipped: accepted.
    """
    first_does(lambda: _save_model(model, filepath, overwrite, include_optimizer, save_format, zipped))


def _save_model(model, filepath, overwrite, include_optimizer, save_format, zipped):
    path, kind = _target(filepath, overwrite, save_format)
    if not zipped:
        raise ValueError("save: zipped=False is not written; save to a .keras file")
    _check_built(model)
    _check_names(model, kind == "h5")
    with durable_write(path) as part:
        if kind == "h5":
            with writing(part) as file:
                keras2.save_model(file, model, KERAS_VERSION, include_optimizer)
        else:
            _write_keras(part, model, include_optimizer)


def _target(filepath, overwrite, save_format) -> tuple:
    path = Path(filepath)
    if save_format not in (None, False, "keras", "keras_v3", "h5", "hdf5"):
        raise ValueError(f"save: expected save_format 'keras' or 'h5', received {save_format!r}. TensorFlow's "
                         "SavedModel is not written: save to a file that ends in .keras, which Keras 3 opens too")
    kind = {".keras": "keras", ".h5": "h5", ".hdf5": "h5", ".hdf": "h5"}.get(path.suffix.lower())
    if kind is None:
        kind = {"keras": "keras", "keras_v3": "keras", "h5": "h5", "hdf5": "h5"}.get(save_format)
    if kind is None:
        raise ValueError(f"save: expected a file name that ends in .keras or .h5, received {os.fspath(filepath)!r}")
    _check_overwrite(path, overwrite)
    return path, kind


def _check_overwrite(path, overwrite):
    if path.is_dir():
        raise IsADirectoryError(f"expected the name of a file, received the folder {str(path)!r}")
    if path.exists():
        check_regular(path)
        if not overwrite:
            raise FileExistsError(f"{str(path)!r} exists, and overwrite=False")


def _check_names(model, as_groups):
    """Raise ValueError for names that HDF5 cannot hold, or from which the way back would not be found. as_groups: they
    become names of groups, as in Keras 2's layout."""
    for layer in model._all_layers():
        name = getattr(layer, "name", "")
        if "\0" in name or not name.isascii() and name != name.encode("utf-8", "replace").decode():
            raise ValueError(f"layer {name[:100]!r}: expected a name of whole characters other than NUL")
        if as_groups and (name in (".", "..") or len(name.encode()) > MAX_NAME):
            raise ValueError(f"layer {name[:100]!r}: expected a name of at most {MAX_NAME} bytes other than '.' and "
                             "'..', since this format has it as the name of a group")


def _check_built(model):
    if not model.built:
        raise ValueError(f"model {model.name!r} is not built yet, so it has no weights to save or to fill: call it on "
                         "data first, or model.build(input_shape)")


@contextlib.contextmanager
def writing(path):
    """Yields an h5py file to be written."""
    import h5py
    with h5py.File(path, "w", libver="earliest") as file:
        yield file


def _write_keras(path, model, include_optimizer):
    config = model_config(model)
    if not include_optimizer:
        config["compile_config"] = None
    metadata = {"keras_version": KERAS_VERSION, "date_saved": f"{datetime.datetime.now():%Y-%m-%d@%H:%M:%S}",
                "kgraph_version": __version__}
    weights = Path(f"{path}.weights")
    try:
        with writing(weights) as file:
            keras3.save_weights(file, model, include_optimizer)
        write_archive(path, {METADATA: write_json(metadata), CONFIG: write_json(config)}, {WEIGHTS: weights})
    finally:
        with contextlib.suppress(FileNotFoundError):
            weights.unlink()


def save_weights(model, filepath, overwrite=True, max_shard_size=None, save_format=None):
    """Write weights (and the optimizer's state) only: in Keras 3's layout to a file that ends in .weights.h5, in Keras
    2's layout to any other name that ends in .h5 or .hdf5.

    Names with which tf.keras 2 wrote a TensorFlow checkpoint (.tf, .ckpt, or no ending) and save_format="tf" give Keras
    3's layout under that very name, which is said. Of several processes the first writes. Raises ValueError for other
    names, and for a max_shard_size: weights are written into one file.
    """
    first_does(lambda: _save_weights(model, filepath, overwrite, max_shard_size, save_format))


def _save_weights(model, filepath, overwrite, max_shard_size, save_format):
    path = Path(filepath)
    if max_shard_size is not None:
        raise ValueError("save_weights: expected max_shard_size=None: weights are written into one file; received "
                         f"{max_shard_size!r}")
    if save_format not in (None, "h5", "hdf5", "keras", "tf"):
        raise ValueError(f"save_weights: expected save_format 'h5', received {save_format!r}")
    hdf5 = path.suffix.lower() in (".h5", ".hdf5")
    if not hdf5 and not of_checkpoint(path.name):
        raise ValueError("save_weights: expected a file name that ends in .weights.h5, received "
                         f"{os.fspath(filepath)!r}")
    if not hdf5:
        warn_at_user(f"save_weights: {printable(path.name)} is not written as a TensorFlow checkpoint, but in the "
                     "format of .weights.h5; load_weights reads it. Write a name that ends so", FutureWarning)
    layered = hdf5 and not path.name.lower().endswith(".weights.h5")
    _check_overwrite(path, overwrite)
    _check_built(model)
    _check_names(model, layered)
    with durable_write(path) as part, writing(part) as file:
        if layered:
            keras2.save_weights(file, model, KERAS_VERSION)
        else:
            keras3.save_weights(file, model)


def to_json(model, **kwargs) -> str:
    """The architecture (and compile arguments) as JSON, as Keras 3 writes it. Weights are not in it."""
    return write_json(model_config(model), **kwargs)


def to_yaml(model, **kwargs) -> str:
    """The architecture (and compile arguments) as YAML, for model_from_yaml."""
    return write_yaml(model_config(model), **kwargs)


# ------------------------------------------------------------------ loading
def load_model(filepath, custom_objects=None, compile=True, safe_mode=True) -> Model:
    """A model from a .keras archive, or from HDF5 as Keras 1.2 to 2.15 and 3 write it.

    A file is data: nothing that it names is imported or called, no other file is opened. Files of Keras below 3 keep
    their meaning (hard_sigmoid, GRU, optimizers). Raises ValueError for a file that is damaged, asks for more than a
    model, or has weights that do not fit, naming them; FileNotFoundError when there is none.

    Args:
        custom_objects: {name: class or function} that the file may name; others come from a fixed list
        compile: whether to compile it with the arguments in the file, and to restore the optimizer
        safe_mode: only False runs the code of Lambda layers that is in the file; anything else refuses it
    """
    path = _existing(filepath)
    with _guarded(safe_mode, custom_objects, path):
        if zipfile.is_zipfile(path):
            return _load_keras(path, compile)
        if is_hdf5(path):
            return _load_hdf5(path, compile)
    raise ValueError(f"{path}: expected a .keras archive or an HDF5 file, received neither. An architecture alone "
                     "(JSON or YAML) is for kgraph.models.model_from_json and model_from_yaml, an ONNX file for "
                     "kgraph.load_onnx")


def _existing(filepath) -> str:
    path = os.fspath(filepath)
    if os.path.isdir(path):
        what = "a TensorFlow SavedModel" if os.path.exists(os.path.join(path, "saved_model.pb")) else "a folder"
        raise ValueError(f"{path}: expected a file, received {what}. In the Keras that made it, load the model and "
                         "save it to a .keras or .h5 file")
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no model file {path!r}")
    check_regular(path)
    return path


@contextlib.contextmanager
def _guarded(safe_mode=True, custom_objects=None, path="the text"):
    """What every load runs in: no code, only known classes, only documented errors, whose words are safe to print."""
    with safe_mode_scope(safe_mode is not False), CustomObjectScope(custom_objects):
        try:
            yield
        except ValueError as e:
            for error in itertools.takewhile(lambda e: e is not None, _causes(e)):
                error.args = tuple(printable(a, keep="\n") if isinstance(a, str) else a for a in error.args)
            raise
        except (RecursionError, MemoryError, LookupError, AttributeError, TypeError, ArithmeticError,
                NotImplementedError) as e:
            raise ValueError(f"{path}: the configuration in it cannot be used ({_root_cause(e)})") from e


def _root_cause(e) -> str:
    """What went wrong first: the constructor's own words rather than those of everything around it."""
    e = list(_causes(e))[-1]
    return f"{type(e).__name__}: {printable(str(e)[:1000])}"


def _causes(e):
    while e is not None:
        yield e
        e = e.__cause__


def _load_keras(path, compile):
    with Archive(path) as archive:
        metadata = read_json(archive.read(METADATA), path) if METADATA in archive.names() else {}
        text = archive.read(CONFIG)
        config = read_json(text, path)
        version = str(metadata.get("keras_version", KERAS_VERSION)) if isinstance(metadata, dict) else KERAS_VERSION
        with _weights_in(archive, path) as root, _limited(root, len(text)):
            model, compile_config = _build(config, version, path)
            filling = Filling(path)
            keras3.find_weights(root, model, filling)
            filling.settle()
            filling.take(fresh=True)
            _load_assets(archive, model)
            if compile and compile_config:
                _compile(model, modern_compile_config(compile_config, version))
                _take_optimizer(keras3.find_optimizer, root, model)
    return model


@contextlib.contextmanager
def _weights_in(archive, path):
    """Yields the root Group of the weights in an archive."""
    if WEIGHTS not in archive.names():
        raise ValueError(f"{path}: expected a member {WEIGHTS!r}, received {', '.join(archive.names()[:20])}")
    with archive.open_seekable(WEIGHTS) as member, open_file(member, f"{path}:{WEIGHTS}") as root:
        yield root


def _limited(root, text):
    """The budget of a file that holds these weights, and a configuration of so many bytes."""
    return budget(ROOM + TIMES_ARRAYS * root.held() + TIMES_TEXT * text)


def _take_optimizer(find, root, model):
    filling = Filling(root.file_name)
    find(root, model, filling)
    filling.take(fresh=True)


def _load_assets(archive, model):
    """Vocabularies, which Keras keeps as text files beside the weights."""
    found = {}
    for name in archive.names():
        folder, _, file = name.rpartition("/")
        if name.startswith("assets/") and name.endswith(".txt"):
            found.setdefault(folder, {})[file] = name
    for path, x in keras3.walk(model, False) if found else ():
        if hasattr(x, "load_assets"):
            own = found.get(f"assets/{path}", {})
            x.load_assets({file: archive.read(name).decode() for file, name in own.items()})


def _build(config, version, path, weighted=True):
    """(model, its compile arguments) from a config. weighted: its weights come next, from a file."""
    from kgraph.layers.base import Layer
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict | list):
        raise ValueError(f"{path}: expected the configuration of a model, received {str(config)[:100]}")
    config = modern_model_config(config, version)
    compile_config = config.pop("compile_config", None)
    with blank() if weighted else contextlib.nullcontext():
        model = deserialize_keras_object(config)
    if not isinstance(model, Layer) or not hasattr(model, "save"):   # a model or a FeatureSpace
        raise ValueError(f"{path}: expected the configuration of a model, received that of {type(model).__name__}")
    return model, compile_config


def _compile(model, config):
    """compile() with the arguments in a file."""
    config = {k: v for k, v in config.items() if v is not None}
    if config.get("steps_per_execution") == 1:   # Keras's default: no wish
        config["steps_per_execution"] = "auto"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)   # the file's spelling is not the reader's
        model.compile_from_config(config)


def _load_hdf5(path, compile):
    with open_file(path) as root:
        text = root.text("model_config")
        if text is None:
            raise ValueError(f"{path}: the file holds weights only, no model: build the model and call "
                             "model.load_weights(path)")
        version = str(root.attribute("keras_version") or "1")
        config = read_json(text, path)
        with _limited(root, len(text)):
            model, _ = _build(config, version, path)
            filling = Filling(path)
            keras2.find_weights(root.group("model_weights"), model, filling, version=version)
            filling.settle()
            filling.take(fresh=True)
            training = root.text("training_config")
            if compile and training is not None:
                arguments = modern_compile_config(read_json(training, path), version)
                _compile(model, keras2.compile_arguments(arguments, version))
                _take_optimizer(keras2.find_optimizer, root, model)
    return model


def load_weights(model, filepath, by_name=False, skip_mismatch=False):
    """Fill a built model from a .keras archive, a .weights.h5 file, or HDF5 in the layout of Keras 1 and 2.

    Raises ValueError for a damaged file, and naming all weights that do not fit; then nothing is changed.
    FileNotFoundError when there is none.

    Args:
        by_name: match layers by name in place of their order (Keras 2's layout only)
        skip_mismatch: leave what does not fit as it is, with a warning
    """
    path = _existing(filepath)
    _check_built(model)
    with _guarded(path=path), _root_of(path) as root:
        filling = Filling(path)
        group = root.group("model_weights") if "model_weights" in root else root
        if group.name_list("layer_names"):
            keras2.find_weights(group, model, filling, by_name=by_name)
        elif by_name:
            raise ValueError(f"{path}: by_name=True is for files in the layout of Keras 1 and 2; this one has Keras "
                             "3's, which finds weights by structure. Leave by_name out")
        else:
            keras3.find_weights(root, model, filling)
            if model.optimizer is not None and model.optimizer.built:
                keras3.find_optimizer(root, model, filling, required=False)
        filling.settle(skip_mismatch)
        filling.take()


@contextlib.contextmanager
def _root_of(path):
    """Yields the root Group of the weights in a file of any kind."""
    if zipfile.is_zipfile(path):
        with Archive(path) as archive, _weights_in(archive, path) as root:
            yield root
    elif is_hdf5(path):
        with open_file(path) as root:
            yield root
    else:
        raise ValueError(f"{path}: expected a .keras archive or an HDF5 file, received neither")


def model_from_json(json_string, custom_objects=None, safe_mode=True) -> Model:
    """A model from the text that to_json gave, here or in Keras 1, 2 or 3; its weights are fresh.

    Args:
        json_string: what to_json gave.
    """
    return _from_text(read_json(json_string, "model_from_json"), len(json_string), custom_objects, safe_mode)


def model_from_yaml(yaml_string, custom_objects=None, safe_mode=True) -> Model:
    """A model from the text that to_yaml gave, here or in Keras 1 or 2; its weights are fresh.

    Args:
        yaml_string: what to_yaml gave.
    """
    return _from_text(read_yaml(yaml_string, "model_from_yaml"), len(yaml_string), custom_objects, safe_mode)


def _from_text(config, size, custom_objects, safe_mode):
    version = KERAS_VERSION
    if isinstance(config, dict) and "module" not in config:
        version = str(config.get("keras_version") or "1")
    with _guarded(safe_mode, custom_objects), budget(ROOM + TIMES_TEXT * size, weights=half_of_memory()):
        model, compile_config = _build(config, version, "the text", weighted=False)
        if compile_config:
            _compile(model, modern_compile_config(compile_config, version))
    return model
