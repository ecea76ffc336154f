"""Ways out: a model as what runs elsewhere. Here is the table of formats; each is made by a module of its own."""
from __future__ import annotations

import importlib
import os
from dataclasses import dataclass

from kgraph.naming import check_keywords, nearest

__all__ = ["FORMATS", "REFUSED", "ExportArchive", "Format", "export"]


@dataclass(frozen=True)
class Format:
    """One format: ``function(model, path, input_signature, **options)`` of a module that is imported when it is asked
    for; the suffixes of paths that mean it; and what it gives, in a few words.

    Args:
        module, function: where the function is that writes it.
        suffixes: of paths.
        gives: what comes out, in words.
    """

    module: str
    function: str
    suffixes: tuple
    gives: str

    def load(self):
        """The function that writes the format, imported now.

        Returns:
            ``function(model, path, input_signature, **options)``.
        """
        return getattr(importlib.import_module(self.module), self.function)


FORMATS = {
    "bundle": Format("kgraph.export.bundle", "export_bundle", (), "a folder that NumPy alone runs"),
    "c": Format("kgraph.export.c", "export_c", (), "a C library with its header"),
    "web": Format("kgraph.export.web", "export_web", (), "a WebAssembly module with a page"),
    "onnx": Format("kgraph.onnx.writer", "export_onnx", (".onnx",), "a file that ONNX Runtime and others run"),
}

# formats of Keras that are not here, and what to use instead
REFUSED = {
    "tf_saved_model": "a SavedModel needs TensorFlow",
    "saved_model": "a SavedModel needs TensorFlow",
    "litert": "a LiteRT file needs TensorFlow's converter",
    "openvino": "OpenVINO reads ONNX files",
    "torch": "a torch program needs PyTorch",
}


def export(model, path, format=None, verbose=None, input_signature=None, **options):
    """Write the model for a format; see Model.export.

    Args:
        model: a built Model.
        path: where to write.
        format: the format; None: by the suffix of path.
        verbose: say what was written.
        input_signature: shapes and dtypes of the inputs, where the model does not know them.

    Raises:
        ValueError: an unknown format or option.
    """
    path = os.fspath(path)
    name = format_of(path) if format is None else format
    refuse_format(name)
    function = FORMATS[name].load()
    check_keywords(f"export, format {name!r}", options, function)
    if not isinstance(options.get("classes", ()), (list, tuple, type(None))):
        raise ValueError(f"export: expected classes as a list of names, received {options['classes']!r}")
    function(model, path, input_signature, **options)
    if verbose:
        print(f"{model.name} is exported as {name} to {path}")


def refuse_format(name):
    """Raises ValueError for what is no format here, and says what to use for one of Keras's."""
    if name in REFUSED:
        raise ValueError(f"export: expected a format among {_names()}, received {name!r}: {REFUSED[name]}. "
                         f'Use format="onnx"')
    if name not in FORMATS:
        raise ValueError(f"export: expected a format among {_names()}, received {name!r}."
                         f"{nearest(name, [*FORMATS, *REFUSED])}")


def format_of(path: str) -> str:
    """The format that the suffix of a path means."""
    suffix = os.path.splitext(path)[1].lower()
    for name, format in FORMATS.items():
        if suffix in format.suffixes:
            return name
    known = {s: name for name, format in FORMATS.items() for s in format.suffixes}
    raise ValueError(f"export: expected format= (one of {_names()}) or a path that ends in one of "
                     f"{', '.join(known)}, received {path!r}.{nearest(suffix, known) if suffix else ''}")


def _names() -> str:
    return ", ".join(FORMATS)


def __getattr__(name):
    if name == "ExportArchive":
        return importlib.import_module("kgraph.export.archive").ExportArchive  # it stands on models, they on this table
    raise AttributeError(f"module 'kgraph.export' has no attribute {name!r}.{nearest(name, __all__)}")


def __dir__():
    return sorted(__all__)
