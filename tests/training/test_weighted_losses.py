"""Losses with sample weights, class weights, masks, two outputs and a short last batch, against NumPy.

What is expected, as Keras 3 has it: a mask multiplies the weights; for the mean over all elements what it leaves counts
as all. Class weights multiply sample weights. The loss of an epoch is the mean over its samples.
"""
import itertools

import numpy as np
import pytest

from kgraph import Input, Model, layers, losses, optimizers

RNG = np.random.default_rng(0)
TOKENS = RNG.integers(0, 4, (10, 5))
TOKENS[:, 0] = 1  # no sample is all padding
STEPS, LABELS = RNG.integers(0, 3, (10, 5)), RNG.integers(0, 3, (10,))
WEIGHTS = {"steps": RNG.uniform(0.2, 2, (10, 5)).astype("float32"), "label": RNG.uniform(0.2, 2, 10).astype("float32")}
CLASS_WEIGHTS = {"steps": {0: 0.5, 1: 2.0, 2: 1.5}, "label": {0: 3.0, 2: 0.25}}
LOSS_WEIGHTS = {"steps": 0.7, "label": 1.3}
REDUCTIONS = ("sum", "sum_over_batch_size", "mean", "mean_with_sample_weight")
BATCH = 4


def two_outputs(reduction):
    tokens = Input((5,), dtype="int32")
    x = layers.Embedding(4, 6, mask_zero=True)(tokens)
    steps = layers.Dense(3, activation="softmax", name="steps")(x)
    label = layers.Dense(3, activation="softmax", name="label")(layers.GlobalAveragePooling1D()(x))
    model = Model(tokens, [steps, label])
    loss = {name: losses.SparseCategoricalCrossentropy(reduction=reduction) for name in ("steps", "label")}
    model.compile(optimizers.SGD(0.0), loss, loss_weights=LOSS_WEIGHTS)
    return model


def class_weights_of(name, ids):
    return np.vectorize(lambda i: CLASS_WEIGHTS[name].get(i, 1.0))(ids)


def reduced(values, weights, mask, reduction):
    """One output's loss of one batch."""
    if reduction == "sum":
        return (values * weights * mask).sum()
    if reduction == "mean_with_sample_weight":
        return (values * weights * mask).sum() / (weights * mask).sum()
    return (values * weights * mask * (mask.size / mask.sum())).mean()


def expected(predictions, reduction, weighted, class_weighted):
    total = 0.0
    for start in range(0, 10, BATCH):
        rows = slice(start, start + BATCH)
        for p, name, ids, mask in zip(predictions, ("steps", "label"), (STEPS, LABELS), (TOKENS != 0, np.ones(10))):
            values = -np.log(np.take_along_axis(p, ids[..., None], -1)[..., 0])
            weights = WEIGHTS[name] if weighted else np.ones(ids.shape)
            weights = weights * class_weights_of(name, ids) if class_weighted else weights
            part = reduced(values[rows], weights[rows], mask[rows].astype(float), reduction)
            total += part * LOSS_WEIGHTS[name] * len(ids[rows])
    return total / 10


@pytest.mark.parametrize("reduction,weighted,class_weighted",
                         list(itertools.product(REDUCTIONS, (False, True), (False, True))))
@pytest.mark.filterwarnings("ignore:class_weight says nothing")
def test_fit(reduction, weighted, class_weighted):
    model = two_outputs(reduction)
    weights = {"sample_weight": WEIGHTS} if weighted else {}
    history = model.fit(TOKENS, {"steps": STEPS, "label": LABELS}, batch_size=BATCH, shuffle=False, verbose=0,
                        class_weight=CLASS_WEIGHTS if class_weighted else None, **weights)
    predictions = model.predict(TOKENS, verbose=0)
    np.testing.assert_allclose(history.history["loss"], expected(predictions, reduction, weighted, class_weighted),
                               rtol=1e-5)


@pytest.mark.parametrize("eagerly", [False, True])
def test_evaluate(eagerly):
    model = two_outputs("sum_over_batch_size")
    model.run_eagerly = eagerly
    found = model.evaluate(TOKENS, {"steps": STEPS, "label": LABELS}, batch_size=BATCH, sample_weight=WEIGHTS,
                           verbose=0, return_dict=True)
    predictions = model.predict(TOKENS, verbose=0)
    np.testing.assert_allclose(found["loss"], expected(predictions, "sum_over_batch_size", True, False), rtol=1e-5)
