"""ONNX's own tests of operators and its small models, through load_onnx: called on arrays, and one of
each kind compiled.

left_out.txt lists those that are left out by name, under the reason. They are tried where kgraph refuses them, so that
the list says no more than what is true.
"""
import pathlib
import warnings

import numpy as np
import pytest

import kgraph
from kgraph.onnx import registry

onnx = pytest.importorskip("onnx")
suite = pytest.importorskip("onnx_backend")
RANDOM = "random numbers, which are other ones"
NEWEST = 24          # the newest operators that count for the share of tests that have to pass


def _left_out():
    """name -> reason."""
    reason, found = None, {}
    for line in (pathlib.Path(__file__).parent / "left_out.txt").read_text().splitlines():
        if line.startswith("#"):
            reason = line[1:].strip()
        else:
            found.update((name, reason) for name in line.split())
    return found


LEFT_OUT = _left_out()
KNOWN = {name: case for name, case in suite.node_cases().items() if suite.opset(case) <= registry.NEWEST}
CASES = {**KNOWN, **suite.model_cases()}


COMPILED = """
    test_Conv2d_groups test_Conv3d_stride_padding test_ConvTranspose2d test_Embedding test_PReLU_2d_multiparam
    test_PixelShuffle test_attention_4d_causal test_attention_3d_gqa_with_past_and_present
    test_averagepool_3d_dilations_small test_convinteger_without_padding test_clip_inbounds
    test_depthtospace_crd_mode_example test_dequantizelinear_axis test_einsum_batch_matmul
    test_gather_elements_1 test_gathernd_example_int32
    test_gemm_all_attributes test_gridsample_bicubic test_group_normalization_example test_gru_with_initial_bias
    test_if test_layer_normalization_4d_axis1 test_logsoftmax_axis_1 test_lrn test_lstm_with_peepholes
    test_maxpool_2d_dilations test_mod_mixed_sign_int32 test_qlinearconv test_quantizelinear_axis
    test_reversesequence_time test_rnn_seq_length test_roialign_aligned_true
    test_scan9_sum test_scatter_elements_with_axis test_scatternd_add test_tril
""".split()


def _called_on(model, inputs):
    return model(list(inputs) if len(inputs) != 1 else inputs[0])


def _called(model, inputs):
    return _called_on(model, list(map(np.asarray, inputs)))


def _check(case, run):
    data, sets = suite.data_sets(case)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = kgraph.load_onnx(data)
        for inputs, expected in sets:
            difference = suite.differences(run(model, inputs), expected, getattr(case, "rtol", 1e-3),
                                           max(getattr(case, "atol", 0), 1e-6))
            assert not difference, difference


@pytest.mark.parametrize("name", [name for name in CASES if name not in LEFT_OUT])
def test_on_arrays(name):
    _check(CASES[name], _called)


@pytest.mark.parametrize("name", COMPILED)
def test_compiled(name):
    _check(CASES[name], lambda model, inputs: kgraph.function(lambda *xs: _called_on(model, xs))(*inputs))


@pytest.mark.parametrize("name", [name for name in CASES if LEFT_OUT.get(name, RANDOM) != RANDOM])
def test_what_is_left_out_is_refused(name):
    data, sets = suite.data_sets(CASES[name])
    with pytest.raises(ValueError):
        kgraph.load_onnx(data)


@pytest.mark.skipif(not onnx.__version__.startswith("1.23."), reason="the list is of the tests of onnx 1.23")
def test_every_name_on_the_list_is_that_of_a_test():
    assert not set(LEFT_OUT) - set(CASES)


def test_nine_of_ten_tests_of_operators_pass():
    counted = [name for name, case in KNOWN.items() if suite.opset(case) <= NEWEST]
    passing = [name for name in counted if name not in LEFT_OUT]
    assert len(passing) >= 0.9 * len(counted)
    assert len([name for name in CASES if name not in LEFT_OUT]) >= 0.85 * len(CASES)
