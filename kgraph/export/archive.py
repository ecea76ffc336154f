"""Several functions of a model, each under a name, in one folder: Keras's `ExportArchive`."""
from __future__ import annotations

from pathlib import Path

from kgraph.export import export, refuse_format
from kgraph.export.c import new_folder
from kgraph.export.targets import folder_of
from kgraph.layers.base import Layer
from kgraph.models import Model
from kgraph.variable import Variable

__all__ = ["ExportArchive"]


class _Endpoint(Model):
    """A function as a model: a list of inputs are its arguments."""

    def __init__(self, function, name):
        super().__init__(name=name)
        self.function = function

    def call(self, inputs, training=False):
        return self.function(*inputs) if isinstance(inputs, (list, tuple)) else self.function(inputs)


class ExportArchive:
    """Functions that leave together, each as an export of its own in one folder: ``folder/NAME`` for an endpoint.

    Args:
        format: of each, as for Model.export: "bundle" (default), "c" or "web".

    Raises:
        ValueError: another format, such as Keras's "saved_model", which needs TensorFlow.

    Example:
        >>> archive = kgraph.export.ExportArchive()
        >>> twice = archive.add_endpoint("twice", lambda x: x * 2.0, [kgraph.InputSpec(shape=(None, 3))])
        >>> archive.endpoints
        ['twice']
    """

    def __init__(self, format="bundle"):
        refuse_format(format)
        self.format = format
        self._endpoints: dict = {}   # name -> (Model, input_signature)
        self._tracked: list = []

    @property
    def endpoints(self) -> list:
        """The names, in the order in which they came."""
        return list(self._endpoints)

    @property
    def variables(self) -> list:
        """Of all that is tracked, each once."""
        found = {id(v): v for owner in self._tracked for v in ([owner] if isinstance(owner, Variable)
                                                               else owner.variables)}
        return list(found.values())

    @property
    def trainable_variables(self) -> list:
        """Of `variables`, those that train."""
        return [v for v in self.variables if v.trainable]

    @property
    def non_trainable_variables(self) -> list:
        """Of `variables`, those that do not train."""
        return [v for v in self.variables if not v.trainable]

    def track(self, resource):
        """Count the variables of a layer, model or variable among the archive's. An endpoint takes what it reads along
        by itself, tracked or not.

        Args:
            resource: a built layer or model, or a Variable.

        Raises:
            ValueError: something else, or a layer that is not built.
        """
        if not isinstance(resource, (Layer, Variable)):
            raise ValueError(f"ExportArchive.track: expected a layer, a model or a Variable, received {resource!r}")
        if isinstance(resource, Layer) and not resource.built:
            raise ValueError(f"ExportArchive.track: expected a layer that is built, received {resource!r}")
        self._tracked.append(resource)

    def add_endpoint(self, name, fn, input_signature=None, **kwargs):
        """Let a function leave under a name.

        Args:
            name: of its folder; a Python name.
            fn: takes tensors and is made of kgraph.ops and layers; or a Model.
            input_signature: an InputSpec for each argument, in a list; None for a model that knows its inputs.
            **kwargs: options of the format, as for Model.export.

        Returns:
            fn, so that this can stand in front of it.

        Raises:
            ValueError: a name that is taken or no Python name; no input_signature for a function.
        """
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"ExportArchive.add_endpoint: expected name as a Python name, received {name!r}")
        if name in self._endpoints:
            raise ValueError(f"ExportArchive.add_endpoint: expected a new name, received {name!r}, which is there")
        if input_signature is None and not isinstance(fn, Model):
            raise ValueError(f"ExportArchive.add_endpoint: expected input_signature= for {name!r}, such as "
                             "[kgraph.InputSpec(shape=(None, 8), dtype='float32')], received None")
        self._endpoints[name] = (fn if isinstance(fn, Model) else _Endpoint(fn, name)), input_signature, kwargs
        return fn

    def track_and_add_endpoint(self, name, resource, input_signature, **kwargs):
        """Both: track a layer or model, and let its call leave.

        Args:
            name, input_signature, **kwargs: as for add_endpoint.
            resource: a built layer or model.
        """
        self.track(resource)
        self.add_endpoint(name, resource, input_signature, **kwargs)

    def add_variable_collection(self, name, variables):
        """Count variables among the archive's.

        Args:
            name: accepted; exports have no collections, each holds what it reads.
            variables: a list of Variables.

        Raises:
            ValueError: something else.
        """
        if not isinstance(variables, (list, tuple, set)):
            raise ValueError(f"ExportArchive.add_variable_collection: expected a list of Variables for {name!r}, "
                             f"received {variables!r}")
        for variable in variables:
            self.track(variable)

    def write_out(self, filepath, options=None, verbose=True):
        """Write all endpoints: all or nothing.

        Args:
            filepath: a new folder, or one that an archive was written to, which is replaced.
            options: accepted; Keras's are for SavedModels.
            verbose: say what was written.

        Raises:
            ValueError: no endpoint; one that cannot be traced.
            FileExistsError: a folder with other things in it.
            RuntimeError: no C compiler.
        """
        if not self._endpoints:
            raise ValueError("ExportArchive.write_out: expected an endpoint, received none: call add_endpoint before")
        with new_folder(_folder_of(filepath)) as new:
            for name, (model, signature, kwargs) in self._endpoints.items():
                export(model, Path(new) / name, self.format, None, signature, **kwargs)
        if verbose:
            print(f"{', '.join(self._endpoints)}: exported as {self.format} to {filepath}")


def _folder_of(path) -> Path:
    """A folder that is not there, or in which exports are alone."""
    folder = Path(path)
    if folder.is_dir() and all((entry / "signature.json").exists() for entry in folder.iterdir()):
        return folder
    return folder_of(folder)
