"""Boston housing: median house prices of 506 districts, 13 features (D. Harrison, D. Rubinfeld, 1978).

One feature ("B") encodes the share of Black residents on an assumption the authors never tested: use the set to
reproduce old results, not to predict prices.
"""
from kgraph.datasets.source import fetch, load_arrays, shuffled, split_at

__all__ = ["load_data"]

DIGEST = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path="boston_housing.npz", test_split=0.2, seed=113):
    """((x_train, y_train), (x_test, y_test)): x float64[n,13]; y float64[n], the price in thousands of dollars.

    test_split: the share for testing, in [0, 1). Raises OSError when the file has to be downloaded and cannot be.
    """
    arrays = load_arrays(fetch(path, DIGEST, origin_name="boston_housing.npz"))
    return split_at(test_split, *shuffled(seed, arrays["x"], arrays["y"]))


def __dir__():
    return sorted(__all__)
