"""Sessions and graphs of TensorFlow 1, which Keras 1 and 2 ran in: there are none here, and each word says so.

A Session gives the values that it is asked for, as there is no other way to read them in such a program.
"""
from __future__ import annotations

import contextlib

from kgraph import ops, tree
from kgraph.graph import KTensor
from kgraph.legacy.backend.graphs import function
from kgraph.naming import warn_at_user

__all__ = ["get_session", "set_session"]
TENSORFLOW = ("ConfigProto", "GPUOptions", "Graph", "GraphOptions", "InteractiveSession", "OptimizerOptions",
              "RunOptions", "Session", "disable_eager_execution", "disable_v2_behavior", "get_default_graph",
              "get_default_session", "global_variables_initializer", "initialize_all_variables",
              "local_variables_initializer", "reset_default_graph")   # the rest is `tf`'s


def without_effect(word: str, why="there are no sessions and graphs here, and values are there at once"):
    """Warn, once for each place of the user's program, that a word does nothing."""
    warn_at_user(f"{word} has no effect: {why}; leave it out", FutureWarning)


class Options:
    """Settings that change nothing: any can be given and set, at any depth (``gpu_options.allow_growth = True``)."""

    def __init__(self, **settings):
        vars(self).update(settings)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return vars(self).setdefault(name, {} if name == "device_count" else Options())


class ConfigProto(Options):
    """TensorFlow 1's settings of a session, which change nothing."""

    def __init__(self, **settings):
        without_effect("ConfigProto", "there are no sessions and GPUs here, and kgraph.set_num_threads says how many "
                                      "threads compute")
        super().__init__(**settings)


class OptimizerOptions(Options):
    """TensorFlow 1's settings of its graph optimizer, and the levels that they take."""

    OFF, ON_1, ON_2 = -1, 1, 2
    L0, L1 = -1, 0


GPUOptions = GraphOptions = RunOptions = Options


class _Scope:
    """What can be entered and made the default, without an effect."""

    def as_default(self):
        """Something for `with`."""
        without_effect(f"{type(self).__name__}.as_default()")
        return contextlib.nullcontext(self)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


class Graph(_Scope):
    """TensorFlow 1's graph: it holds nothing."""

    def finalize(self):
        """Nothing."""


_graph = Graph()


class Session(_Scope):
    """TensorFlow 1's session: `run` gives values, the rest has no effect."""

    graph = _graph

    def __init__(self, target="", graph=None, config=None):
        without_effect(type(self).__name__)
        self.graph = graph or _graph

    def run(self, fetches, feed_dict=None, options=None, run_metadata=None):
        """The values of fetches as arrays.

        Raises RuntimeError for a KTensor that depends on an Input which feed_dict does not have.

        Args:
            fetches: tensors, Variables, KTensors or None, in lists, tuples and dicts
            feed_dict: {KTensor: array}, and {K.learning_phase(): whether layers train}
        """
        wanted = [x for x in tree.flatten(fetches) if isinstance(x, KTensor)]
        found = iter(_computed(wanted, feed_dict or {}) if wanted else ())
        return tree.map_structure(lambda x: next(found) if isinstance(x, KTensor) else _value(x), fetches)

    def close(self):
        """Nothing."""


class InteractiveSession(Session):
    """As Session."""


def _computed(wanted, fed):
    try:
        return function(list(fed), wanted)(list(fed.values()))
    except ValueError as error:
        raise RuntimeError(f"Session.run: expected a feed_dict with the Inputs of {', '.join(map(str, wanted))}, "
                           f"received {[str(x) for x in fed]}; model.predict computes it too") from error


def _value(x):
    return None if x is None else ops.convert_to_numpy(x)


def get_session(op_input_list=()):
    """A Session, which has no effect but to give values."""
    without_effect("get_session")
    return Session.__new__(Session)


def set_session(session):
    """Nothing: there are no sessions."""
    without_effect("set_session")


def get_default_session():
    """What get_session gives."""
    without_effect("get_default_session")
    return Session.__new__(Session)


def get_default_graph():
    """A Graph, the same each time."""
    without_effect("get_default_graph")
    return _graph


def reset_default_graph():
    """Nothing: models go when nothing refers to them."""
    without_effect("reset_default_graph")


def disable_eager_execution():
    """Nothing: everything runs eagerly, and what fit, predict and tf.function run is compiled."""
    without_effect("disable_eager_execution", "fit, predict and tf.function compile what they run")


disable_v2_behavior = disable_eager_execution


def global_variables_initializer():
    """Nothing: Variables begin with their values."""
    without_effect("global_variables_initializer", "Variables begin with their values")


initialize_all_variables = local_variables_initializer = global_variables_initializer
