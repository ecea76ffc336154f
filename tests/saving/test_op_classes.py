"""Every operation class that Keras 3.15.1's files can name: models of each load, predict as in Keras, and are written
again as Keras wrote them (tests/oracle/op_models.py)."""
import importlib.util
import json
import lzma
import sys
from pathlib import Path

import numpy as np
import pytest

import kgraph
from kgraph import tree
from kgraph.graph import op_classes
from kgraph.serialization import deserialize_keras_object, op_names

HERE = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("op_models", HERE / "oracle" / "op_models.py")
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)

CONFIGS = json.loads(lzma.decompress((HERE / "data" / "op_models.json.xz").read_bytes()))
with np.load(HERE / "data" / "op_models.npz") as stored:
    ARRAYS = dict(stored)
USES = list(CONFIGS)
# Keras writes these, if at all, with functions as arguments that nothing can read again, or only as a base class.
NEVER_IN_FILES = {"Cond", "ForiLoop", "Scan", "WhileLoop", "JVP", "SegmentReduction"}
LATER = {"FakeQuantWithMinMaxVars"}  # quantization
ROUGH = {"ops.image.resize(im, (12, 9), 'bicubic')": 1e-3}  # TensorFlow looks the cubic up in a table


def model_of(use):
    if "__lambda__" in json.dumps(CONFIGS[use]) and sys.version_info[:2] != (3, 11):
        pytest.skip("the code of the lambda is of Python 3.11")
    return deserialize_keras_object(CONFIGS[use], safe_mode=False)


def answers(use) -> list:
    k = USES.index(use)
    return [ARRAYS[f"{k}_{i}"] for i in range(20) if f"{k}_{i}" in ARRAYS]


def check(found, use):
    found = [np.asarray(x) for x in tree.flatten(found)]
    for x, y in zip(found, answers(use)):
        assert x.shape == y.shape and (x.dtype == y.dtype or use == "ops.ndim(x)")
        np.testing.assert_allclose(x, y, rtol=ROUGH.get(use, 1e-4), atol=ROUGH.get(use, 1e-5))


def inputs_of(use):
    return [oracle.INPUTS[name] for name in oracle.operands(use)]


def is_known(use):
    return all(e["class_name"] in op_names.OBJECTS for e in CONFIGS[use]["config"]["layers"]
               if e["module"].startswith("keras.src.") and "activations" not in e["module"])


KNOWN = [use for use in USES if is_known(use)]


@pytest.mark.parametrize("use", KNOWN)
def test_loads_and_answers_as_keras(use):
    check(model_of(use)(inputs_of(use)), use)


# Gradients that TensorFlow has otherwise: none flows through a decomposition into singular values here, nor through
# NumPy's own; TensorFlow's of images read at moved places are those of the moved back images.
OTHER_GRADIENTS = ("nextafter", "pinv", "svd", "eigh", "lstsq", "mode='complete'", "axis=0, keepdims=True", "view_as",
                   "keras.src", "bicubic", "affine_transform", "perspective_transform", "(2, 5, 5, 3)")
SLOPES = [use for use in KNOWN if f"{USES.index(use)}_gradient" in ARRAYS
          and np.isfinite(ARRAYS[f"{USES.index(use)}_gradient"]).any() and not any(o in use for o in OTHER_GRADIENTS)]


@pytest.mark.parametrize("use", SLOPES)
def test_has_the_gradient_of_keras(use):
    inputs = {n: kgraph.ops.convert_to_tensor(oracle.INPUTS[n]) for n in oracle.operands(use)}
    with kgraph.GradientTape() as tape:
        total = oracle.total_of(kgraph.ops, tree.flatten(oracle.evaluated(kgraph, use, inputs)))
    grads = tape.gradient(total, [x for x in inputs.values() if x.dtype.startswith("float")])
    found, expected = oracle.derivative(grads), ARRAYS[f"{USES.index(use)}_gradient"]
    np.testing.assert_allclose(np.nan_to_num(found), np.nan_to_num(expected), rtol=2e-4, atol=1e-4)


@pytest.mark.parametrize("use", [use for use in KNOWN[::8] if "polar" not in use])  # no complex numbers in graphs
def test_compiled_it_answers_the_same(use):
    model = model_of(use)
    try:
        found = kgraph.function(lambda *xs: model(list(xs)))(*inputs_of(use))
    except NotImplementedError as error:
        assert "has no kernel yet" in str(error)
    else:
        check(found, use)


@pytest.mark.parametrize("use", [use for use in KNOWN if "keras.src" not in use])
def test_is_written_as_keras_wrote_it(use):
    entries = lambda config: {e["name"]: e for e in json.loads(json.dumps(config["layers"]))
                              if e["class_name"] != "InputLayer" and "__lambda__" not in json.dumps(e)}
    found, expected = entries(model_of(use).get_config()), entries(CONFIGS[use]["config"])
    for entry in expected.values():
        entry["config"] = {"name": entry["name"], **entry["config"]}
    assert found == expected


def test_every_class_has_a_function_and_a_use():
    classes = op_classes.classes()
    assert len(classes) == 335
    unknown = {name for name in classes if name not in op_names.OBJECTS}
    assert unknown <= NEVER_IN_FILES | LATER, sorted(unknown)
    used = {e["class_name"] for c in CONFIGS.values() for e in c["config"]["layers"]}
    assert set(classes) - used <= NEVER_IN_FILES | {"Arange", "Eig"}


def test_a_lambda_among_the_arguments_needs_trust():
    use = next(use for use in USES if use.startswith("ops.map(DOUBLE"))
    with pytest.raises(ValueError, match="safe_mode=False"):
        deserialize_keras_object(CONFIGS[use])


def test_lambda_layers_take_safe_mode_as_keras_has_it():
    config = kgraph.layers.Lambda(lambda x: x + 1.0, mask=lambda x, m: m).get_config()
    assert set(config["function"]["config"]) == {"code", "defaults", "closure"}
    layer = kgraph.layers.Lambda.from_config(config, safe_mode=False)
    np.testing.assert_array_equal(layer(np.zeros(2, "float32")), [1, 1])
    for settings in ({}, {"safe_mode": True}):
        with pytest.raises(ValueError, match="code of a Python lambda"):
            kgraph.layers.Lambda.from_config(config, **settings)


def test_an_unknown_class_names_the_nearest():
    config = {"module": "keras.src.ops.numpy", "class_name": "Absolut", "config": {}, "registered_name": "Absolut"}
    with pytest.raises(ValueError, match="Did you mean 'Absolute'"):
        deserialize_keras_object(config)
