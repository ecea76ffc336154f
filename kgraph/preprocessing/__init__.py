"""kgraph.preprocessing: what Keras 2 had to prepare texts, sequences and images outside of models."""
from kgraph.legacy.paths import lookup
from kgraph.preprocessing import image, sequence, text
from kgraph.utils.folder_datasets import image_dataset_from_directory, text_dataset_from_directory
from kgraph.utils.timeseries import timeseries_dataset_from_array

__all__ = ["image", "image_dataset_from_directory", "sequence", "text", "text_dataset_from_directory",
           "timeseries_dataset_from_array"]


def __getattr__(name):
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
