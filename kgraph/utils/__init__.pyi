# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.config import disable_interactive_logging as disable_interactive_logging, enable_interactive_logging as enable_interactive_logging, is_interactive_logging_enabled as is_interactive_logging_enabled
from kgraph.graph.function import source_inputs as get_source_inputs
from kgraph.inspect.pictures import model_to_dot as model_to_dot, plot_model as plot_model
from kgraph.layers.preprocessing.feature_space import FeatureSpace as FeatureSpace
from kgraph.legacy.backend.values import is_keras_tensor as is_keras_tensor
from kgraph.legacy.hdf5_matrix import HDF5Matrix as HDF5Matrix
from kgraph.ops.core import standardize_dtype as standardize_dtype
from kgraph.serialization.objects import CustomObjectScope as CustomObjectScope, CustomObjectScope as custom_object_scope, deserialize_keras_object as deserialize_keras_object, get_custom_objects as get_custom_objects, get_registered_name as get_registered_name, get_registered_object as get_registered_object, register_keras_serializable as register_keras_serializable, serialize_keras_object as serialize_keras_object
from kgraph.training.data import PyDataset as PyDataset, PyDataset as Sequence, pack_x_y_sample_weight as pack_x_y_sample_weight, unpack as unpack_x_y_sample_weight
from kgraph.training.progress import Progbar as Progbar
from kgraph.utils import bounding_boxes as bounding_boxes
from kgraph.utils.config import Config as Config
from kgraph.utils.files import get_file as get_file
from kgraph.utils.folder_datasets import audio_dataset_from_directory as audio_dataset_from_directory, image_dataset_from_directory as image_dataset_from_directory, text_dataset_from_directory as text_dataset_from_directory
from kgraph.utils.images import array_to_img as array_to_img, img_to_array as img_to_array, load_img as load_img, save_img as save_img
from kgraph.utils.numerical import normalize as normalize, to_categorical as to_categorical
from kgraph.utils.sequences import pad_sequences as pad_sequences
from kgraph.utils.session import clear_session as clear_session, set_random_seed as set_random_seed
from kgraph.utils.split import split_dataset as split_dataset
from kgraph.utils.timeseries import timeseries_dataset_from_array as timeseries_dataset_from_array

__all__ = [
    "Config",
    "CustomObjectScope",
    "FeatureSpace",
    "HDF5Matrix",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "audio_dataset_from_directory",
    "bounding_boxes",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
