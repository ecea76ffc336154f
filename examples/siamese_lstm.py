"""One LSTM reads two sequences: were both written by the same hand? The layer is shared, so are its weights."""
import numpy as np

import kgraph
from kgraph import layers

STEPS, FEATURES, PAIRS = 30, 8, 3000


def pairs(rng):
    """Pairs of noisy sequences. Each writer has a rhythm, a frequency, that all his sequences swing with."""
    rhythm = rng.choice([0.3, 0.6, 1.2], (2, PAIRS))
    same = rng.random(PAIRS) < 0.5
    rhythm[1] = np.where(same, rhythm[0], rhythm[1])
    phase = rng.uniform(0, 2 * np.pi, (2, PAIRS, 1, FEATURES))
    x = np.sin(rhythm[:, :, None, None] * np.arange(STEPS)[:, None] + phase)
    x += rng.normal(scale=0.3, size=x.shape)
    return x.astype("float32"), (rhythm[0] == rhythm[1]).astype("float32")[:, None]


def build_model():
    one, other = kgraph.Input((STEPS, FEATURES), name="one"), kgraph.Input((STEPS, FEATURES), name="other")
    reader = layers.LSTM(32, name="reader")
    read_one, read_other = reader(one), reader(other)
    x = layers.Concatenate()([read_one, read_other, layers.Multiply()([read_one, read_other])])
    x = layers.Dense(32, activation="relu")(x)
    model = kgraph.Model([one, other], layers.Dense(1, activation="sigmoid", name="same")(x), name="siamese_lstm")
    model.compile(kgraph.optimizers.Adam(0.003), "binary_crossentropy", metrics=["accuracy"])
    return model


def main():
    kgraph.utils.set_random_seed(2)
    (one, other), same = pairs(np.random.default_rng(0))
    model = build_model()
    reader = model.get_layer("reader")
    first, second = reader.get_output_at(0), reader.get_output_at(1)
    print(f"one layer of {reader.count_params()} weights makes both {first.name} and {second.name}")
    model.fit([one[:2400], other[:2400]], same[:2400], epochs=8, batch_size=32, verbose=2)
    loss, accuracy = model.evaluate([one[2400:], other[2400:]], same[2400:], verbose=0)
    print(f"{len(same) - 2400} other pairs: loss {loss:.3f}, accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
