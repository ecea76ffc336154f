"""The package onnx, which reads the protobuf: imported when a file is read, and a clear error where it is missing."""
from __future__ import annotations

try:
    import onnx
    import onnx.helper
    import onnx.inliner
    from google.protobuf.message import DecodeError
except ImportError as error:
    raise ImportError("ONNX files are read with the package onnx: pip install 'kgraph[onnx]'") from error

__all__ = ["DecodeError", "onnx"]
