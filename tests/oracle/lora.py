"""Layers with LoRA, and ReversibleEmbedding (python tests/oracle/ask.py lora)."""
from __future__ import annotations

import numpy as np

USES = {  # name -> (layer, arguments, shape of the inputs)
    "Dense": ("Dense", {"units": 4}, (3, 5)),
    "EinsumDense": ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": (None, 2, 3), "bias_axes": "e"},
                    (2, 4, 5)),
    "Conv1D": ("Conv1D", {"filters": 4, "kernel_size": 2}, (2, 6, 3)),
    "Conv2D": ("Conv2D", {"filters": 4, "kernel_size": 3, "activation": "relu"}, (2, 5, 6, 3)),
    "Conv3D": ("Conv3D", {"filters": 2, "kernel_size": 2}, (1, 3, 3, 4, 2)),
    "Embedding": ("Embedding", {"input_dim": 7, "output_dim": 3}, (2, 4)),
}


def filled(layer):
    for i, v in enumerate(layer.weights):
        v.assign(np.random.default_rng(i).uniform(-1, 1, tuple(v.shape)).astype("float32"))
    return layer


def made(K, name, alpha):
    cls, arguments, shape = USES[name]
    x = np.random.default_rng(9).uniform(-1, 1, shape).astype("float32")
    x = np.abs(x * 7).astype("int32") if cls == "Embedding" else x
    layer = getattr(K.layers, cls)(**arguments)
    layer.build(shape)
    layer.enable_lora(2, lora_alpha=alpha)
    return filled(layer), x


def outputs(K, name, alpha):
    layer, x = made(K, name, alpha)
    return K.ops.convert_to_numpy(layer(x))


def stored(K, name):
    store = {}
    made(K, name, 3)[0].save_own_variables(store)
    return np.concatenate([np.ravel(K.ops.convert_to_numpy(store[str(i)])) for i in range(len(store))])


def reverse(K, **arguments):
    layer = K.layers.ReversibleEmbedding(6, 3, **arguments)
    layer.build((2, 4))
    filled(layer)
    x = np.random.default_rng(1).uniform(-1, 1, (2, 4, 3)).astype("float32")
    there = K.ops.convert_to_numpy(layer(np.arange(8).reshape(2, 4) % 6))
    return np.concatenate([there.ravel(), np.ravel(K.ops.convert_to_numpy(layer(x, reverse=True)))])


def all_cases() -> dict:
    cases = {}
    for name in USES:
        for alpha in (None, 3):
            cases[f"{name} {alpha}"] = lambda K, n=name, a=alpha: outputs(K, n, a)
        cases[f"stored {name}"] = lambda K, n=name: stored(K, n)
    for arguments in ({}, {"tie_weights": False}, {"logit_soft_cap": 0.5}, {"reverse_dtype": "float64"}):
        cases[f"reverse {arguments}"] = lambda K, a=arguments: reverse(K, **a)
    return cases
