"""Weights as Keras 1, and the CuDNN layers of Keras 2, kept them: other axes, gates in arrays of their own."""
from __future__ import annotations

import numpy as np

__all__ = ["adapt"]


def adapt(layer, arrays, shapes, version, backend) -> list:
    """The arrays of a layer in today's layout, as far as they are known to differ; shapes: those that are wanted."""
    name = type(layer).__name__
    if version.startswith(("1", "0")):
        arrays = _keras1(name, layer, arrays, backend)
    if name in ("GRU", "LSTM") and [a.shape for a in arrays] != shapes and len(arrays) == 3:
        arrays = _from_cudnn(name, arrays, shapes)
    return arrays


def _keras1(name, layer, arrays, backend):
    if name in ("TimeDistributed", "Bidirectional"):
        parts = [layer.layer] if name == "TimeDistributed" else [layer.forward_layer, layer.backward_layer]
        size = len(arrays) // len(parts)
        return [a for i, part in enumerate(parts)
                for a in _keras1(type(part).__name__, part, arrays[i * size:(i + 1) * size], backend)]
    if name == "GRU" and len(arrays) == 9:
        return [np.concatenate(arrays[k::3], axis=-1) for k in range(3)]
    if name == "LSTM" and len(arrays) == 12:   # Keras 1 kept the gates in the order i, c, f, o; today i, f, c, o
        gates = [0, 6, 3, 9]
        return [np.concatenate([arrays[g + k] for g in gates], axis=-1) for k in range(3)]
    if name in ("Conv1D", "Conv2D", "Conv2DTranspose", "Conv3D"):
        return [_kernel(name, layer, arrays[0], backend), *arrays[1:]]
    return arrays


def _kernel(name, layer, kernel, backend):
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    if name == "Conv1D" and kernel.ndim == 4:
        size = layer.kernel_size[0]
        if kernel.shape[:2] != (size, 1) or kernel.shape[3] != layer.filters:
            kernel = kernel.transpose(2, 3, 1, 0)
        kernel = kernel[:, 0]
    elif name == "Conv2D" and first:
        kernel = kernel.transpose(2, 3, 1, 0)
    elif name == "Conv3D" and first:
        kernel = kernel.transpose(2, 3, 4, 1, 0)
    elif name == "Conv2DTranspose":
        kernel = kernel.transpose(2, 3, 0, 1) if first else kernel.transpose(0, 1, 3, 2)
    if backend == "theano":       # Theano convolves; all others correlate
        spatial = tuple(slice(None, None, -1) for _ in range(kernel.ndim - 2))
        kernel = kernel[spatial]
    return np.ascontiguousarray(kernel)


def _from_cudnn(name, arrays, shapes):
    """CuDNN keeps the gates' kernels transposed, and two biases for each gate."""
    kernel, recurrent, bias = arrays
    gates = {"GRU": 3, "LSTM": 4}[name]
    if bias.ndim != 1 or bias.size != 2 * gates * recurrent.shape[0]:
        return arrays
    split = lambda a: np.split(a, gates, axis=1)
    kernel = np.hstack([k.T.reshape(k.shape, order="F") for k in split(kernel)])
    recurrent = np.hstack([k.T for k in split(recurrent)])
    bias = bias.reshape(2, -1) if len(shapes[2]) == 2 else bias.reshape(2, -1).sum(axis=0)
    return [kernel, recurrent, bias]
