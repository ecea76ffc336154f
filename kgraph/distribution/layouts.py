"""keras.distribution's names: how devices lie, how tensors lie on them, and which distribution is in force.

Args:
    key, default: a path, and what is given where it has no layout.
"""
from __future__ import annotations

import collections.abc
import contextlib
import math
import re
import warnings

import numpy as np

from kgraph.compiler.prims import collective
from kgraph.distribution.start import list_devices, world
from kgraph.naming import check_keywords
from kgraph.tables import placing
from kgraph.training import processes

__all__ = ["DataParallel", "DeviceMesh", "Distribution", "LayoutMap", "ModelParallel", "TensorLayout", "distribution",
           "set_distribution"]

_BATCH = "batch"
_current: list = [None]


def distribution():
    """The distribution in force, or None.

    Returns:
        A Distribution, or None.
    """
    return _current[0]


def set_distribution(value):
    """Put a distribution in force for all models; None: each process is by itself again.

    Raises TypeError for anything else.
    """
    if value is not None and not isinstance(value, Distribution):
        raise TypeError("set_distribution: expected a DataParallel or another Distribution, or None, received "
                        f"{value!r}")
    _current[0] = value
    there = world() if value is not None else None
    if there is not None:
        there.auto_shard = value.auto_shard_dataset
    processes.together.world = there
    collective.link.world = there
    placing.by_rows = None if there is None else value.keeps_rows


class DeviceMesh:
    """Devices in a grid.

    Raises ValueError where these do not fit together.

    Args:
        shape: a size for each axis
        axis_names: a name for each
        devices: names of devices, as many as the shape says; default: list_devices()
    """

    def __init__(self, shape, axis_names, devices=None):
        if not shape or not axis_names or len(shape) != len(axis_names):
            raise ValueError(f"DeviceMesh: expected a name for each axis of the shape, received shape={shape}, "
                             f"axis_names={axis_names}")
        devices = np.array(list_devices() if devices is None else devices)
        if math.prod(shape) != devices.size:
            raise ValueError(f"DeviceMesh: expected {math.prod(shape)} devices for shape {tuple(shape)}, received "
                             f"{devices.size}")
        self.shape, self.axis_names = shape, axis_names
        self.devices = devices.reshape(shape)

    def __repr__(self):
        return f"<DeviceMesh shape={self.shape}, axis_names={self.axis_names}>"


class TensorLayout:
    """How a tensor lies on a mesh.

    Raises ValueError for a name that the mesh has not.

    Args:
        axes: for each axis of the tensor the name of the mesh's axis that it is split along, or None
        device_mesh: a DeviceMesh; can be set once later
    """

    def __init__(self, axes, device_mesh=None):
        self.axes = tuple(axes)
        self._device_mesh = None
        if device_mesh is not None:
            self.device_mesh = device_mesh

    @property
    def device_mesh(self):
        """The mesh, or None."""
        return self._device_mesh

    @device_mesh.setter
    def device_mesh(self, mesh):
        if self._device_mesh is not None:
            raise ValueError(f"TensorLayout: expected no mesh yet, found {self._device_mesh}")
        unknown = {a for a in self.axes if a is not None} - set(mesh.axis_names)
        if unknown:
            raise ValueError(f"TensorLayout: expected axes among {', '.join(mesh.axis_names)}, received "
                             f"{', '.join(sorted(unknown))}")
        self._device_mesh = mesh

    def __repr__(self):
        return f"<TensorLayout axes={self.axes}, device_mesh={self.device_mesh}>"


class LayoutMap(collections.abc.MutableMapping):
    """Paths of variables, as regular expressions that match them whole, and the layouts of what they match.

    A layout may be given as a tuple of axes. A path that nothing matches has the layout None; one that several match
    is a ValueError.
    """

    def __init__(self, device_mesh):
        self.device_mesh = device_mesh
        self._layouts: dict = {}

    def __getitem__(self, key):
        if key in self._layouts:
            return self._layouts[key]
        found = [pattern for pattern in self._layouts if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(f"LayoutMap: expected one key that matches {key!r}, found {', '.join(found)}")
        return self._layouts[found[0]] if found else None

    def get(self, key, default=None):
        """The layout of a path, else the default.

        Returns:
            A TensorLayout, or None.
        """
        found = self[key]
        return default if found is None else found

    def __setitem__(self, key, layout):
        if key in self._layouts:
            raise ValueError(f"LayoutMap: {key!r} is there already, with {self._layouts[key]}")
        layout = TensorLayout(layout) if isinstance(layout, tuple) else layout
        if not isinstance(layout, TensorLayout):
            raise ValueError(f"LayoutMap: {key!r}: expected a TensorLayout or a tuple of axes, received {layout!r}")
        if layout.device_mesh is None and self.device_mesh is not None:
            layout.device_mesh = self.device_mesh
        self._layouts[key] = layout

    def __delitem__(self, key):
        del self._layouts[key]

    def __len__(self):
        return len(self._layouts)

    def __iter__(self):
        return iter(self._layouts)


class Distribution:
    """What distributions share.

    Args:
        device_mesh: a DeviceMesh
        batch_dim_name: the axis of the mesh that batches are split along
        auto_shard_dataset: all processes are given the same data, and each takes its part; False: what each is given is
            its own part already, and ``batch_size`` counts its own rows
    """

    def __init__(self, device_mesh, batch_dim_name=None, auto_shard_dataset=True):
        self.device_mesh, self.batch_dim_name = device_mesh, batch_dim_name
        self.auto_shard_dataset = auto_shard_dataset

    @property
    def num_processes(self) -> int:
        """How many processes there are."""
        return 1 if world() is None else world().size

    @property
    def num_model_replicas(self) -> int:
        """How many copies of the model there are."""
        return self.device_mesh.devices.size

    @property
    def data_shard_id(self) -> int:
        """Which part of the data this process has."""
        return 0 if world() is None else world().rank

    @contextlib.contextmanager
    def scope(self):
        """Inside, this distribution is in force."""
        before = distribution()
        set_distribution(self)
        try:
            yield
        finally:
            set_distribution(before)

    def get_data_layout(self, data_shape) -> TensorLayout:
        """How a batch of that shape lies.

        Args:
            data_shape: of a batch.
        """
        return TensorLayout((self.batch_dim_name, *[None] * (len(data_shape) - 1)), self.device_mesh)

    def get_variable_layout(self, variable) -> TensorLayout:
        """How a variable lies: whole, on every device.

        Args:
            variable: a Variable.
        """
        return TensorLayout([None] * len(variable.shape), self.device_mesh)

    def get_tensor_layout(self, path):
        """None: values inside the model follow from the others.

        Args:
            path: of an intermediate result.

        Returns:
            A TensorLayout, or None.
        """
        return None

    def keeps_rows(self, path, shape) -> bool:
        """Whether each process holds some rows of a variable.

        Args:
            path, shape: the variable's
        """
        return False

    def __repr__(self):
        return f"<{type(self).__name__} device_mesh={self.device_mesh}>"


class DataParallel(Distribution):
    """Every process has the whole model and some rows of each batch.

    Raises ValueError for a mesh of fewer or more devices than there are processes.

    Args:
        device_mesh, devices: accepted for all devices; default: one axis, "batch", of list_devices()
        auto_shard_dataset: see Distribution
    """

    def __init__(self, device_mesh=None, devices=None, auto_shard_dataset=True):
        if device_mesh is not None and not isinstance(device_mesh, DeviceMesh):
            raise ValueError(f"DataParallel: device_mesh: expected a DeviceMesh, received {device_mesh!r}")
        if device_mesh is None:
            devices = list_devices() if devices is None else list(devices)
            device_mesh = DeviceMesh((len(devices),), [_BATCH], devices)
        if device_mesh.devices.ndim != 1:
            warnings.warn(f"DataParallel: expected a mesh of one axis, received {device_mesh}: batches are split along "
                          "the first", stacklevel=2)
        _check_devices("DataParallel", device_mesh)
        super().__init__(device_mesh, device_mesh.axis_names[0], auto_shard_dataset)


class ModelParallel(Distribution):
    """Every process has some rows of each batch, and of each table that the layout map names: embeddings that are too
    large for one machine. The optimizer's state of a table lies as the table does.

    Rows that a batch looks up travel to it, and their gradients back. What else is done with a table (a product with
    the whole of it), eager steps, ``numpy()`` and ``model(x)`` put it together for a while, and all processes have to
    ask for it. Files have whole tables.

    Args:
        layout_map: {path of a variable: ("model", None)}: its rows are split along that axis of the mesh, which has all
            devices; the other variables are whole in every process
        batch_dim_name: a name for get_data_layout; default: the mesh's first axis. Batches are split over all devices
        auto_shard_dataset: see Distribution

    Raises:
        NotImplementedError: other layouts; it names the variable.
        ValueError: a mesh of fewer or more devices than there are.

    Example:
        >>> mesh = kgraph.distribution.DeviceMesh((1, kgraph.distribution.get_device_count()), ("batch", "model"))
        >>> layout_map = kgraph.distribution.LayoutMap(mesh)
        >>> layout_map["items/embeddings"] = ("model", None)
        >>> kgraph.distribution.ModelParallel(layout_map=layout_map, batch_dim_name="batch").num_model_replicas
        1
    """

    def __init__(self, *, layout_map=None, batch_dim_name=None, auto_shard_dataset=True, **kwargs):
        if not isinstance(layout_map, LayoutMap):
            raise ValueError(f"ModelParallel: layout_map: expected a LayoutMap, received {layout_map!r}")
        check_keywords("ModelParallel", kwargs, ModelParallel)
        mesh = layout_map.device_mesh
        if mesh is None:
            raise ValueError("ModelParallel: layout_map: expected a LayoutMap with a DeviceMesh, received None")
        _check_devices("ModelParallel", mesh)
        super().__init__(mesh, batch_dim_name or mesh.axis_names[0], auto_shard_dataset)
        self.layout_map = layout_map
        for path, layout in layout_map.items():
            _splits_rows(path, layout)

    @property
    def num_model_replicas(self) -> int:
        """How many copies of the model the mesh has."""
        names = list(self.device_mesh.axis_names)
        return self.device_mesh.shape[names.index(self.batch_dim_name)] if self.batch_dim_name in names else 1

    def get_variable_layout(self, variable) -> TensorLayout:
        """How a variable lies: as the layout map says, else whole on every device."""
        return self.layout_map[variable.path] or super().get_variable_layout(variable)

    def get_tensor_layout(self, path):
        """The layout map's for that path, or None."""
        return self.layout_map[path]

    def keeps_rows(self, path, shape) -> bool:
        """Whether each process holds some rows of the variable.

        Raises:
            ValueError: its layout has another number of axes than it has.
        """
        layout = self.layout_map[path]
        if layout is None:
            return False
        if len(layout.axes) != len(shape):
            raise ValueError(f"ModelParallel: {path}: expected a layout of {len(shape)} axes, as shape {shape} has, "
                             f"received {layout.axes}")
        return _splits_rows(path, layout) and world() is not None


def _splits_rows(path, layout) -> bool:
    """Whether a layout splits rows; False: it splits nothing. Raises NotImplementedError for what else there is."""
    mesh = layout.device_mesh
    sizes = [1 if a is None else mesh.shape[list(mesh.axis_names).index(a)] for a in layout.axes]
    if all(n == 1 for n in sizes):
        return False
    if sizes[0] != mesh.devices.size or any(n != 1 for n in sizes[1:]):
        raise NotImplementedError(
            f"ModelParallel: {path}: expected the first axis to be split over all devices, as ('model', None) over a "
            f"mesh (1, {mesh.devices.size}), received {layout.axes} over a mesh {tuple(mesh.shape)} of "
            f"{', '.join(mesh.axis_names)}: only rows are split")
    return True


def _check_devices(name, mesh):
    if mesh.devices.size != len(list_devices()):
        raise ValueError(f"{name}: expected the {len(list_devices())} devices that there are, received "
                         f"{mesh.devices.size}: mpiexec -n sets their number")
