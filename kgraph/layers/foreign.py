"""Layers of Keras 3 whose code belongs to another library: their names say why they are not here."""
from __future__ import annotations

__all__ = ["FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"]

_INSTEAD = "Write the computation as a layer, with kgraph.ops, and copy the weights with layer.set_weights(arrays)"


def _refuse(name, why):
    raise NotImplementedError(f"{name}: {why}, which kgraph cannot compile or differentiate. {_INSTEAD}")


class TorchModuleWrapper:
    """Not here: raises NotImplementedError."""

    def __init__(self, module, name=None, output_shape=None, **kwargs):
        _refuse("TorchModuleWrapper", "a torch.nn.Module runs in PyTorch")


class JaxLayer:
    """Not here: raises NotImplementedError."""

    def __init__(self, call_fn, init_fn=None, params=None, state=None, seed=None, native_serialization_platforms=None,
                 **kwargs):
        _refuse("JaxLayer", "its functions run in JAX")


class FlaxLayer:
    """Not here: raises NotImplementedError."""

    def __init__(self, module, method=None, variables=None, **kwargs):
        _refuse("FlaxLayer", "a Flax module runs in JAX")


class TFSMLayer:
    """Not here: raises NotImplementedError."""

    def __init__(self, filepath, call_endpoint="serve", call_training_endpoint=None, trainable=True, name=None,
                 dtype=None):
        _refuse("TFSMLayer", "a SavedModel is a graph of TensorFlow")
