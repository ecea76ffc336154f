"""Two inputs, two outputs: does a headline do well? Words and the hour of posting decide, the words alone say it too.

The model of the Keras functional guide: a main input of words through an Embedding and an LSTM, an auxiliary input
beside it, an auxiliary loss on what the LSTM alone knows, and a weight for each loss by name.
"""
import numpy as np

import kgraph
from kgraph import layers

WORDS, LENGTH, SAMPLES = 60, 20, 4000


def headlines(rng):
    """Made-up headlines as word numbers (0 pads them), the hour of posting, and whether they did well.

    Words 1 to 9 draw readers and 10 to 18 bore them; the afternoon helps.
    """
    lengths = rng.integers(8, LENGTH + 1, SAMPLES)
    words = rng.integers(1, WORDS, (SAMPLES, LENGTH)) * (np.arange(LENGTH) < lengths[:, None])
    words[:, :8] = rng.integers(1, 30, (SAMPLES, 8))
    hour = rng.uniform(0, 24, (SAMPLES, 1)).astype("float32")
    drawn = ((words > 0) & (words < 10)).sum(1) - ((words > 9) & (words < 19)).sum(1)
    did_well = drawn + np.where((hour[:, 0] > 12) & (hour[:, 0] < 18), 2.0, -1.0) > 0
    return words.astype("int32"), hour / 24, did_well.astype("float32")[:, None]


def build_model():
    main_input = kgraph.Input((LENGTH,), dtype="int32", name="main_input")
    x = layers.Embedding(WORDS, 32, mask_zero=True)(main_input)
    read = layers.LSTM(32)(x)
    aux_output = layers.Dense(1, activation="sigmoid", name="aux_output")(read)

    aux_input = kgraph.Input((1,), name="aux_input")
    x = layers.concatenate([read, aux_input])
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dense(64, activation="relu")(x)
    main_output = layers.Dense(1, activation="sigmoid", name="main_output")(x)

    model = kgraph.Model([main_input, aux_input], [main_output, aux_output], name="headline")
    model.compile("adam", loss={"main_output": "binary_crossentropy", "aux_output": "binary_crossentropy"},
                  loss_weights={"main_output": 1.0, "aux_output": 0.2}, metrics={"main_output": "accuracy"})
    return model


def main():
    kgraph.utils.set_random_seed(1)
    words, hour, did_well = headlines(np.random.default_rng(0))
    model = build_model()
    model.summary()
    model.fit({"main_input": words, "aux_input": hour}, {"main_output": did_well, "aux_output": did_well},
              epochs=4, batch_size=32, validation_split=0.2, verbose=2)

    sure, _ = model.predict({"main_input": words[-200:], "aux_input": hour[-200:]}, verbose=0)
    accuracy = np.mean((sure > 0.5) == did_well[-200:])
    print(f"\n200 headlines it was not trained on: accuracy {accuracy:.3f}")
    at = [model.predict([words[-200:], np.full((200, 1), h / 24, "float32")], verbose=0)[0].mean() for h in (3, 15)]
    print(f"the same headlines at 3 o'clock: {at[0]:.0%} expected to do well; at 15 o'clock: {at[1]:.0%}")


if __name__ == "__main__":
    main()
