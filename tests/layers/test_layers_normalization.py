"""Normalisation and attention layers: the common checks on each; statistics, masks and errors."""

import numpy as np
import pytest
from check_layer import check_layer

from kgraph import Input, Model, Sequential, layers, ops, optimizers

CASES = [
    ("BatchNormalization", {}, (3, 5), (3, 5)),
    ("BatchNormalization", {"axis": 1, "scale": False}, (3, 5), (3, 5)),
    (
        "BatchNormalization",
        {"renorm": True, "renorm_clipping": {"rmax": 2.0, "rmin": 0.5, "dmax": 1.0}},
        (3, 6),
        (3, 6),
    ),
    ("LayerNormalization", {}, (3, 5), (3, 5)),
    ("LayerNormalization", {"axis": (1, 2), "center": False}, (3, 5), (3, 5)),
    ("LayerNormalization", {"rms_scaling": True}, (5,), (5,)),
    ("GroupNormalization", {"groups": 2}, (3, 4, 6), (3, 4, 6)),
    ("GroupNormalization", {"groups": -1, "axis": 1}, (3, 4), (3, 4)),
    ("UnitNormalization", {}, (3, 5), (3, 5)),
    ("UnitNormalization", {"axis": [1, 2]}, (3, 5), (3, 5)),
    ("RMSNormalization", {}, (3, 5), (3, 5)),
    ("RMSNormalization", {"axis": [1, 2], "epsilon": 1e-3}, (3, 5), (3, 5)),
    ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": (None, 7), "bias_axes": "d"}, (3, 5), (3, 7)),
    ("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 7, "activation": "relu"}, (3, 5), (3, 7)),
    ("EinsumDense", {"equation": "abc,bcd->ad", "output_shape": (7,)}, (3, 5), (7,)),
]


@pytest.mark.parametrize("name, kwargs, shape, outputs", CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_layer(name, kwargs, shape, outputs):
    check_layer(getattr(layers, name), kwargs, shape, outputs=outputs)


ATTENTION = [
    ("Attention", {}),
    ("Attention", {"use_scale": True, "score_mode": "concat"}),
    ("AdditiveAttention", {}),
    ("AdditiveAttention", {"use_scale": False}),
]


@pytest.mark.parametrize("name, kwargs", ATTENTION)
@pytest.mark.parametrize("call", [{}, {"use_causal_mask": True}])
def test_attention_over_a_list(name, kwargs, call):
    check_layer(getattr(layers, name), kwargs, [(3, 4), (5, 4)], call=call, outputs=(3, 4))


@pytest.mark.parametrize(
    "layer",
    [
        lambda: layers.MultiHeadAttention(2, 3),
        lambda: layers.MultiHeadAttention(2, 3, 5, output_shape=7, use_gate=True),
        lambda: layers.MultiHeadAttention(2, 3, use_bias=False, sliding_window=2),
        lambda: layers.GroupQueryAttention(3, 4, 2),
        lambda: layers.GroupQueryAttention(3, 4, 1, use_gate=True, dropout=0.5),
    ],
)
@pytest.mark.parametrize("call", [{}, {"use_causal_mask": True}])
def test_heads_compiled_equal_heads_run_eagerly(layer, call):
    rng = np.random.default_rng(0)
    query, value = rng.normal(size=(2, 4, 6)).astype("float32"), rng.normal(size=(2, 4, 6)).astype("float32")
    made = layer()
    a, b = Input((4, 6)), Input((4, 6))
    model = Model([a, b], made(a, b, **call))
    np.testing.assert_allclose(
        model.predict([query, value], verbose=0), made(query, value, **call), rtol=1e-4, atol=1e-5
    )
    again = type(made).from_config(made.get_config())
    assert again.get_config() == made.get_config()


def test_scores_are_returned_and_sum_to_one_where_a_mask_allows():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 3, 4)).astype("float32")
    allowed = np.tril(np.ones((1, 3, 3), bool))
    result, scores = layers.MultiHeadAttention(2, 3)(x, x, attention_mask=allowed, return_attention_scores=True)
    assert result.shape == (2, 3, 4) and scores.shape == (2, 2, 3, 3)
    np.testing.assert_allclose(ops.sum(scores, -1), np.ones((2, 2, 3)), rtol=1e-5, atol=1e-6)
    assert np.all(np.asarray(scores)[:, :, ~allowed[0]] == 0)


def test_causal_heads_do_not_look_ahead():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(1, 5, 4)).astype("float32")
    layer = layers.MultiHeadAttention(2, 3)
    first = np.asarray(layer(x, x, use_causal_mask=True))
    x[:, 3:] += 1.0
    np.testing.assert_allclose(np.asarray(layer(x, x, use_causal_mask=True))[:, :3], first[:, :3], rtol=1e-5, atol=1e-6)


def test_batch_statistics_in_training_and_moving_ones_after():
    rng = np.random.default_rng(0)
    x = rng.normal(3.0, 2.0, size=(64, 5)).astype("float32")
    layer = layers.BatchNormalization(momentum=0.5)
    y = np.asarray(layer(x, training=True))
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(0), 1, atol=1e-3)
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.5 * x.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.5 + 0.5 * x.var(0), rtol=1e-4, atol=1e-6)
    expected = (x - layer.moving_mean.numpy()) / np.sqrt(layer.moving_variance.numpy() + 1e-3)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_a_frozen_layer_uses_and_keeps_its_moving_statistics():
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    layer = layers.BatchNormalization(trainable=False)
    np.testing.assert_allclose(layer(x, training=True), layer(x), rtol=1e-6, atol=1e-6)
    assert layer.trainable_weights == [] and np.all(layer.moving_mean.numpy() == 0)


def test_masked_steps_do_not_count_in_the_statistics():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 6, 3)).astype("float32")
    mask = rng.random((4, 6)) < 0.6
    layer = layers.BatchNormalization(momentum=0.0)
    layer(x, training=True, mask=mask)
    np.testing.assert_allclose(layer.moving_mean.numpy(), x[mask].mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance.numpy(), x[mask].var(0), rtol=1e-4, atol=1e-6)


def test_spectral_normalization_divides_by_the_largest_singular_value():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 6)).astype("float32")
    layer = layers.SpectralNormalization(layers.Dense(5, use_bias=False), power_iterations=50)
    y = np.asarray(layer(x, training=True))
    kernel = layer.kernel.numpy()
    np.testing.assert_allclose(y, x @ kernel / np.linalg.svd(kernel, compute_uv=False)[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer(x), x @ kernel, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("eagerly", [False, True])
def test_spectral_normalization_trains_as_in_keras(eagerly):
    """Each step divides the kernel itself, and moves what came out. The numbers are Keras 3.15.1's."""
    rng = np.random.default_rng(0)
    kernel, u, x, y = (rng.normal(size=s).astype("float32") for s in ((5, 3), (1, 3), (8, 5), (8, 3)))
    layer = layers.SpectralNormalization(layers.Dense(3), power_iterations=2)
    model = Sequential([Input((5,)), layer])
    layer.kernel.assign(kernel)
    layer.vector_u.assign(u)
    model.compile(optimizers.SGD(0.1), "mse", run_eagerly=eagerly)
    losses = model.fit(x, y, batch_size=4, shuffle=False, epochs=2, verbose=0).history["loss"]
    np.testing.assert_allclose(losses, [1.92455, 1.66944], rtol=1e-4)
    np.testing.assert_allclose(model.predict(x, verbose=0)[0], [0.0223, -0.0888, 0.5383], atol=1e-4)
    np.testing.assert_allclose(layer.kernel.numpy()[0], [0.0941, 0.1269, 0.1636], atol=1e-4)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: layers.GroupNormalization(3)(Input((4, 4))), "groups that divide"),
        (lambda: layers.BatchNormalization(axis=3)(Input((4,))), "axes of the inputs"),
        (lambda: layers.BatchNormalization(renorm_clipping={"max": 1}), "renorm_clipping"),
        (lambda: layers.EinsumDense("ab->ab", 3)(Input((4,))), "expected the form"),
        (lambda: layers.EinsumDense("ab,bc->ac", (3, 4))(Input((4,))), "output_shape of 1"),
        (lambda: layers.MultiHeadAttention(0, 3), "num_heads"),
        (lambda: layers.MultiHeadAttention(2, 3, sliding_window=0), "sliding_window"),
        (lambda: layers.GroupQueryAttention(3, 5, 2), "divide num_query_heads"),
        (lambda: layers.Attention(score_mode="product"), "score_mode"),
        (lambda: layers.Attention()([Input((3, 4))]), "query, value"),
        (lambda: layers.SpectralNormalization(layers.Activation("relu"))(Input((3,))), "kernel or embeddings"),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_axis_of_a_config_fits_inputs_of_another_rank():
    layer = layers.LayerNormalization()
    layer(np.ones((2, 3), "float32"))
    assert layer.get_config()["axis"] == [-1]  # as Keras writes it
    assert layer.from_config(layer.get_config())(np.ones((2, 4, 3), "float32")).shape == (2, 4, 3)
