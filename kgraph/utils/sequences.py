"""Sequences of unequal length as one array."""
from __future__ import annotations

import numpy as np

__all__ = ["pad_sequences"]


def pad_sequences(sequences, maxlen=None, dtype="int32", padding="pre", truncating="pre", value=0.0):
    """An array of shape (number of sequences, maxlen, ...) from sequences of unequal length.

    Args:
        maxlen: length of the result; default: that of the longest sequence
        padding: "pre" or "post": the side that `value` fills where a sequence is shorter
        truncating: "pre" or "post": the side that is cut off where a sequence is longer
        sequences: a list of lists.
        value: what is filled in, 0 by default.
        dtype: of the array, "int32" by default.

    Returns:
        An array [sequences, maxlen].

    Raises:
        ValueError: another padding or truncating, or sequences of something else than numbers.
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f"pad_sequences: expected {name} to be 'pre' or 'post', received {side!r}")
    for i, s in enumerate(sequences):
        if not hasattr(s, "__len__"):
            raise ValueError(f"pad_sequences: expected a list of sequences, received {s!r} at position {i}")
    if maxlen is None:
        maxlen = max(map(len, sequences), default=0)
    item_shape = next((np.shape(s)[1:] for s in sequences if len(s)), ())
    result = np.full((len(sequences), maxlen, *item_shape), value, dtype=dtype)
    for i, s in enumerate(sequences):
        kept = np.asarray(s[max(0, len(s) - maxlen):] if truncating == "pre" else s[:maxlen], dtype=dtype)
        if not len(kept):
            continue
        if kept.shape[1:] != item_shape:
            raise ValueError(f"pad_sequences: expected items of shape {item_shape}, as in the first sequence, "
                             f"received {kept.shape[1:]} at position {i}")
        start = maxlen - len(kept) if padding == "pre" else 0
        result[i, start:start + len(kept)] = kept
    return result
