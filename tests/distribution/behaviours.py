"""What several processes do beside computing: `mpiexec -n 3 python behaviours.py FOLDER` writes what each check found,
by process, to results.pickle there."""
import os
import pickle
import sys
import warnings
from copy import deepcopy

import numpy as np

import kgraph
from kgraph import layers
from kgraph.distribution import (
    DataParallel,
    DeviceMesh,
    LayoutMap,
    ModelParallel,
    distribution,
    get_device_count,
    set_distribution,
)
from kgraph.training import processes

X = np.random.default_rng(0).normal(size=(84, 6)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 84)
CHECKS = {}
FOLDER = sys.argv[1] if len(sys.argv) > 1 else "."


def check(f):
    CHECKS[f.__name__] = f
    return f


def rank():
    return distribution().data_shard_id


def classifier(seed=7, optimizer="adam"):
    kgraph.utils.set_random_seed(seed)
    model = kgraph.Sequential([kgraph.Input((6,)), layers.Dense(4, activation="tanh"), layers.Dropout(0.2),
                               layers.Dense(3, activation="softmax")])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def weights(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])


def fitted(x, y=None, **kwargs):
    model = classifier()
    model.fit(x, y, epochs=kwargs.pop("epochs", 2), verbose=0, **kwargs)
    return weights(model)


class Batches(kgraph.utils.PyDataset):
    """Batches of some rows, which remembers those that were asked for."""

    def __init__(self, rows, count, **kwargs):
        super().__init__(**kwargs)
        self.rows, self.count, self.asked = rows, count, []

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        self.asked.append(i)
        return X[self.rows * i:self.rows * (i + 1)], Y[self.rows * i:self.rows * (i + 1)]


class File:
    """An array on disk that remembers which rows were read."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.read = array, array.shape, array.dtype, []

    def __getitem__(self, rows):
        self.read += np.arange(len(self.array))[rows].tolist()
        return self.array[rows]


class Sharded:
    """As tf.data has it."""

    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)

    def __len__(self):
        return len(self.items)

    def shard(self, count, index):
        return Sharded(self.items[index::count])


def pieces(rows, stop=84):
    return [(X[a:min(a + rows, stop)], Y[a:min(a + rows, stop)]) for a in range(0, stop, rows)]


@check
def dataset_of_batches():
    data = Batches(6, 14)
    found = fitted(data, shuffle=False)
    return {"weights": found, "asked": data.asked, "alone": fitted(X, Y, shuffle=False, batch_size=18)}


@check
def dataset_shuffled():
    data = Batches(6, 14)
    fitted(data, epochs=1)
    return {"asked": data.asked}


@check
def dataset_with_workers():
    return {"weights": fitted(Batches(6, 14, workers=2), shuffle=False),
            "alone": fitted(X, Y, shuffle=False, batch_size=18)}


@check
def generator():
    given = (piece for _ in range(2) for piece in pieces(12))
    return {"weights": fitted(given, steps_per_epoch=3, epochs=1), "alone": fitted(
        np.concatenate([X, X[:24]]), np.concatenate([Y, Y[:24]]), shuffle=False, batch_size=36, epochs=1)}


@check
def iterable_of_seven():
    return {"weights": fitted(Sharded(pieces(12))), "alone": fitted(X, Y, shuffle=False, batch_size=36)}


@check
def file():
    x, y = File(X), File(Y)
    found = fitted(x, y, shuffle="batch", batch_size=20, epochs=1)
    return {"weights": found, "read": x.read, "alone": fitted(X, Y, shuffle="batch", batch_size=20, epochs=1)}


@check
def data_of_its_own():
    """Other numbers of rows on each process: together they are a batch."""
    starts = [0, 40, 76, 84]
    mine = slice(*starts[rank():rank() + 2])
    with DataParallel(auto_shard_dataset=False).scope():
        found = fitted(X[mine], Y[mine], shuffle=False, batch_size=10, epochs=1)
    together = [np.concatenate([np.arange(84)[a:b][i:i + 10] for a, b in zip(starts, starts[1:])])
                for i in range(0, 40, 10)]
    set_distribution(None)
    alone = fitted(((X[rows], Y[rows]) for rows in together), epochs=1)
    set_distribution(DataParallel())
    return {"weights": found, "alone": alone}


@check
def predictions_in_order():
    model = classifier()
    return {"generator": model.predict((x for x, _ in pieces(12)), verbose=0),
            "dataset": model.predict(Batches(6, 14), verbose=0), "arrays": model.predict(X, batch_size=19, verbose=0)}


@check
def random_start():
    """With other seeds, all begin with the weights of the first."""
    model = classifier(seed=rank())
    before = weights(model)
    model.fit(X, Y, epochs=1, verbose=0)
    return {"before": before, "after": weights(model)}


@check
def again():
    return {"weights": [fitted(X, Y, batch_size=25) for _ in range(2)],
            "tables": [fitted_tables() for _ in range(2)]}


def by_rows(path):
    layout_map = LayoutMap(DeviceMesh((get_device_count(),), ("model",)))
    layout_map[path] = ("model", None)
    return ModelParallel(layout_map=layout_map).scope()


def fitted_tables():
    """Two tables that each process holds some rows of, looked up together."""
    kgraph.utils.set_random_seed(7)
    with by_rows(".*embeddings"):
        words, kinds = kgraph.Input((5,)), kgraph.Input((2,))
        both = layers.Concatenate()([layers.Flatten()(layers.Embedding(rows, 4)(x))
                                     for rows, x in ((13, words), (7, kinds))])
        model = kgraph.Model([words, kinds], layers.Dense(3, activation="softmax")(layers.Dropout(0.2)(both)))
        model.compile("adam", "sparse_categorical_crossentropy")
        indices = np.abs(X * 4).astype(int)
        model.fit([indices[:, :5] % 13, indices[:, 4:] % 7], Y, batch_size=25, epochs=3, verbose=0)
        return weights(model)


class StopsOn(kgraph.callbacks.Callback):
    """One process wants to stop."""

    def __init__(self, who, batch=None):
        super().__init__()
        self.who, self.batch, self.epochs = who, batch, 0

    def sees_batches(self, mode):
        return self.batch is not None

    def on_train_batch_end(self, batch, logs=None):
        if rank() == self.who and batch == self.batch:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1
        if rank() == self.who and epoch == 1 and self.batch is None:
            self.model.stop_training = True


@check
def stopping():
    found = {}
    for name, callback in {"epoch": StopsOn(1), "batch": StopsOn(2, 1)}.items():
        model = classifier()
        history = model.fit(X, Y, epochs=5, verbose=0, callbacks=[callback])
        found[name] = (callback.epochs, len(history.epoch), model.optimizer.iterations.numpy().item())
    early = kgraph.callbacks.EarlyStopping("loss", patience=1, min_delta=10.0)
    found["early"] = len(classifier().fit(X, Y, epochs=9, verbose=0, callbacks=[early]).epoch)
    model = classifier()
    slower = kgraph.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=10.0)
    model.fit(X, Y, epochs=4, verbose=0, callbacks=[slower])
    found["rate"] = float(model.optimizer.learning_rate)
    return found


@check
def files():
    """Each process is given names of its own."""
    name = lambda text: os.path.join(FOLDER, f"{rank()}{text}")
    model = classifier()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[
        kgraph.callbacks.ModelCheckpoint(name("checkpoint.keras"), save_freq=2),
        kgraph.callbacks.CSVLogger(name("log.csv")),
        kgraph.callbacks.BackupAndRestore(name("backup"), delete_checkpoint=False)])
    model.save(name("model.keras"))
    model.save_weights(name("model.weights.h5"))
    processes.agree(None)
    return {"written": sorted(f for f in os.listdir(FOLDER) if f[0] in "012")}


@check
def weights_that_differ():
    class Meddle(kgraph.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if rank() == 2:
                self.model.layers[-1].bias.assign([1.0, 2.0, 3.0])

    try:
        classifier().fit(X, Y, epochs=2, verbose=0, callbacks=[Meddle()])
    except RuntimeError as error:
        return {"error": str(error)}


@check
def tables():
    """What each process holds, and that all see the same."""
    indices, found = np.abs(X[:, :5] * 4).astype(int) % 13, {}
    with by_rows(".*items/embeddings"):
        for name, initializer in {"function": lambda shape, dtype: np.arange(52, dtype=dtype).reshape(shape),
                                  "orthogonal": "orthogonal", "drawn": "uniform"}.items():
            kgraph.utils.set_random_seed(3 + rank())  # the first process says what the weights are
            model = kgraph.Sequential([kgraph.Input((5,)), layers.Embedding(13, 4, initializer, name="items"),
                                       layers.Flatten(), layers.Dense(1)])
            table = model.layers[0].embeddings
            found[name] = (table.numpy(), table.held.copy())
        model.compile("adam", "mse")
        model.fit(indices, Y[:, None], epochs=2, verbose=0)
        found["trained"] = weights(model)
        found["slots"] = [v.held.shape for v in model.optimizer.variables if hasattr(v, "held")]
        copy = kgraph.models.clone_model(model)
        copy.set_weights(model.get_weights())
        found["copy"] = weights(copy)
        found["deep copy"] = deepcopy(table).numpy()
        try:
            model.predict(indices + 13, verbose=0)
        except IndexError as error:
            found["outside"] = str(error)
    try:
        table.numpy()
        set_distribution(None)
        table.numpy()
    except RuntimeError as error:
        found["alone"] = str(error)
    set_distribution(DataParallel())
    return found


@check
def interrupted():
    """Ends in the third epoch; another number of processes goes on."""
    class Stop(kgraph.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    try:
        goes_on(callbacks=[Stop()])
    except KeyboardInterrupt:
        return {"file": sorted(os.listdir(os.path.join(FOLDER, "going_on")))}


def goes_on(callbacks=()):
    model = classifier()
    backup = kgraph.callbacks.BackupAndRestore(os.path.join(FOLDER, "going_on"), delete_checkpoint=False)
    model.fit(X, Y, epochs=4, batch_size=25, verbose=0, callbacks=[backup, *callbacks])
    return weights(model)


def main():
    set_distribution(DataParallel())
    if len(sys.argv) > 2:  # go on with what was interrupted
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = {"weights": goes_on(), "said": [str(w.message) for w in caught],
                     "alone": fitted(X, Y, epochs=4, batch_size=25)}
    else:
        found = {name: run() for name, run in CHECKS.items()}
    everybody = [found] if processes.together.world is None else processes.together.world.gather(found)
    if rank() == 0:
        with open(os.path.join(FOLDER, "results.pickle"), "wb") as f:
            pickle.dump(everybody, f)


if __name__ == "__main__":
    main()
