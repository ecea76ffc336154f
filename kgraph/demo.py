"""The main job of kgraph on real data: a model learns to read scanned digits, and lets us look inside.

    python -m kgraph demo          (or python examples/digits.py)
"""
from __future__ import annotations

import numpy as np

import kgraph
from kgraph import layers

__all__ = ["build_model", "main"]

EPOCHS, BATCH = 30, 32
COMPARED_EPOCHS = 2


def build_model():
    """A functional model: 8x8 grey values in, probabilities of ten digits out."""
    image = kgraph.Input((8, 8), name="image")
    h = layers.Flatten()(layers.Rescaling(1 / 16)(image))
    h = layers.Dense(128, activation="relu", name="hidden_1")(h)
    h = layers.Dropout(0.2)(h)
    h = layers.Dense(64, activation="relu", name="hidden_2")(h)
    model = kgraph.Model(image, layers.Dense(10, activation="softmax", name="digit")(h), name="digits")
    model.compile(kgraph.optimizers.Adam(0.002), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def show(title):
    print(f"\n--- {title}")


def train(run_eagerly, epochs, verbose):
    """The losses of training a fresh model, and the model. The seed makes weights, order and dropout the same."""
    (x, y), _ = kgraph.datasets.digits.load_data()
    kgraph.utils.set_random_seed(7)
    model = build_model()
    model.run_eagerly = run_eagerly
    history = model.fit(x, y, batch_size=BATCH, epochs=epochs, validation_split=0.1, verbose=verbose)
    return np.array(history.history["loss"]), model


def main() -> float:
    """Run the job; returns the accuracy on the test images."""
    (x, y), (x_test, y_test) = kgraph.datasets.digits.load_data()
    show(f"{len(x)} images to learn from, {len(x_test)} to be tested on")
    build_model().summary()

    show("train")
    losses, model = train(run_eagerly=False, epochs=EPOCHS, verbose="auto")

    show("evaluate and predict")
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test loss {loss:.4f}, test accuracy {accuracy:.4f}")
    guessed = model.predict(x_test[:10], verbose=0).argmax(axis=-1)
    print(f"ten test images: guessed {guessed}, written {y_test[:10]}")

    show("the first fused kernel of a training step")
    kernel = next(k for k in kgraph.inspect.kernels(model, "train") if "fused" in k.op)
    print(f"serves {', '.join(kernel.layers)}\n{kernel.source}")

    show("where the time of a training step goes")
    print(kgraph.profile(model, x[:BATCH], y[:BATCH]))

    show(f"the same {COMPARED_EPOCHS} epochs eagerly")
    eager, _ = train(run_eagerly=True, epochs=COMPARED_EPOCHS, verbose=0)
    print(f"losses compiled {losses[:COMPARED_EPOCHS]}, eager {eager}")
    print(f"largest relative difference {np.max(np.abs(eager / losses[:COMPARED_EPOCHS] - 1)):.1e}")
    return accuracy
