"""Objects have the public attributes of Keras 3.15.1, and their values where plain (tests/oracle/attributes.py)."""
import functools
import importlib.util
import json
import lzma
import warnings
from pathlib import Path

import pytest

import kgraph

spec = importlib.util.spec_from_file_location("oracle_attributes", Path(__file__).parent / "oracle" / "attributes.py")
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)
KERAS = json.loads(lzma.decompress(oracle.DATA.read_bytes()))
INSIDE = "how Keras does it inside"
MISSING = {     # attribute -> why no object has it
    **dict.fromkeys(("quantized_call", "quantized_build", "rematerialized_call", "call_signature_parameters",
                     "variable_serialization_spec", "convert_weight", "convert_input",
                     "factor", "get_transformed_x_y",
                     "get_shifted_bbox", "get_clipped_bbox", "get_elastic_transform_params", "kernel_shape",
                     "lookup_table", "lr_adjust", "transpose_last_axis", "zeropower_via_newtonschulz5",
                     "backup", "caller", "deduplicate", "override_parent", "name"), INSIDE),
    "backend": "tensors of TensorFlow, in its data sets: kgraph has one kind",
    "summary": "the writer of TensorFlow's event files, counts of adapt(): not kept",
    "tensorflow_version": "of TensorFlow", "handle": "of TensorFlow",
    "unrolled_steps_per_execution": "fit chooses by itself how many batches run in one native call",
}
OTHER = {   # attribute -> why its value is another
    "path": "layers without variables have one too", "seed": "drawn at random",
    "steps_per_execution": "auto by default", "jit_compile": "kgraph always compiles",
    "input_spec": "says more: what a call checks", "dtype": "counts are int32 until int32 cannot hold them",
    "thresholds": "written as floats of 32 bits", "input_dtype": "indices are integers",
    "state_size": "one size a state, also of ConvLSTM", "autocast": INSIDE,
    "metrics_names": "the metrics by name", "supports_masking": "an input hands a mask on",
    "input": "of an InputLayer: the tensor itself, as in Keras 2",
    "supports_jit": "all compile", "monitor_op": "known as soon as the name tells",
    "name": "numbers of automatic names", "interval": "a bar is drawn five times a second at most",
    "single_state": "ConvLSTM has two",
    "variables": INSIDE, "non_trainable_variables": INSIDE, "concat": "made at once", "headers": "filled in at once",
}


@functools.cache
def differences():
    """[(attribute, use, what differs)] of all objects."""
    found = []
    for use in (u for u in oracle.uses() if u in KERAS):
        expected = KERAS[use]["attributes"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            has = oracle.attributes(oracle.make(kgraph, use, KERAS[use]["size"]), expected)
        for name, value in expected.items():
            if name not in has:
                found.append((name, use, "missing"))
            elif value and has[name] != value:
                found.append((name, use, f"expected {value[0]!r}, received {has[name]}"))
    return found


def test_as_keras():
    wrong = [d for d in differences() if d[0] not in (MISSING if d[2] == "missing" else OTHER)]
    assert not wrong, "\n" + "\n".join(f"{use}: {name}: {why}" for name, use, why in wrong)


@pytest.mark.parametrize("kind", ["missing", "expected"])
def test_exceptions_are_needed(kind):
    differing = {name for name, _, why in differences() if why.startswith(kind)}
    assert differing == set(MISSING if kind == "missing" else OTHER)
