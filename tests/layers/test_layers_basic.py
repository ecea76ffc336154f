"""Each layer once, by check_layer."""
import numpy as np
import pytest
from check_layer import check_layer

from kgraph import layers as L
from kgraph import ops

ONE = [
    (L.Dense, {"units": 3, "activation": "relu"}, (4,), (3,)),
    (
        L.Dense,
        {"units": 2, "use_bias": False, "kernel_regularizer": "l2", "kernel_constraint": "max_norm"},
        (3, 4),
        (3, 2),
    ),
    (L.Activation, {"activation": "tanh"}, (4,), (4,)),
    (L.Activation, {"activation": "gelu"}, (2, 3), (2, 3)),
    (L.Dropout, {"rate": 0.4, "seed": 3}, (5, 2), (5, 2)),
    (L.Dropout, {"rate": 0.4, "seed": 3, "noise_shape": (None, 1, 2)}, (5, 2), (5, 2)),
    (L.GaussianDropout, {"rate": 0.3, "seed": 1}, (4,), (4,)),
    (L.GaussianNoise, {"stddev": 0.3, "seed": 1}, (4,), (4,)),
    (L.AlphaDropout, {"rate": 0.3, "seed": 1}, (4, 2), (4, 2)),
    (L.SpatialDropout1D, {"rate": 0.5, "seed": 2}, (4, 3), (4, 3)),
    (L.SpatialDropout2D, {"rate": 0.5, "seed": 2, "data_format": "channels_first"}, (3, 2, 2), (3, 2, 2)),
    (L.SpatialDropout3D, {"rate": 0.5, "seed": 2}, (2, 2, 2, 3), (2, 2, 2, 3)),
    (L.ActivityRegularization, {"l1": 0.1, "l2": 0.2}, (4,), (4,)),
    (L.Flatten, {}, (2, 3), (6,)),
    (L.Flatten, {"data_format": "channels_first"}, (2, 3, 2), (12,)),
    (L.Reshape, {"target_shape": (-1, 2)}, (2, 4), (4, 2)),
    (L.Reshape, {"target_shape": (8,)}, (2, 4), (8,)),
    (L.Permute, {"dims": (2, 1)}, (2, 3), (3, 2)),
    (L.RepeatVector, {"n": 3}, (2,), (3, 2)),
    (L.Rescaling, {"scale": 0.5, "offset": 1.0}, (4,), (4,)),
    (L.Rescaling, {"scale": [1.0, 2.0], "offset": [0.5, 0.25]}, (3, 2), (3, 2)),
    (L.Identity, {}, (4,), (4,)),
    (L.Masking, {"mask_value": 0.5}, (3, 2), (3, 2)),
    (L.ReLU, {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}, (4,), (4,)),
    (L.ReLU, {}, (4,), (4,)),
    (L.LeakyReLU, {"negative_slope": 0.1}, (4,), (4,)),
    (L.ELU, {"alpha": 0.7}, (4,), (4,)),
    (L.PReLU, {"shared_axes": [1]}, (3, 2), (3, 2)),
    (L.ThresholdedReLU, {"theta": 0.3}, (4,), (4,)),
    (L.Softmax, {}, (3, 4), (3, 4)),
    (L.Softmax, {"axis": [1, 2]}, (3, 4), (3, 4)),
]
MERGES = [
    (L.Add, {}, [(3,)] * 3, (3,)), (L.Subtract, {}, [(3,)] * 2, (3,)), (L.Multiply, {}, [(2, 3), (1, 3)], (2, 3)),
    (L.Average, {}, [(2, 3), (3,)], (2, 3)), (L.Maximum, {}, [(3,)] * 2, (3,)), (L.Minimum, {}, [(3,)] * 2, (3,)),
    (L.Concatenate, {"axis": 1}, [(2, 3), (4, 3)], (6, 3)), (L.Dot, {"axes": (2, 2)}, [(2, 3), (4, 3)], (2, 4)),
    (L.Dot, {"axes": 1, "normalize": True}, [(3,), (3,)], (1,)), (L.Dot, {"axes": -1}, [(2, 2, 3), (3,)], (2, 2)),
]


@pytest.mark.parametrize("cls,kwargs,shapes,outputs", ONE + MERGES,
                         ids=lambda x: getattr(x, "__name__", None) if isinstance(x, type) else "")
def test_layer(cls, kwargs, shapes, outputs):
    check_layer(cls, kwargs, shapes, outputs=outputs)


def test_embedding():
    check_layer(L.Embedding, {"input_dim": 7, "output_dim": 3, "mask_zero": True}, (4,), high=7, outputs=(4, 3))


def test_lambda_and_wrapper():
    class Twice(L.Wrapper):
        def call(self, x):
            return self.layer(x) * 2

    layer = Twice(L.Dense(3))
    x = np.ones((2, 4), "float32")
    np.testing.assert_allclose(layer(x), 2 * layer.layer(x).numpy())
    assert [w.path for w in layer.weights] == [f"{layer.name}/{layer.layer.name}/{n}" for n in ("kernel", "bias")]
    lam = L.Lambda(lambda x, scale, training=None: ops.sin(x) * (scale if training else 1), arguments={"scale": 3})
    np.testing.assert_allclose(lam(x, training=True), 3 * np.sin(x), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(lam(x), np.sin(x), rtol=1e-6, atol=1e-6)


def test_concatenate_along_the_batch():
    x = np.arange(9, dtype="float32").reshape(3, 3)
    np.testing.assert_array_equal(L.Concatenate(axis=0)([x[:1], x[1:]]), x)
    with pytest.raises(ValueError, match="agree but for axis 1, received"):
        L.Concatenate(axis=1)([x[:1], x[1:]])
    with pytest.raises(ValueError, match="one batch size, received"):
        L.Dot(axes=1)([x[:1], x[1:]])
