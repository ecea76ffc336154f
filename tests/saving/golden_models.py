"""The golden files of real Keras, and the data for the small model of these tests."""
import json
from pathlib import Path

import numpy as np

ARCHIVE = Path(__file__).with_name("golden.tar.xz")


class Golden:
    """One golden model: what is known of it."""

    def __init__(self, folder, name):
        self.folder = folder
        self.info = json.loads((folder / f"{name}.json").read_text())
        self.arrays = dict(np.load(folder / f"{name}.npz"))

    def group(self, prefix) -> list:
        found = []
        while f"{prefix}{len(found)}" in self.arrays:
            found.append(self.arrays[f"{prefix}{len(found)}"])
        return found

    def feed(self, prefix, names):
        found = self.group(prefix)
        return dict(zip(names, found)) if names else found if len(found) > 1 else found[0]

    def x(self):
        return self.feed("x", self.info["by_name"])

    def batch(self, step):
        return self.feed(f"bx{step}_", self.info["by_name"]), self.feed(f"by{step}_", self.info["out_name"])


def as_list(y) -> list:
    return [y[k] for k in sorted(y)] if isinstance(y, dict) else list(y) if isinstance(y, list | tuple) else [y]


def batch():
    rng = np.random.default_rng(0)
    return rng.standard_normal((8, 4)).astype("float32"), rng.standard_normal((8, 2)).astype("float32")
