"""Configs have the keys and values of Keras 3.15.1, one by one (tests/oracle/configs.py)."""
import importlib.util
import json
import lzma
import re
from pathlib import Path

import pytest

import kgraph

HERE = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("oracle_configs", HERE / "oracle" / "configs.py")
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)
CONFIGS = json.loads(lzma.decompress((HERE / "data" / "configs.json.xz").read_bytes()))
NOTHING = object()
# (class, key): what is written otherwise, and why.
OTHERWISE = {
    ("SimpleRNN", "seed"): "Keras loses it", ("RandomGrayscale", "seed"): "Keras loses it",
    ("SimpleRNN", "activity_regularizer"): "Keras loses it",
    ("Identity", "gain"): "Keras loses it", ("CosineSimilarity", "axis"): "Keras loses it",
    ("Huber", "delta"): "Keras loses it", ("HashedCrossing", "activity_regularizer"): "Keras loses it",
    ("RandomCrop", "seed"): "Keras draws one when none is given",
    **{(name, "dtype"): "int is int64 with TensorFlow only"
       for name in ("BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU")},
}


def differences(found, expected, where=()):
    """(keys, found, expected) of what differs; numbers may, by the rounding of float32."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in {**found, **expected}:
            yield from differences(found.get(key, NOTHING), expected.get(key, NOTHING), (*where, key))
    elif isinstance(found, float) and isinstance(expected, float):
        if found != pytest.approx(expected, rel=1e-7):
            yield where, found, expected
    elif found != expected:
        yield where, found, expected


def unnumbered(config):
    """A config whose automatic names have no numbers, which depend on what was made before."""
    return json.loads(re.sub(r'("name": "[a-z_0-9]+?)_\d+"', r'\1"', json.dumps(config)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("use", [use for use in CONFIGS if not ("data_format" in use and (
    "InputLayer" in use or "HashedCrossing" in use))])
def test_config(use):
    expected = CONFIGS[use]
    found = oracle.config_of(kgraph, use)
    for where, x, y in differences(unnumbered(found), unnumbered(expected)):
        assert (expected["class_name"], where[-1]) in OTHERWISE or where == ("build_config",), (where, x, y)


def test_every_layer_is_asked():
    asked = {config["class_name"] for config in CONFIGS.values()}
    classes = {cls.__name__ for cls in kgraph.layers.OBJECTS.values()
               if isinstance(cls, type) and cls.__module__.startswith("kgraph.layers")}
    assert classes - asked <= {"Lambda", "LocallyConnected1D", "LocallyConnected2D", "ThresholdedReLU", "Layer",
                               "GroupedQueryAttention"}
