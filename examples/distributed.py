"""Digits learnt by several processes: `mpiexec -n 2 python distributed.py`, and alone as well. One line makes it so."""
import numpy as np

import kgraph
from kgraph import layers


def build_model():
    model = kgraph.Sequential([
        kgraph.Input((8, 8, 1)),
        layers.Rescaling(1 / 16),
        layers.Conv2D(16, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main():
    kgraph.distribution.set_distribution(kgraph.distribution.DataParallel())  # the one line
    kgraph.utils.set_random_seed(1)
    (x, y), (x_test, y_test) = kgraph.datasets.digits.load_data()
    x, x_test = x[..., None].astype("float32"), x_test[..., None].astype("float32")
    model = build_model()
    model.fit(x, y, epochs=12, batch_size=64, verbose=2, validation_data=(x_test, y_test))
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    wrong = int(np.sum(np.argmax(model.predict(x_test, verbose=0), -1) != y_test))
    place = kgraph.distribution.distribution()
    if place.data_shard_id == 0:
        print(f"{place.num_processes} processes of {kgraph.get_num_threads()} threads: loss {loss:.3f}, accuracy "
              f"{accuracy:.3f}, {wrong} of {len(y_test)} wrong")


if __name__ == "__main__":
    main()
