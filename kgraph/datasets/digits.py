"""Scanned handwritten digits, shipped with kgraph: 1,797 images of 8x8 pixels.

Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning Repository
(DOI 10.24432/C50P49), licensed CC BY 4.0; see digits.LICENSE.txt beside this file.
"""
from importlib import resources

import numpy as np

__all__ = ["load_data"]

TEST_COUNT = 360


def load_data():
    """Returns ((x_train, y_train), (x_test, y_test)).

    x: uint8[n,8,8], the grey value 0 (paper) to 16 (ink); y: uint8[n], the digit 0 to 9. 1,437 images are for training,
    360 for testing. The split is always the same: the images come in runs by writer, so both parts are taken from one
    fixed permutation.
    """
    with resources.files("kgraph.datasets").joinpath("digits.npz").open("rb") as f, np.load(f) as arrays:
        x, y = arrays["x"], arrays["y"]
    order = np.random.RandomState(0).permutation(len(x))  # RandomState's stream is frozen (NEP 19)
    train, test = order[:-TEST_COUNT], order[-TEST_COUNT:]
    return (x[train], y[train]), (x[test], y[test])


def __dir__():
    return sorted(__all__)
