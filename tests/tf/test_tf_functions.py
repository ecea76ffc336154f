"""kgraph.tensorflow: what tests/oracle/tf_functions.py asked TensorFlow."""
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import kgraph.tensorflow as tf

spec = importlib.util.spec_from_file_location("oracle_tf", Path(__file__).parents[1] / "oracle" / "tf_functions.py")
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)
KNOWN = json.loads(oracle.DATA.read_text())


@pytest.fixture(scope="module")
def found():
    return oracle.results(tf)


@pytest.mark.parametrize("expression", KNOWN)
def test_as_tensorflow(expression, found):
    compare(found[expression], KNOWN[expression])


def compare(found, expected):
    if isinstance(expected, list):
        assert len(found) == len(expected)
        for pair in zip(found, expected):
            compare(*pair)
        return
    assert found["dtype"] == expected["dtype"]
    if any(isinstance(v, str) for v in np.ravel(expected["values"]).tolist()):
        assert found["values"] == expected["values"]
    else:
        np.testing.assert_allclose(found["values"], expected["values"], rtol=2e-4, atol=2e-5)


def test_every_expression_was_asked():
    assert set(KNOWN) == {line.strip() for line in oracle.CASES.strip().splitlines()}
    assert tf.version.VERSION == tf.__version__
    tf.assert_equal(1, 1)
    with pytest.raises(NotImplementedError, match="soft_nms_sigma"):
        tf.image.non_max_suppression_with_scores(oracle.b, oracle.sc, 3, soft_nms_sigma=.5)
