# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.distribution.layouts import DataParallel as DataParallel, DeviceMesh as DeviceMesh, Distribution as Distribution, LayoutMap as LayoutMap, ModelParallel as ModelParallel, TensorLayout as TensorLayout, distribution as distribution, set_distribution as set_distribution
from kgraph.distribution.start import get_device_count as get_device_count, initialize as initialize, list_devices as list_devices

__all__ = [
    "DataParallel",
    "DeviceMesh",
    "Distribution",
    "LayoutMap",
    "ModelParallel",
    "TensorLayout",
    "distribution",
    "get_device_count",
    "initialize",
    "list_devices",
    "set_distribution",
]
