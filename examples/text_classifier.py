"""From raw text to a verdict in one model: TextVectorization, Embedding, pooling, Dense. Saved, it takes text again."""
import tempfile
from pathlib import Path

import numpy as np

import kgraph
from kgraph import layers

OPENINGS = ["The film is", "What I saw was", "A story that is", "The acting is", "Honestly, it was", "My evening was"]
PRAISE = ["wonderful", "moving", "brilliant", "funny and warm", "a delight", "beautiful", "gripping"]
BLAME = ["boring", "a mess", "painfully slow", "dull", "a waste of time", "clumsy", "forgettable"]
ENDINGS = ["from start to end.", "and my friends agree!", "for all who were there.", "as the paper said...", "again!"]


def reviews(rng, count):
    """Made-up reviews and whether they praise."""
    praises = rng.random(count) < 0.5
    texts = [f"{rng.choice(OPENINGS)} {rng.choice(PRAISE if good else BLAME)} {rng.choice(ENDINGS)}"
             for good in praises]
    return np.array(texts), praises.astype("float32")


def build_model(texts):
    vectorize = layers.TextVectorization(max_tokens=200, output_sequence_length=16)
    vectorize.adapt(texts)
    text = kgraph.Input((1,), dtype="string", name="text")
    x = layers.Embedding(vectorize.vocabulary_size(), 16, mask_zero=True)(vectorize(text))
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dense(16, activation="relu")(x)
    model = kgraph.Model(text, layers.Dense(1, activation="sigmoid", name="praise")(x), name="text_classifier")
    model.compile(kgraph.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model


def main():
    kgraph.utils.set_random_seed(4)
    texts, praises = reviews(np.random.default_rng(0), 1200)
    model = build_model(texts)
    model.fit(texts[:1000, None], praises[:1000], epochs=5, validation_data=(texts[1000:, None], praises[1000:]),
              verbose=2)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "reviews.keras")
        model = kgraph.models.load_model(Path(folder) / "reviews.keras")
    new = np.array([["A brilliant and moving evening!"], ["Dull, slow, and a mess."], ["A delight for my friends"]])
    for text, praise in zip(new[:, 0], model.predict(new, verbose=0)[:, 0]):
        print(f"{praise:4.0%} praise: {text}")
    _, accuracy = model.evaluate(texts[1000:, None], praises[1000:], verbose=0)
    print(f"200 other reviews: accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
