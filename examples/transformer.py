"""A small transformer encoder learns to turn sequences round: every place has to look at another one."""
import numpy as np

import kgraph
from kgraph import layers, ops

TOKENS, LENGTH, WIDTH, HEADS = 10, 12, 32, 4


class Positions(kgraph.Layer):
    """Adds a learned vector for each place: [batch, LENGTH, WIDTH] in and out."""

    def build(self, input_shape):
        self.table = self.add_weight(shape=input_shape[1:], initializer="random_normal", name="table")

    def call(self, inputs):
        return ops.add(inputs, self.table)


def encoder_block(x):
    """Self-attention and a two-layer network, each beside a shortcut and before it a LayerNormalization."""
    h = layers.LayerNormalization()(x)
    x = layers.add([x, layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(h, h)])
    h = layers.LayerNormalization()(x)
    h = layers.Dense(2 * WIDTH, activation="gelu")(h)
    return layers.add([x, layers.Dense(WIDTH)(h)])


def build_model():
    tokens = kgraph.Input((LENGTH,), dtype="int32", name="tokens")
    x = Positions()(layers.Embedding(TOKENS, WIDTH)(tokens))
    for _ in range(2):
        x = encoder_block(x)
    x = layers.LayerNormalization()(x)
    model = kgraph.Model(tokens, layers.Dense(TOKENS, activation="softmax")(x), name="transformer")
    model.compile(kgraph.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main():
    kgraph.utils.set_random_seed(5)
    x = np.random.default_rng(0).integers(0, TOKENS, (3000, LENGTH)).astype("int32")
    y = x[:, ::-1].copy()
    model = build_model()
    model.fit(x[:2700], y[:2700], epochs=4, batch_size=32, verbose=2)
    loss, accuracy = model.evaluate(x[2700:], y[2700:], verbose=0)
    print(f"300 sequences it was not trained on: loss {loss:.4f}, accuracy {accuracy:.3f}")
    print(f"{x[-1]} -> {model.predict(x[-1:], verbose=0).argmax(-1)[0]}")


if __name__ == "__main__":
    main()
