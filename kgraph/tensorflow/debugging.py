"""tf.debugging: assertions about values, eagerly; in a graph they are left out."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.compiler.trace import current_trace
from kgraph.naming import missing
from kgraph.tensorflow.base.texts import StringTensor

__all__ = ["Assert", "assert_all_finite", "assert_equal", "assert_greater", "assert_greater_equal", "assert_less",
           "assert_less_equal", "assert_near", "assert_non_negative", "assert_none_equal", "assert_positive",
           "assert_rank", "assert_shapes", "check_numerics", "enable_check_numerics", "set_log_device_placement"]


def _values(x):
    return x.numpy_array() if isinstance(x, StringTensor) else np.asarray(ops.convert_to_tensor(x).numpy())


def _comparison(name, holds, words):
    def check(x, y, message=None, summarize=None, name=None):
        if current_trace() is None and not np.all(holds(_values(x), _values(y))):
            raise ValueError(f"{message or check.__name__}: expected elements of x that are {words} those of y, "
                             f"received x={x} and y={y}")
    check.__name__ = check.__qualname__ = name
    check.__doc__ = f"Raises ValueError unless all elements of x are {words} those of y."
    return check


assert_equal = _comparison("assert_equal", np.equal, "equal to")
assert_none_equal = _comparison("assert_none_equal", np.not_equal, "unlike")
assert_greater = _comparison("assert_greater", np.greater, "greater than")
assert_greater_equal = _comparison("assert_greater_equal", np.greater_equal, "at least")
assert_less = _comparison("assert_less", np.less, "less than")
assert_less_equal = _comparison("assert_less_equal", np.less_equal, "at most")


def assert_near(x, y, rtol=None, atol=None, message=None, summarize=None, name=None):
    """Raises ValueError unless |x - y| <= atol + rtol |y| everywhere; by default 10 eps each."""
    eps = 10 * np.finfo("float32").eps
    close = lambda a, b: np.isclose(a, b, eps if rtol is None else rtol, eps if atol is None else atol)
    _comparison("assert_near", close, "near")(x, y, message)


def assert_positive(x, message=None, summarize=None, name=None):
    """Raises ValueError unless all elements are above 0."""
    assert_greater(x, 0, message)


def assert_non_negative(x, message=None, summarize=None, name=None):
    """Raises ValueError unless all elements are at least 0."""
    assert_greater_equal(x, 0, message)


def assert_rank(x, rank, message=None, name=None):
    """Raises ValueError unless x has that many axes."""
    if len(ops.shape(x)) != int(rank):
        raise ValueError(f"{message or 'assert_rank'}: expected rank {int(rank)}, received shape {ops.shape(x)}")


def assert_shapes(shapes, data=None, summarize=None, message=None, name=None):
    """Raises ValueError unless tensors have these shapes, given as pairs (tensor, sizes); a letter is one size."""
    known = {}
    for x, sizes in shapes.items() if isinstance(shapes, dict) else shapes:
        found = tuple(ops.shape(x))
        fits = len(found) == len(sizes) and all(
            s is None or (s if isinstance(s, int) else known.setdefault(s, n)) == n for s, n in zip(sizes, found))
        if not fits:
            raise ValueError(f"{message or 'assert_shapes'}: expected shape {tuple(sizes)}, received {found}")


def Assert(condition, data, summarize=None, name=None):
    """Raises ValueError, with data, unless the condition holds."""
    if current_trace() is None and not bool(condition):
        raise ValueError(f"tf.Assert: expected the condition to hold, received data {data}")


def check_numerics(tensor, message, name=None):
    """tensor itself. Raises ValueError when there is a NaN or an infinity in it."""
    if current_trace() is None and not np.isfinite(_values(tensor)).all():
        raise ValueError(f"{message}: expected finite numbers, received NaN or infinity")
    return tensor


def assert_all_finite(x, message, name=None):
    """x itself. Raises ValueError when there is a NaN or an infinity in it."""
    return check_numerics(x, message)


def enable_check_numerics(stack_height_limit=30, path_length_limit=50):
    """Nothing is checked by itself: compile(nan_trace=True) of a model says where a NaN came up."""


def set_log_device_placement(enabled):
    """Nothing: there is one device."""


def __getattr__(name):
    raise missing(__name__, name, __all__)
