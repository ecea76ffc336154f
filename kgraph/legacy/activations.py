"""Activations that Keras 3 computes otherwise than the versions before."""
from __future__ import annotations

from kgraph import ops
from kgraph.legacy.defaults import older_than
from kgraph.serialization import register_keras_serializable

__all__ = ["HARD_SIGMOID", "hard_sigmoid_keras2", "of_version"]


HARD_SIGMOID = "kgraph>hard_sigmoid_keras2"
# In files it is two layers in a row, which Keras 3 takes as an activation: the name alone it would not know.
_AS_LAYERS = [("Rescaling", {"scale": 0.2, "offset": 0.5}), ("ReLU", {"max_value": 1.0})]


class _HardSigmoid:
    """clip(0.2 x + 0.5, 0, 1): hard_sigmoid before Keras 3, which has x / 6 + 0.5."""

    __name__ = "hard_sigmoid_keras2"

    def __call__(self, x):
        return ops.clip(x * 0.2 + 0.5, 0.0, 1.0)

    def __kgraph_reference__(self):
        layers = [{"module": "keras.layers", "class_name": name, "config": config, "registered_name": None}
                  for name, config in _AS_LAYERS]
        return {"module": "keras", "class_name": "Sequential", "registered_name": None,
                "config": {"name": self.__name__, "layers": layers}}

    def __reduce__(self):
        return self.__name__


hard_sigmoid_keras2 = _HardSigmoid()
register_keras_serializable(package="kgraph", name="hard_sigmoid_keras2")(hard_sigmoid_keras2)


def of_version(identifier):
    """The identifier of an activation, or of what it meant in the Keras that is followed."""
    return hard_sigmoid_keras2 if identifier == "hard_sigmoid" and older_than(3) else identifier
