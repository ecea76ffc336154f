"""Models of int8, int4 and bfloat16 as bundle and C: what the library gives has the bits of what predict gives."""
import importlib.util
import shutil

import numpy as np
import pytest

import kgraph
from kgraph import Input, Model
from kgraph import layers as L

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ziglang") is None or not shutil.which("cc"),
                                reason="there is no Zig, or no C compiler")


def rows(count):
    return np.random.default_rng(count).standard_normal((count, 7, 8, 3)).astype("float32")


def plain():
    x = Input((7, 8, 3))
    y = L.Conv2D(16, 3, activation="relu")(x)
    return Model(x, L.Dense(5)(L.Dense(32, "relu")(L.Flatten()(L.Conv2D(8, 3, strides=2, padding="same")(y)))))


def narrow(how):
    if how == "bfloat16":
        kgraph.mixed_precision.set_global_policy("mixed_bfloat16")
        return plain()
    if how == "throughout":
        return kgraph.quantize(plain(), rows(24))
    model = plain()
    model.quantize(how, filters="dense")
    return model


@pytest.mark.parametrize("format", ["bundle", "c"])
@pytest.mark.parametrize("how", ["int8", "int4", "throughout", "bfloat16"])
def test_narrow_models_have_the_same_bits(how, format, tmp_path):
    kgraph.utils.set_random_seed(2)
    model = narrow(how)
    model.export(tmp_path / "m", format=format)
    bundle = kgraph.load_bundle(tmp_path / "m", threads=2)
    for count in (3, 1, 17):
        wanted = model.predict(rows(count), verbose=0)
        np.testing.assert_array_equal(bundle.predict(rows(count)), wanted.astype("float32"))
