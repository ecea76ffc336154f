"""Questions about pictures: a small VGG-like encoder sees, an LSTM reads the question, and both decide on a word.

The two encoders are models of their own, called as layers of the whole (nested models).
"""
import numpy as np

import kgraph
from kgraph import layers

SIZE, PICTURES = 16, 3000
COLOURS = {"red": (1.0, 0.1, 0.1), "green": (0.1, 1.0, 0.1), "blue": (0.1, 0.1, 1.0)}
PLACES = ("left", "right")
ANSWERS = (*COLOURS, *PLACES)
VOCABULARY = ("", "what", "colour", "is", "the", "square", "where", "on", *ANSWERS)
QUESTIONS = ["what colour is the square on the left", "what colour is the square on the right",
             *(f"where is the {colour} square" for colour in COLOURS)]


def encode(question, length=8):
    """A question as word numbers, filled up with 0."""
    numbers = [VOCABULARY.index(word) for word in question.split()]
    return numbers + [0] * (length - len(numbers))


def draw(rng):
    """A noisy picture with two squares of different colours, left and right, a question about it and the answer."""
    picture = rng.uniform(0, 0.3, (SIZE, SIZE, 3))
    shown = rng.permutation(list(COLOURS))[:2]
    for colour, column in zip(shown, rng.integers((0, 9), (4, 13))):
        row = rng.integers(0, SIZE - 4)
        picture[row:row + 4, column:column + 4] = COLOURS[colour]
    kind = rng.integers(4)
    if kind < 2:
        return picture, QUESTIONS[kind], shown[kind]
    return picture, f"where is the {shown[kind - 2]} square", PLACES[kind - 2]


def build_model():
    vision = kgraph.Sequential([
        kgraph.Input((SIZE, SIZE, 3)),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.Conv2D(16, 3, padding="same", activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.Conv2D(16, 3, padding="same", activation="relu"), layers.MaxPooling2D(2),
        layers.Flatten(), layers.Dense(32, activation="relu")], name="vision")
    words = kgraph.Input((None,), dtype="int32")
    reading = kgraph.Model(words, layers.LSTM(32)(layers.Embedding(len(VOCABULARY), 16, mask_zero=True)(words)),
                           name="reading")

    picture = kgraph.Input((SIZE, SIZE, 3), name="picture")
    question = kgraph.Input((None,), dtype="int32", name="question")
    seen, read = vision(picture), reading(question)
    x = layers.Dense(64, activation="relu")(layers.concatenate([seen, read]))
    answer = layers.Dense(len(ANSWERS), activation="softmax", name="answer")(x)
    model = kgraph.Model([picture, question], answer, name="visual_question_answering")
    model.compile(kgraph.optimizers.Adam(0.002), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def ask(model, picture, question):
    """Print the question and the model's answer, which is returned."""
    sure = model.predict({"picture": picture[None].astype("float32"), "question": np.array([encode(question)])},
                         verbose=0)[0]
    print(f"{question}? {ANSWERS[sure.argmax()]} ({sure.max():.0%} sure)")
    return ANSWERS[sure.argmax()]


def main():
    kgraph.utils.set_random_seed(3)
    rng = np.random.default_rng(0)
    pictures, questions, answers = zip(*(draw(rng) for _ in range(PICTURES)))
    x = {"picture": np.array(pictures, "float32"), "question": np.array([encode(q) for q in questions], "int32")}
    y = np.array([ANSWERS.index(a) for a in answers], "int32")
    model = build_model()
    model.fit(x, y, epochs=12, batch_size=32, validation_split=0.1, verbose=2)

    picture, _, _ = draw(rng)
    print("\nA new picture, brightest colour of each place:")
    for line in picture[::2, ::2]:
        print("   ", " ".join("rgb"[p.argmax()] if p.max() > 0.5 else "." for p in line))
    left = ask(model, picture, QUESTIONS[0])
    ask(model, picture, QUESTIONS[1])
    ask(model, picture, f"where is the {left} square")
    _, accuracy = model.evaluate({k: v[-300:] for k, v in x.items()}, y[-300:], verbose=0)
    print(f"300 pictures it was not trained on: accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
