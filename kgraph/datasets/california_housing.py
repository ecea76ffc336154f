"""California housing: median house prices of 20,640 districts, 8 features (R. Pace, R. Barry, 1997)."""
from kgraph.datasets.source import fetch, load_arrays, shuffled, split_at

__all__ = ["load_data"]

DIGEST = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"
SMALL = 600


def load_data(version="large", path="california_housing.npz", test_split=0.2, seed=113):
    """((x_train, y_train), (x_test, y_test)): x float32[n,8]; y float32[n], the price in dollars.

    version: "large", or "small" (the first 600 districts). test_split: the share for testing, in [0, 1).
    Raises OSError when the file has to be downloaded and cannot be.

    Args:
        version: "large" or "small".

    Raises:
        ValueError: another version.
    """
    if version not in ("small", "large"):
        raise ValueError(f"california_housing: expected version 'small' or 'large', received {version!r}")
    arrays = load_arrays(fetch(path, DIGEST, origin_name="california_housing.npz"))
    count = SMALL if version == "small" else len(arrays["x"])
    return split_at(test_split, *shuffled(seed, arrays["x"][:count], arrays["y"][:count]))


def __dir__():
    return sorted(__all__)
