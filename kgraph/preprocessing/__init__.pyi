# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.preprocessing import image as image, sequence as sequence, text as text
from kgraph.utils.folder_datasets import image_dataset_from_directory as image_dataset_from_directory, text_dataset_from_directory as text_dataset_from_directory
from kgraph.utils.timeseries import timeseries_dataset_from_array as timeseries_dataset_from_array

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
