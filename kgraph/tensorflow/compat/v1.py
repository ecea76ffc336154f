"""tf.compat.v1: TensorFlow 2's names, and of TensorFlow 1 what only changed its name since. It runs eagerly."""
from __future__ import annotations

import types

from kgraph import tensorflow
from kgraph.legacy.backend import sessions
from kgraph.naming import warn_at_user
from kgraph.tensorflow import math, random
from kgraph.tensorflow.base import control
from kgraph.tensorflow.base.arrays import cast
from kgraph.tensorflow.nn import depth_to_space, space_to_depth

__version__ = tensorflow.__version__
__path__: list = []   # tensorflow.compat.v1.keras: kgraph.programs.aliases
__all__ = ["Print", "assign", "assign_add", "assign_sub", "depth_to_space", "enable_eager_execution",
           "enable_v2_behavior", "log", "logging", "random_normal", "random_uniform", "set_random_seed",
           "space_to_depth", "to_float", "to_int32", "to_int64", *sessions.TENSORFLOW]
globals().update({name: getattr(sessions, name) for name in sessions.TENSORFLOW})
log, random_normal, random_uniform, set_random_seed = math.log, random.normal, random.uniform, random.set_seed


def assign(ref, value, validate_shape=None, use_locking=None, name=None):
    """Replace the contents of a Variable."""
    return ref.assign(value)


def assign_add(ref, value, use_locking=None, name=None):
    """Add to the contents of a Variable."""
    return ref.assign_add(value)


def assign_sub(ref, value, use_locking=None, name=None):
    """Subtract from the contents of a Variable."""
    return ref.assign_sub(value)


def to_float(x, name=None):
    """x as float32."""
    return cast(x, "float32")


def to_int32(x, name=None):
    """x as int32."""
    return cast(x, "int32")


def to_int64(x, name=None):
    """x as int64."""
    return cast(x, "int64")


def Print(input_, data, message=None, first_n=None, summarize=None, name=None):
    """input_, after message and data are written to sys.stderr, as tf.print does; each time, whatever first_n is."""
    shown = ["[" + control._shown(x, summarize or 3) + "]" for x in data]
    control.print((message or "") + "".join(shown), output_stream="stderr")
    return input_


def enable_eager_execution(*args, **kwargs):
    """Nothing: everything runs eagerly."""


enable_v2_behavior = enable_eager_execution


def told(name):
    """What a program that writes `tf.NAME` for a name of TensorFlow 1 means, with a warning of what it is today.

    Those of sessions say themselves that they do nothing.
    """
    if name not in sessions.TENSORFLOW:
        warn_at_user(f"tf.{name} of TensorFlow 1 is now tf.compat.v1.{name}", FutureWarning)
    return globals()[name]


logging = types.SimpleNamespace(set_verbosity=enable_eager_execution, ERROR=40, WARN=30, INFO=20, DEBUG=10, FATAL=50)


def __getattr__(name):
    return getattr(tensorflow, name)
