"""Callbacks of Keras 3 whose code belongs to another library: their names say why they are not here."""
from __future__ import annotations

__all__ = ["OrbaxCheckpoint"]


class OrbaxCheckpoint:
    """Not here: raises NotImplementedError."""

    def __init__(self, directory, monitor="val_loss", verbose=0, save_best_only=False, mode="auto", save_freq="epoch",
                 initial_value_threshold=None, max_to_keep=1, save_on_background=True, save_weights_only=False):
        raise NotImplementedError("OrbaxCheckpoint: its checkpoints are written by Orbax, which needs JAX. "
                                  "ModelCheckpoint and BackupAndRestore write a model and its optimizer")
