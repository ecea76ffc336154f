"""Training that has to give the same however many processes share it: `python equal_cases.py FILE` runs all cases and
writes what each gave, `mpiexec -n 3 python equal_cases.py FILE` does it on three."""
import os
import sys

import numpy as np

import kgraph
from kgraph import distribution as d
from kgraph import layers, ops
from kgraph.training.processes import agree

X = np.random.default_rng(0).normal(size=(83, 6)).astype("float32")
LABELS = np.random.default_rng(1).integers(0, 3, 83)
STEPS = np.random.default_rng(2).normal(size=(83, 5, 4)).astype("float32")
IMAGES = np.random.default_rng(3).normal(size=(83, 6, 6, 2)).astype("float32")
WORDS = np.random.default_rng(4).integers(0, 11, (83, 7))
WEIGHTS = np.random.default_rng(5).random(83).astype("float32")
CASES = {}
FOLDER = os.path.splitext(sys.argv[1])[0] if len(sys.argv) > 1 else "."   # of this run alone


def case(f):
    CASES[f.__name__] = f
    return f


def sequential(*inner, shape=(6,)):
    return kgraph.Sequential([kgraph.Input(shape), *inner])


def classifier(*inner, shape=(6,)):
    return sequential(*inner, layers.Dense(3, activation="softmax"), shape=shape)


def trained(model, x, y, optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=("accuracy",), eager=False,
            batch_size=20, epochs=3, **kwargs):
    """What fit gave: history, weights, state of the optimizer, evaluation and predictions."""
    model.compile(optimizer, loss, metrics=list(metrics), run_eagerly=eager)
    history = model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, **kwargs)
    found = {f"history/{k}": np.array(v) for k, v in history.history.items()}
    found |= {f"weights/{i}": w for i, w in enumerate(model.get_weights())}
    found |= {f"optimizer/{i}": v.numpy() for i, v in enumerate(model.optimizer.variables)}
    if isinstance(x, np.ndarray):
        found["evaluate"] = np.array(model.evaluate(x, y, batch_size=batch_size, verbose=0))
        found["predict"] = model.predict(x, batch_size=batch_size, verbose=0)
    return found


@case
def dense_and_dropout():
    return trained(classifier(layers.Dense(8, activation="relu"), layers.Dropout(0.3)), X, LABELS, "adam",
                   validation_data=(X[:31], LABELS[:31]))


@case
def fifty_steps():
    return trained(classifier(layers.Dense(8, activation="tanh"), layers.GaussianNoise(0.1)), X, LABELS, "adam",
                   epochs=10)


@case
def eagerly():
    return trained(classifier(layers.Dense(8, activation="relu"), layers.Dropout(0.3)), X, LABELS, "adam", eager=True,
                   epochs=2)


@case
def convolutions():
    return trained(classifier(layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(), layers.DepthwiseConv2D(2),
                              layers.Flatten(), shape=(6, 6, 2)), IMAGES, LABELS, "rmsprop")


@case
def synchronized_batch_normalization():
    return trained(classifier(layers.Conv2D(4, 3), layers.BatchNormalization(synchronized=True), layers.ReLU(),
                              layers.GlobalAveragePooling2D(), shape=(6, 6, 2)), IMAGES, LABELS)


@case
def recurrent_with_masks():
    inner = (layers.Embedding(11, 4, mask_zero=True), layers.LSTM(5, dropout=0.2, recurrent_dropout=0.2))
    return trained(classifier(*inner, shape=(7,)), WORDS, LABELS, "adam")


@case
def gated_both_ways():
    inner = (layers.Bidirectional(layers.GRU(3, return_sequences=True)), layers.LayerNormalization(),
             layers.GlobalMaxPooling1D())
    return trained(classifier(*inner, shape=(5, 4)), STEPS, LABELS, "nadam")


@case
def attention():
    x = kgraph.Input((5, 4))
    y = layers.MultiHeadAttention(2, 3, dropout=0.1)(x, x)
    y = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(layers.Add()([x, y])))
    # the key's bias changes nothing, so its gradient is rounding: a small epsilon would make steps of that
    return trained(kgraph.Model(x, y), STEPS, LABELS, kgraph.optimizers.AdamW(epsilon=1e-3))


@case
def two_inputs_and_outputs():
    a, b = kgraph.Input((6,), name="a"), kgraph.Input((7,), name="b")
    both = layers.Concatenate()([layers.Dense(4)(a), layers.Flatten()(layers.Embedding(11, 3)(b))])
    model = kgraph.Model([a, b], {"kind": layers.Dense(3, activation="softmax", name="kind")(both),
                                  "size": layers.Dense(1, name="size")(both)})
    model.compile("adam", {"kind": "sparse_categorical_crossentropy", "size": "mse"}, loss_weights={"size": 0.3},
                  metrics={"kind": ["accuracy"], "size": ["mae"]})
    history = model.fit({"a": X, "b": WORDS}, {"kind": LABELS, "size": X[:, :1]}, batch_size=16, epochs=2, verbose=0)
    return {**{k: np.array(v) for k, v in history.history.items()},
            **{f"weights/{i}": w for i, w in enumerate(model.get_weights())}}


@case
def sample_weights_and_regularizers():
    dense = layers.Dense(8, activation="relu", kernel_regularizer="l2",
                         activity_regularizer=kgraph.regularizers.L1(0.01))
    return trained(classifier(dense), X, LABELS, sample_weight=WEIGHTS)


@case
def class_weights():
    return trained(classifier(layers.Dense(4)), X, LABELS, class_weight={0: 1.0, 1: 2.0, 2: 0.5})


@case
def loss_that_is_a_sum():
    return trained(sequential(layers.Dense(3)), X, X[:, :3], kgraph.optimizers.SGD(1e-3),
                   kgraph.losses.Huber(reduction="sum"), ("mae", "cosine_similarity"))


@case
def metrics_of_many_kinds():
    metrics = [kgraph.metrics.AUC(), kgraph.metrics.Precision(), kgraph.metrics.RootMeanSquaredError(),
               kgraph.metrics.MeanAbsoluteError(), kgraph.metrics.R2Score()]
    return trained(sequential(layers.Dense(1, activation="sigmoid")), X, (LABELS > 0).astype("float32")[:, None],
                   "adam", "binary_crossentropy", metrics)


def _optimizer_case(name, make):
    def run():
        return trained(classifier(layers.Dense(4, activation="relu")), X, LABELS, make())
    run.__name__ = name
    case(run)


for _name, _make in {
        "clip_by_norm": lambda: kgraph.optimizers.SGD(0.1, momentum=0.9, clipnorm=0.1),
        "clip_by_global_norm": lambda: kgraph.optimizers.Adam(0.01, global_clipnorm=0.05),
        "clip_by_value": lambda: kgraph.optimizers.SGD(0.1, clipvalue=0.01, nesterov=True, momentum=0.5),
        "weight_decay_and_average": lambda: kgraph.optimizers.AdamW(0.01, weight_decay=0.1, use_ema=True,
                                                                    ema_overwrite_frequency=3),
        "accumulated_gradients": lambda: kgraph.optimizers.Adam(0.01, gradient_accumulation_steps=2),
        "scaled_loss": lambda: kgraph.optimizers.SGD(0.1, loss_scale_factor=128.0),
        "layerwise": lambda: kgraph.optimizers.Lamb(0.01),
        "schedule": lambda: kgraph.optimizers.SGD(kgraph.optimizers.schedules.CosineDecay(0.1, 10))}.items():
    _optimizer_case(_name, _make)


class OwnStep(kgraph.Model):
    """Two tapes, a loss of its own, its own metric."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)
        self.seen = kgraph.metrics.Mean(name="seen")

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        x, y = data
        with kgraph.GradientTape() as tape:
            loss = ops.mean(ops.square(self(x, training=True) - y)) + ops.max(ops.abs(x)) * 0.1
        gradients = tape.gradient(loss, self.trainable_variables)
        norm = ops.sqrt(sum(ops.sum(ops.square(g)) for g in gradients))
        self.optimizer.apply([g / (1.0 + norm) for g in gradients], self.trainable_variables)
        self.seen.update_state(loss)
        return {"seen": self.seen.result(), "norm": norm, "rows": ops.shape(x)[0], "top": ops.max(x)}


@case
def step_of_its_own():
    model = OwnStep()
    model.compile("sgd")
    history = model.fit(X, X[:, :3], batch_size=20, epochs=3, verbose=0)
    return {**{k: np.array(v) for k, v in history.history.items()},
            **{f"weights/{i}": w for i, w in enumerate(model.get_weights())}}


@case
def rows_that_meet():
    """Similarities between all rows of a batch: each process computes all of it."""
    class Contrast(kgraph.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x):
            return self.dense(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return ops.mean(ops.square(ops.matmul(y_pred, ops.transpose(y_pred)))) + ops.mean(y_pred)

    return trained(Contrast(), X, X[:, :3], loss=None, metrics=())


@case
def fixed_batch_size():
    model = kgraph.Sequential([kgraph.Input(batch_shape=(16, 6)), layers.Dense(3, activation="softmax")])
    return trained(model, X[:80], LABELS[:80], batch_size=16)


@case
def fewer_rows_than_processes():
    return trained(classifier(layers.Dense(4, activation="relu"), layers.Dropout(0.5)), X[:7], LABELS[:7], batch_size=2)


@case
def batches_one_by_one():
    model = classifier(layers.Dense(4, activation="relu"), layers.Dropout(0.5))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    logs = [model.train_on_batch(X[a:a + 7], LABELS[a:a + 7]) for a in range(0, 60, 7)]
    return {"logs": np.array(logs), "test": np.array(model.test_on_batch(X[:5], LABELS[:5])),
            "predict": model.predict_on_batch(X[:5]), "one": model.predict_on_batch(X[:1])}


def by_rows():
    """Tables of embeddings whose rows are shared by the processes."""
    mesh = d.DeviceMesh((1, d.get_device_count()), ("batch", "model"))
    layout_map = d.LayoutMap(mesh)
    layout_map[".*embeddings"] = ("model", None)
    return d.ModelParallel(layout_map=layout_map).scope()


def recommender():
    """One table that is looked up twice, with a penalty, and one smaller than there are processes."""
    users, items = kgraph.Input((7,), dtype="int32"), kgraph.Input((), dtype="int32")
    table = layers.Embedding(11, 4, embeddings_regularizer="l2", mask_zero=True, name="words")
    few = layers.Embedding(2, 3, embeddings_constraint=kgraph.constraints.MaxNorm(1.0, axis=1), name="few")
    both = layers.Concatenate()([layers.GRU(4)(table(users)), table(items), layers.Flatten()(few(items // 6))])
    return kgraph.Model([users, items], layers.Dense(3, activation="softmax")(both))


def trained_by_rows(make=lambda: "adam", epochs=2, **kwargs):
    with by_rows():
        model, x = recommender(), [WORDS, WORDS[:, 3]]
        found = trained(model, x, LABELS, make(), epochs=epochs, **kwargs)
        found |= {f"loss/{i}": v for i, v in enumerate(model.evaluate(x, LABELS, batch_size=20, verbose=0))}
        return {**found, "predict": model.predict(x, batch_size=20, verbose=0), "call": model(x).numpy()}


for _name, _make in {
        "adam": lambda: kgraph.optimizers.Adam(0.01, global_clipnorm=0.05),
        "sums": lambda: kgraph.optimizers.SGD(0.1, momentum=0.9, clipnorm=0.1, gradient_accumulation_steps=2),
        "average": lambda: kgraph.optimizers.AdamW(0.01, weight_decay=0.1, use_ema=True, ema_overwrite_frequency=3),
        "layerwise": lambda: kgraph.optimizers.Lamb(0.01),
        "factors": lambda: kgraph.optimizers.Adafactor(0.01)}.items():
    CASES[f"table_{_name}"] = lambda make=_make: trained_by_rows(make)


@case
def table_fifty_steps():
    return trained_by_rows(epochs=10)


@case
def table_eagerly():
    return trained_by_rows(eager=True)


@case
def table_multiplied_as_a_whole():
    with by_rows():
        x = kgraph.Input((7,), dtype="int32")
        table = layers.ReversibleEmbedding(11, 4)
        y = layers.Activation("softmax")(table(table(x), reverse=True))
        return trained(kgraph.Model(x, y), WORDS, WORDS, "adam", epochs=2)


@case
def table_in_files():
    """Whole in every file, and read again as a table or as a plain weight."""
    model, found = None, {}
    with by_rows():
        model = recommender()
        model.compile("adam", "sparse_categorical_crossentropy")
        x = [WORDS, WORDS[:, 3]]
        files = [os.path.join(FOLDER, f"{d.get_device_count()}{end}") for end in (".keras", ".weights.h5", ".h5")]
        backup = kgraph.callbacks.BackupAndRestore(os.path.join(FOLDER, f"backup{d.get_device_count()}"),
                                                   delete_checkpoint=False)
        model.fit(x, LABELS, batch_size=20, epochs=2, verbose=0,
                  callbacks=[kgraph.callbacks.ModelCheckpoint(files[0]), backup])
        model.save_weights(files[1])
        model.save(files[2])
        kept = model.get_weights()
        agree(None)
        again = kgraph.models.load_model(files[0])
        model.set_weights([0 * w for w in kept])
        model.load_weights(files[1])
        for w, a, b in zip(kept, model.get_weights(), again.get_weights()):
            np.testing.assert_array_equal(a, w)
            np.testing.assert_array_equal(b, w)
        again.fit(x, LABELS, batch_size=20, epochs=1, verbose=0)
        found = {f"again/{i}": w for i, w in enumerate(again.get_weights())}
        resumed = recommender()
        resumed.compile("adam", "sparse_categorical_crossentropy")
        resumed.fit(x, LABELS, batch_size=20, epochs=3, verbose=0, callbacks=[backup])
        found |= {f"resumed/{i}": w for i, w in enumerate(resumed.get_weights())}
    plain = kgraph.models.load_model(files[2])
    for w, a in zip(kept, plain.get_weights()):
        np.testing.assert_array_equal(a, w)
    return found


def main(path):
    kgraph.distribution.set_distribution(kgraph.distribution.DataParallel())
    os.makedirs(FOLDER, exist_ok=True)
    found = {}
    for name, run in CASES.items():
        if len(sys.argv) > 2 and sys.argv[2] not in name:
            continue
        kgraph.utils.set_random_seed(7)
        found |= {f"{name}:{key}": value for key, value in run().items()}
    if kgraph.distribution.distribution().data_shard_id == 0:
        np.savez(path, **found)


if __name__ == "__main__":
    main(sys.argv[1])
