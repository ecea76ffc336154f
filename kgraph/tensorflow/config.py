"""tf.config: one CPU, no other device."""
from __future__ import annotations

import types
from typing import NamedTuple

from kgraph.config import functions_run_eagerly
from kgraph.naming import missing
from kgraph.runtime.thread_pool import get_num_threads, set_num_threads
from kgraph.tensorflow.base.functions import run_functions_eagerly

__all__ = ["LogicalDevice", "LogicalDeviceConfiguration", "PhysicalDevice", "experimental",
           "experimental_connect_to_cluster", "functions_run_eagerly",
           "get_soft_device_placement", "get_visible_devices", "list_logical_devices",
           "list_physical_devices",
           "optimizer", "run_functions_eagerly", "set_logical_device_configuration",
           "set_soft_device_placement", "set_visible_devices", "threading"]


class PhysicalDevice(NamedTuple):
    """A device of the machine."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """A device as programs name it."""

    name: str
    device_type: str


class LogicalDeviceConfiguration(NamedTuple):
    """How a device is cut into several: it is not."""

    memory_limit: int | None = None
    experimental_priority: int | None = None
    experimental_device_ordinal: int | None = None


def list_physical_devices(device_type=None) -> list:
    """The CPU; of any other type none."""
    return [PhysicalDevice("/physical_device:CPU:0", "CPU")] if device_type in (None, "CPU") else []


def list_logical_devices(device_type=None) -> list:
    """The CPU; of any other type none."""
    return [LogicalDevice("/device:CPU:0", "CPU")] if device_type in (None, "CPU") else []


def get_visible_devices(device_type=None) -> list:
    """What list_physical_devices gives."""
    return list_physical_devices(device_type)


def set_visible_devices(devices, device_type=None):
    """Nothing: there is one device."""


def set_logical_device_configuration(device, logical_devices):
    """Nothing: the device is not cut into several."""


def set_soft_device_placement(enabled):
    """Nothing: there is one device."""


def get_soft_device_placement() -> bool:
    return True


def experimental_connect_to_cluster(*args, **kwargs):
    """Raises NotImplementedError: there are no clusters."""
    raise NotImplementedError("tf.config.experimental_connect_to_cluster: expected a program for one machine: kgraph "
                              "knows no clusters")


def _nothing(*args, **kwargs):
    """Nothing: there is one device, and kernels are always optimized."""


threading = types.SimpleNamespace(
    get_intra_op_parallelism_threads=get_num_threads, get_inter_op_parallelism_threads=get_num_threads,
    set_intra_op_parallelism_threads=lambda num_threads: set_num_threads(num_threads) if num_threads else None,
    set_inter_op_parallelism_threads=_nothing)
optimizer = types.SimpleNamespace(set_jit=_nothing, set_experimental_options=_nothing, get_jit=lambda: "")
experimental = types.SimpleNamespace(
    enable_op_determinism=_nothing, list_physical_devices=list_physical_devices,
    list_logical_devices=list_logical_devices, set_memory_growth=_nothing, get_memory_growth=lambda device: True,
    set_visible_devices=set_visible_devices, VirtualDeviceConfiguration=LogicalDeviceConfiguration,
    set_virtual_device_configuration=set_logical_device_configuration, enable_tensor_float_32_execution=_nothing)


def __getattr__(name):
    raise missing(__name__, name, __all__)
