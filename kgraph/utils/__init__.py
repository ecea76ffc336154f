"""Helpers around models: arrays, files, random seeds, data sets in pieces, pictures of models.

Args:
    data_format: "channels_last" or "channels_first"; None: kgraph.config.image_data_format().
    dtype: of the result, by name.
    batch_size: rows in a batch, 32 by default; None: no batches.
    shuffle: in another order each time.
    seed: of the order, and of the split.
    follow_links: into folders that are links.
    verbose: say how many files were found.
    format: "tf" or "grain", which mean the same here.
    x: an array.
"""
import importlib

from kgraph.legacy.paths import lookup

_WHERE = {
    "numerical": ("normalize", "to_categorical"),
    "sequences": ("pad_sequences",),
    "split": ("split_dataset",),
    "config": ("Config",),
    "session": ("clear_session", "set_random_seed"),
    "files": ("get_file",),
    "io_utils": ("HDF5Matrix",),
    "images": ("array_to_img", "img_to_array", "load_img", "save_img"),
    "timeseries": ("timeseries_dataset_from_array",),
    "folder_datasets": ("audio_dataset_from_directory", "image_dataset_from_directory", "text_dataset_from_directory"),
}
_ELSEWHERE = {  # names of other parts of kgraph that Keras users look for here
    "CustomObjectScope": "kgraph.saving",
    "FeatureSpace": "kgraph.layers.preprocessing.feature_space",
    **dict.fromkeys(("disable_interactive_logging", "enable_interactive_logging", "is_interactive_logging_enabled"),
                    "kgraph.config"),
    "get_source_inputs": "kgraph.graph.function:source_inputs",
    "is_keras_tensor": "kgraph.backend",
    "standardize_dtype": "kgraph.ops.core",
    "Progbar": "kgraph.training.progress",
    "PyDataset": "kgraph.training.data",
    "Sequence": "kgraph.training.data",
    "custom_object_scope": "kgraph.saving",
    "deserialize_keras_object": "kgraph.saving",
    "get_custom_objects": "kgraph.saving",
    "get_registered_name": "kgraph.saving",
    "get_registered_object": "kgraph.saving",
    "model_to_dot": "kgraph.inspect",
    "pack_x_y_sample_weight": "kgraph.training.data",
    "plot_model": "kgraph.inspect",
    "register_keras_serializable": "kgraph.saving",
    "serialize_keras_object": "kgraph.saving",
    "unpack_x_y_sample_weight": "kgraph.training.data",
}
_MODULE_OF = {name: f"kgraph.utils.{module}" for module, names in _WHERE.items() for name in names} | _ELSEWHERE

_MODULES = ("bounding_boxes",)

__all__ = sorted((*_MODULE_OF, *_MODULES))


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _MODULE_OF:
        return lookup(__name__, name, __all__)
    module, _, attribute = _MODULE_OF[name].partition(":")
    return getattr(importlib.import_module(module), attribute or name)


def __dir__():
    return __all__
