"""Training on several processes, by MPI: each has some rows of every batch, and all have the same weights.

    kgraph.distribution.set_distribution(kgraph.distribution.DataParallel())     # the one line more
    mpiexec -n 4 python train.py

A batch is that of all processes together, so that the program computes what it computes alone: ``batch_size`` rows, one
shuffle, the same dropout masks. Alone, without mpiexec, the same program runs as it is. The extra ``kgraph[mpi]`` has
what it takes.

Args:
    device_type: "cpu", or None.
    device_mesh: a DeviceMesh.
    layout_map: a LayoutMap.
    value: a Distribution, or None for none.
"""
from kgraph.distribution.layouts import (
    DataParallel,
    DeviceMesh,
    Distribution,
    LayoutMap,
    ModelParallel,
    TensorLayout,
    distribution,
    set_distribution,
)
from kgraph.distribution.start import get_device_count, initialize, list_devices

__all__ = ["DataParallel", "DeviceMesh", "Distribution", "LayoutMap", "ModelParallel", "TensorLayout", "distribution",
           "get_device_count", "initialize", "list_devices", "set_distribution"]


def __dir__():
    return sorted(__all__)
