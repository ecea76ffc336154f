"""A search over hyperparameters: each trial trains in a process of its own, with the standard library alone.

A trial is a function of plain numbers, so joblib and Optuna take it as it is; docs/guides/machines.md shows the lines.
"""
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from itertools import product

import kgraph
from kgraph import layers

JOBS = 2


def data():
    """Digits to learn from, digits to choose a trial by, and digits that no trial has seen."""
    (x, y), test = kgraph.datasets.digits.load_data()
    return (x[:-300], y[:-300]), (x[-300:], y[-300:]), test


def build_model(units, rate):
    model = kgraph.Sequential([
        kgraph.Input((8, 8)),
        layers.Rescaling(1 / 16),
        layers.Flatten(),
        layers.Dense(units, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile(kgraph.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def trial(units, rate):
    """How well a model with these learns: its accuracy on the digits to choose by, and the model, which is pickled."""
    kgraph.utils.set_random_seed(1)
    train, choose, _ = data()
    model = build_model(units, rate)
    model.fit(*train, epochs=5, batch_size=32, verbose=0)
    return model.evaluate(*choose, verbose=0)[1], model


def share_processors():
    """The processors of the machine are shared among the processes."""
    kgraph.set_num_threads(max(1, multiprocessing.cpu_count() // JOBS))


def main():
    grid = list(product((8, 64), (1e-4, 1e-3, 1e-2)))
    # spawned, not forked: each begins afresh. What one compiled, the next finds in the cache
    with ProcessPoolExecutor(JOBS, multiprocessing.get_context("spawn"), share_processors) as pool:
        found = list(pool.map(trial, *zip(*grid)))
    for (units, rate), (accuracy, _) in zip(grid, found):
        print(f"{units:3} units, rate {rate:g}: {accuracy:.3f}")
    best = max(range(len(grid)), key=lambda i: found[i][0])
    _, accuracy = found[best][1].evaluate(*data()[2], verbose=0)
    print(f"best: {grid[best][0]} units, rate {grid[best][1]:g}; digits not seen before: accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
