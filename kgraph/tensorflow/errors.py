"""tf.errors: also the errors of Python that kgraph raises in their place, so that `except` finds them."""
from __future__ import annotations

from kgraph.naming import missing

__all__ = ["AlreadyExistsError", "DataLossError", "FailedPreconditionError", "InternalError", "InvalidArgumentError",
           "NotFoundError", "OpError", "OutOfRangeError", "PermissionDeniedError", "ResourceExhaustedError",
           "UnavailableError", "UnimplementedError", "UnknownError"]


class OpError(Exception):
    """What the errors of operations share."""

    def __init__(self, node_def=None, op=None, message=None, error_code=None):
        self.node_def, self.op = node_def, op
        self.message = message if message is not None else str(node_def or "")
        super().__init__(self.message)


def _error(name, *bases):
    return type(name, (OpError, *bases), {"__doc__": f"tf.errors.{name}", "__module__": __name__})


AlreadyExistsError = _error("AlreadyExistsError", FileExistsError)
DataLossError = _error("DataLossError", ValueError)
FailedPreconditionError = _error("FailedPreconditionError")
InternalError = _error("InternalError")
NotFoundError = _error("NotFoundError", FileNotFoundError)
OutOfRangeError = _error("OutOfRangeError")
PermissionDeniedError = _error("PermissionDeniedError")
UnavailableError = _error("UnavailableError")
UnimplementedError = _error("UnimplementedError", NotImplementedError)
UnknownError = _error("UnknownError")
ResourceExhaustedError = MemoryError
# kgraph says so with ValueError (shapes and values) and IndexError (places): `except` of this one catches both
InvalidArgumentError = (ValueError, IndexError)


def __getattr__(name):
    raise missing(__name__, name, __all__)
