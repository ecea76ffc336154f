"""Layers that change colours, by given transformations (python tests/oracle/ask.py colours)."""
from __future__ import annotations

import numpy as np

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 5, 6, 3)).astype("float32")
FACTORS = np.array([0.3, -0.2], "float32")
USES = {
    "Solarization": ({}, {"additions": np.array([20.0, 70.0]).reshape(2, 1, 1, 1),
                          "thresholds": np.array([128.0, 9.0]).reshape(2, 1, 1, 1)}),
    "AutoContrast": ({}, None),
    "RandomInvert": ({}, {"apply_inversion": np.array([True, False])}),
    "RandomHue": ({"factor": 0.5}, {"factor": FACTORS}),
    "RandomSaturation": ({"factor": 0.5}, {"factor": np.array([0.4, 2.5], "float32")}),
    "RandomPosterization": ({"factor": 4}, {"shift_factor": np.array([3, 6], "uint8")}),
    "RandomSharpness": ({"factor": 0.5}, {"factor": np.abs(FACTORS) * 4}),
    "RandomColorDegeneration": ({"factor": 0.5}, {"factor": FACTORS.reshape(2, 1, 1, 1)}),
}


def changed(K, name, scale, first):
    arguments, drawn = USES[name]
    layout = {"data_format": "channels_first" if first else "channels_last"}
    layer = getattr(K.layers, name)(**arguments, value_range=(0, 255 // scale), **layout)
    tensors = drawn and {k: K.ops.convert_to_tensor(v) if v.dtype != "float64" else K.ops.convert_to_tensor(
        v.astype("float32")) for k, v in drawn.items()}
    x = K.ops.convert_to_tensor(IMAGES / scale)
    y = layer.transform_images(K.ops.transpose(x, (0, 3, 1, 2)) if first else x, tensors, training=True)
    return K.ops.convert_to_numpy(K.ops.transpose(y, (0, 2, 3, 1)) if first else y)


def all_cases() -> dict:
    # Keras's AutoContrast takes the extremes of axes 1 and 2 in every layout.
    return {f"{name} {scale} {first}": lambda K, n=name, s=scale, f=first: changed(K, n, s, f)
            for name in USES for scale in (1, 255) for first in (False, True) if not (first and name == "AutoContrast")}
